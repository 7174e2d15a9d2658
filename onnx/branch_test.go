package onnx_test

import (
	"errors"
	"slices"
	"testing"

	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/tensor"
)

// choice is a model of an If on an input: with mode 1 y = x + x, else y = relu x.
func choice(t *testing.T) []byte {
	branch := func(n onnxpb.Node) []byte {
		g := onnxpb.Graph{Name: "branch", Nodes: []onnxpb.Node{n}, Outputs: []onnxpb.ValueInfo{{Name: n.Outputs[0], Type: onnxpb.Float}}}
		return g.Encode()
	}
	one := onnxpb.Tensor{Name: "one", Type: onnxpb.Int64, Raw: []byte{1, 0, 0, 0, 0, 0, 0, 0}}
	choose := op("If", "y", "is_one")
	choose.Attrs = []onnxpb.Attr{
		{Name: "then_branch", Type: onnxpb.AttrGraph, Graph: branch(op("Add", "a", "x", "x"))},
		{Name: "else_branch", Type: onnxpb.AttrGraph, Graph: branch(op("Relu", "b", "x"))},
	}
	return modelOf(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 2), info("mode", onnxpb.Int64)}, []onnxpb.Tensor{one},
		op("Equal", "is_one", "mode", "one"), choose)
}

// A branch that an input chooses is refused with the name of that input, and taken where the input is a constant.
func TestCondition(t *testing.T) {
	data := choice(t)
	_, err := onnx.Import(t.Context(), data, "net.onnx")
	var condition *onnx.ConditionError
	if !errors.As(err, &condition) || !slices.Equal(condition.Inputs, []string{"mode"}) || condition.Value != "is_one" {
		t.Fatalf("error %v", err)
	}
	for mode, want := range map[int64]string{1: "Add", 2: "Relu"} {
		g, err := onnx.ImportConfig{Constants: map[string]tensor.Tensor{"mode": tensorOf(t, tensor.Shape{}, mode)}}.Import(t.Context(), data, "net.onnx")
		if err != nil {
			t.Fatal(err)
		}
		if string(g.Nodes[0].Op) != want {
			t.Errorf("mode %d: the first node is %v", mode, g.Nodes[0])
		}
	}
}
