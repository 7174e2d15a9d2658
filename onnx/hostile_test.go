package onnx_test

import (
	"bytes"
	"os"
	"strings"
	"testing"

	"linquant/internal/onnxpb"
	"linquant/onnx"
)

func floatInput(name string, dims ...int64) onnxpb.ValueInfo {
	v := onnxpb.ValueInfo{Name: name, Type: onnxpb.Float, HasShape: true}
	for _, d := range dims {
		v.Dims = append(v.Dims, onnxpb.Dim{Value: d})
	}
	return v
}

func node(op, out string, in ...string) onnxpb.Node {
	return onnxpb.Node{Name: out + "_node", Op: op, Inputs: in, Outputs: []string{out}}
}

func with(n onnxpb.Node, attrs ...onnxpb.Attr) onnxpb.Node {
	n.Attrs = attrs
	return n
}

func intAttr(name string, v int64) onnxpb.Attr {
	return onnxpb.Attr{Name: name, Type: onnxpb.AttrInt, Int: v}
}

func floats(name string, data []byte, dims ...int64) onnxpb.Tensor {
	return onnxpb.Tensor{Name: name, Type: onnxpb.Float, Dims: dims, Raw: data}
}

// relu is a model of one node: y = Relu(x), x of [1, 3].
func relu() *onnxpb.Model {
	return &onnxpb.Model{
		IRVersion: 8,
		Opsets:    []onnxpb.Opset{{Version: 13}},
		Graph: &onnxpb.Graph{
			Name:    "g",
			Inputs:  []onnxpb.ValueInfo{floatInput("x", 1, 3)},
			Outputs: []onnxpb.ValueInfo{floatInput("y", 1, 3)},
			Nodes:   []onnxpb.Node{node("Relu", "y", "x")},
		},
	}
}

func encode(t testing.TB, m *onnxpb.Model) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := m.Write(&buf); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

