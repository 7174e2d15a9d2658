package e2e

import (
	"math"
	"slices"
	"testing"

	"linquant/graph"
	"linquant/onnx"
	"linquant/tensor"
)

// A GridSample gives the same in the evaluator, the engine and the file, whose modes have other names since opset 20.
func TestGridSample(t *testing.T) {
	picture, points := tensor.Shape{2, 3, 5, 4}, tensor.Shape{2, 3, 6, 2}
	x, at := make([]float32, 120), make([]float32, 72)
	for i := range x {
		x[i] = float32(i*37%101-50) / 32
	}
	for i := range at {
		at[i] = float32(i*29%83-41) / 30
	}
	at[5] = 1e30
	given := map[string]tensor.Tensor{"x": mustOf(t, picture, x), "at": mustOf(t, points, at)}
	for _, mode := range []string{"linear", "nearest", "cubic"} {
		for _, padding := range []string{"zeros", "border", "reflection"} {
			g := graph.New("points")
			g.AddInput("x", picture)
			g.AddInput("at", points)
			attrs := graph.Attrs{"mode": mode, "padding_mode": padding, "align_corners": len(padding) % 2}
			g.Outputs = []string{g.AddNode(graph.GridSample, "node", "y", attrs, "x", "at")}
			want, err := graph.Eval(t.Context(), g, given, nil)
			must(t, err)
			compareRun(t, g, given, want)
			for _, opset := range []int{16, 20} {
				back, err := onnx.Import(t.Context(), exported(t, g, onnx.ExportConfig{Opset: opset}), "back.onnx")
				must(t, err)
				again, err := graph.Eval(t.Context(), back, given, nil)
				must(t, err)
				if !slices.Equal(again["y"].Data, want["y"].Data) {
					t.Errorf("%s, %s: the file of opset %d makes another output", mode, padding, opset)
				}
			}
		}
	}
}

// A point that is no number is none in the output, and no panic.
func TestGridSampleOfNaN(t *testing.T) {
	g := graph.New("points")
	g.AddInput("x", tensor.Shape{1, 1, 2, 2})
	g.AddInput("at", tensor.Shape{1, 1, 2, 2})
	g.Outputs = []string{g.AddNode(graph.GridSample, "node", "y", graph.Attrs{"padding_mode": "reflection"}, "x", "at")}
	inf := float32(math.Inf(1))
	y, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{
		"x":  mustOf(t, tensor.Shape{1, 1, 2, 2}, []float32{1, 1, 1, 1}),
		"at": mustOf(t, tensor.Shape{1, 1, 2, 2}, []float32{float32(math.NaN()), 0, inf, -inf}),
	}, nil)
	must(t, err)
	if got, _ := y["y"].Float32s(); got[0] == got[0] || got[1] != 1 {
		t.Errorf("%v, want NaN and 1", got)
	}
}
