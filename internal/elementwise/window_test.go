package elementwise_test

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/testing/kerneltest"
	"linquant/quant"
)

// drawWindows draws windows of at least so many taps over n elements.
func drawWindows(t *rapid.T, leastTaps int) (w elementwise.Windows, n int) {
	w.Channels = rapid.OneOf(rapid.IntRange(1, 70), rapid.SampledFrom([]int{8, 12, 24, 64, 128, 127, 129})).Draw(t, "channels")
	w.Pixels = rapid.IntRange(1, 5).Draw(t, "pixels")
	w.Step = rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "stride") * w.Channels
	for range rapid.IntRange(leastTaps, 10).Draw(t, "taps") {
		at := rapid.IntRange(0, 200).Draw(t, "tap")
		w.Taps = append(w.Taps, at)
		w.Weights = append(w.Weights, rapid.IntRange(0, 3).Draw(t, "weights")*w.Channels)
		n = max(n, at+(w.Pixels-1)*w.Step+w.Channels)
	}
	return w, n
}

func TestMax(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			w, n := drawWindows(t, 1)
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			codes, reals := s.codes(n), s.reals(n)
			size := w.Pixels * w.Channels
			dst, to := newGuarded[byte](size, 0x5a), newGuarded[float32](size, 12345)
			elementwise.MaxCodes(dst.x, codes, &w, tier)
			elementwise.MaxReals(to.x, reals, &w, tier)
			want := make([]float32, size)
			for i := range dst.x {
				at := i/w.Channels*w.Step + i%w.Channels
				most := codes[at+w.Taps[0]]
				want[i] = reals[at+w.Taps[0]]
				for _, tap := range w.Taps[1:] {
					most = max(most, codes[at+tap])
					if v := reals[at+tap]; v > want[i] {
						want[i] = v
					}
				}
				if dst.x[i] != most {
					t.Fatalf("element %d is %d, want %d", i, dst.x[i], most)
				}
			}
			if err := sameBits(to.x, want); err != nil {
				t.Fatal(err)
			}
			dst.check(t)
			to.check(t)
		})
	})
}

func TestMean(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			w, n := drawWindows(t, 1)
			src := newSource(rapid.Uint64().Draw(t, "seed")).reals(n)
			dst := newGuarded[float32](w.Pixels*w.Channels, 12345)
			elementwise.MeanReals(dst.x, src, &w, 7, tier)
			want := make([]float32, len(dst.x))
			for i := range want {
				for _, tap := range w.Taps {
					want[i] += src[i/w.Channels*w.Step+i%w.Channels+tap]
				}
				want[i] /= 7
			}
			if err := sameBits(dst.x, want); err != nil {
				t.Fatal(err)
			}
			dst.check(t)
		})
	})
}

func TestDepthwise(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			w, n := drawWindows(t, 0)
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			d := elementwise.Depthwise{Zero: rapid.Int32Range(0, 255).Draw(t, "zero")}
			for range 4 * w.Channels {
				d.Weight = append(d.Weight, elementwise.NewWeight(int16(s.IntN(511)-255)))
			}
			multipliers := make([]float64, rapid.SampledFrom([]int{1, w.Channels}).Draw(t, "multipliers"))
			for c := range multipliers {
				multipliers[c] = s.Float64() / 512
			}
			for range w.Channels {
				d.Bias = append(d.Bias, int32(s.IntN(40000)-20000))
			}
			params := quant.TensorParams(quant.Int(8), 1, rapid.Int32Range(-128, 127).Draw(t, "to"))
			d.Flip = 0x80
			convention := rapid.SampledFrom([]quant.Convention{
				quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble,
			}).Draw(t, "convention")
			var err error
			if d.Requant, err = quant.NewRequantizer(convention, multipliers, params); err != nil {
				t.Fatal(err)
			}
			d.Requant.Lo = rapid.Int32Range(-128, 0).Draw(t, "lo")
			src, dst := s.codes(n), newGuarded[byte](w.Pixels*w.Channels, 0x5a)
			d.Codes(dst.x, src, &w, make([]int32, w.Channels), tier)
			for i, got := range dst.x {
				c := i % w.Channels
				sum := int64(d.Bias[c])
				for k, tap := range w.Taps {
					sum += (int64(src[i/w.Channels*w.Step+c+tap]) - int64(d.Zero)) * int64(int16(d.Weight[w.Weights[k]+c]))
				}
				if want := byte(d.Requant.Code(int32(sum), c*min(len(multipliers)-1, 1))) ^ 0x80; got != want {
					t.Fatalf("%v, element %d is %d, want %d", convention, i, got, want)
				}
			}
			dst.check(t)
		})
	})
}

