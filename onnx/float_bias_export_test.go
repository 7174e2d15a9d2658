package onnx_test

import (
	"bytes"
	"testing"

	"linquant/builtin"
	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
)

// Biases that are written as reals are the same codes when they are read, and no DequantizeLinear stands before them.
func TestFloatBiasExport(t *testing.T) {
	n, err := pipeline.Read(t.Context(), builtin.Checkpoint(), "builtin", pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := pipeline.Config{Network: n, Calibration: pipeline.Calibration{Data: pipeline.Data{Spec: "builtin", Limit: 4}}}
	ptq.TensorRT.Apply(&cfg.Quant)
	r, err := pipeline.Quantize(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	var with, without bytes.Buffer
	if err := r.Network.Export(&with, onnx.ExportConfig{FloatBias: true}); err != nil {
		t.Fatal(err)
	}
	if err := r.Network.Export(&without, onnx.ExportConfig{}); err != nil {
		t.Fatal(err)
	}
	m, err := onnxpb.Read(with.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	for i := range m.Graph.Initializers {
		if x := &m.Graph.Initializers[i]; x.Type == onnxpb.Int32 {
			t.Errorf("%s is int32", x.Name)
		}
	}
	biases := func(b []byte) map[string]*graph.Value {
		g, err := onnx.Import(t.Context(), b, "model")
		if err != nil {
			t.Fatal(err)
		}
		list := map[string]*graph.Value{}
		for _, n := range g.Nodes {
			if b := g.Value(n.Input(2)); b != nil && (n.Op == graph.Conv || n.Op == graph.Gemm) {
				list[n.Outputs[0]] = b
			}
		}
		return list
	}
	a, b := biases(with.Bytes()), biases(without.Bytes())
	if len(a) != 9 || len(b) != 9 {
		t.Fatalf("%d and %d biases", len(a), len(b))
	}
	for name, want := range b {
		if got := a[name]; got == nil || got.Quant == nil || !bytes.Equal(got.Const.Data, want.Const.Data) {
			t.Errorf("the bias of %s: %v, want %v", name, got, want)
		}
	}
}
