package onnx

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/file"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// dynamicModel is x [N, 4] → DynamicQuantizeLinear → MatMulInteger with w [4, 3] → Cast → Mul → Add → y.
func dynamicModel() *onnxpb.Model {
	constant := func(name string, kind onnxpb.DataType, data any, dims ...int64) onnxpb.Tensor {
		var t tensor.Tensor
		switch d := data.(type) {
		case []float32:
			t, _ = tensor.Of(tensor.Shape{len(d)}, d)
		case []int8:
			t, _ = tensor.Of(tensor.Shape{len(d)}, d)
		}
		return onnxpb.Tensor{Name: name, Type: kind, Dims: dims, Raw: t.Data}
	}
	value := func(name string, columns int64) onnxpb.ValueInfo {
		return onnxpb.ValueInfo{Name: name, Type: onnxpb.Float, HasShape: true, Dims: []onnxpb.Dim{{Value: -1, Param: "N"}, {Value: columns}}}
	}
	return &onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 13}, {Domain: raw.Microsoft, Version: 1}}, Graph: &onnxpb.Graph{
		Name: "dynamic", Inputs: []onnxpb.ValueInfo{value("x", 4)}, Outputs: []onnxpb.ValueInfo{value("y", 3)},
		Initializers: []onnxpb.Tensor{
			constant("w", onnxpb.Int8, []int8{1, -2, 3, 40, 50, -60, 7, 8, 9, 100, -110, 120}, 4, 3),
			constant("ws", onnxpb.Float, []float32{0.25, 0.5, 0.75}, 3), constant("wz", onnxpb.Int8, []int8{3}),
			constant("b", onnxpb.Float, []float32{0.1, -0.2, 0.3}, 3), constant("other", onnxpb.Float, []float32{2}),
		},
		Nodes: []onnxpb.Node{
			{Op: file.DynamicQuantizer, Inputs: []string{"x"}, Outputs: []string{"q", "s", "z"}},
			{Op: "Mul", Inputs: []string{"s", "ws"}, Outputs: []string{"product"}},
			{Op: "MatMulInteger", Name: "layer", Inputs: []string{"q", "w", "z", "wz"}, Outputs: []string{"sums"}},
			{
				Op: "Cast", Inputs: []string{"sums"}, Outputs: []string{"cast"},
				Attrs: []onnxpb.Attr{{Name: "to", Type: onnxpb.AttrInt, Int: int64(onnxpb.Float)}},
			},
			{Op: "Mul", Inputs: []string{"cast", "product"}, Outputs: []string{"scaled"}},
			{Op: "Add", Inputs: []string{"scaled", "b"}, Outputs: []string{"y"}},
		},
	}}
}

func fileOf(t testing.TB, m *onnxpb.Model) []byte {
	t.Helper()
	var file bytes.Buffer
	if err := m.Write(&file); err != nil {
		t.Fatal(err)
	}
	return file.Bytes()
}

func importDynamic(t *testing.T, m *onnxpb.Model) (*graph.Graph, error) {
	t.Helper()
	return Import(t.Context(), fileOf(t, m), "dynamic.onnx")
}

// The forms in which a layer stands in files are one network: the same bits.
func TestDynamicForms(t *testing.T) {
	fused := func(op string, inputs ...string) func(g *onnxpb.Graph) {
		return func(g *onnxpb.Graph) {
			g.Nodes = append(g.Nodes[:1], onnxpb.Node{Op: op, Domain: raw.Microsoft, Inputs: inputs, Outputs: []string{"y"}})
			if op == file.DynamicMatMulName {
				g.Nodes = g.Nodes[1:]
			}
		}
	}
	x, err := tensor.Of(tensor.Shape{2, 4}, []float32{-1, 0.3, 2, 0.01, 5, 4, 3, 2.5})
	if err != nil {
		t.Fatal(err)
	}
	var want []byte
	for _, form := range []struct {
		name string
		edit func(g *onnxpb.Graph)
		ops  []graph.Op
	}{
		{"as it is", func(*onnxpb.Graph) {}, []graph.Op{graph.Gemm}},
		{"operands exchanged", func(g *onnxpb.Graph) {
			for _, i := range []int{1, 4, 5} {
				slices.Reverse(g.Nodes[i].Inputs)
			}
		}, []graph.Op{graph.Gemm}},
		{"out of order", func(g *onnxpb.Graph) { slices.Reverse(g.Nodes) }, []graph.Op{graph.Gemm}},
		{"a zero point for each channel", func(g *onnxpb.Graph) {
			g.Initializers[2].Dims, g.Initializers[2].Raw = []int64{3}, []byte{3, 3, 3}
		}, []graph.Op{graph.Gemm}},
		{"the sums before the bias are an output", func(g *onnxpb.Graph) {
			g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: "scaled", Type: onnxpb.Float})
		}, []graph.Op{graph.MatMul, graph.Add}},
		{"two layers of one input", func(g *onnxpb.Graph) {
			for _, n := range g.Nodes[1:5] {
				n.Inputs, n.Outputs = slices.Clone(n.Inputs), []string{n.Outputs[0] + "2"}
				for i, in := range n.Inputs {
					if slices.Contains([]string{"product", "sums", "cast"}, in) {
						n.Inputs[i] += "2"
					}
				}
				g.Nodes = append(g.Nodes, n)
			}
			g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: "scaled2", Type: onnxpb.Float})
		}, []graph.Op{graph.Gemm, graph.MatMul}},
		{file.IntegersToReals, fused(file.IntegersToReals, "q", "w", "s", "ws", "z", "wz", "b"), []graph.Op{graph.Gemm}},
		{file.DynamicMatMulName, fused(file.DynamicMatMulName, "x", "w", "ws", "wz", "b"), []graph.Op{graph.Gemm}},
	} {
		t.Run(form.name, func(t *testing.T) {
			m := dynamicModel()
			form.edit(m.Graph)
			g, err := importDynamic(t, m)
			if err != nil {
				t.Fatal(err)
			}
			var ops []graph.Op
			dynamic := 0
			for _, n := range g.Nodes {
				ops = append(ops, n.Op)
				if graph.IsDynamic(n) {
					dynamic++
				}
			}
			slices.SortFunc(ops, func(a, b graph.Op) int { return -strings.Compare(string(a), string(b)) })
			slices.SortFunc(form.ops, func(a, b graph.Op) int { return -strings.Compare(string(a), string(b)) })
			if !slices.Equal(ops, form.ops) || dynamic == 0 {
				t.Errorf("nodes %v, %d of them dynamic; want %v", ops, dynamic, form.ops)
			}
			values, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"x": x}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if want == nil {
				want = values["y"].Data
			}
			if !bytes.Equal(values["y"].Data, want) {
				t.Errorf("%v are other bits", values["y"])
			}
		})
	}
}

