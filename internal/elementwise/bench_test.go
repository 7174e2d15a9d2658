package elementwise_test

import (
	"fmt"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/quant"
)

// each measures f on every tier; bytes is what it reads and writes.
func each(b *testing.B, bytes int, f func(tier cpu.Tier)) {
	for _, tier := range cpu.Available() {
		b.Run(tier.String(), func(b *testing.B) {
			b.SetBytes(int64(bytes))
			for b.Loop() {
				f(tier)
			}
		})
	}
}

// A residual of ResNet-20.
func BenchmarkPair(b *testing.B) {
	p := elementwise.Pair{ScaleA: 1.1, ScaleB: 1.2, Scale: 2, Hi: 255}
	x, y, dst := make([]byte, 16384), make([]byte, 16384), make([]byte, 16384)
	each(b, 3*16384, func(tier cpu.Tier) { p.Apply(dst, x, y, tier) })
}

// The products of a MobileNetV3, 28×28 pixels of 120 channels, with a number for each channel.
func BenchmarkMulRows(b *testing.B) {
	p := elementwise.Pair{ScaleA: 0.01, ScaleB: 0.01, Scale: 0.02, Hi: 255, Mul: true}
	x, by, reals, dst := make([]byte, 784*120), make([]byte, 120), make([]float32, 120), make([]byte, 784*120)
	each(b, 2*784*120, func(tier cpu.Tier) { p.MulRows(dst, x, by, reals, tier) })
}

func BenchmarkAddReals(b *testing.B) {
	x, y, dst := make([]float32, 16384), make([]float32, 16384), make([]float32, 16384)
	each(b, 12*16384, func(tier cpu.Tier) { elementwise.AddReals(dst, x, y, 0, 6, tier) })
}

func BenchmarkQuantizer(b *testing.B) {
	q := elementwise.Quantizer{Scale: 0.1, Lo: -128, Hi: 127}
	x, dst := make([]float32, 16384), make([]byte, 16384)
	each(b, 5*16384, func(tier cpu.Tier) { q.Codes(dst, x, tier) })
}

// A line of the first pooling of the VGG, 2×2 of 128 channels.
func BenchmarkMaxCodes(b *testing.B) {
	for _, channels := range []int{128, 58, 24, 12} { // ShuffleNet's pool has 24
		w := elementwise.Windows{Channels: channels, Pixels: 16, Step: 2 * channels, Taps: []int{0, channels, 4096, 4096 + channels}}
		src, dst := make([]byte, 8192), make([]byte, 2048)
		b.Run(fmt.Sprint(channels), func(b *testing.B) {
			each(b, 80*channels, func(tier cpu.Tier) { elementwise.MaxCodes(dst, src, &w, tier) })
		})
	}
}

// A line of a MobileNet's depthwise convolution, 3×3 of 96 channels, and of ones of numbers that are no multiples of 8.
func BenchmarkDepthwise(b *testing.B) {
	for _, channels := range []int{96, 58, 12} {
		b.Run(fmt.Sprint(channels), func(b *testing.B) { benchmarkDepthwise(b, channels) })
	}
}

func benchmarkDepthwise(b *testing.B, channels int) {
	line := 16 * channels
	w := elementwise.Windows{Channels: channels, Pixels: 14, Step: channels}
	for t := range 9 {
		w.Taps, w.Weights = append(w.Taps, t/3*line+t%3*channels), append(w.Weights, t*channels)
	}
	r, err := quant.NewRequantizer(quant.ONNX, []float64{0.01}, quant.TensorParams(quant.Int(8), 1, 0))
	if err != nil {
		b.Fatal(err)
	}
	d := elementwise.Depthwise{Weight: make([]elementwise.Weight, 9*channels), Bias: make([]int32, channels), Requant: r}
	src, dst, sums := make([]byte, 3*line), make([]byte, 14*channels), make([]int32, channels)
	packed := map[cpu.Tier]*elementwise.Depthwise{}
	for _, tier := range cpu.Available() {
		own := d
		own.Pack(9, channels, len(src), tier)
		packed[tier] = &own
	}
	each(b, 4*14*channels, func(tier cpu.Tier) { packed[tier].Codes(dst, src, &w, sums, tier) })
}

// A line of the first layers of ResNet-20, 3×3 of 16 channels.
func BenchmarkGather(b *testing.B) {
	g := elementwise.Gather{Pixels: 30, Lines: 3, Length: 48, DstStep: 144, DstLine: 48, SrcStep: 16, SrcLine: 512}
	src, dst := make([]byte, 3*512), make([]byte, 30*144)
	each(b, 2*30*144, func(tier cpu.Tier) { g.Bytes(dst, src, tier) })
}

// The two halves of a ShuffleNet's channels, taken in turn, and a plane of channels brought to lie channels last.
func BenchmarkTranspose(b *testing.B) {
	for _, m := range []elementwise.Transposed{
		{Rows: 2, Columns: 58, SrcStep: 58, DstStep: 2}, {Rows: 116, Columns: 784, SrcStep: 784, DstStep: 116},
	} {
		src, dst := make([]byte, m.Rows*m.Columns), make([]byte, m.Rows*m.Columns)
		b.Run(fmt.Sprintf("%dx%d", m.Rows, m.Columns), func(b *testing.B) {
			each(b, 2*len(src), func(tier cpu.Tier) { elementwise.Transpose(dst, src, &m, tier) })
		})
	}
}
