package quant_test

import (
	"testing"

	"linquant/quant"
	"linquant/tensor"
)

// BenchmarkPerChannel is the whole of per-channel weight quantization, scales and codes, on a layer as large as the
// VGG's largest. Bytes are those of the floats.
func BenchmarkPerChannel(b *testing.B) {
	shape := tensor.Shape{512, 512, 3, 3}
	w := noise(512 * 512 * 9)
	q := make([]int8, len(w))
	b.SetBytes(int64(4 * len(w)))
	for b.Loop() {
		p, err := quant.SymmetricParams(w, shape, quant.Int(8), quant.Layout{Per: quant.PerChannel})
		if err != nil {
			b.Fatal(err)
		}
		if err := quant.Quantize(q, w, shape, p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkQuantize(b *testing.B) {
	x := noise(1 << 20)
	p := quant.TensorParams(quant.Uint(8), 0.02, 128)
	q := make([]uint8, len(x))
	b.SetBytes(int64(4 * len(x)))
	for b.Loop() {
		if err := quant.Quantize(q, x, nil, p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDequantize(b *testing.B) {
	q := make([]int8, 1<<20)
	for i := range q {
		q[i] = int8(i)
	}
	x := make([]float32, len(q))
	p := quant.TensorParams(quant.Int(8), 0.02, 3)
	b.SetBytes(int64(4 * len(x)))
	for b.Loop() {
		if err := quant.Dequantize(x, q, nil, p); err != nil {
			b.Fatal(err)
		}
	}
}

// noise returns n reproducible values in (-1, 1).
func noise(n int) []float32 {
	x := make([]float32, n)
	state := uint32(1)
	for i := range x {
		state = state*1664525 + 1013904223
		x[i] = float32(int32(state)) / (1 << 31)
	}
	return x
}
