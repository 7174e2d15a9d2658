package quant

import (
	"testing"

	"linquant/internal/testing/kerneltest"
)

func TestReadsNoFurther(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		for n := 1; n < 140; n++ {
			x, q := kerneltest.BeforeFault[float32](t, n), kerneltest.BeforeFault[uint8](t, n)
			scale, zero := kerneltest.BeforeFault[float32](t, n), kerneltest.BeforeFault[int32](t, n)
			for i := range scale {
				scale[i] = 1
			}
			quantizeRun(v, q, x, 1, 0, 0, 255)
			dequantizeRun(v, x, q, 1, 0)
			quantizeColumns(v.tier, q, x, scale, zero, 0, 255)
			dequantizeColumns(v.tier, x, q, scale, zero)
			if lo, hi, finite := extremes(v, x); lo != 0 || hi != 0 || !finite {
				t.Errorf("%d zeros lie in [%v, %v]", n, lo, hi)
			}
		}
	})
}
