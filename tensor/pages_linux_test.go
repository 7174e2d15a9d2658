package tensor

import (
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/testing/kerneltest"
)

func TestReadsNoFurther(t *testing.T) {
	for _, tier := range cpu.Available() {
		for _, h := range halves {
			for n := 1; n < 70; n++ {
				codes, x := kerneltest.BeforeFault[byte](t, 2*n), kerneltest.BeforeFault[float32](t, n)
				h.widen(tier, x, codes)
			}
		}
	}
}
