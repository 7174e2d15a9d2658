//go:build !purego

package calib

import "linquant/internal/cpu"

// The kernels fill found[i] with binOf(x[i], perWidth) - base for i < n, and where x[i] is 0 with one of the spare bins;
// and return how many of these x are 0. n is a multiple of 16 on AVX-512 and of 8 on AVX2.

//go:noescape
func findBinsAVX512(found *uint16, x *float32, n int, perWidth float32, base int32) (zeros int)

//go:noescape
func findBinsAVX2(found *uint16, x *float32, n int, perWidth float32, base int32) (zeros int)

// findBins finds the bins of the beginning of x, counted from base, and returns how many numbers that is, 0 where there
// is no kernel or no whole vector, and how many of them are 0. These have spare bins. There is room in found for as many
// as x has.
func findBins(tier cpu.Tier, found []uint16, x []float32, perWidth float32, base int32) (n, zeros int) {
	switch tier.Lanes() {
	case 16:
		if n = len(x) &^ 15; n > 0 {
			zeros = findBinsAVX512(&found[0], &x[0], n, perWidth, base)
		}
	case 8:
		if n = len(x) &^ 7; n > 0 {
			zeros = findBinsAVX2(&found[0], &x[0], n, perWidth, base)
		}
	}
	return n, zeros
}