// What is no layer as quantizers write them now is computed as numbers, with a note (testdata/make_foreign.py has what ONNX Runtime
// computes).
func TestDynamicNumbers(t *testing.T) {
	for name, edit := range map[string]func(g *onnxpb.Graph){
		"no zero point":      func(g *onnxpb.Graph) { g.Nodes[2].Inputs = g.Nodes[2].Inputs[:2] },
		"another zero point": func(g *onnxpb.Graph) { g.Nodes[2].Inputs[2] = "wz" },
		"sums as output": func(g *onnxpb.Graph) {
			g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: "sums", Type: onnxpb.Int32})
		},
		"sums in doubles":  func(g *onnxpb.Graph) { g.Nodes[3].Attrs[0].Int = int64(onnxpb.Double) },
		"no scale":         func(g *onnxpb.Graph) { g.Nodes[4].Inputs[1] = "other" },
		"scale of another": func(g *onnxpb.Graph) { g.Nodes[1].Inputs[0] = "other" },
		"codes read twice": func(g *onnxpb.Graph) {
			g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: "q", Type: onnxpb.Uint8})
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := dynamicModel()
			edit(m.Graph)
			g, err := importDynamic(t, m)
			if err != nil {
				t.Fatal(err)
			}
			if layer := slices.ContainsFunc(g.Nodes, graph.IsDynamic); layer != (name == "codes read twice") {
				t.Errorf("it has a dynamic layer: %v", layer)
			}
		})
	}
}

// What is wrong with a layer is refused, with the node and what about it.
func TestDynamicRefused(t *testing.T) {
	for name, c := range map[string]struct {
		edit func(g *onnxpb.Graph)
		says string
	}{
		"scale of the wrong length": {func(g *onnxpb.Graph) {
			g.Initializers[1].Dims, g.Initializers[1].Raw = []int64{2}, g.Initializers[1].Raw[:8]
		}, `scale "ws" of shape [2]: the weight "w" has 3 output channels`},
		"scale along the depth":      {func(g *onnxpb.Graph) { g.Initializers[1].Dims = []int64{3, 1} }, `scale "ws" of shape [3, 1]`},
		"zero point of another type": {func(g *onnxpb.Graph) { g.Initializers[2].Type = onnxpb.Uint8 }, `zero point "wz"`},
		"a node of our own": {func(g *onnxpb.Graph) {
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: file.DynamicConvName, Domain: raw.DynamicDomain, Name: "mine", Outputs: []string{"o"}})
			g.Outputs = append(g.Outputs, onnxpb.ValueInfo{Name: "o", Type: onnxpb.Float})
		}, `"mine" is of the domain linquant`},
		"no inputs":                 {func(g *onnxpb.Graph) { g.Nodes[2].Inputs = nil }, `"layer": it has 0 inputs`},
		"quantizer without outputs": {func(g *onnxpb.Graph) { g.Nodes[0].Outputs = nil }, `reads "s", which is no input`},
		"quantizer with one output": {func(g *onnxpb.Graph) { g.Nodes[0].Outputs = g.Nodes[0].Outputs[:1] }, `reads "s", which is no input`},
		"codes of other shapes":     {func(g *onnxpb.Graph) { g.Nodes[2].Inputs[0] = "w" }, `inner dimensions`},
	} {
		t.Run(name, func(t *testing.T) {
			m := dynamicModel()
			c.edit(m.Graph)
			_, err := importDynamic(t, m)
			if err == nil || !strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.says)
			}
		})
	}
}
