package graph

import (
	"slices"
	"testing"

	"linquant/tensor"
)

// The bounds of folding in numbers. Of work there is 2²⁶ and 32 for each element of the constants, and a product of an n×n
// constant with itself takes n³ + 8·3n²: 71.9 of 72.4 million for n = 408, and 74.0 of 72.5 for n = 412. Of elements
// there is room for 2²⁰ and 4 for each of the constants: for 8 copies of 2¹⁸ elements, and no more.
func TestFoldBounds(t *testing.T) {
	constant := func(n int) *Graph {
		g := New("g")
		g.AddInput("x", tensor.Shape{Batch, 1})
		a, err := tensor.Of(tensor.Shape{n, n}, make([]float32, n*n))
		if err != nil {
			t.Fatal(err)
		}
		g.AddConst("a", a)
		return g
	}
	product := func(n int) *Graph {
		g := constant(n)
		g.Outputs = []string{"x", g.AddNode(MatMul, "", "y", nil, "a", "a")}
		return g
	}
	copies := func(n int) *Graph {
		g := constant(512)
		g.Outputs = []string{"x", g.AddNode(Concat, "", "y", Attrs{"axis": 0}, slices.Repeat([]string{"a"}, n)...)}
		return g
	}
	for _, tt := range []struct {
		name string
		g    *Graph
		want bool
		slow bool
	}{
		{"product of 408", product(408), true, true},
		{"product of 412", product(412), false, false},
		{"8 copies", copies(8), true, false},
		{"9 copies", copies(9), false, false},
	} {
		if tt.slow && testing.Short() {
			continue
		}
		f, err := Fold(t.Context(), tt.g)
		if err != nil {
			t.Fatal(err)
		}
		if got := f.Values["y"].Const != nil; got != tt.want {
			t.Errorf("%s: it is folded: %v, want %v", tt.name, got, tt.want)
		}
	}
}
