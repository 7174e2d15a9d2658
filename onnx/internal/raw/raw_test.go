package raw_test

import (
	"slices"
	"testing"

	"linquant/graph"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// The type of what a node makes is that of one of its inputs: ONNX's and ONNX Runtime's schemas say which.
func TestTypeInput(t *testing.T) {
	all := []string{"0", "1", "2", "3", "4", "5", "6", "7", "8"}
	for _, test := range []struct {
		op     graph.Op
		inputs []string
		want   int
	}{
		{graph.Relu, all[:1], 0},
		{graph.QuantizeLinear, all[:3], 2},
		{graph.QuantizeLinear, all[:2], 2},
		{graph.DequantizeLinear, all[:3], 1},
		{raw.QLinearConv, all[:8], 7},
		{raw.QLinearMatMul, all[:8], 7},
		{raw.MSQLinearAdd, all[:7], 0},
		{raw.MSQGemm, all, 8},
		{raw.MSQGemm, all[:6], 7},
		{raw.MSQLinearSigmoid, all[:5], 4},
		{raw.MSQLinearConcat, all[:8], 1},
		{raw.DynamicConv, all[:5], 0},
		{raw.DynamicMatMul, all[:5], 0},
	} {
		if got := (&raw.Node{Op: test.op, Inputs: test.inputs}).TypeInput(); got != test.want {
			t.Errorf("%s of %d inputs: input %d has the type of its output, want %d", test.op, len(test.inputs), got, test.want)
		}
	}
}

func TestCodes(t *testing.T) {
	for _, test := range []struct {
		v    *raw.Value
		want quant.Type
	}{
		{nil, quant.Type{}},
		{&raw.Value{DType: tensor.Float32}, quant.Type{}},
		{&raw.Value{DType: tensor.Int64}, quant.Type{}},
		{&raw.Value{DType: tensor.Int8}, quant.Int(8)},
		{&raw.Value{DType: tensor.Uint8}, quant.Uint(8)},
		{&raw.Value{DType: tensor.Int32}, quant.Int(32)},
		{&raw.Value{DType: tensor.Int8, Type: quant.Int(4)}, quant.Int(4)},
	} {
		if got, ok := test.v.Codes(); got != test.want || ok != (test.want != quant.Type{}) {
			t.Errorf("%+v holds %v (%v), want %v", test.v, got, ok, test.want)
		}
	}
}

// What no output needs goes, and inputs stay.
func TestRemoveDead(t *testing.T) {
	g := raw.New("")
	g.AddInput("x", nil)
	g.AddInput("unused", nil)
	y := g.AddNode(graph.Relu, "", "y", nil, "x")
	g.AddNode(graph.Relu, "", "dead", nil, g.AddNode(graph.Relu, "", "z", nil, y))
	g.Outputs = []string{y}
	g.RemoveDead()
	if len(g.Nodes) != 1 || g.Nodes[0].Outputs[0] != y || len(g.Values) != 3 || g.Values["unused"] == nil {
		t.Errorf("%v, %d values", g.Nodes, len(g.Values))
	}
	if c := g.Consumers()["x"]; !slices.Equal(c, g.Nodes) || g.Producers()["y"] != g.Nodes[0] {
		t.Errorf("x is read by %v", c)
	}
	if g.Unused("y", nil) != "y_2" || g.Unused("free", g2("free")) != "free_2" || g.Unused("free", nil) != "free" {
		t.Error("names are not unused")
	}
}

func g2(name string) *graph.Graph {
	g := graph.New("")
	g.AddInput(name, nil)
	return g
}
