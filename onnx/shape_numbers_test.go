package onnx

import (
	"bytes"
	"slices"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// Numbers that follow from shapes do for parameters, as PyTorch writes a sort; integers have integers for exponents; and what
// becomes bytes on the way is cut to them. The file that is written again does the same.
func TestNumbersOfPyTorch(t *testing.T) {
	node := func(op string, inputs, outputs []string, attrs ...onnxpb.Attr) onnxpb.Node {
		return onnxpb.Node{Name: outputs[0] + "node", Op: op, Inputs: inputs, Outputs: outputs, Attrs: attrs}
	}
	x := []float32{3.5, -1, 260, 7, 0.5, 129}
	for name, c := range map[string]struct {
		nodes []onnxpb.Node
		makes onnxpb.DataType
		want  []float32
	}{
		"sort": {[]onnxpb.Node{
			node("Shape", []string{"x"}, []string{"shape"}), node("Gather", []string{"shape", "one"}, []string{"k"}),
			node("TopK", []string{"x", "k"}, []string{"y", "at"}, intAttr("axis", 1)),
		}, onnxpb.Float, []float32{260, 3.5, -1, 129, 7, 0.5}},
		"integer power": {[]onnxpb.Node{
			node("Cast", []string{"x"}, []string{"i"}, intAttr("to", 7)), node("Pow", []string{"i", "two"}, []string{"y"}),
		}, onnxpb.Int64, []float32{9, 1, 67600, 49, 0, 16641}},
		"power of reals": {[]onnxpb.Node{
			node("Cast", []string{"x"}, []string{"i"}, intAttr("to", 7)), node("Pow", []string{"i", "two of reals"}, []string{"y"}),
		}, onnxpb.Int64, []float32{9, 1, 67600, 49, 0, 16641}},
		"bytes": {[]onnxpb.Node{
			node("Cast", []string{"x"}, []string{"i"}, intAttr("to", 2)), node("Transpose", []string{"i"}, []string{"t"}, intsAttr("perm", 1, 0)),
			node("Cast", []string{"t"}, []string{"y"}, intAttr("to", 1)),
		}, onnxpb.Float, []float32{3, 7, 255, 0, 4, 129}},
	} {
		g := &onnxpb.Graph{
			Name: "numbers", Nodes: c.nodes, Outputs: []onnxpb.ValueInfo{{Name: "y", Type: c.makes}},
			Inputs:       []onnxpb.ValueInfo{{Name: "x", Type: onnxpb.Float, HasShape: true, Dims: []onnxpb.Dim{{Value: 2}, {Value: 3}}}},
			Initializers: []onnxpb.Tensor{intsOf("one", 1), number("two", 2), floatsOf("two of reals", 2)},
		}
		var b bytes.Buffer
		if err := (&onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 16}}, Graph: g}).Write(&b); err != nil {
			t.Fatal(err)
		}
		data := b.Bytes()
		for _, file := range []string{"numbers.onnx", "again.onnx"} {
			net, err := Import(t.Context(), data, file)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			in, err := tensor.Of(tensor.Shape{2, 3}, x)
			if err != nil {
				t.Fatal(err)
			}
			y, err := graph.Eval(t.Context(), net, map[string]tensor.Tensor{"x": in}, nil)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if got, _ := y["y"].Float32s(); !slices.Equal(got, c.want) {
				t.Errorf("%s, %s: %v, want %v", file, name, got, c.want)
			}
			var again bytes.Buffer
			if err := Export(&again, net, ExportConfig{}); err != nil {
				t.Fatal(err)
			}
			data = again.Bytes()
		}
	}
}
