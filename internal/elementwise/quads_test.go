package elementwise_test

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/testing/kerneltest"
	"linquant/quant"
)

// Packed weights give the codes of those that are not, whatever taps are in the padding; so do weights that cannot be
// packed.
func TestDepthwisePacked(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			w := elementwise.Windows{Channels: rapid.IntRange(1, 200).Draw(t, "channels")}
			w.Pixels = rapid.IntRange(1, 9).Draw(t, "pixels")
			w.Step = rapid.IntRange(1, 2).Draw(t, "stride") * w.Channels
			taps := rapid.OneOf(rapid.IntRange(1, 30), rapid.SampledFrom([]int{63, 64, 65})).Draw(t, "taps")
			last := 0
			for k := range taps {
				if s.IntN(4) > 0 {
					last = s.IntN(500)
					w.Taps, w.Weights = append(w.Taps, last), append(w.Weights, k*w.Channels)
				}
			}
			bits := rapid.SampledFrom([]int{4, 8, 9}).Draw(t, "bits")
			d := elementwise.Depthwise{Zero: rapid.Int32Range(0, 255).Draw(t, "zero"), Flip: byte(s.IntN(2)) * 0x80}
			limits := rapid.Bool().Draw(t, "limits") // of sums and of codes
			for range taps * w.Channels {
				v := s.IntN(1<<bits) - 1<<(bits-1)
				if limits {
					v = []int{-128, -127, -1, 0, 1, 127}[s.IntN(6)]
				}
				d.Weight = append(d.Weight, elementwise.NewWeight(int16(v)))
			}
			multipliers := make([]float64, rapid.SampledFrom([]int{1, w.Channels}).Draw(t, "multipliers"))
			for c := range multipliers {
				multipliers[c] = s.Float64() / 512 * rapid.SampledFrom([]float64{1, 1, 200, 400, 4000}).Draw(t, "size")
			}
			large := rapid.Bool().Draw(t, "large biases") // of which a product leaves int32
			for range w.Channels {
				bias := int32(s.IntN(40000) - 20000)
				if large {
					bias = int32(s.Uint32())
				}
				d.Bias = append(d.Bias, bias)
			}
			kind := quant.Int(8)
			if d.Flip == 0 {
				kind = quant.Uint(8)
			}
			params := quant.TensorParams(kind, 1, rapid.Int32Range(0, 127).Draw(t, "to"))
			convention := rapid.SampledFrom([]quant.Convention{quant.ONNX, quant.Torch, quant.Fixed}).Draw(t, "convention")
			var err error
			if d.Requant, err = quant.NewRequantizer(convention, multipliers, params); err != nil {
				t.Fatal(err)
			}
			d.Requant.Lo += rapid.Int32Range(0, 100).Draw(t, "lo")
			d.Requant.Hi -= rapid.Int32Range(0, 100).Draw(t, "hi")
			span := (w.Pixels-1)*w.Step + w.Channels
			src, sums := s.codes(500+span), make([]int32, w.Channels)
			if limits {
				for i := range src {
					src[i] = byte(-s.IntN(2))
				}
			}
			want := make([]byte, w.Pixels*w.Channels)
			d.Codes(want, src, &w, sums, cpu.Generic)
			d.Pack(taps, w.Channels, rapid.SampledFrom([]int{span, span + 5, span - 1}).Draw(t, "span"), tier)
			dst := newGuarded[byte](len(want), 0x5a)
			d.Codes(dst.x, src, &w, sums, tier)
			for i, got := range dst.x {
				if got != want[i] {
					t.Fatalf("%v, %d bits, element %d is %d, want %d", convention, bits, i, got, want[i])
				}
			}
			dst.check(t)
		})
	})
}

