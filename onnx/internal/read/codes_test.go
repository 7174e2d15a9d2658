package read

import (
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/raw"
	"linquant/quant"
)

// TestRawTypes follows types through nodes of the raw form: a zero point of 4 bits makes codes of 4 bits.
func TestRawTypes(t *testing.T) {
	scalar := func(name string, typ onnxpb.DataType, data ...byte) onnxpb.Tensor {
		return onnxpb.Tensor{Name: name, Type: typ, Raw: data}
	}
	node := func(op, out string, in ...string) onnxpb.Node {
		return onnxpb.Node{Op: op, Inputs: in, Outputs: []string{out}}
	}
	m := &onnxpb.Model{
		Opsets: []onnxpb.Opset{{Version: 21}, {Domain: "com.microsoft", Version: 1}},
		Graph: &onnxpb.Graph{
			Inputs:  []onnxpb.ValueInfo{{Name: "x", Type: onnxpb.Float, HasShape: true, Dims: []onnxpb.Dim{{Param: "N", Value: -1}, {Value: 4}}}},
			Outputs: []onnxpb.ValueInfo{{Name: "y"}, {Name: "d"}, {Name: "i8"}, {Name: "sig2"}},
			Initializers: []onnxpb.Tensor{
				scalar("s", onnxpb.Float, 0, 0, 128, 63), scalar("z4", onnxpb.Int4, 0x0D), scalar("z8", onnxpb.Int8, 5),
			},
			Nodes: []onnxpb.Node{
				node("QuantizeLinear", "q4", "x", "s", "z4"), node("Relu", "r4", "q4"), node("DequantizeLinear", "d", "r4", "s", "z4"),
				node("QuantizeLinear", "u8", "x", "s"), node("QuantizeLinear", "i8", "x", "s", "z8"),
				{Op: "QLinearSigmoid", Domain: "com.microsoft", Inputs: []string{"u8", "s", "", "s", "z8"}, Outputs: []string{"sig"}},
				{Op: "QLinearSigmoid", Domain: "com.microsoft", Inputs: []string{"u8", "s", "", "s"}, Outputs: []string{"sig2"}},
				node("DequantizeLinear", "y", "sig", "s", "z8"),
			},
		},
	}
	g, err := Graph(t.Context(), build.Config{}, m, 1<<10, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]quant.Type{
		"q4": quant.Int(4), "r4": quant.Int(4), "z4": quant.Int(4), "u8": quant.Uint(8), "i8": quant.Int(8), "sig": quant.Int(8), "sig2": quant.Uint(8),
	} {
		if got, ok := g.Values[name].Codes(); !ok || got != want {
			t.Errorf("%s has codes of %v (%v), want %v", name, got, ok, want)
		}
	}
	for _, name := range []string{"x", "d", "y"} {
		if got, ok := g.Values[name].Codes(); ok {
			t.Errorf("%s has codes of %v, want reals", name, got)
		}
	}
	if op := g.Producers()["sig"].Op; op != raw.MSQLinearSigmoid || !raw.HasParameters(op) || raw.HasParameters(graph.Relu) {
		t.Errorf("the operator is %q", op)
	}
}
