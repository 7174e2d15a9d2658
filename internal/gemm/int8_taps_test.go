package gemm_test

import (
	"fmt"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/internal/testing/kerneltest"
	"linquant/quant"
)

// AVX2 has kernels for windows of deep rows only, of which rapid would draw few. Weights are such that steps are in groups
// of three, of two, and alone, or in segments; a picture in a frame of padding, and more taps than a call of the kernel takes.
func TestInt8WindowsAVX2(t *testing.T) {
	if !cpu.Has(cpu.AVX2) || !gemm.HasInt8Windows(cpu.AVX2, 192, quant.ONNX) {
		t.Skip("no AVX2")
	}
	for _, size := range []struct{ height, width, kernel int }{{1, 1, 1}, {1, 7, 3}, {4, 4, 3}, {2, 3, 5}} {
		for _, n := range []int{1, 10, 32, 41} {
			for i, sigma := range []float64{12, 33, 90, 2, 4} { // the last two of few bits
				t.Run(fmt.Sprint(size, n, sigma), func(t *testing.T) {
					c := codeWindows{
						outputs: size.height * size.width, taps: size.kernel * size.kernel, depth: 192 + 4*i, n: n,
						zero: 77, flip: 0x80, requant: requantizer(t, conventions[i%2], 0.0003),
					}
					c.lda, c.ldd = c.depth+i, c.n+3
					for at := range c.outputs {
						for tap := range c.taps {
							y, x := at/size.width+tap/size.kernel-size.kernel/2, at%size.width+tap%size.kernel-size.kernel/2
							row := -1
							if y >= 0 && y < size.height && x >= 0 && x < size.width {
								row = y*size.width + x
							}
							c.rows = append(c.rows, row)
						}
					}
					next := kerneltest.Random(uint64(n))
					c.a = make([]byte, (c.outputs-1)*c.lda+c.depth)
					for i := range c.a {
						c.a[i] = byte(next())
					}
					c.w = bell(n*c.taps*c.depth, sigma)
					c.bias = make([]int32, n)
					c.check(t, cpu.AVX2, 2, 1)
				})
			}
		}
	}
}
