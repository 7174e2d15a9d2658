package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// heavy is a network of which most is weights: two layers run on several examples at once, with steps between them.
func heavy() *graph.Graph {
	b := newBuilder("heavy")
	b.AddInput("x", tensor.Shape{graph.Batch, 3, 32, 32})
	x := b.relu(b.conv("a", "x", 3, 48, 3, 2))
	x = b.AddNode(graph.MaxPool, "small", "small", graph.Attrs{"kernel_shape": []int{3, 3}, "strides": []int{3, 3}}, x)
	x = b.relu(b.conv("wide", x, 48, 640, 3, 1)) // 25 rows
	x = b.AddNode(graph.MaxPool, "max", "max", graph.Attrs{"kernel_shape": []int{2, 2}, "strides": []int{2, 2}}, x)
	x = b.relu(b.conv("point", x, 640, 512, 1, 1)) // 4 rows, where they lie
	x = b.AddNode(graph.GlobalAveragePool, "pool", "pool", nil, x)
	x = b.AddNode(graph.Flatten, "flat", "flat", nil, x)
	x = b.relu(b.gemm("fc", x, 512, 640))
	b.Outputs = []string{b.gemm("out", x, 640, 7)}
	return b.Graph
}

// Examples that are computed together are computed alike.
func TestGroups(t *testing.T) {
	const elements, classes, most = 3 * 32 * 32, 7, 11
	x := pictures(most, elements)
	for name, g := range map[string]*graph.Graph{"float": heavy(), "integer": quantized(heavy(), true, quant.ONNX)} {
		for _, tier := range someTiers() {
			t.Run(fmt.Sprintf("%s/%v", name, tier), func(t *testing.T) {
				for threads := 1; threads <= 2; threads++ {
					p, err := engine.Compile(t.Context(), g, engine.Config{Threads: threads, CPU: tier.String()})
					if err != nil {
						t.Fatal(err)
					}
					if n := engine.Grouped(p); n != 3 {
						t.Errorf("%d steps are run on groups, want 3", n)
					}
					var want []float32
					for i := range most {
						y := make([]float32, classes)
						if err := p.Run(context.Background(), [][]float32{y}, [][]float32{x[i*elements:][:elements]}); err != nil {
							t.Fatal(err)
						}
						want = append(want, y...)
					}
					for _, batch := range []int{2, 3, 4, 5, 8, most} {
						y := make([]float32, batch*classes)
						outputs, inputs := [][]float32{y}, [][]float32{x[:batch*elements]}
						run := func() {
							if err := p.Run(context.Background(), outputs, inputs); err != nil {
								t.Fatal(err)
							}
						}
						run()
						if !slices.Equal(y, want[:len(y)]) {
							t.Errorf("%d threads, batch %d: %v, want %v", threads, batch, y, want[:len(y)])
						}
						engine.Poison(p)
						if threads == 1 && !raceEnabled {
							if n := testing.AllocsPerRun(1, run); n != 0 {
								t.Errorf("%v allocations a run", n)
							}
						}
					}
				}
			})
		}
	}
}
