package gemm_test

import (
	"fmt"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/quant"
)

// Layers of ResNet-20, one image, and of the VGG: a 3×3 convolution as a product.
var layers = []struct{ m, n, k int }{
	{1024, 16, 144}, {256, 32, 288}, {64, 64, 576}, // ResNet-20
	{256, 256, 2304}, {16, 512, 4608}, // VGG
	{1, 10, 512}, // its classifier
}

func rate(b *testing.B, macs int) {
	b.ReportMetric(float64(macs)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GMAC/s")
}

func BenchmarkInt8(b *testing.B) {
	benchmarkInt8(b, quant.ONNX, 8)
}

// Fixed shows what its output stage costs.
func BenchmarkInt8Fixed(b *testing.B) {
	benchmarkInt8(b, quant.Fixed, 8)
}

// Weights of 7 bits and less have a kernel of their own on AVX2.
func BenchmarkInt8SevenBits(b *testing.B) {
	benchmarkInt8(b, quant.ONNX, 7)
}

func benchmarkInt8(b *testing.B, c quant.Convention, bits int) {
	for _, tier := range cpu.Available() {
		for _, l := range layers {
			b.Run(fmt.Sprintf("%v/%dx%dx%d", tier, l.m, l.n, l.k), func(b *testing.B) {
				next := random(1)
				codes := make([]int8, l.n*l.k)
				for i := range codes {
					codes[i] = int8(next()) >> (8 - bits)
				}
				w := gemm.PackInt8(codes, l.n, l.k, tier)
				s := &gemm.Stage{Bias: make([]int32, l.n), Requant: requantizer(b, c, 0.001), Flip: 0x80}
				dst, a := make([]byte, l.m*l.n), make([]byte, l.m*l.k)
				for b.Loop() {
					w.Mul(dst, l.n, a, l.k, l.m, s)
				}
				rate(b, l.m*l.n*l.k)
			})
		}
	}
}

func BenchmarkFloat32(b *testing.B) {
	for _, tier := range cpu.Available() {
		for _, l := range layers {
			b.Run(fmt.Sprintf("%v/%dx%dx%d", tier, l.m, l.n, l.k), func(b *testing.B) {
				w := gemm.PackFloat32(make([]float32, l.n*l.k), l.n, l.k, tier)
				bias, dst, a := make([]float32, l.n), make([]float32, l.m*l.n), make([]float32, l.m*l.k)
				for b.Loop() {
					w.Mul(dst, l.n, a, l.k, l.m, bias, 0, 6)
				}
				rate(b, l.m*l.n*l.k)
			})
		}
	}
}
