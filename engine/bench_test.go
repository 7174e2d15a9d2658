package engine_test

import (
	"context"
	"fmt"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/quant"
)

// BenchmarkRun measures whole networks of random weights, on every tier and 1 and 2 threads.
func BenchmarkRun(b *testing.B) {
	for _, n := range []struct {
		name string
		g    *graph.Graph
	}{
		{"resnet20/float", resNet(3, 16)},
		{"resnet20/integer", quantized(resNet(3, 16), true, quant.ONNX)},
		{"mixed/float", mixed()},
		{"mixed/integer", quantized(mixed(), true, quant.ONNX)},
	} {
		for _, tier := range cpu.Available() {
			for _, threads := range []int{1, 2} {
				for _, batch := range []int{1, 16} {
					b.Run(fmt.Sprintf("%s/%v/%dthreads/batch%d", n.name, tier, threads, batch), func(b *testing.B) {
						p, err := engine.Compile(b.Context(), n.g, engine.Config{Threads: threads, CPU: tier.String()})
						if err != nil {
							b.Fatal(err)
						}
						x, y := [][]float32{pictures(batch, 3*32*32)}, [][]float32{make([]float32, 10*batch)}
						for b.Loop() {
							if err := p.Run(context.Background(), y, x); err != nil {
								b.Fatal(err)
							}
						}
						b.ReportMetric(float64(batch)*float64(b.N)/b.Elapsed().Seconds(), "img/s")
					})
				}
			}
		}
	}
}
