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

// BenchmarkRuns has scales that only few consecutive elements share: groups of 32, and channels on the last axis.
func BenchmarkRuns(b *testing.B) {
	shape := tensor.Shape{1024, 1024}
	x := noise(1 << 20)
	q := make([]int8, len(x))
	for _, c := range []struct {
		name   string
		layout quant.Layout
	}{
		{"group=32", quant.Layout{Per: quant.PerGroup, GroupSize: 32}},
		{"group=8", quant.Layout{Per: quant.PerGroup, GroupSize: 8}},
		{"axis=last", quant.Layout{Per: quant.PerChannel, Axis: 1}},
	} {
		p, err := quant.SymmetricParams(x, shape, quant.Int(8), c.layout)
		if err != nil {
			b.Fatal(err)
		}
		for name, f := range map[string]func() error{
			"params": func() error {
				_, err := quant.SymmetricParams(x, shape, quant.Int(8), c.layout)
				return err
			},
			"quantize":   func() error { return quant.Quantize(q, x, shape, p) },
			"dequantize": func() error { return quant.Dequantize(x, q, shape, p) },
		} {
			b.Run(c.name+"/"+name, func(b *testing.B) {
				b.SetBytes(int64(5 * len(x)))
				for b.Loop() {
					if err := f(); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkRequantize is the output stage alone, of 64 channels. Bytes are those of accumulators and codes.
func BenchmarkRequantize(b *testing.B) {
	const channels = 64
	acc := make([]int32, 1<<18)
	for i := range acc {
		acc[i] = int32(i*7919%20000 - 10000)
	}
	multiplier := make([]float64, channels)
	for i := range multiplier {
		multiplier[i] = 0.01 + float64(i)/10000
	}
	q := make([]uint8, len(acc))
	for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed} {
		b.Run(c.String(), func(b *testing.B) {
			r, err := quant.NewRequantizer(c, multiplier, quant.TensorParams(quant.Uint(8), 1, 128))
			if err != nil {
				b.Fatal(err)
			}
			b.SetBytes(int64(5 * len(acc)))
			for b.Loop() {
				if err := quant.Requantize(q, acc, r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
