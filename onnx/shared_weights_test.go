package onnx

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/internal/testing/ort"
	"linquant/onnx/internal/onnxtest"
	"linquant/quant"
	"linquant/tensor"
)

// sharedWeights is a quantized network of two convolutions with one weight, and two matrices with one.
func sharedWeights(t *testing.T) *graph.Graph {
	t.Helper()
	g, r := graph.New("shared"), rand.New(rand.NewPCG(4, 4))
	g.AddInput("x", tensor.Shape{graph.Batch, 4, 2, 2})
	act, scales := quant.TensorParams(quant.Uint(8), 0.05, 117), make([]float32, 4)
	for i := range scales {
		scales[i] = 0.004 + 0.001*float32(i)
	}
	weight := func(name string, p quant.Params, shape ...int) {
		n, _ := tensor.Shape(shape).Elements()
		codes := make([]int8, n)
		for i := range codes {
			codes[i] = int8(r.IntN(255) - 127)
		}
		w, err := tensor.Of(shape, codes)
		if err != nil {
			t.Fatal(err)
		}
		g.AddConst(name, w)
		g.Values[name].Quant = &p
	}
	weight("kernel", quant.Params{Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel}, Scale: scales}, 4, 4, 3, 3)
	weight("matrix", quant.TensorParams(quant.Int(8), 0.003, 0), 16, 16)
	conv, gemm := graph.Attrs{"pads": []int{1, 1, 1, 1}}, graph.Attrs{"transB": 1}
	for _, n := range []struct {
		op     graph.Op
		out    string
		attrs  graph.Attrs
		inputs []string
	}{
		{graph.QuantizeLinear, "q", nil, []string{"x"}},
		{graph.Conv, "c1", conv, []string{"q", "kernel"}},
		{graph.Conv, "c2", conv, []string{"c1", "kernel"}},
		{graph.Flatten, "f", nil, []string{"c2"}},
		{graph.Gemm, "g1", gemm, []string{"f", "matrix"}},
		{graph.Gemm, "g2", gemm, []string{"g1", "matrix"}},
	} {
		g.AddNode(n.op, n.out, n.out, n.attrs, n.inputs...)
		g.Values[n.out].Quant, g.Values[n.out].DType = &act, tensor.Uint8
	}
	g.Outputs = []string{g.AddNode(graph.DequantizeLinear, "y", "y", nil, "g2")}
	g.Requant = quant.ONNX
	g, err := graph.InferShapes(g)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// Layers that share a weight have one each in a file, and so its zero points; the graph keeps the one.
func TestSharedWeights(t *testing.T) {
	g := sharedWeights(t)
	values := len(g.Values)
	for _, f := range []Format{QDQ, QOperator} {
		var b bytes.Buffer
		if err := Export(&b, g, ExportConfig{Format: f}); err != nil {
			t.Fatal(err)
		}
		m, err := onnxpb.Read(b.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		codes, readers := map[string]bool{}, map[string]int{}
		for _, c := range m.Graph.Initializers {
			codes[c.Name] = c.Type == onnxpb.Int8
		}
		for _, n := range m.Graph.Nodes {
			for _, in := range n.Inputs {
				if readers[in]++; codes[in] && readers[in] > 1 {
					t.Errorf("%v: %q is read by %d nodes", f, in, readers[in])
				}
			}
			codes[n.Outputs[0]] = n.Op == "DequantizeLinear" && codes[n.Inputs[0]]
		}
	}
	if len(g.Values) != values || g.Nodes[2].Inputs[1] != "kernel" {
		t.Error("the graph is another")
	}
}

// ONNX Runtime reads such files also where sums of products are not to saturate, and computes our integers.
func TestSharedWeightsInONNXRuntime(t *testing.T) {
	ort.Require(t)
	g := sharedWeights(t)
	x := onnxtest.RandomInput(t, g, 3, 2)
	want := onnxtest.EvalOutputs(t, g, x)["y"]
	for _, f := range []Format{QDQ, QOperator} {
		got := ort.Run(t, export(t, g, ExportConfig{Format: f}), map[string]tensor.Tensor{"x": x}, nil, ort.Options{Unsaturated: true})["y"]
		if !bytes.Equal(got.Data, want.Data) {
			t.Errorf("%v: another output", f)
		}
	}
}

// Codes that a Concat joins are codes to the layer behind it, and no numbers.
func TestConcatOfCodesIsRead(t *testing.T) {
	g := sharedWeights(t)
	g.Nodes[1].Inputs[0] = g.AddNode(graph.Concat, "joined", "joined", graph.Attrs{"axis": 2}, "q", "q")
	g.Values["joined"].Quant, g.Values["joined"].DType = g.Values["q"].Quant, tensor.Uint8
	last := len(g.Nodes) - 1
	g.Nodes = append(g.Nodes[:1:1], append([]*graph.Node{g.Nodes[last]}, g.Nodes[1:last]...)...)
	g.Nodes, g.Outputs = g.Nodes[:3], []string{"c1"} // q, joined, c1
	for name, v := range g.Values {
		if v.Const == nil && name != "x" && name != "q" && name != "joined" && name != "c1" || name == "matrix" {
			delete(g.Values, name)
		} else if v.Const == nil && name != "x" {
			v.Shape = nil
		}
	}
	for _, f := range []Format{QDQ, QOperator} {
		var b bytes.Buffer
		if err := Export(&b, g, ExportConfig{Format: f}); err != nil {
			t.Fatal(err)
		}
		back, err := Import(t.Context(), b.Bytes(), "joined.onnx")
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range back.Nodes {
			if v := back.Values[n.Outputs[0]]; (n.Op == graph.Concat || n.Op == graph.Conv) && v.Quant == nil {
				t.Errorf("%v: %v makes reals", f, n)
			}
		}
	}
}
