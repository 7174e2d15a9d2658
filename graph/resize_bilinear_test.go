package graph_test

import (
	"math"
	"slices"
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// A linear Resize of pictures gives ONNX Runtime's bits (testdata/make_bilinear.py): codes made of them lie in the middle between
// two so often that the last bit decides about many.
func TestResizeBilinear(t *testing.T) {
	var cases []struct {
		Shape       tensor.Shape
		Scales      []float32
		Coordinates string
		X, Y        []uint32 // bits of float32
	}
	readJSON(t, "testdata/bilinear.json", &cases)
	reals := func(bits []uint32) (x []float32) {
		for _, b := range bits {
			x = append(x, math.Float32frombits(b))
		}
		return x
	}
	for _, c := range cases {
		g := graph.New("resize")
		g.AddInput("x", append(tensor.Shape{graph.Batch}, c.Shape[1:]...))
		g.Outputs = []string{g.AddNode(graph.Resize, "resize", "y", graph.Attrs{
			"mode": "linear", "coordinate_transformation_mode": c.Coordinates, "scales": c.Scales,
		}, "x")}
		got := floats(t, eval(t, g, map[string]tensor.Tensor{"x": of(t, c.Shape, reals(c.X))}))
		if want := reals(c.Y); !slices.Equal(got, want) {
			t.Errorf("%v by %v, %s: %v, want %v", c.Shape, c.Scales, c.Coordinates, got, want)
		}
	}
}
