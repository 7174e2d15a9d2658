package elementwise

import (
	"math"

	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Normalize fills dst with (x − mean)·factor·scale + shift, every step rounded to float64 and the result to float32,
// where
//
//	mean   = Σ x / n, or 0 without center
//	factor = 1 / √(Σ (x − mean)² / n + epsilon)
//
// All are of one length, and dst may be x.
func Normalize(dst, x, scale, shift []float32, epsilon float64, center bool, tier cpu.Tier) {
	n := len(dst)
	x, scale, shift = x[:n], scale[:n], shift[:n]
	if n == 0 {
		return
	}
	k, mean := kernelsOf(tier), 0.0
	if center {
		var s [4]float64
		if k.sum.Has() {
			k.sum.Get()(&x[0], n, kernel.NoEscape(&s))
		} else {
			for i, v := range x {
				s[i%4] += float64(v)
			}
		}
		mean = ((s[0] + s[1]) + (s[2] + s[3])) / float64(n)
	}
	var s [4]float64
	if k.squares.Has() {
		k.squares.Get()(&x[0], n, mean, kernel.NoEscape(&s))
	} else {
		for i, v := range x {
			d := float64(v) - mean
			s[i%4] += float64(d * d)
		}
	}
	factor := 1 / math.Sqrt(((s[0]+s[1])+(s[2]+s[3]))/float64(n)+epsilon)
	if k.scale.Has() {
		k.scale.Get()(&dst[0], &x[0], &scale[0], &shift[0], n, mean, factor)
		return
	}
	for i, v := range x {
		dst[i] = float32(float64((float64(v)-mean)*factor*float64(scale[i])) + float64(shift[i]))
	}
}
