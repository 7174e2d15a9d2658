package gemm_test

import (
	"fmt"
	"testing"
	"time"

	"linquant/internal/cpu"
	"linquant/internal/gemm"
	"linquant/quant"
)

// BenchmarkInt8Windows convolves square pictures by 3×3 windows, and counts the products with padding as if they were
// computed.
func BenchmarkInt8Windows(b *testing.B) {
	for _, tier := range cpu.Available() {
		if gemm.HasInt8Windows(tier, 4, quant.ONNX) {
			b.Run(tier.String(), func(b *testing.B) { benchmarkInt8Windows(b, tier) })
		}
	}
}

func benchmarkInt8Windows(b *testing.B, tier cpu.Tier) {
	for _, l := range []struct{ size, depth, n, images int }{
		{32, 4, 16, 1},
		{32, 16, 16, 1},
		{16, 32, 32, 1},
		{8, 64, 64, 1},
		{8, 64, 64, 4},
		{32, 64, 128, 1},
		{16, 256, 256, 1},
		{16, 256, 256, 4},
		{8, 512, 512, 1},
		{8, 512, 512, 4},
		{4, 512, 512, 4},
	} {
		b.Run(fmt.Sprintf("%d×%dx%dx%d→%d", l.images, l.size, l.size, l.depth, l.n), func(b *testing.B) {
			pixels := l.size * l.size
			in := func(i, t int) int {
				y, x := i%pixels/l.size+t/3-1, i%l.size+t%3-1
				if y < 0 || y >= l.size || x < 0 || x >= l.size {
					return -1
				}
				return (i/pixels*pixels + y*l.size + x) * l.depth
			}
			rows := l.images * pixels
			v := gemm.NewInt8Windows(l.n, rows, 9, l.depth, 128, in, func(i int) int { return i * l.n }, tier)
			w := make([]int8, l.n*9*l.depth)
			weight := gemm.PackInt8(w, l.n, 9*l.depth, tier)
			bias := v.Biases(gemm.TapSums(w, l.depth), make([]int32, l.n), 128)
			s := &gemm.Stage{Bias: make([]int32, l.n), Requant: requantizer(b, quant.ONNX, 0.01)}
			a, dst := make([]byte, rows*l.depth), make([]byte, rows*l.n)
			best := time.Hour // the machine may be busy, and the best of many is what it can do
			for b.Loop() {
				begin := time.Now()
				weight.MulWindows(dst, a, v, bias, s, 0, v.Tiles(), 0, weight.Panels())
				best = min(best, time.Since(begin))
			}
			b.ReportMetric(float64(len(w))*float64(rows)/best.Seconds()/1e9, "best-GMAC/s")
		})
	}
}
