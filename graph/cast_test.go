package graph_test

import (
	"math"
	"slices"
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// A Cast keeps the low bits of what an integer type does not have, as other runtimes do.
func TestCastWraps(t *testing.T) {
	x := []float32{-1.5, 1.9, 127, 128, 255.5, 256, -129, 40000, -40000}
	for to, want := range map[int][]float32{
		2: {255, 1, 127, 128, 255, 0, 127, 64, 192},
		3: {-1, 1, 127, -128, -1, 0, 127, 64, -64},
		4: {65535, 1, 127, 128, 255, 256, 65407, 40000, 25536},
		5: {-1, 1, 127, 128, 255, 256, -129, -25536, 25536},
		6: {-1, 1, 127, 128, 255, 256, -129, 40000, -40000},
	} {
		g := graph.New("cast")
		g.AddInput("x", tensor.Shape{graph.Batch, len(x)})
		g.Outputs = []string{g.AddNode(graph.Cast, "cast", "y", graph.Attrs{"to": to}, "x")}
		y := eval(t, g, map[string]tensor.Tensor{"x": of(t, tensor.Shape{1, len(x)}, x)})
		if got := floats(t, y); !slices.Equal(got, want) {
			t.Errorf("to %d, %v: %v, want %v", to, y.DType, got, want)
		}
	}
	g := graph.New("cast")
	g.AddInput("x", tensor.Shape{graph.Batch, 1})
	g.Outputs = []string{g.AddNode(graph.Cast, "cast", "y", graph.Attrs{"to": 12}, "x")}
	if _, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{"x": of(t, tensor.Shape{1, 1}, []float32{-1})}, nil); err == nil {
		t.Error("no error of −1 as uint32, which is more than integers are here")
	}
}

// −Inf as an integer is the least that there is, which a Where behind it may leave out; +Inf and NaN are none.
func TestCastOfInfinity(t *testing.T) {
	run := func(x float32, to int) ([]float32, error) {
		g := graph.New("cast")
		g.AddInput("x", tensor.Shape{graph.Batch, 1})
		g.Outputs = []string{g.AddNode(graph.Cast, "cast", "y", graph.Attrs{"to": to}, "x")}
		y, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{"x": of(t, tensor.Shape{1, 1}, []float32{x})}, nil)
		if err != nil {
			return nil, err
		}
		return floats(t, y["y"]), nil
	}
	inf := float32(math.Inf(1))
	for _, to := range []int{6, 7} {
		if y, err := run(-inf, to); err != nil || y[0] != -graph.MostInteger {
			t.Errorf("−Inf to %d: %v, %v", to, y, err)
		}
		for _, x := range []float32{inf, float32(math.NaN()), -1e9} {
			if y, err := run(x, to); err == nil {
				t.Errorf("%g to %d: %v", x, to, y)
			}
		}
	}
	if y, err := run(-inf, 13); err == nil {
		t.Errorf("−Inf to uint64: %v", y)
	}
}
