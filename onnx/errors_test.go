package onnx_test

import (
	"bytes"
	"errors"
	"testing"

	lin "linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
)

// Callers can tell what is wrong with a file without reading the text.
func TestErrorTypes(t *testing.T) {
	read := func(change func(m *onnxpb.Model)) error {
		t.Helper()
		m := &onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 13}, {Domain: "mine", Version: 2}}, Graph: &onnxpb.Graph{
			Name:    "network",
			Inputs:  []onnxpb.ValueInfo{{Name: "x", Type: onnxpb.Float, HasShape: true, Dims: []onnxpb.Dim{{Param: "N", Value: -1}, {Value: 4}}}},
			Nodes:   []onnxpb.Node{{Op: "Relu", Name: "first", Inputs: []string{"x"}, Outputs: []string{"y"}}},
			Outputs: []onnxpb.ValueInfo{{Name: "y"}},
		}}
		change(m)
		var file bytes.Buffer
		if err := m.Write(&file); err != nil {
			t.Fatal(err)
		}
		_, err := onnx.Import(t.Context(), file.Bytes(), "network.onnx")
		return err
	}

	var unsupported *onnx.UnsupportedError
	err := read(func(m *onnxpb.Model) {
		m.Graph.Nodes = append(m.Graph.Nodes,
			onnxpb.Node{Op: "Bernoulli", Inputs: []string{"x"}, Outputs: []string{"drawn"}},
			onnxpb.Node{Op: "Relu", Domain: "mine", Name: "own", Inputs: []string{"x"}, Outputs: []string{"z"}})
		m.Graph.Outputs = append(m.Graph.Outputs, onnxpb.ValueInfo{Name: "drawn"}, onnxpb.ValueInfo{Name: "z"})
	})
	if !errors.As(err, &unsupported) || errors.Is(err, onnx.ErrDamaged) {
		t.Fatalf("error %v", err)
	}
	if u := unsupported; u.Op != "Bernoulli" || u.Domain != "ai.onnx" || u.Opset != 13 || u.Node != "drawn" || len(u.Others) != 1 {
		t.Errorf("unsupported: %+v", u)
	} else if o := u.Others[0]; o.Op != "Relu" || o.Domain != "mine" || o.Opset != 2 || o.Node != "own" || o.Others != nil {
		t.Errorf("and: %+v", o)
	}

	var node *lin.NodeError
	err = read(func(m *onnxpb.Model) { m.Graph.Nodes[0].Attrs = []onnxpb.Attr{{Name: "slope", Type: onnxpb.AttrFloat}} })
	if !errors.As(err, &node) || node.Node != "first" || node.Op != lin.Relu || errors.As(err, &unsupported) || errors.Is(err, onnx.ErrDamaged) {
		t.Errorf("error %v of %+v", err, node)
	}

	for name, change := range map[string]func(m *onnxpb.Model){
		"a cycle":          func(m *onnxpb.Model) { m.Graph.Nodes[0].Inputs[0] = "y" },
		"a tensor missing": func(m *onnxpb.Model) { m.Graph.Nodes[0].Inputs[0] = "w" },
		"few elements": func(m *onnxpb.Model) {
			m.Graph.Initializers = []onnxpb.Tensor{{Name: "w", Type: onnxpb.Float, Dims: []int64{3}, Raw: make([]byte, 8)}}
		},
		"a type": func(m *onnxpb.Model) {
			m.Graph.Nodes[0] = onnxpb.Node{
				Op: "Elu", Inputs: []string{"x"}, Outputs: []string{"y"}, Attrs: []onnxpb.Attr{{Name: "alpha", Type: onnxpb.AttrInt}},
			}
		},
	} {
		if err := read(change); !errors.Is(err, onnx.ErrDamaged) {
			t.Errorf("%s: %v is not ErrDamaged", name, err)
		}
	}
	if _, err := onnx.Import(t.Context(), []byte("PK\x03\x04 a zip archive"), "a.zip"); !errors.Is(err, onnx.ErrDamaged) {
		t.Errorf("a zip archive: %v is not ErrDamaged", err)
	}
}
