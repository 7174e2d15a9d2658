//go:build !purego

package tensor

import "linquant/internal/cpu"

// The kernels do n elements, a multiple of 16 on AVX-512 and of 8 on AVX2.

//go:noescape
func widenFloat16AVX512(dst *float32, src *byte, n int)

//go:noescape
func widenFloat16AVX2(dst *float32, src *byte, n int)

//go:noescape
func widenBFloat16AVX512(dst *float32, src *byte, n int)

//go:noescape
func widenBFloat16AVX2(dst *float32, src *byte, n int)

// The following do as many elements as there are kernels for, from the first on, and return how many that is.

func widenFloat16Vector(tier cpu.Tier, dst []float32, src []byte) int {
	n := whole(tier, len(dst))
	switch {
	case n == 0:
	case tier.Lanes() == 16:
		widenFloat16AVX512(&dst[0], &src[0], n)
	default:
		widenFloat16AVX2(&dst[0], &src[0], n)
	}
	return n
}

func widenBFloat16Vector(tier cpu.Tier, dst []float32, src []byte) int {
	n := whole(tier, len(dst))
	switch {
	case n == 0:
	case tier.Lanes() == 16:
		widenBFloat16AVX512(&dst[0], &src[0], n)
	default:
		widenBFloat16AVX2(&dst[0], &src[0], n)
	}
	return n
}

// whole returns how many of n elements fill whole vectors.
func whole(tier cpu.Tier, n int) int {
	if lanes := tier.Lanes(); lanes > 1 {
		return n &^ (lanes - 1)
	}
	return 0
}
