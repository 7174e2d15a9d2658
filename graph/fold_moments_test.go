package graph_test

import (
	"context"
	"math"
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// A normalization with γ = −2, β = 3, σ² = 0.99 and ε = 0.01 makes a mean of 3 and a deviation of 2·√0.99 of its training data.
func TestBatchMoments(t *testing.T) {
	g := graph.New("norm")
	g.AddInput("x", tensor.Shape{graph.Batch, 1, 2, 2})
	constant := func(name string, shape tensor.Shape, x ...float32) string {
		v, err := tensor.Of(shape, x)
		if err != nil {
			t.Fatal(err)
		}
		g.AddConst(name, v)
		return name
	}
	c := g.AddNode(graph.Conv, "conv", "c", graph.Attrs{}, "x", constant("w", tensor.Shape{1, 1, 1, 1}, 0.5))
	one := tensor.Shape{1}
	g.AddNode(graph.BatchNormalization, "bn", "y", graph.Attrs{"epsilon": float32(0.01)}, c,
		constant("scale", one, -2), constant("shift", one, 3), constant("mean", one, 7), constant("var", one, 0.99))
	g.Outputs = []string{"y"}
	m, err := graph.BatchMoments(context.Background(), g)
	if err != nil {
		t.Fatal(err)
	}
	y := m["y"]
	if len(m) != 1 || len(y.Mean) != 1 || y.Mean[0] != 3 || math.Abs(y.Std[0]-2*math.Sqrt(0.99)) > 1e-6 {
		t.Errorf("moments %v, want of y a mean of 3 and a deviation of %v", m, 2*math.Sqrt(0.99))
	}
	folded, err := graph.Fold(context.Background(), g)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := graph.BatchMoments(context.Background(), folded); err != nil || len(m) != 0 {
		t.Errorf("of the folded network: %v, %v; want none", m, err)
	}
	if folded.Value("y") == nil {
		t.Error("the value has another name in the folded network")
	}
}
