package e2e

import (
	"context"
	"path/filepath"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/onnx"
	"linquant/ptq"
)

// BenchmarkOpenVGG opens and compiles the quantized VGG, 9.2 million weights, from ONNX.
func BenchmarkOpenVGG(b *testing.B) {
	n := load(b, "vgg")
	q := n.quantize(b, 8, ptq.Config{})
	for _, format := range []onnx.Format{onnx.QDQ, onnx.QOperator} {
		path := filepath.Join(b.TempDir(), "vgg.onnx")
		write(b, path, q, onnx.ExportConfig{Format: format})
		for _, tier := range []cpu.Tier{cpu.Generic, cpu.Best()} {
			b.Run(format.String()+"/"+tier.String(), func(b *testing.B) {
				for b.Loop() {
					f, err := onnx.Open(b.Context(), path)
					must(b, err)
					_ = compile(b, f.Graph, engine.Config{CPU: tier.String()})
					must(b, f.Close())
				}
			})
		}
	}
}

// BenchmarkResNet20 runs batches of 32 images on one thread.
func BenchmarkResNet20(b *testing.B) {
	n := load(b, "resnet20")
	const images = 32
	x := n.images(b, images)
	for _, kind := range []string{"float", "integer"} {
		g := map[string]func() *graph.Graph{
			"float":   func() *graph.Graph { return n.float },
			"integer": func() *graph.Graph { return n.quantize(b, 32, ptq.Config{}) },
		}[kind]()
		for _, tier := range []cpu.Tier{cpu.Generic, cpu.Best()} {
			b.Run(kind+"/"+tier.String(), func(b *testing.B) {
				p := compile(b, g, engine.Config{CPU: tier.String(), Threads: 1})
				in, out := [][]float32{x}, [][]float32{make([]float32, 10*images)}
				for b.Loop() {
					must(b, p.Run(context.Background(), out, in))
				}
				b.ReportMetric(float64(images*b.N)/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}
