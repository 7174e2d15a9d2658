package onnx_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"linquant/internal/onnxpb"
	"linquant/internal/testing/looks"
	"linquant/onnx"
)

// Reading a file looks at its context at every node, and so does what makes integers of quantization that is spelled out.
func TestImportEnds(t *testing.T) {
	const nodes = 100
	float, quantized := relu(), relu()
	x := []string{"x"}
	for i := range nodes / 2 {
		x = append(x, fmt.Sprint("x", i))
	}
	x[nodes/2] = "y"
	float.Graph.Nodes, quantized.Graph.Nodes = nil, nil
	quantized.Graph.Initializers = []onnxpb.Tensor{{Name: "s", Type: onnxpb.Float, Dims: []int64{}, Raw: littleEndian(0.5)}}
	for i := range nodes / 2 {
		float.Graph.Nodes = append(float.Graph.Nodes, node("Relu", x[i]+"_r", x[i]), node("Sigmoid", x[i+1], x[i]+"_r"))
		quantized.Graph.Nodes = append(quantized.Graph.Nodes,
			node("QuantizeLinear", x[i]+"_q", x[i], "s"), node("DequantizeLinear", x[i+1], x[i]+"_q", "s"))
	}
	for name, test := range map[string]struct {
		m    *onnxpb.Model
		want int // looks at least
	}{"float": {float, nodes}, "quantized": {quantized, 2 * nodes}} {
		data := encode(t, test.m)
		const many = 1 << 20
		ctx := looks.After(t.Context(), many)
		if _, err := onnx.Import(ctx, data, "chain"); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all := many - ctx.Left
		if all < test.want {
			t.Errorf("%s: %d looks for %d nodes, want %d", name, all, nodes, test.want)
		}
		for _, after := range []int{0, 1, all / 2, all - 1} {
			if _, err := onnx.Import(looks.After(t.Context(), after), data, "chain"); !errors.Is(err, context.Canceled) {
				t.Errorf("%s: ended by look %d of %d: %v", name, after+1, all, err)
			}
		}
	}
}
