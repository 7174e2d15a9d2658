package engine

import (
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// What meets nothing that wants pictures lies row-major; what is read or made alike with what does lies as that does,
// whichever operand it is and however far from it.
func TestLayout(t *testing.T) {
	g := graph.New("layout")
	g.AddInput("x", tensor.Shape{graph.Batch, 24})
	shape := graph.Attrs{"shape": []int{0, 2, 3, 4}}
	for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
		g.AddNode(graph.Reshape, name, name, shape, "x")
	}
	g.AddNode(graph.Add, "sum", "sum", nil, "a", "b")           // to a pool, after a function
	g.AddNode(graph.Tanh, "tanh", "tanh", nil, "sum")           //
	g.AddNode(graph.GlobalMaxPool, "pool", "pool", nil, "tanh") //
	g.AddNode(graph.Mul, "product", "product", nil, "c", "d")   // to nothing but another reshape
	g.AddNode(graph.Flatten, "flat", "flat", nil, "product")
	g.AddNode(graph.Concat, "join", "join", graph.Attrs{"axis": 1}, "c", "e", "f") // the third operand
	g.AddNode(graph.Flatten, "joined", "joined", nil, "join")
	g.Outputs = []string{"pool", "flat", "joined"}
	g, err := graph.InferShapes(g)
	if err != nil {
		t.Fatal(err)
	}
	picture, matrix := order{2, 12}, rowMajor(24)
	check := func(what string, want map[string]order) {
		t.Helper()
		got := layoutOf(g)
		for name, o := range want {
			if got[name] != o {
				t.Errorf("%s: %q lies as %v, want %v", what, name, got[name], o)
			}
		}
	}
	check("apart", map[string]order{
		"a": picture, "b": picture, "sum": picture, "tanh": picture, "c": matrix, "d": matrix, "product": matrix, "e": matrix, "f": matrix,
		"join": rowMajor(72),
	})
	g.AddNode(graph.GlobalMaxPool, "last", "last", nil, "f")
	g.Outputs = append(g.Outputs, "last")
	if g, err = graph.InferShapes(g); err != nil {
		t.Fatal(err)
	}
	check("joined", map[string]order{
		"c": picture, "d": picture, "product": picture, "e": picture, "f": picture, "join": {6, 12},
	})
}

// A mask that a Cast makes of integers, or a Where chooses, is no picture, and nothing becomes one that it is added to: the rows of attention's
// matrices lie together. Nor does what a Where chooses from, as PyTorch writes it behind a Softmax of rows that may all be hidden.
func TestLayoutOfMask(t *testing.T) {
	g := graph.New("mask")
	g.AddInput("x", tensor.Shape{graph.Batch, 24})
	g.AddInput("ids", tensor.Shape{graph.Batch, 4})
	g.Values["ids"].DType = tensor.Int64
	g.AddNode(graph.Reshape, "heads", "heads", graph.Attrs{"shape": []int{0, 2, 3, 4}}, "x")
	g.AddNode(graph.Unsqueeze, "wide", "wide", graph.Attrs{"axes": []int{1, 2}}, "ids")
	g.AddNode(graph.Cast, "cast", "cast", graph.Attrs{"to": 1}, "wide")
	for name, v := range map[string]float32{"zero": 0, "hidden": -1e9} {
		number, err := tensor.Of(tensor.Shape{}, []float32{v})
		if err != nil {
			t.Fatal(err)
		}
		g.AddConst(name, number)
	}
	g.AddNode(graph.Cast, "bool", "bool", graph.Attrs{"to": 9}, "wide")
	g.AddNode(graph.Where, "mask", "mask", nil, "bool", "zero", "hidden")
	g.AddNode(graph.Add, "cast.masked", "cast.masked", nil, "heads", "cast")
	g.AddNode(graph.Add, "masked", "masked", nil, "cast.masked", "mask")
	g.AddNode(graph.Softmax, "softmax", "softmax", graph.Attrs{"axis": 3}, "masked")
	g.AddNode(graph.IsNaN, "nan", "nan", nil, "softmax")
	g.AddNode(graph.Where, "chosen", "chosen", nil, "nan", "zero", "softmax")
	g.AddNode(graph.Flatten, "flat", "flat", nil, "chosen")
	g.Outputs = []string{"flat"}
	g, err := graph.InferShapes(g)
	if err != nil {
		t.Fatal(err)
	}
	got := layoutOf(g)
	for _, name := range []string{"heads", "cast.masked", "masked", "softmax", "chosen"} {
		if got[name] != rowMajor(24) {
			t.Errorf("%q lies as %v", name, got[name])
		}
	}
}
