package graph_test

import (
	"math"
	"testing"

	"linquant/graph"
)

func TestUnaryKeepsNaN(t *testing.T) {
	nan := float32(math.NaN())
	for _, op := range []graph.Op{graph.Relu, graph.Clip, graph.LeakyRelu, graph.Sigmoid, graph.HardSigmoid, graph.HardSwish, graph.Identity} {
		f, ok := graph.Unary(&graph.Node{Op: op})
		if !ok {
			t.Fatalf("Unary does not know %s", op)
		}
		if y := f(nan); y == y {
			t.Errorf("%s(NaN) = %g", op, y)
		}
	}
	if f, _ := graph.Unary(&graph.Node{Op: graph.ThresholdedRelu}); f(nan) != 0 { // as ONNX defines it
		t.Errorf("ThresholdedRelu(NaN) = %g", f(nan))
	}
	if _, ok := graph.Unary(&graph.Node{Op: graph.Softmax}); ok {
		t.Error("Softmax is no function of one value")
	}
}
