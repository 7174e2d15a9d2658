package gemm_test

import (
	"fmt"
	"testing"
	"time"

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

// The weights are as wide as those of trained layers, 8 bits a channel: what AVX2 makes of them depends on that.
const trained = 33

func BenchmarkInt8(b *testing.B) { benchmarkInt8(b, quant.ONNX, trained) }

// Fixed shows what its output stage costs.
func BenchmarkInt8Fixed(b *testing.B) { benchmarkInt8(b, quant.Fixed, trained) }

// Weights of 6 bits and less, and those that are nearly all too large for AVX2's groups.
func BenchmarkInt8Small(b *testing.B) { benchmarkInt8(b, quant.ONNX, 9) }
func BenchmarkInt8Large(b *testing.B) { benchmarkInt8(b, quant.ONNX, 90) }

// BenchmarkInt8Peak has all operands in L1, and no output stage.
func BenchmarkInt8Peak(b *testing.B) {
	const m, n, k = 32, 32, 512
	for _, tier := range cpu.Available() {
		b.Run(tier.String(), func(b *testing.B) {
			w := gemm.PackInt8(bell(n*k, trained), n, k, tier)
			dst, a := make([]int32, m*n), make([]byte, m*k)
			best := time.Hour
			for b.Loop() {
				begin := time.Now()
				for range 10 {
					w.MulInt32(dst, n, a, k, m, nil)
				}
				best = min(best, time.Since(begin)/10)
			}
			b.ReportMetric(m*n*k/best.Seconds()/1e9, "best-GMAC/s")
		})
	}
}

func benchmarkInt8(b *testing.B, c quant.Convention, sigma float64) {
	for _, tier := range cpu.Available() {
		for _, l := range layers {
			b.Run(fmt.Sprintf("%v/%dx%dx%d", tier, l.m, l.n, l.k), func(b *testing.B) {
				w := gemm.PackInt8(bell(l.n*l.k, sigma), l.n, l.k, tier)
				s := &gemm.Stage{Bias: make([]int32, l.n), Requant: requantizer(b, c, 0.001), Flip: 0x80}
				dst, a := make([]byte, l.m*l.n), make([]byte, l.m*l.k)
				// The machine may be busy: the best turn is what it can do. A turn is long enough for the clock.
				turn := 1 + 1e6/(l.m*l.n*l.k)
				best := time.Hour
				for b.Loop() {
					begin := time.Now()
					for range turn {
						w.Mul(dst, l.n, a, l.k, l.m, s)
					}
					best = min(best, time.Since(begin)/time.Duration(turn))
				}
				b.ReportMetric(float64(l.m*l.n*l.k)/best.Seconds()/1e9, "best-GMAC/s")
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
