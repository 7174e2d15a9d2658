package engine_test

import (
	"context"
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// Reshapes and Transposes between pictures are one move or none, on codes and reals, and give what they give one by one.
func TestRearrangements(t *testing.T) {
	type node struct {
		op   graph.Op
		dims []int
	}
	shape := func(dims ...int) node { return node{graph.Reshape, append([]int{0}, dims...)} }
	perm := func(dims ...int) node { return node{graph.Transpose, append([]int{0}, dims...)} }
	for _, tt := range []struct {
		name  string
		chain []node
		steps []string // between the convolution and the output
	}{
		{"shuffle", []node{shape(2, 18, 5, 4), perm(2, 1, 3, 4), shape(36, 5, 4)}, []string{"Reshape+Transpose+Reshape"}},
		{"shuffle of three", []node{shape(3, 12, 20), perm(2, 1, 3), shape(36, 5, 4)}, []string{"Reshape+Transpose+Reshape"}},
		{"depth to space", []node{shape(3, 3, 4, 5, 4), perm(3, 4, 1, 5, 2), shape(4, 15, 12)}, []string{"Reshape+Transpose+Reshape"}},
		{"space to depth", []node{shape(36, 5, 2, 2), perm(4, 1, 2, 3), shape(72, 5, 2)}, nil},
		{"patches", []node{shape(36, 20), perm(2, 1)}, nil},
		{"patches and back", []node{shape(36, 20), perm(2, 1), perm(2, 1), shape(36, 5, 4)}, nil},
		{"a cut that is no factor", []node{shape(36, 20), perm(2, 1), shape(8, 9, 10)}, []string{"Reshape"}},
		{"windows", []node{perm(2, 3, 1), shape(5, 2, 2, 36), perm(2, 1, 3, 4), shape(2, 10, 36)}, []string{"Transpose+Reshape+Transpose+Reshape"}},
	} {
		for _, codes := range []bool{false, true} {
			name := tt.name
			if codes {
				name += ", codes"
			}
			t.Run(name, func(t *testing.T) {
				b := newBuilder("rearranged")
				b.AddInput("x", tensor.Shape{graph.Batch, 3, 5, 4})
				x := b.conv("c", "x", 3, 36, 3, 1)
				for _, n := range tt.chain {
					attr := "shape"
					if n.op == graph.Transpose {
						attr = "perm"
					}
					x = b.AddNode(n.op, "n"+x, x+"'", graph.Attrs{attr: n.dims}, x)
				}
				b.Outputs = []string{x}
				g := b.Graph
				if codes {
					g = quantized(g, true, quant.ONNX)
				}
				checkGraph(t, g, 3, func(p *engine.Program) {
					var ops []string
					for _, s := range p.Steps() {
						if !slices.Contains([]string{"Load", "QuantizeLinear", "Conv", "DequantizeLinear", "Store"}, s.Op) {
							ops = append(ops, s.Op)
						}
					}
					if !slices.Equal(ops, tt.steps) {
						t.Errorf("the steps are %q, want %q", ops, tt.steps)
					}
				})
			})
		}
	}
}

// checkGraph compares what the network makes of a batch, kept and not, with the reference evaluator. look sees the program that keeps nothing.
func checkGraph(t *testing.T, g *graph.Graph, batch int, look func(*engine.Program)) {
	t.Helper()
	in := g.Values[g.Inputs[0]]
	n, _ := in.Shape[1:].Elements()
	reals := pictures(batch, n)
	x := mustTensor(append(tensor.Shape{batch}, in.Shape[1:]...), reals)
	names := append(computed(g), g.Outputs...)
	want, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{g.Inputs[0]: x}, names)
	if err != nil {
		t.Fatal(err)
	}
	compare := closeReals(g)
	for _, v := range g.Values {
		if v.Quant != nil && v.Const == nil {
			compare = sameElements
		}
	}
	for _, tier := range someTiers() {
		for _, keep := range [][]string{nil, names} {
			for threads := 1; threads <= 2; threads++ {
				p, err := engine.Compile(context.Background(), g, engine.Config{Threads: threads, CPU: tier.String(), Keep: keep})
				if err != nil {
					t.Fatal(err)
				}
				if keep == nil && threads == 1 {
					look(p)
				}
				engine.Divide(p)
				outputs := roomFor(p, batch)
				for range 2 {
					if err := p.Run(context.Background(), outputs, [][]float32{reals}); err != nil {
						t.Fatal(err)
					}
					engine.Poison(p)
				}
				for i, name := range g.Outputs {
					reference, err := realsOf(g.Values[name], want[name])
					if err != nil {
						t.Fatal(err)
					}
					if err := compare(name, mustTensor(reference.Shape, outputs[i]), reference); err != nil {
						t.Fatalf("%v, %d threads, kept %v: %v", tier, threads, keep != nil, err)
					}
				}
				seen := map[string]int{}
				err = p.TraceTensors(context.Background(), [][]float32{reals}, func(name string, got tensor.Tensor) error {
					seen[name]++
					return compare(name, got, exampleOf(want[name], seen[name]-1))
				})
				if err != nil {
					t.Fatalf("%v, traced: %v", tier, err)
				}
				for _, name := range keep {
					if seen[name] != batch {
						t.Errorf("%q was shown %d times for %d examples", name, seen[name], batch)
					}
				}
			}
		}
	}
}
