//go:build !purego

package gemm_test

import (
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
)

// Every tier of this processor has a table of its own.
func TestEveryTierHasKernels(t *testing.T) {
	for _, tier := range cpu.Available() {
		if got := gemm.PackInt8([]int8{1}, 1, 1, tier).Tier(); got != tier {
			t.Errorf("int8: %v has the kernel of %v", tier, got)
		}
		if got := gemm.PackFloat32([]float32{1}, 1, 1, tier).Tier(); got != tier {
			t.Errorf("float32: %v has the kernel of %v", tier, got)
		}
	}
}

// NEON's kernel is of signed bytes, and adds two products in 16 bits: here of weights in every pair of places among the
// first few, by the largest and smallest activations. As stored 0 is -128, whose square is the largest product.
func TestInt8ExtremePairs(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for _, values := range [][2]int8{{-128, -128}, {-128, -127}, {-127, -128}, {-127, -127}, {127, 127}} {
			for first := range 6 {
				for second := range first {
					for _, a := range []byte{0, 255} {
						w := func(i int) int8 {
							switch i % 9 {
							case first:
								return values[0]
							case second:
								return values[1]
							default:
								return 0
							}
						}
						checkInt32(t, tier, 5, 18, 9, 9, 18, func(int) byte { return a }, w)
					}
				}
			}
		}
	})
}
