package onnx_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/internal/onnxpb"
	"linquant/onnx"
)

// Loops are refused with what is in them, lists of tensors and classical models with what to do instead.
func TestRefusedWithInside(t *testing.T) {
	inner := onnxpb.Graph{Name: "inner", Nodes: []onnxpb.Node{op("Tanh", "b", "a"), op("Add", "c", "b", "b")}}
	choose := op("If", "d", "is")
	choose.Attrs = []onnxpb.Attr{{Name: "then_branch", Type: onnxpb.AttrGraph, Graph: inner.Encode()}}
	body := onnxpb.Graph{Name: "body", Nodes: []onnxpb.Node{op("Add", "a", "x", "x"), choose}}
	loop := op("Loop", "y", "steps", "", "x")
	loop.Attrs = []onnxpb.Attr{{Name: "body", Type: onnxpb.AttrGraph, Graph: body.Encode()}}
	trees := op("TreeEnsembleRegressor", "y", "x")
	trees.Domain = "ai.onnx.ml"
	for name, c := range map[string]struct {
		node   onnxpb.Node
		inside []string
		want   string
	}{
		"loop":     {loop, []string{"Add ×2", "If", "Tanh"}, `Loop (domain ai.onnx, opset 13, node "y"; inside it Add ×2, If, Tanh); export the model with its loops unrolled`},
		"scan":     {onnxpb.Node{Op: "Scan", Inputs: []string{"x"}, Outputs: []string{"y"}, Attrs: loop.Attrs}, []string{"Add ×2", "If", "Tanh"}, "Scan (domain ai.onnx"},
		"sequence": {op("SequenceAt", "y", "x", "steps"), nil, "lists of tensors are not read"},
		"split":    {op("SplitToSequence", "y", "x"), nil, "lists of tensors are not read"},
		"trees":    {trees, nil, `TreeEnsembleRegressor (domain ai.onnx.ml, opset 0, node "y"); linquant runs neural networks`},
	} {
		inputs := []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 2), info("steps", onnxpb.Int64)}
		_, err := onnx.Import(t.Context(), model(t, inputs, c.node), "net.onnx")
		var unsupported *onnx.UnsupportedError
		if !errors.As(err, &unsupported) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", name, err, c.want)
			continue
		}
		if diff := cmp.Diff(c.inside, unsupported.Inside); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