func TestImportRefuses(t *testing.T) {
	type graph = onnxpb.Graph
	tests := []struct {
		name string
		edit func(m *onnxpb.Model, g *graph)
		want string
	}{
		{"operator", func(_ *onnxpb.Model, g *graph) {
			g.Nodes = append(g.Nodes, node("MelWeightMatrix", "a", "x"), onnxpb.Node{Op: "Magic", Domain: "com.acme", Outputs: []string{"b"}})
			g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: "a"}, onnxpb.ValueInfo{Name: "b"})
		}, `MelWeightMatrix (domain ai.onnx, opset 13, node "a_node"), Magic (domain com.acme, opset 0, node "b"); replace them`},
		{"operator newer than the opset", func(_ *onnxpb.Model, g *graph) { g.Nodes[0].Op = "HardSwish" }, "HardSwish (domain ai.onnx, opset 13"},
		{"dynamic quantization", func(_ *onnxpb.Model, g *graph) { g.Nodes[0].Op = "ConvInteger" }, `ConvInteger node "y_node": it has 1 inputs`},
		{"old opset", func(m *onnxpb.Model, _ *graph) { m.Opsets[0].Version = 0 }, "opset 0: linquant reads 1 to 25"},
		{"new opset", func(m *onnxpb.Model, _ *graph) { m.Opsets[0].Version = 99 }, "opset 99"},
		{"no opset", func(m *onnxpb.Model, _ *graph) { m.Opsets = nil }, "no opset"},
		{"cycle", func(_ *onnxpb.Model, g *graph) {
			g.Nodes = append(g.Nodes, node("Add", "a", "b", "x"), node("Relu", "b", "a"), node("Relu", "c", "b"))
			g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: "c"})
		}, `node "a_node" is part of a cycle`},
		{"node that reads itself", func(_ *onnxpb.Model, g *graph) { g.Nodes[0].Inputs[0] = "y" }, `Relu node "y_node" is part of a cycle`},
		{"output made twice", func(_ *onnxpb.Model, g *graph) { g.Nodes = append(g.Nodes, node("Sigmoid", "y", "x")) }, `both make "y"`},
		{"output that is an input", func(_ *onnxpb.Model, g *graph) { g.Nodes = append(g.Nodes, node("Sigmoid", "x", "y")) }, `makes "x", which is an input`},
		{"missing initializer", func(_ *onnxpb.Model, g *graph) { g.Nodes[0] = node("Add", "y", "x", "bias") }, `Add node "y_node" reads "bias"`},
		{"missing output", func(_ *onnxpb.Model, g *graph) { g.Outputs[0].Name = "z" }, `output "z" is made by no node`},
		{"no inputs", func(_ *onnxpb.Model, g *graph) { g.Inputs = nil; g.Nodes = nil }, "no inputs"},
		{"no outputs", func(_ *onnxpb.Model, g *graph) { g.Outputs = nil }, "no outputs"},
		{"two inputs of a name", func(_ *onnxpb.Model, g *graph) { g.Inputs = append(g.Inputs, g.Inputs[0]) }, `two inputs "x"`},
		{"two initializers of a name", func(_ *onnxpb.Model, g *graph) {
			g.Initializers = []onnxpb.Tensor{floats("w", make([]byte, 4), 1), floats("w", make([]byte, 4), 1)}
		}, `two initializers "w"`},
		{"number of inputs", func(_ *onnxpb.Model, g *graph) { g.Nodes[0].Inputs = []string{"x", "x"} }, "it has 2 inputs, and the operator has 1"},
		{"input left out", func(_ *onnxpb.Model, g *graph) { g.Nodes[0] = node("Add", "y", "", "x") }, "input 0 is left out"},
		{"no output", func(_ *onnxpb.Model, g *graph) { g.Nodes[0].Outputs = nil }, `output "y" is made by no node`},
		{"unknown attribute", func(_ *onnxpb.Model, g *graph) { g.Nodes[0].Attrs = []onnxpb.Attr{intAttr("turbo", 1)} }, `attribute "turbo" is unknown`},
		{"misspelled attribute", func(_ *onnxpb.Model, g *graph) {
			g.Nodes[0] = with(node("LeakyRelu", "y", "x"), intAttr("alhpa", 1))
		}, `LeakyRelu node "y_node": the attribute "alhpa" is unknown: opset 13 of the operator has none of that name: did you mean alpha?`},
		{"an attribute that became an input", func(_ *onnxpb.Model, g *graph) {
			g.Nodes[0] = with(node("Clip", "y", "x"), intAttr("min", 1))
		}, `the attribute "min" is unknown: opset 13 of the operator has it as input 1`},
		{"attribute of another type", func(_ *onnxpb.Model, g *graph) {
			g.Nodes[0] = with(node("LeakyRelu", "y", "x"), intAttr("alpha", 1))
		}, `attribute "alpha" has the wrong type`},
		{"subgraph", func(_ *onnxpb.Model, g *graph) {
			g.Nodes[0].Attrs = []onnxpb.Attr{{Name: "then_branch", Type: onnxpb.AttrGraph}}
		}, `"then_branch" is a network of its own`},
		{"attribute of a function", func(_ *onnxpb.Model, g *graph) {
			g.Nodes[0].Attrs = []onnxpb.Attr{{Name: "alpha", Type: onnxpb.AttrFloat, Ref: "a"}}
		}, "of a function"},
		{"integer input", func(_ *onnxpb.Model, g *graph) { g.Inputs[0].Type = onnxpb.Int64 }, `input "x" has elements of int64`},
		{"string input", func(_ *onnxpb.Model, g *graph) { g.Inputs[0].Type = onnxpb.String }, "elements of string are not supported"},
		{"sequence", func(_ *onnxpb.Model, g *graph) { g.Inputs[0] = onnxpb.ValueInfo{Name: "x", Type: onnxpb.Float} }, "no shape"},
		{"dynamic width", func(_ *onnxpb.Model, g *graph) { g.Inputs[0].Dims[1] = onnxpb.Dim{Value: -1, Param: "width"} }, `"width"`},
		{"complex64", func(_ *onnxpb.Model, g *graph) {
			g.Initializers = []onnxpb.Tensor{{Name: "w", Type: onnxpb.Complex64, Dims: []int64{1}, Raw: make([]byte, 8)}}
		}, `initializer "w": elements of complex64 are not supported`},
		{"computing with int64", func(_ *onnxpb.Model, g *graph) {
			g.Initializers = []onnxpb.Tensor{{Name: "w", Type: onnxpb.Int64, Dims: []int64{1}, Raw: make([]byte, 8)}}
			g.Nodes[0] = node("Add", "y", "x", "w")
		}, "its inputs have elements of float32 and of int64"},
		{"computing with a shape", func(_ *onnxpb.Model, g *graph) {
			g.Nodes = []onnxpb.Node{node("Shape", "s", "x"), node("Relu", "y", "s")}
		}, `input "s" has elements of int64`},
		{"output that is a shape", func(_ *onnxpb.Model, g *graph) { g.Nodes[0] = node("Shape", "y", "x") }, `output "y" is a shape`},
		{"too few elements", func(_ *onnxpb.Model, g *graph) {
			g.Initializers = []onnxpb.Tensor{floats("w", make([]byte, 8), 3)}
		}, `initializer "w": it has 8 bytes, and its type float and shape [3] need 12`},
		{"huge dimensions", func(_ *onnxpb.Model, g *graph) {
			g.Initializers = []onnxpb.Tensor{floats("w", make([]byte, 8), 1<<31-1, 1<<31-1, 1<<31-1)}
		}, `initializer "w"`},
		{"a huge dimension", func(_ *onnxpb.Model, g *graph) {
			g.Initializers = []onnxpb.Tensor{floats("w", make([]byte, 8), 1<<40)}
		}, `initializer "w"`},
		{"negative dimension", func(_ *onnxpb.Model, g *graph) {
			g.Initializers = []onnxpb.Tensor{floats("w", nil, -1)}
		}, `initializer "w": its shape [-1] has a dimension`},
		{"external data", func(_ *onnxpb.Model, g *graph) {
			g.Initializers = []onnxpb.Tensor{{Name: "w", Type: onnxpb.Float, Dims: []int64{1}, Outside: true}}
		}, "open the file by its path"},
		{"shapes that do not fit", func(_ *onnxpb.Model, g *graph) {
			g.Initializers = []onnxpb.Tensor{floats("w", make([]byte, 16), 2, 2)}
			g.Nodes[0] = node("MatMul", "y", "x", "w")
		}, `MatMul node "y_node"`},
		{"computed shape", func(_ *onnxpb.Model, g *graph) {
			g.Nodes = []onnxpb.Node{node("Reshape", "y", "x", "x")}
		}, `input 1 ("x") must be constant`},
		{"computed bound", func(_ *onnxpb.Model, g *graph) {
			g.Nodes = []onnxpb.Node{node("Clip", "y", "x", "x")}
		}, `input 1 ("x") has 2 dimensions: a bound is one number`},
		{"mask that is used", func(_ *onnxpb.Model, g *graph) {
			g.Nodes = []onnxpb.Node{
				{Name: "d", Op: "Dropout", Inputs: []string{"x"}, Outputs: []string{"a", "mask"}}, node("Add", "y", "a", "mask"),
			}
		}, `second output "mask" is used`},
		{"cast to text", func(_ *onnxpb.Model, g *graph) {
			g.Nodes[0] = with(node("Cast", "y", "x"), intAttr("to", int64(onnxpb.String)))
		}, "it casts to string"},
		{"convention", func(m *onnxpb.Model, _ *graph) {
			m.Metadata = []onnxpb.Entry{{Key: "linquant.requant", Value: "best"}}
		}, "metadata linquant.requant"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := relu()
			tt.edit(m, m.Graph)
			_, err := onnx.Import(t.Context(), encode(t, m), "net.onnx")
			checkError(t, err, tt.want)
		})
	}
}

