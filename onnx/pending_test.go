package onnx

import (
	"bytes"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// Two permutations of which the first moves the batch are one: np.transpose(np.transpose(x, (1, 2, 0, 3)), (2, 1, 0, 3))
// of [N, 2, 3, 4] is [N, 3, 2, 4].
func TestTransposesThatBringTheBatchBack(t *testing.T) {
	transpose := func(in, out string, perm ...int64) onnxpb.Node {
		return onnxpb.Node{
			Op: "Transpose", Inputs: []string{in}, Outputs: []string{out},
			Attrs: []onnxpb.Attr{{Name: "perm", Type: onnxpb.AttrInts, Ints: perm}},
		}
	}
	m := &onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 13}}, Graph: &onnxpb.Graph{
		Name: "permutations",
		Inputs: []onnxpb.ValueInfo{{
			Name: "x", Type: onnxpb.Float, HasShape: true, Dims: []onnxpb.Dim{{Param: "N", Value: -1}, {Value: 2}, {Value: 3}, {Value: 4}},
		}},
		Nodes:   []onnxpb.Node{transpose("x", "a", 1, 2, 0, 3), transpose("a", "y", 2, 1, 0, 3)},
		Outputs: []onnxpb.ValueInfo{{Name: "y"}},
	}}
	var file bytes.Buffer
	if err := m.Write(&file); err != nil {
		t.Fatal(err)
	}
	g, err := Import(t.Context(), file.Bytes(), "permutations")
	if err != nil {
		t.Fatal(err)
	}
	if want := (tensor.Shape{graph.Batch, 3, 2, 4}); len(g.Nodes) != 1 || !g.Values["y"].Shape.Equal(want) {
		t.Errorf("%v make %v, want one that makes %v", g.Nodes, g.Values["y"].Shape, want)
	}
}
