//go:build !purego

package elementwise

import "linquant/internal/cpu"

// These kernels have 256 bits on every tier: they wait for memory.

// extremesAVX2 returns the smallest and the largest of n elements and 0; a NaN counts for nothing. n is a multiple of 8.
//
//go:noescape
func extremesAVX2(x *float32, n int) (lo, hi float32)

// scaledAVX2 fills dst[j] = clamp(float32(sums[j])·scale[j] + bias[j], lo, hi) for j < n, every step rounded to float32.
// n is a multiple of 8 in this and the next two.
//
//go:noescape
func scaledAVX2(dst *float32, sums *int32, scale, bias *float32, n int, lo, hi float32)

// scaledZeroAVX2 is scaledAVX2 of sums[j] − zero[j]·row.
//
//go:noescape
func scaledZeroAVX2(dst *float32, sums *int32, scale, bias *float32, zero *int32, row int32, n int, lo, hi float32)

// centredAVX2 fills dst[i] = RNE(clamp(src[i]/q.Scale, q.Lo, q.Hi)), where a quotient that is NaN counts as 0.
//
//go:noescape
func centredAVX2(dst, src *float32, n int, q *Quantizer)

// eights returns how many of n elements the kernels here do.
func eights(n int, t cpu.Tier) int {
	if has256(t) || has512(t) {
		return n &^ 7
	}
	return 0
}

func extremesVector(x []float32, tier cpu.Tier) (done int, lo, hi float32) {
	n := eights(len(x), tier)
	if n > 0 {
		lo, hi = extremesAVX2(&x[0], n)
	}
	return n, lo, hi
}

func (s *Scaled) vector(dst []float32, sums []int32, row int32, tier cpu.Tier) int {
	n := eights(len(dst), tier)
	switch {
	case n == 0:
	case s.Zero == nil:
		scaledAVX2(&dst[0], &sums[0], &s.Scale[0], &s.Bias[0], n, s.Lo, s.Hi)
	default:
		scaledZeroAVX2(&dst[0], &sums[0], &s.Scale[0], &s.Bias[0], &s.Zero[:n][0], row, n, s.Lo, s.Hi)
	}
	return n
}

func (q *Quantizer) centredVector(dst, src []float32, tier cpu.Tier) int {
	n := eights(len(dst), tier)
	if n > 0 {
		centredAVX2(&dst[0], &src[0], n, q)
	}
	return n
}
