//go:build !purego

package quant

import "linquant/internal/cpu"

// The kernels do all n elements on AVX-512, and the first n&^7 on AVX2.

//go:noescape
func requantizeAVX512(dst *byte, acc *int32, n int, multiplier *float32, single bool, p *rounding)

//go:noescape
func requantizeAVX2(dst *byte, acc *int32, n int, multiplier *float32, single bool, p *rounding)

// requantize fills the beginning of dst with the codes of acc, which is not empty, and returns how many they are. There
// is one multiplier, or one an element.
func requantize(tier cpu.Tier, dst []byte, acc []int32, multiplier []float32, p *rounding) int {
	n := len(acc)
	switch tier.Lanes() {
	case 16:
		requantizeAVX512(&dst[0], &acc[0], n, &multiplier[0], len(multiplier) == 1, p)
	case 8:
		n &^= 7
		requantizeAVX2(&dst[0], &acc[0], n, &multiplier[0], len(multiplier) == 1, p)
	default:
		return 0
	}
	return n
}
