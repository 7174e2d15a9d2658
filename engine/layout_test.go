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
