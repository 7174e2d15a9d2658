package gemm_test

import (
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
	"linquant/quant"
)

func TestInt8WindowsReadNoFurther(t *testing.T) { eachWindowsTier(t, testInt8WindowsReadNoFurther) }

func testInt8WindowsReadNoFurther(t *testing.T, tier cpu.Tier) {
	for _, n := range []int{1, 10, 16, 17, 40} {
		for _, depth := range []int{4, 8, 20} {
			for _, width := range []int{3, 8, 20} { // of a picture of 3 lines
				a, dst := kerneltest.BeforeFault[byte](t, 3*width*depth), kerneltest.BeforeFault[byte](t, 3*width*n)
				in := func(i, t int) int {
					y, x := i/width+t/3-1, i%width+t%3-1
					if y < 0 || y > 2 || x < 0 || x >= width {
						return -1
					}
					return (y*width + x) * depth
				}
				v := gemm.NewInt8Windows(n, 3*width, 9, depth, 7, in, func(i int) int { return i * n }, tier)
				w := kerneltest.BeforeFault[int8](t, n*9*depth)
				bias := kerneltest.BeforeFault[int32](t, n*v.Kinds())
				copy(bias, v.Biases(gemm.TapSums(w, depth), make([]int32, n), 7))
				s := &gemm.Stage{Bias: make([]int32, n), Requant: requantizer(t, quant.ONNX, 0.01)}
				weight := gemm.PackInt8(w, n, 9*depth, tier)
				weight.MulWindows(dst, a, v, bias, s, 0, v.Tiles(), 0, weight.Panels())
			}
		}
	}
}
