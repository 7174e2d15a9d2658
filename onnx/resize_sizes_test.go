package onnx

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/onnx/internal/onnxtest"
	"linquant/tensor"
)

// resizeTo is a Resize to a size whose quotients are no float32: 10/3 is rounded down, and 3 times that is 9 for who
// multiplies in float64.
func resizeTo(t *testing.T, mode string, size int) *graph.Graph {
	t.Helper()
	g := graph.New("resize")
	g.AddInput("x", tensor.Shape{graph.Batch, 2, 3, 6})
	attrs := graph.Attrs{"mode": mode, "sizes": []int{graph.Batch, 2, size, 2 * size}, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
	g.AddNode(graph.Resize, "resize", "y", attrs, "x")
	g.Outputs = []string{"y"}
	g, err := graph.InferShapes(g)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Sizes are written as sizes, in every opset that has them, and read again as they were. Opsets with scales alone refuse those
// that only some readers would round to the size.
func TestResizeSizes(t *testing.T) {
	for opset := 10; opset <= 25; opset++ {
		for _, size := range []int{10, 6} {
			var file bytes.Buffer
			err := Export(&file, resizeTo(t, "nearest", size), ExportConfig{Opset: opset})
			if opset < 11 && size == 10 {
				if err == nil || !strings.Contains(err.Error(), "write opset 11 or later") {
					t.Errorf("opset %d: %v", opset, err)
				}
				continue
			}
			if err != nil {
				t.Fatalf("opset %d: %v", opset, err)
			}
			g, err := Import(t.Context(), file.Bytes(), "resize.onnx")
			if err != nil {
				t.Fatalf("opset %d: %v", opset, err)
			}
			n := g.Nodes[len(g.Nodes)-1]
			if want := []int{graph.Batch, 2, size, 2 * size}; opset >= 11 && (!slices.Equal(n.Ints("sizes"), want) || n.Floats("scales") != nil) {
				t.Errorf("opset %d: sizes %v and scales %v, want %v", opset, n.Ints("sizes"), n.Floats("scales"), want)
			}
			if !slices.Equal(g.Values["y"].Shape, tensor.Shape{graph.Batch, 2, size, 2 * size}) {
				t.Errorf("opset %d: %v", opset, g.Values["y"].Shape)
			}
		}
	}
}

// ONNX Runtime makes the same picture of the file.
func TestResizeSizesInONNXRuntime(t *testing.T) {
	ort.Require(t)
	for _, mode := range []string{"nearest", "linear"} {
		for _, opset := range []int{11, 13, 17, 18, 22} {
			for _, size := range []int{2, 7, 10, 13} {
				t.Run(fmt.Sprintf("%s,%d,%d", mode, opset, size), func(t *testing.T) {
					g := resizeTo(t, mode, size)
					x := onnxtest.RandomInput(t, g, 8, 2)
					path := export(t, g, ExportConfig{Opset: opset})
					want := onnxtest.EvalOutputs(t, g, x)["y"]
					got := ort.Run(t, path, map[string]tensor.Tensor{"x": x}, nil, ort.Options{})["y"]
					a, _ := want.Float32s()
					b, err := got.Float32s()
					if err != nil || !got.Shape.Equal(want.Shape) {
						t.Fatalf("shape %v, want %v (%v)", got.Shape, want.Shape, err)
					}
					for i := range a {
						if d := a[i] - b[i]; d > 1e-5 || d < -1e-5 {
							t.Fatalf("element %d is %g, ours %g", i, b[i], a[i])
						}
					}
				})
			}
		}
	}
}
