package graph_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linquant/graph"
	_ "linquant/internal/testing/seeds"
	"linquant/tensor"
)

// ops lists the operators of a graph in order.
func ops(g *graph.Graph) []graph.Op {
	var list []graph.Op
	for _, n := range g.Nodes {
		list = append(list, n.Op)
	}
	return list
}

func names(g *graph.Graph) []string {
	var list []string
	for name := range g.Values {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

func TestFold(t *testing.T) {
	for _, c := range []struct {
		name   string
		make   func(n *net) *graph.Graph
		ops    []graph.Op
		values []string // of the folded graph, sorted; nil: not looked at
	}{
		{"batch norm after a convolution", func(n *net) *graph.Graph {
			return n.outputs(n.norm("bn", n.conv("conv", "x", 3, 4, 1, false), 3))
		}, []graph.Op{graph.Conv}, []string{"bn", "conv.bias", "conv.weight", "x"}},
		{"batch norm after a convolution with bias", func(n *net) *graph.Graph {
			return n.outputs(n.node(graph.Relu, "relu", nil, n.norm("bn", n.conv("conv", "x", 3, 4, 1, true), 3)))
		}, []graph.Op{graph.Conv, graph.Relu}, []string{"bn", "conv.bias", "conv.weight", "relu", "x"}},
		{"batch norm before a convolution", func(n *net) *graph.Graph {
			return n.outputs(n.conv("conv", n.norm("bn", "x", 4), 3, 4, 0, true))
		}, []graph.Op{graph.Conv}, []string{"conv", "conv.bias", "conv.weight", "x"}},
		{"batch norm before a padded convolution", func(n *net) *graph.Graph {
			return n.outputs(n.conv("conv", n.norm("bn", "x", 4), 3, 4, 1, true))
		}, []graph.Op{graph.Conv, graph.Conv}, nil},
		{"batch norm before a grouped convolution", func(n *net) *graph.Graph {
			x := n.norm("bn", "x", 4)
			return n.outputs(n.node(graph.Conv, "conv", graph.Attrs{"group": 2}, x, n.constant("w", 6, 2, 2, 2)))
		}, []graph.Op{graph.Conv}, nil},
		{"two batch norms", func(n *net) *graph.Graph {
			return n.outputs(n.norm("b", n.norm("a", "x", 4), 4))
		}, []graph.Op{graph.Conv}, nil},
		{"batch norm whose convolution is an output", func(n *net) *graph.Graph {
			x := n.conv("conv", "x", 3, 4, 0, false)
			return n.outputs(x, n.norm("bn", x, 3))
		}, []graph.Op{graph.Conv, graph.Conv}, nil},
		{"batch norm whose convolution is read twice", func(n *net) *graph.Graph {
			x := n.conv("conv", "x", 4, 4, 1, false)
			return n.outputs(n.node(graph.Add, "add", nil, x, n.norm("bn", x, 4)))
		}, []graph.Op{graph.Conv, graph.Conv, graph.Add}, nil},
		{"convolutions that share a weight", func(n *net) *graph.Graph {
			x := n.conv("conv", "x", 4, 4, 1, false)
			y := n.node(graph.Conv, "again", graph.Attrs{"pads": []int{1, 1, 1, 1}}, n.norm("bn", x, 4), "conv.weight")
			return n.outputs(y)
		}, []graph.Op{graph.Conv, graph.Conv}, []string{"again", "bn", "conv.bias", "conv.weight", "conv_folded", "x"}},
		{"batch norm of vectors", func(n *net) *graph.Graph {
			x := n.node(graph.Flatten, "flat", nil, n.node(graph.GlobalAveragePool, "pool", nil, "x"))
			return n.outputs(n.norm("bn", x, 4))
		}, []graph.Op{graph.GlobalAveragePool, graph.Flatten, graph.Mul, graph.Add}, nil},
		{"batch norm after a Gemm", func(n *net) *graph.Graph {
			x := n.node(graph.Flatten, "flat", nil, n.node(graph.GlobalAveragePool, "pool", nil, "x"))
			x = n.node(graph.Gemm, "fc", graph.Attrs{"alpha": float32(0.5), "beta": float32(2)}, x, n.constant("fc.weight", 4, 5), n.constant("fc.bias", 1, 5))
			return n.outputs(n.norm("bn", x, 5))
		}, []graph.Op{graph.GlobalAveragePool, graph.Flatten, graph.Gemm}, []string{"bn", "fc.bias", "fc.weight", "flat", "pool", "x"}},
		{"batch norm before a Gemm", func(n *net) *graph.Graph {
			x := n.node(graph.Flatten, "flat", nil, n.node(graph.GlobalAveragePool, "pool", nil, "x"))
			return n.outputs(n.node(graph.Gemm, "fc", nil, n.norm("bn", x, 4), n.constant("fc.weight", 4, 5), n.constant("c", 5)))
		}, []graph.Op{graph.GlobalAveragePool, graph.Flatten, graph.Gemm}, nil},
		{"MatMul and a scalar", func(n *net) *graph.Graph {
			x := n.node(graph.Flatten, "flat", nil, n.node(graph.GlobalAveragePool, "pool", nil, "x"))
			x = n.node(graph.MatMul, "fc", nil, x, n.constant("w", 4, 5))
			return n.outputs(n.node(graph.Add, "sum", nil, x, n.constant("b")))
		}, []graph.Op{graph.GlobalAveragePool, graph.Flatten, graph.Gemm}, nil},
		{"a Gemm whose C is computed", func(n *net) *graph.Graph {
			x := n.node(graph.Flatten, "flat", nil, n.node(graph.GlobalAveragePool, "pool", nil, "x"))
			return n.outputs(n.node(graph.Gemm, "fc", graph.Attrs{"beta": float32(3)}, x, n.constant("w", 4, 4), x))
		}, []graph.Op{graph.GlobalAveragePool, graph.Flatten, graph.Gemm}, nil},
		{"MatMul and batch norm", func(n *net) *graph.Graph {
			x := n.node(graph.Flatten, "flat", nil, n.node(graph.GlobalAveragePool, "pool", nil, "x"))
			return n.outputs(n.norm("bn", n.node(graph.MatMul, "fc", nil, x, n.constant("fc.weight", 4, 5)), 5))
		}, []graph.Op{graph.GlobalAveragePool, graph.Flatten, graph.Gemm}, nil},
		{"MatMul and Add", func(n *net) *graph.Graph {
			x := n.node(graph.Flatten, "flat", nil, n.node(graph.GlobalAveragePool, "pool", nil, "x"))
			x = n.node(graph.MatMul, "fc", nil, x, n.constant("w", 4, 5))
			return n.outputs(n.node(graph.Add, "sum", nil, n.constant("b", 5), x))
		}, []graph.Op{graph.GlobalAveragePool, graph.Flatten, graph.Gemm}, []string{"b", "flat", "pool", "sum", "w", "x"}},
		{"MatMul alone", func(n *net) *graph.Graph {
			x := n.node(graph.Flatten, "flat", nil, n.node(graph.GlobalAveragePool, "pool", nil, "x"))
			return n.outputs(n.node(graph.MatMul, "fc", nil, x, n.constant("w", 4, 5)))
		}, []graph.Op{graph.GlobalAveragePool, graph.Flatten, graph.MatMul}, nil},
		{"constants", func(n *net) *graph.Graph {
			w := n.node(graph.Reshape, "w", graph.Attrs{"shape": []int{3, 4, 1, 1}}, n.constant("flat", 12))
			return n.outputs(n.node(graph.Conv, "conv", nil, "x", n.node(graph.Mul, "scaled", nil, w, n.constant("s", 3, 1, 1, 1))))
		}, []graph.Op{graph.Conv}, []string{"conv", "scaled", "x"}},
		{"identities", func(n *net) *graph.Graph {
			x := n.node(graph.Dropout, "drop", nil, n.node(graph.Identity, "same", nil, "x"))
			x = n.node(graph.Pad, "pad", graph.Attrs{"pads": []int{0, 0, 0, 0, 0, 0, 0, 0}}, x)
			x = n.node(graph.Transpose, "perm", graph.Attrs{"perm": []int{0, 1, 2, 3}}, x)
			x = n.node(graph.Relu, "relu", nil, x)
			x = n.node(graph.Concat, "concat", graph.Attrs{"axis": 1}, n.node(graph.Clip, "clip", nil, x))
			return n.outputs(n.node(graph.Reshape, "out", graph.Attrs{"shape": []int{0, 4, 5, -1}}, x))
		}, []graph.Op{graph.Relu}, []string{"out", "x"}},
		{"an identity between interfaces stays", func(n *net) *graph.Graph {
			y := n.node(graph.Relu, "y", nil, "x")
			return n.outputs(n.node(graph.Identity, "same", nil, "x"), y, n.node(graph.Identity, "z", nil, y))
		}, []graph.Op{graph.Relu, graph.Identity, graph.Identity}, nil},
		{"two names for one value", func(n *net) *graph.Graph {
			y := n.node(graph.Relu, "y", nil, "x")
			a, b := n.node(graph.Identity, "a", nil, y), n.node(graph.Identity, "b", nil, y)
			return n.outputs(a, b, n.node(graph.Add, "c", nil, y, a))
		}, []graph.Op{graph.Relu, graph.Identity, graph.Add}, []string{"a", "b", "c", "x"}},
		{"a reversal is no identity", func(n *net) *graph.Graph {
			return n.outputs(n.node(graph.Slice, "y", graph.Attrs{"starts": []int{-1}, "ends": []int{math.MinInt32}, "axes": []int{2}, "steps": []int{-1}}, "x"))
		}, []graph.Op{graph.Slice}, nil},
		{"an average over neighbours is no identity", func(n *net) *graph.Graph {
			y := n.node(graph.AveragePool, "y", graph.Attrs{"kernel_shape": []int{3, 3}, "pads": []int{1, 1, 1, 1}}, "x")
			return n.outputs(n.node(graph.Relu, "z", nil, y))
		}, []graph.Op{graph.AveragePool, graph.Relu}, nil},
		{"dead nodes", func(n *net) *graph.Graph {
			n.AddInput("unused", tensor.Shape{graph.Batch, 2})
			n.conv("dead", "x", 3, 4, 0, true)
			return n.outputs(n.node(graph.Relu, "y", nil, "x"))
		}, []graph.Op{graph.Relu}, []string{"unused", "x", "y"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			g := c.make(newNet(t, 4, 5, 5))
			before := dump(t, g)
			folded, err := graph.Fold(t.Context(), g)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(before, dump(t, g)); diff != "" {
				t.Errorf("Fold changed its argument: %s", diff)
			}
			if diff := cmp.Diff(c.ops, ops(folded)); diff != "" {
				t.Errorf("operators: %s", diff)
			}
			if c.values != nil {
				if diff := cmp.Diff(c.values, names(folded)); diff != "" {
					t.Errorf("values: %s", diff)
				}
			}
			if err := graph.Check(folded); err != nil {
				t.Error(err)
			}
			settled(t, folded)
			if diff := cmp.Diff(g.Outputs, folded.Outputs); diff != "" {
				t.Errorf("outputs: %s", diff)
			}
			sameResults(t, g, folded)
		})
	}
}

// settled fails unless the values have the shapes and types that follow from the graph's inputs.
func settled(t testing.TB, g *graph.Graph) {
	t.Helper()
	again, err := graph.InferShapes(g)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(dump(t, again), dump(t, g)); diff != "" {
		t.Errorf("the shapes are not those that follow: %s", diff)
	}
}

func dump(t testing.TB, g *graph.Graph) string {
	t.Helper()
	b, err := json.Marshal(g)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Whatever the network, folding it does not change what it computes, and leaves none of what it is to remove.
func TestFoldKeepsResults(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := newNet(t, 4, 5, 5)
		values := []string{"x"} // all [batch, 4, 5, 5]
		for i := range rapid.IntRange(1, 7).Draw(rt, "layers") {
			x := rapid.SampledFrom(values).Draw(rt, "from")
			name := fmt.Sprint("n", i)
			switch rapid.IntRange(0, 7).Draw(rt, "op") {
			case 0, 1:
				x = n.conv(name, x, 4, 4, 1, rapid.Bool().Draw(rt, "bias"))
			case 2, 3:
				x = n.norm(name, x, 4)
			case 4:
				x = n.node(graph.HardSigmoid, name, nil, x)
			case 5:
				x = n.node(graph.Dropout, name, nil, x)
			case 6:
				x = n.node(graph.Add, name, nil, x, rapid.SampledFrom(values).Draw(rt, "and"))
			case 7:
				x = n.node(graph.Conv, name, nil, x, n.constant(name+".w", 4, 4, 1, 1))
			}
			values = append(values, x)
		}
		last := values[len(values)-1]
		x := n.node(graph.Flatten, "flat", nil, n.node(graph.GlobalAveragePool, "pool", nil, last))
		x = n.node(graph.MatMul, "fc", nil, x, n.constant("fc.weight", 4, 3))
		x = n.node(graph.Add, "logits", nil, x, n.constant("fc.bias", 3))
		g := n.outputs(x, rapid.SampledFrom(values[1:]).Draw(rt, "output"))
		folded, err := graph.Fold(rt.Context(), g)
		if err != nil {
			rt.Fatal(err)
		}
		settled(t, folded)
		for _, n := range folded.Nodes {
			if n.Op == graph.BatchNormalization || n.Op == graph.MatMul || n.Op == graph.Dropout && !folded.IsOutput(n.Outputs[0]) {
				rt.Fatalf("%v is left", n)
			}
		}
		sameResults(t, g, folded)
	})
}

func TestFoldBatchNormErrors(t *testing.T) {
	n := newNet(t, 4, 5, 5)
	n.norm("bn", "x", 4)
	n.AddConst("bn.var", of(t, tensor.Shape{4}, []float32{1, 1, -1, 1}))
	_, err := graph.Fold(t.Context(), n.outputs("bn"))
	contains(t, err, `BatchNormalization node "bn"`, "channel 2", "variance -1")
}

// Folding constants does not multiply the size of a file.
func TestFoldConstantsIsBounded(t *testing.T) {
	n := newNet(t, 4)
	x := n.constant("c", 1, 1024)
	for i := range 8 {
		x = n.node(graph.Concat, fmt.Sprint("c", i), graph.Attrs{"axis": 1}, x, x, x, x)
	}
	g, err := graph.Fold(t.Context(), n.outputs(n.node(graph.Relu, "y", nil, "x"), x))
	if err != nil {
		t.Fatal(err)
	}
	if total := graph.Parameters(g); total > 2<<20 {
		t.Errorf("%d constants came of 1024", total)
	}
}

func TestResolve(t *testing.T) {
	n := newNet(t, 3)
	n.AddConst("w", of(t, tensor.Shape{2, 3}, []int8{1, 2, 3, -4, -5, -6}))
	quantize(n.Graph, "w", perChannel(8, 0.5, 0.25))
	n.node(graph.DequantizeLinear, "wf", nil, "w")
	g := n.outputs(n.node(graph.Gemm, "y", graph.Attrs{"transB": 1}, "x", "wf"))
	folded, err := graph.Fold(t.Context(), g)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]graph.Op{graph.DequantizeLinear, graph.Gemm}, ops(folded)); diff != "" {
		t.Errorf("Fold: %s", diff)
	}
	if g, err = graph.Resolve(t.Context(), folded, false); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]float32{0.5, 1, 1.5, -1, -1.25, -1.5}, floats(t, *g.Value("wf").Const)); diff != "" {
		t.Error(diff)
	}
}

func TestMACsAndParameters(t *testing.T) {
	n := newNet(t, 3, 32, 32)
	x := n.conv("conv", "x", 16, 3, 1, true) // 32·32·16·27
	x = n.node(graph.Conv, "depthwise", graph.Attrs{"group": 16, "strides": []int{2, 2}}, x, n.constant("dw", 16, 1, 2, 2))
	x = n.node(graph.Flatten, "flat", nil, n.node(graph.GlobalAveragePool, "pool", nil, x))
	g := n.outputs(n.node(graph.Gemm, "fc", graph.Attrs{"transB": 1}, x, n.constant("fc.weight", 10, 16)))
	macs, err := graph.MACs(g)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64(32*32*16*27 + 16*16*16*4 + 160); macs != want {
		t.Errorf("%d multiplications, want %d", macs, want)
	}
	if got, want := graph.Parameters(g), int64(16*27+16+64+160); got != want {
		t.Errorf("%d parameters, want %d", got, want)
	}
}
