package onnx

import (
	"bytes"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// What ONNX Runtime's optimizer has made one node of is what the nodes were.
func TestFusedNodes(t *testing.T) {
	const microsoft = "com.microsoft"
	inputs := map[string][]int64{"x": {1, 2, 4, 4}, "z": {1, 3, 4, 4}, "a": {2, 3, 4}, "b": {2, 5, 3}, "s": {2, 3, 4}, "r": {2, 4}}
	consts := []onnxpb.Tensor{
		floatsOf("w", 1, -2, 0.5, 3, 2, -1), floatsOf("bias", 0.25, -1, 2), floatsOf("scale", 1, 2, -1, 0.5), floatsOf("shift", 0, 1, 2, 3),
		floatsOf("m", 1, 2, 3, 4, -4, -3, -2, -1, 0, 1, 0, 1), floatsOf("slope", 0.1), floatsOf("half", 0.5), floatsOf("lo", -1), floatsOf("hi", 1.5),
	}
	consts[0].Dims, consts[4].Dims = []int64{3, 2, 1, 1}, []int64{3, 4}
	for i := 6; i < 9; i++ {
		consts[i].Dims = nil
	}
	node := func(op, domain string, output string, inputs []string, attrs ...onnxpb.Attr) onnxpb.Node {
		return onnxpb.Node{Name: output + "node", Op: op, Domain: domain, Inputs: inputs, Outputs: []string{output}, Attrs: attrs}
	}
	floatsAttr := func(name string, v ...float32) onnxpb.Attr {
		return onnxpb.Attr{Name: name, Type: onnxpb.AttrFloats, Floats: v}
	}
	skip := node("SkipLayerNormalization", microsoft, "y", []string{"a", "s", "scale", "shift", "scale"}, floatAttr("epsilon", 0.01))
	skip.Outputs = append(skip.Outputs, "", "", "sum")
	for name, c := range map[string]struct{ fused, plain []onnxpb.Node }{
		"conv": {
			[]onnxpb.Node{node("FusedConv", microsoft, "y", []string{"x", "w", "bias", "z"}, textAttr("activation", "Relu"))},
			[]onnxpb.Node{
				node("Conv", "", "c", []string{"x", "w", "bias"}), node("Add", "", "d", []string{"c", "z"}), node("Relu", "", "y", []string{"d"}),
			},
		},
		"clip": {
			[]onnxpb.Node{node("FusedConv", microsoft, "y", []string{"x", "w"}, textAttr("activation", "Clip"), floatsAttr("activation_params", -1, 1.5))},
			[]onnxpb.Node{node("Conv", "", "c", []string{"x", "w"}), node("Clip", "", "y", []string{"c", "lo", "hi"})},
		},
		"gemm": {
			[]onnxpb.Node{node("FusedGemm", microsoft, "y", []string{"r", "m", "bias"}, intAttr("transB", 1),
				textAttr("activation", "LeakyRelu"), floatAttr("activation_alpha", 0.1))},
			[]onnxpb.Node{
				node("Gemm", "", "c", []string{"r", "m", "bias"}, intAttr("transB", 1)), node("LeakyRelu", "", "y", []string{"c"}, floatAttr("alpha", 0.1)),
			},
		},
		"matmul": {
			[]onnxpb.Node{node("FusedMatMul", microsoft, "y", []string{"a", "b"}, intAttr("transA", 1), intAttr("transB", 1), floatAttr("alpha", 0.5))},
			[]onnxpb.Node{
				node("Transpose", "", "c", []string{"a"}, intsAttr("perm", 0, 2, 1)), node("Transpose", "", "d", []string{"b"}, intsAttr("perm", 0, 2, 1)),
				node("MatMul", "", "e", []string{"c", "d"}), node("Mul", "", "y", []string{"e", "half"}),
			},
		},
		"skip": {
			[]onnxpb.Node{skip, node("Neg", "", "negative", []string{"sum"})},
			[]onnxpb.Node{
				node("Add", "", "c", []string{"a", "s"}), node("Add", "", "sum", []string{"c", "scale"}),
				node("LayerNormalization", "", "y", []string{"sum", "scale", "shift"}, floatAttr("epsilon", 0.01)),
				node("Neg", "", "negative", []string{"sum"}),
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(nodes []onnxpb.Node) map[string]tensor.Tensor {
				g := &onnxpb.Graph{Name: "fused", Nodes: nodes, Initializers: consts, Outputs: []onnxpb.ValueInfo{{Name: "y", Type: onnxpb.Float}}}
				if name == "skip" {
					g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: "negative", Type: onnxpb.Float})
				}
				given := map[string]tensor.Tensor{}
				for _, in := range []string{"x", "z", "a", "b", "s", "r"} {
					used := false
					for _, n := range nodes {
						for _, i := range n.Inputs {
							used = used || i == in
						}
					}
					if !used {
						continue
					}
					v, size := onnxpb.ValueInfo{Name: in, Type: onnxpb.Float, HasShape: true}, 1
					shape := tensor.Shape{}
					for _, d := range inputs[in] {
						v.Dims, size, shape = append(v.Dims, onnxpb.Dim{Value: d}), size*int(d), append(shape, int(d))
					}
					g.Inputs = append(g.Inputs, v)
					x := make([]float32, size)
					for i := range x {
						x[i] = float32((i*7+len(in))%11-5) / 4
					}
					var err error
					if given[in], err = tensor.Of(shape, x); err != nil {
						t.Fatal(err)
					}
				}
				var b bytes.Buffer
				opsets := []onnxpb.Opset{{Version: 17}, {Domain: microsoft, Version: 1}}
				if err := (&onnxpb.Model{IRVersion: 8, Opsets: opsets, Graph: g}).Write(&b); err != nil {
					t.Fatal(err)
				}
				net, err := Import(t.Context(), b.Bytes(), "fused.onnx")
				if err != nil {
					t.Fatal(err)
				}
				y, err := graph.Eval(t.Context(), net, given, nil)
				if err != nil {
					t.Fatal(err)
				}
				return y
			}
			got, want := run(c.fused), run(c.plain)
			for out, y := range want {
				if !bytes.Equal(got[out].Data, y.Data) || !got[out].Shape.Equal(y.Shape) {
					t.Errorf("%s is %v, want %v", out, got[out], y)
				}
			}
		})
	}
}
