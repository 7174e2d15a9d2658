package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/quant"
	"linquant/tensor"
)

// residuals is a network of sums after convolutions of every kind: with a Relu and without, the convolution first and
// second, rows where they lie and in panels, groups, pictures so small that examples are computed together.
func residuals() *graph.Graph {
	b := newBuilder("residuals")
	b.AddInput("x", tensor.Shape{graph.Batch, 3, 32, 32})
	add := func(name, u, v string) string { return b.AddNode(graph.Add, name, name, nil, u, v) }
	x := b.relu(b.conv("stem", "x", 3, 24, 3, 2))
	x = b.relu(add("a", b.conv("a.2", b.relu(b.conv("a.1", x, 24, 24, 3, 1)), 24, 24, 1, 1), x))
	x = add("b", x, b.relu(b.conv("b.1", x, 24, 24, 1, 1))) // a sum of what a Relu makes
	down := b.conv("c.1", x, 24, 64, 3, 2)
	x = b.relu(add("c", down, b.conv("c.2", x, 24, 64, 1, 2))) // only one of the two is alone in being read last
	x = b.relu(add("d", x, b.conv("d.1", x, 64, 64, 3, 1)))
	wide := b.relu(b.conv("e.1", x, 64, 600, 3, 2)) // heavy: on groups of examples
	x = add("e", b.conv("e.2", wide, 600, 600, 1, 1), wide)
	x = b.AddNode(graph.GlobalAveragePool, "pool", "pool", nil, x)
	x = b.AddNode(graph.Flatten, "flat", "flat", nil, x)
	b.Outputs = []string{b.gemm("fc", x, 600, 10)}
	return b.Graph
}

// Sums that are part of a convolution are the reference evaluator's, on every tier, in groups and in parts.
func TestResiduals(t *testing.T) {
	const most, elements, classes = 5, 3 * 32 * 32, 10
	x := pictures(most, elements)
	for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed} {
		g := quantized(residuals(), true, c)
		in := mustTensor(tensor.Shape{most, 3, 32, 32}, x)
		values, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{g.Inputs[0]: in}, g.Outputs)
		if err != nil {
			t.Fatal(err)
		}
		want, err := realsOf(g.Values[g.Outputs[0]], values[g.Outputs[0]])
		if err != nil {
			t.Fatal(err)
		}
		reals, err := want.Float32s()
		if err != nil {
			t.Fatal(err)
		}
		for _, tier := range someTiers() {
			for threads := 1; threads <= 2; threads++ {
				for _, keep := range []bool{false, true} {
					t.Run(fmt.Sprintf("%v/%v/%dthreads/keep=%v", c, tier, threads, keep), func(t *testing.T) {
						p, err := engine.Compile(t.Context(), g, engine.Config{CPU: tier.String(), Threads: threads, KeepAll: keep})
						if err != nil {
							t.Fatal(err)
						}
						least, all := 3, 5 // without those after a convolution that has windows
						if keep || c == quant.Fixed {
							least, all = 0, 0
						}
						if n := countResiduals(p); n < least || n > all || tier == cpu.Generic && n != all {
							t.Errorf("%d sums are part of a layer, want %d to %d", n, least, all)
						}
						engine.Divide(p)
						for _, batch := range []int{1, 2, most} {
							y := make([]float32, batch*classes)
							err := p.Run(context.Background(), [][]float32{y}, [][]float32{x[:batch*elements]})
							if err != nil {
								t.Fatal(err)
							}
							if !slices.Equal(y, reals[:len(y)]) {
								t.Fatalf("batch %d: %v, want %v", batch, y, reals[:len(y)])
							}
						}
					})
				}
			}
		}
	}
}

func countResiduals(p *engine.Program) int {
	n := 0
	for _, s := range p.Steps() {
		if strings.HasPrefix(s.Op, "Conv") && strings.Contains(s.Op, "+Add") {
			n++
		}
	}
	return n
}
