package graph_test

import (
	"math"
	"slices"
	"strings"
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

// The nearest elements are copied, whatever they are; integers are not mixed.
func TestResizeOfIntegers(t *testing.T) {
	x, err := tensor.Of(tensor.Shape{1, 1, 1, 2}, []int64{7, -3})
	if err != nil {
		t.Fatal(err)
	}
	for mode, want := range map[string]string{"nearest": "", "linear": `input "x" has elements of int64, and with mode "linear"`} {
		g := graph.New("resize")
		g.AddInput("x", tensor.Shape{graph.Batch, 1, 1, 2})
		g.Values["x"].DType = tensor.Int64
		g.Outputs = []string{g.AddNode(graph.Resize, "resize", "y", graph.Attrs{"mode": mode, "scales": []float32{1, 1, 1, 2}}, "x")}
		y, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{"x": x}, nil)
		if want != "" {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", mode, err, want)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if got := floats(t, y["y"]); y["y"].DType != tensor.Int64 || !slices.Equal(got, []float32{7, 7, -3, -3}) {
			t.Errorf("%v %v", y["y"].DType, got)
		}
	}
}
