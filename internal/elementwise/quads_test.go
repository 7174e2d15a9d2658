package elementwise_test

import (
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
			for range taps * w.Channels {
				d.Weight = append(d.Weight, elementwise.NewWeight(int16(s.IntN(1<<bits)-1<<(bits-1))))
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
