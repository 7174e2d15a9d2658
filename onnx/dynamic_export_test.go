package onnx

import (
	"bytes"
	"testing"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// A layer that quantizes its input while it runs is one node again after a file, its bias with it.
func TestDynamicLayersReturn(t *testing.T) {
	for op, shape := range map[graph.Op]tensor.Shape{graph.Conv: {3, 2, 1, 1}, graph.Gemm: {2, 3}} {
		g := graph.New("dynamic")
		in := tensor.Shape{graph.Batch, 2}
		if op == graph.Conv {
			in = append(in, 4, 3)
		}
		g.AddInput("x", in)
		w, _ := tensor.Of(shape, []int8{1, -2, 3, 4, -5, 6})
		g.AddConst("w", w)
		p := quant.TensorParams(quant.Int(8), 0.25, 0)
		p.ZeroPoint = nil
		g.Values["w"].Quant = &p
		b, _ := tensor.Of(tensor.Shape{3}, []float32{1, 2, 3})
		g.AddConst("b", b)
		g.Outputs = []string{g.AddNode(op, "layer", "y", graph.Attrs{}, "x", "w", "b")}
		graph.SetDynamic(g.Nodes[0])
		var file bytes.Buffer
		if err := Export(&file, g, ExportConfig{}); err != nil {
			t.Fatal(err)
		}
		back, err := Import(t.Context(), file.Bytes(), "dynamic")
		if err != nil {
			t.Fatal(err)
		}
		if n := back.Nodes; len(n) != 1 || n[0].Op != op || len(n[0].Inputs) != 3 || !graph.IsDynamic(n[0]) {
			t.Errorf("%s became %v", op, n)
		}
	}
}
