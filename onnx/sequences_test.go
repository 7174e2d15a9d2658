package onnx

import (
	"bytes"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/operators"
)

// Between convolutions of one dimension every function of elements, of one or two of them, is computed on pictures of
// height 1, so that nothing is squeezed there and back.
func TestElementsOfSequencesStayPictures(t *testing.T) {
	for _, row := range graph.Operators() {
		if row.Class != graph.ClassUnary && row.Class != graph.ClassBinary {
			continue
		}
		n := onnxpb.Node{Op: string(row.Op), Inputs: []string{"a"}, Outputs: []string{"b"}}
		if row.Class == graph.ClassBinary {
			n.Inputs = append(n.Inputs, "w2")
		}
		conv := func(in, out string) onnxpb.Node {
			return onnxpb.Node{Op: "Conv", Inputs: []string{in, "w"}, Outputs: []string{out}}
		}
		dims := func(d ...int64) []onnxpb.Dim {
			out := []onnxpb.Dim{{Param: "N", Value: -1}}
			for _, v := range d {
				out = append(out, onnxpb.Dim{Value: v})
			}
			return out
		}
		m := &onnxpb.Model{IRVersion: 13, Opsets: []onnxpb.Opset{{Version: operators.MaxOpset}}, Graph: &onnxpb.Graph{
			Name:   "sequence",
			Inputs: []onnxpb.ValueInfo{{Name: "x", Type: onnxpb.Float, HasShape: true, Dims: dims(2, 6)}},
			Initializers: []onnxpb.Tensor{
				{Name: "w", Type: onnxpb.Float, Dims: []int64{2, 2, 1}, Raw: make([]byte, 16)},
				{Name: "w2", Type: onnxpb.Float, Dims: []int64{2, 1}, Raw: elements.EncodeInts([]int64{1, 1}, 4)},
			},
			Nodes:   []onnxpb.Node{conv("x", "a"), n, conv("b", "y")},
			Outputs: []onnxpb.ValueInfo{{Name: "y"}},
		}}
		var file bytes.Buffer
		if err := m.Write(&file); err != nil {
			t.Fatal(err)
		}
		g, err := Import(t.Context(), file.Bytes(), "sequence")
		if err != nil {
			t.Errorf("%s: %v", row.Op, err)
			continue
		}
		var ops []graph.Op
		for _, n := range g.Nodes {
			ops = append(ops, n.Op)
			if n.Op == row.Op && len(g.Values[n.Inputs[0]].Shape) != 4 {
				t.Errorf("%s reads %v", row.Op, g.Values[n.Inputs[0]].Shape)
			}
		}
		if len(ops) != 5 { // the picture of x, three nodes, and y without the dimension
			t.Errorf("%s became %v", row.Op, ops)
		}
	}
}
