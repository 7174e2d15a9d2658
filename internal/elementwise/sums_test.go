package elementwise_test

import (
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/testing/kerneltest"
	"linquant/quant"
)

// Sums of some channels are those of the definition, and nothing is written behind them.
func TestDepthwiseSums(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			w := elementwise.Windows{Channels: rapid.OneOf(rapid.IntRange(1, 40), rapid.Just(16)).Draw(t, "channels")}
			w.Pixels, w.Step = rapid.IntRange(1, 7).Draw(t, "pixels"), rapid.IntRange(0, 90).Draw(t, "step")
			d := elementwise.Depthwise{Zero: rapid.Int32Range(0, 255).Draw(t, "zero")}
			for k := range rapid.IntRange(0, 10).Draw(t, "taps") {
				w.Taps, w.Weights = append(w.Taps, s.IntN(300)), append(w.Weights, k*w.Channels)
				for range w.Channels {
					d.Weight = append(d.Weight, elementwise.NewWeight(int16(s.IntN(511)-255)))
				}
			}
			for range w.Channels {
				d.Bias = append(d.Bias, int32(s.Uint32()))
			}
			var err error
			if d.Requant, err = quant.NewRequantizer(quant.Fixed, []float64{0.1}, quant.TensorParams(quant.Int(8), 1, 0)); err != nil {
				t.Fatal(err)
			}
			n := min(w.Channels, rapid.SampledFrom([]int{16, 16, 1, 7, 15}).Draw(t, "n"))
			first := rapid.IntRange(0, w.Channels-n).Draw(t, "first")
			src := s.codes(299 + (w.Pixels-1)*w.Step + w.Channels)
			sums := newGuarded[int32](w.Pixels*elementwise.SumChannels, 77)
			d.Sums(sums.x, src, &w, first, n, tier)
			for p := range w.Pixels {
				for c := range n {
					want := d.Bias[first+c]
					for k, at := range w.Taps {
						want += (int32(src[p*w.Step+at+first+c]) - d.Zero) * int32(int16(d.Weight[w.Weights[k]+first+c]))
					}
					if got := sums.x[p*elementwise.SumChannels+c]; got != want {
						t.Fatalf("pixel %d, channel %d of %d from %d on: %d, want %d", p, c, n, first, got, want)
					}
				}
			}
			sums.check(t)
		})
	})
}
