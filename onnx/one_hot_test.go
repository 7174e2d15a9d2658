package onnx

import (
	"bytes"
	"slices"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// Classes that are an input of the network: below 0 they count from the end, and those that are none are nowhere.
func TestOneHotOfInputs(t *testing.T) {
	classes := []int64{1, 0, -1, 4, -5, 2}
	for _, c := range []struct {
		axis  int64
		dims  []int64
		index func(i, k int) int // of class k of element i in the output
	}{
		{-1, []int64{2, 3}, func(i, k int) int { return i*4 + k }},
		{1, []int64{2, 3}, func(i, k int) int { return i/3*12 + k*3 + i%3 }},
		{0, []int64{6}, func(i, k int) int { return k*6 + i }},
	} {
		var b bytes.Buffer
		g := &onnxpb.Graph{
			Name: "hot", Outputs: []onnxpb.ValueInfo{{Name: "y", Type: onnxpb.Float}},
			Inputs: []onnxpb.ValueInfo{{Name: "x", Type: onnxpb.Int64, HasShape: true}},
			Nodes: []onnxpb.Node{{
				Name: "hot", Op: "OneHot", Inputs: []string{"x", "depth", "values"}, Outputs: []string{"y"},
				Attrs: []onnxpb.Attr{intAttr("axis", c.axis)},
			}},
			Initializers: []onnxpb.Tensor{number("depth", 4), floatsOf("values", -0.5, 2)},
		}
		for _, d := range c.dims {
			g.Inputs[0].Dims = append(g.Inputs[0].Dims, onnxpb.Dim{Value: d})
		}
		if err := (&onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 13}}, Graph: g}).Write(&b); err != nil {
			t.Fatal(err)
		}
		net, err := Import(t.Context(), b.Bytes(), "hot.onnx")
		if err != nil {
			t.Fatal(err)
		}
		shape := tensor.Shape{}
		for _, d := range c.dims {
			shape = append(shape, int(d))
		}
		x, err := tensor.Of(shape, classes)
		if err != nil {
			t.Fatal(err)
		}
		y, err := graph.Eval(t.Context(), net, map[string]tensor.Tensor{"x": x}, nil)
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Repeat([]float32{-0.5}, 24)
		for i, v := range classes {
			if v >= -4 && v < 4 {
				want[c.index(i, (int(v)+4)%4)] = 2
			}
		}
		if got, _ := y["y"].Float32s(); !slices.Equal(got, want) {
			t.Errorf("axis %d: %v, want %v", c.axis, got, want)
		}
	}
}
