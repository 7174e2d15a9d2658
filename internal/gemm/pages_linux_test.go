package gemm_test

import (
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
)

func TestReadsNoFurther(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for _, m := range []int{1, 4, 7, 17} {
			for _, n := range []int{1, 8, 10, 16, 17, 33} {
				for _, k := range []int{1, 3, 4, 6, 16} {
					bytes, floats := kerneltest.BeforeFault[byte](t, m*k), kerneltest.BeforeFault[float32](t, m*k)
					codes, reals := kerneltest.BeforeFault[byte](t, m*n), kerneltest.BeforeFault[float32](t, m*n)
					w, wf := kerneltest.BeforeFault[int8](t, n*k), kerneltest.BeforeFault[float32](t, n*k)
					s := &gemm.Stage{Bias: kerneltest.BeforeFault[int32](t, n), Requant: requantizer(t, 0, 0.01)}
					gemm.PackInt8(w, n, k, tier).Mul(codes, n, bytes, k, m, s)
					gemm.PackFloat32(wf, n, k, tier).Mul(reals, n, floats, k, m, kerneltest.BeforeFault[float32](t, n), 0, 1)
				}
			}
		}
	})
}

func TestWindowsReadNoFurther(t *testing.T) {
	eachWindowTier(t, func(t *testing.T, tier cpu.Tier) {
		for _, size := range []int{1, 3, 5} {
			for _, n := range []int{1, 16, 17, 33, 64} {
				p := picture{size, size, 3, 1, 1, 1, 9, n, 9, n}
				v, _ := p.windows(tier)
				w := gemm.PackFloat32(kerneltest.BeforeFault[float32](t, n*81), n, 81, tier)
				v.Mul(kerneltest.BeforeFault[float32](t, size*size*n), kerneltest.BeforeFault[float32](t, size*size*9), w,
					kerneltest.BeforeFault[float32](t, n), 0, 1, 0, v.Units(w))
			}
		}
	})
}