func TestDepthwiseReals(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			w, n := drawWindows(t, 0)
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			src, weight, bias := s.reals(n), s.reals(4*w.Channels), s.reals(w.Channels)
			if rapid.Bool().Draw(t, "no bias") {
				bias = nil
			}
			dst, want := newGuarded[float32](w.Pixels*w.Channels, 12345), make([]float32, w.Pixels*w.Channels)
			elementwise.DepthwiseReals(dst.x, src, weight, bias, 0, 6, &w, tier)
			for i := range want {
				c := i % w.Channels
				for k, tap := range w.Taps {
					want[i] += float32(src[i/w.Channels*w.Step+c+tap] * weight[w.Weights[k]+c])
				}
				if bias != nil {
					want[i] += bias[c]
				}
				if want[i] < 0 {
					want[i] = 0
				} else if want[i] > 6 {
					want[i] = 6
				}
			}
			if err := sameBits(dst.x, want); err != nil {
				t.Fatal(err)
			}
			dst.check(t)
		})
	})
}

func TestGather(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			g := elementwise.Gather{
				Pixels: rapid.IntRange(1, 5).Draw(t, "pixels"), Lines: rapid.IntRange(1, 4).Draw(t, "lines"),
				Length:  rapid.IntRange(1, 200).Draw(t, "length"),
				SrcStep: rapid.IntRange(0, 90).Draw(t, "step"), SrcLine: rapid.IntRange(0, 90).Draw(t, "line"),
			}
			g.DstLine = g.Length + rapid.IntRange(0, 2).Draw(t, "gap")
			g.DstStep = g.Lines * g.DstLine
			n, size := (g.Pixels-1)*g.SrcStep+(g.Lines-1)*g.SrcLine+g.Length, g.Pixels*g.DstStep
			s := newSource(1)
			codes := s.codes(n)
			dst := newGuarded[byte](size, 0x5a)
			want := bytes.Clone(dst.x)
			for p := range g.Pixels {
				for l := range g.Lines {
					copy(want[p*g.DstStep+l*g.DstLine:][:g.Length], codes[p*g.SrcStep+l*g.SrcLine:])
				}
			}
			g.Bytes(dst.x, codes, tier)
			if !bytes.Equal(dst.x, want) {
				t.Fatalf("%v, want %v", dst.x, want)
			}
			dst.check(t)

			floats, copied := make([]float32, n), newGuarded[float32](size, -1)
			for i, u := range codes {
				floats[i] = float32(u)
			}
			elementwise.Copy(copied.x, floats, &g, tier)
			for p := range g.Pixels {
				for i := range g.Lines * g.DstLine {
					want := float32(-1)
					if l, at := i/g.DstLine, i%g.DstLine; at < g.Length {
						want = floats[p*g.SrcStep+l*g.SrcLine+at]
					}
					if got := copied.x[p*g.DstStep+i]; got != want {
						t.Fatalf("float %d of window %d is %g, want %g", i, p, got, want)
					}
				}
			}
			copied.check(t)
		})
	})
}

// The sums of blocks of 64 taps are added in float64, in every tier alike, and the error of a large window is that of one
// rounding.
func TestMeanOfLargeWindows(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for _, c := range []struct{ taps, channels, pixels int }{{64, 5, 2}, {65, 1, 1}, {128, 64, 3}, {200, 70, 2}, {4097, 3, 1}, {1 << 16, 17, 1}} {
			w := elementwise.Windows{Channels: c.channels, Pixels: c.pixels, Step: 3 * c.channels}
			for i := range c.taps {
				w.Taps = append(w.Taps, i*c.channels)
			}
			src := make([]float32, (c.taps+3*c.pixels)*c.channels)
			for i := range src {
				src[i] = float32(i*7919%10007)/10007 + 0.5
			}
			dst := newGuarded[float32](c.pixels*c.channels, 12345)
			elementwise.MeanReals(dst.x, src, &w, float32(c.taps), tier)
			dst.check(t)
			for i, got := range dst.x {
				exact, sum, block := 0.0, 0.0, float32(0)
				for k, tap := range w.Taps {
					v := src[i/c.channels*w.Step+i%c.channels+tap]
					exact += float64(v)
					if block += v; k%64 == 63 || k == c.taps-1 {
						sum, block = sum+float64(block), 0
					}
				}
				want := float32(sum / float64(c.taps))
				if c.taps == 64 {
					want = float32(sum) / 64
				}
				if got != want {
					t.Fatalf("%+v: element %d is %v, want %v", c, i, got, want)
				}
				exact /= float64(c.taps)
				if d := math.Abs(float64(got)-exact) / exact; d > 0x1p-22 {
					t.Fatalf("%+v: element %d is %v, exactly %v: %.2g apart", c, i, got, exact, d)
				}
			}
		}
	})
}
