package gemm_test

import (
	"math"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/testing/kerneltest"
)

// A fused product too small for a float32 makes a chain -0, which a clamp at 0 leaves as it is: -0 is not less than 0.
func TestFloat32NegativeZero(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		c := newFloatCase(7, 35, 1, 1, 35, 5)
		if !c.fuses(tier) {
			t.Skip("rounds the product before it is added to +0")
		}
		c.lo = 0
		for i := range c.a {
			c.a[i] = 1e-30
		}
		for j := range c.w {
			c.w[j], c.bias[j] = -1e-30, float32(math.Copysign(0, -1))
		}
		for i, v := range c.run(t, tier) {
			if math.Float32bits(v) != 1<<31 {
				t.Fatalf("%g (%#x) at %d, want -0", v, math.Float32bits(v), i)
			}
		}
	})
}