// checkError wants one line that starts with the file's name.
func checkError(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "net.onnx: ") || strings.Contains(err.Error(), "\n") {
		t.Errorf("error %q, want one line that starts with net.onnx and has %q", err, want)
	}
}

func TestImportOtherFiles(t *testing.T) {
	good := encode(t, relu())
	safetensors := append([]byte{40, 0, 0, 0, 0, 0, 0, 0}, `{"__metadata__":{}}                     `...)
	tests := []struct {
		name, want string
		data       []byte
	}{
		{"empty", "the file is empty", nil},
		{"zip", "zip archive", []byte("PK\x03\x04 and so on")},
		{"pickle", "pickle", []byte("\x80\x02}q\x01.")},
		{"safetensors", "safetensors", safetensors},
		{"TFLite", "TensorFlow Lite", []byte("\x1c\x00\x00\x00TFL3\x14\x00")},
		{"Git LFS", "git lfs pull", []byte("version https://git-lfs.github.com/spec/v1\n")},
		{"web page", "web page", []byte("<!DOCTYPE html>")},
		{"zeros", "does not decode as ONNX", make([]byte, 100)},
		{"truncated", "ends within a field", good[:len(good)-20]},
		{"no graph", "no network", []byte{8, 8}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := onnx.Import(t.Context(), tt.data, "net.onnx")
			checkError(t, err, tt.want)
		})
	}
	if _, err := onnx.Open(t.Context(), t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
	if _, err := onnx.Open(t.Context(), "does-not-exist.onnx"); !os.IsNotExist(err) {
		t.Errorf("error %v for a file that does not exist", err)
	}
}
