package graph_test

import (
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// The zero Graph is one without a name, and nil is none.
func TestZeroGraph(t *testing.T) {
	one, err := tensor.Of(tensor.Shape{1}, []float32{1})
	if err != nil {
		t.Fatal(err)
	}
	var g, constant, node graph.Graph
	constant.AddConst("c", one)
	node.AddNode(graph.Relu, "relu", "y", nil, "x")
	contains(t, graph.Check(&node), "relu", "x")
	g.AddInput("x", tensor.Shape{graph.Batch, 2})
	g.AddConst("c", one)
	g.AddNode(graph.Add, "sum", "y", nil, "x", "c")
	g.Outputs = []string{"y"}
	if err := graph.Check(&g); err != nil {
		t.Error(err)
	}
	if err := graph.Check(g.Clone()); err != nil {
		t.Error(err)
	}
	_, fold := graph.Fold(t.Context(), nil)
	_, shapes := graph.InferShapes(nil)
	_, resolve := graph.Resolve(t.Context(), nil, false)
	_, eval := graph.Eval(t.Context(), nil, nil, nil)
	for _, err := range []error{graph.Check(nil), fold, shapes, resolve, eval} {
		contains(t, err, "there is no graph")
	}
}

// Attributes that no operator has are refused with the near name, as another library calls them.
func TestNearAttributes(t *testing.T) {
	for op, names := range map[graph.Op]map[string]string{
		graph.Conv:      {"pad": "pads", "stride": "strides", "dilation": "dilations", "groups": "group", "kernel_size": "kernel_shape"},
		graph.MaxPool:   {"pad": "pads", "stride": "strides", "kernel": "kernel_shape"},
		graph.Gemm:      {"transb": "transB", "trans_b": "transB"},
		graph.Softmax:   {"axes": "axis", "dim": "axis"},
		graph.LeakyRelu: {"Alpha": "alpha", "negative_slope": "alpha"},
	} {
		for wrong, right := range names {
			g := graph.New("attributes")
			g.AddInput("x", tensor.Shape{graph.Batch, 1, 4, 4})
			g.AddInput("w", tensor.Shape{graph.Batch, 1, 4, 4})
			inputs := []string{"x", "w"}
			if row, _ := graph.Lookup(op); row.Inputs.Most == 1 {
				inputs = inputs[:1]
			}
			g.AddNode(op, "node", "y", graph.Attrs{wrong: []int{1, 1}}, inputs...)
			g.Outputs = []string{"y"}
			contains(t, graph.Check(g), "node", wrong, right)
		}
	}
}
