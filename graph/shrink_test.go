package graph_test

import (
	"math"
	"slices"
	"testing"

	"linquant/graph"
)

// The values are those of ONNX's definition; whole networks are compared in TestEveryOperator of internal/testing/e2e, and with
// ONNX Runtime in TestOperatorsAgainstORT of onnx.
func TestShrink(t *testing.T) {
	x := []float32{-2, -1.5, -0.75, -0.5, 0, 0.5, 0.75, 1.5, 2, float32(math.NaN()), float32(math.Inf(-1))}
	for _, c := range []struct {
		attrs graph.Attrs
		want  []float32
	}{
		{nil, []float32{-2, -1.5, -0.75, 0, 0, 0, 0.75, 1.5, 2, 0, float32(math.Inf(-1))}},
		{graph.Attrs{"lambd": float32(1.5)}, []float32{-2, 0, 0, 0, 0, 0, 0, 0, 2, 0, float32(math.Inf(-1))}},
		{graph.Attrs{"bias": float32(1)}, []float32{-1, -0.5, 0.25, 0, 0, 0, -0.25, 0.5, 1, 0, float32(math.Inf(-1))}},
	} {
		f, ok := graph.Unary(&graph.Node{Op: graph.Shrink, Attrs: c.attrs})
		if !ok {
			t.Fatal("it is no function of elements")
		}
		got := make([]float32, len(x))
		for i := range x {
			got[i] = f(x[i])
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%v gives %v, want %v", c.attrs, got, c.want)
		}
	}
}
