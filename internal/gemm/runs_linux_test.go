package gemm_test

import (
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
)

// A picture of 3×3 windows, in memory that ends where the last window does.
func TestRunsReadNoFurther(t *testing.T) {
	eachRunsTier(t, func(t *testing.T, tier cpu.Tier) {
		for _, c := range []runsCase{
			{gemm.Runs{Count: 3, Length: 3 * 64, Step: 9 * 64}, 64, 64, 64, 8, 8, 9},
			{gemm.Runs{Count: 3, Length: 3 * 16, Step: 33 * 16}, 17, 16, 20, 32, 3, 33},
			{gemm.Runs{Count: 1, Length: 4, Step: 0}, 5, 4, 5, 100, 1, 100},
		} {
			a := kerneltest.BeforeFault[byte](t, c.bytes())
			for i := range a {
				a[i] = byte(i * 7)
			}
			w := kerneltest.BeforeFault[int8](t, c.n*c.runs.Count*c.runs.Length)
			for i := range w {
				w[i] = int8(i * 5)
			}
			c.check(t, tier, a, w, &gemm.Stage{Bias: make([]int32, c.n), Requant: requantizer(t, 0, 0.001), Flip: 0x80})
		}
	})
}
