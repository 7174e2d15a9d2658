package graph_test

import (
	"math"
	"slices"
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// A coordinate next to the middle between two elements is in the middle, as ONNX Runtime has it (testdata/make_resize.py): so is
// the middle of a symmetric resize, which the steps of float32 miss.
func TestResizeNearest(t *testing.T) {
	var cases []struct {
		In                   int
		Scale                uint32 // bits of a float32
		Coordinates, Nearest string
		Y                    []int
	}
	readJSON(t, "testdata/resize.json", &cases)
	for _, c := range cases {
		scale, x := math.Float32frombits(c.Scale), make([]float32, c.In)
		for i := range x {
			x[i] = float32(i)
		}
		g := graph.New("resize")
		g.AddInput("x", tensor.Shape{graph.Batch, c.In})
		g.Outputs = []string{g.AddNode(graph.Resize, "resize", "y", graph.Attrs{
			"mode": "nearest", "nearest_mode": c.Nearest, "coordinate_transformation_mode": c.Coordinates, "scales": []float32{1, scale},
		}, "x")}
		var got []int
		for _, v := range floats(t, eval(t, g, map[string]tensor.Tensor{"x": of(t, tensor.Shape{1, c.In}, x)})) {
			got = append(got, int(v))
		}
		if !slices.Equal(got, c.Y) {
			t.Errorf("%d elements %g times, %s, %s: %v, want %v", c.In, scale, c.Coordinates, c.Nearest, got, c.Y)
		}
	}
}
