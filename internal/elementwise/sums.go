package elementwise

import (
	"fmt"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// SumChannels is the channels of a panel of sums.
const SumChannels = 16

// Sums fills sums[p·SumChannels+i] with what becomes the code of channel first+i of window p in Codes, for n ≤ SumChannels channels: for
// output stages that are not this package's.
//
//	Bias[c] + Σ_t (src[p·Step + Taps[t] + c] − Zero) · Weight[Weights[t] + c]
func (d *Depthwise) Sums(sums []int32, src []byte, w *Windows, first, n int, tier cpu.Tier) {
	w.check(w.Pixels*w.Channels, len(src), 0)
	d.check(w)
	if first < 0 || n < 1 || n > SumChannels || first > w.Channels-n || len(sums)/SumChannels < w.Pixels {
		panic(fmt.Sprintf("elementwise: channels %d to %d of %d, and %d sums for %d windows", first, first+n, w.Channels, len(sums), w.Pixels))
	}
	if k := kernelsOf(tier); k.depthwiseSums.Has() && n == SumChannels && len(w.Taps) > 0 {
		p := codeParams{
			pixels: w.Pixels, step: w.Step, taps: &w.Taps[0], weights: &w.Weights[0], count: len(w.Taps),
			weight: &d.Weight[first], bias: &d.Bias[first], zero: d.Zero,
		}
		k.depthwiseSums.Get()(&sums[0], &src[first], kernel.NoEscape(&p))
		return
	}
	for p := range w.Pixels {
		row := sums[p*SumChannels:][:n]
		copy(row, d.Bias[first:])
		for t, at := range w.Taps {
			in, weight := src[p*w.Step+at+first:][:n], d.Weight[w.Weights[t]+first:][:n]
			for c, u := range in {
				row[c] += (int32(u) - d.Zero) * int32(int16(weight[c]))
			}
		}
	}
}