// Weights whose products with codes of 255 leave int16 by twos are exact, whichever of the two can be negated, for
// every kernel that packed weights have.
func TestDepthwiseLimits(t *testing.T) {
	pairs := [][2]int16{
		{127, 127},
		{-127, -127},
		{-128, -1},
		{-1, -128},
		{-128, 127},
		{127, -128},
		{64, 64},
		{64, 65},
		{-64, -64},
		{-64, -65},
		{1, 127},
		{127, 2},
		{-2, -127},
		{-128, 0},
		{0, -128},
		{-128, -128}, // none of the last can be negated
	}
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for _, taps := range []int{1, 2, 3, 4, 5, 9, 12, 25} {
			for _, without := range []int{0, 1, 13} { // pairs
				pairs := pairs[:len(pairs)-without]
				if without == 13 {
					pairs = pairs[:2] // of which the first of two can be negated
				}
				for _, mixed := range []bool{false, true} { // codes
					const channels, pixels = 40, 3
					w := elementwise.Windows{Channels: channels, Pixels: pixels, Step: channels}
					multiplier := 1. / 16
					if mixed {
						multiplier = 1. / (1 << 13)
					}
					r, err := quant.NewRequantizer(quant.ONNX, []float64{multiplier}, quant.TensorParams(quant.Uint(8), 1, 100))
					if err != nil {
						t.Fatal(err)
					}
					d := elementwise.Depthwise{Bias: make([]int32, channels), Requant: r, Zero: 7}
					for k := range taps {
						w.Taps, w.Weights = append(w.Taps, k*channels), append(w.Weights, k*channels)
						for c := range channels {
							v := pairs[(c+k/2)%len(pairs)][k%2]
							d.Weight = append(d.Weight, elementwise.NewWeight(v))
							d.Bias[c] -= (255 - d.Zero) * int32(v) // so that sums are 0, and codes tell what is missing of them
						}
					}
					src, sums := bytes.Repeat([]byte{255}, (taps+pixels)*channels), make([]int32, channels)
					if mixed {
						src = newSource(1).codes(len(src))
					}
					want, got := make([]byte, pixels*channels), make([]byte, pixels*channels)
					d.Codes(want, src, &w, sums, cpu.Generic)
					d.Pack(taps, channels, pixels*channels, tier)
					d.Codes(got, src, &w, sums, tier)
					for i := range want {
						if got[i] != want[i] {
							t.Fatalf("%d taps, %d pairs: element %d is %d, want %d", taps, len(pairs), i, got[i], want[i])
						}
					}
				}
			}
		}
	})
}

// Runs of a line have the codes that each has alone, packed or not, however many wait, and whether outputs follow each
// other or not.
func TestDepthwiseLine(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			channels := rapid.SampledFrom([]int{8, 32, 40, 70}).Draw(t, "channels")
			taps := rapid.SampledFrom([]int{4, 9, 25, 64}).Draw(t, "taps")
			torch := rapid.Bool().Draw(t, "torch")
			convention := quant.ONNX
			if torch {
				convention = quant.Torch
			}
			r, err := quant.NewRequantizer(convention, []float64{1. / 128}, quant.TensorParams(quant.Uint(8), 1, int32(s.IntN(2)*100)))
			if err != nil {
				t.Fatal(err)
			}
			d := elementwise.Depthwise{Bias: make([]int32, channels), Requant: r, Zero: int32(s.IntN(256))}
			for range taps * channels {
				d.Weight = append(d.Weight, elementwise.NewWeight(int16(s.IntN(255)-127)))
			}
			packed := d
			packed.Pack(taps, channels, 9*channels, tier)
			src, sums := s.codes(100*channels), make([]int32, channels)
			var line elementwise.Line
			want := make([]byte, 60*channels)
			dst := newGuarded[byte](len(want), 0)
			at := 0
			for range rapid.IntRange(1, 12).Draw(t, "runs") {
				w := elementwise.Windows{Channels: channels, Pixels: 1 + s.IntN(4), Step: (1 + s.IntN(8)/7) * channels}
				for k := range taps {
					if s.IntN(4) > 0 {
						w.Taps, w.Weights = append(w.Taps, s.IntN(40*channels)), append(w.Weights, k*channels)
					}
				}
				at += s.IntN(8) / 7 * channels // a gap
				from := s.IntN(50) * channels
				d.Codes(want[at:], src[from:], &w, sums, cpu.Generic)
				packed.Add(&line, dst.x[at:], src[from:], &w, sums, tier)
				at += w.Pixels * channels
			}
			packed.Flush(&line, tier)
			packed.Flush(&line, tier) // of nothing
			for i, got := range dst.x {
				if got != want[i] {
					t.Fatalf("element %d is %d, want %d", i, got, want[i])
				}
			}
			dst.check(t)
		})
	})
}
