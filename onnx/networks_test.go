package onnx

import (
	"os"
	"path/filepath"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/internal/testing/ort"
	"linquant/tensor"
)

// small is a network of a few nodes that computes y, of opset 14 and version 1 of other domains.
type small struct {
	inputs map[string]tensor.Tensor
	consts []onnxpb.Tensor
	nodes  []onnxpb.Node
}

// file returns the network as a model.
func (c small) file(t testing.TB, outputs ...string) []byte {
	t.Helper()
	g := &onnxpb.Graph{Name: "small", Nodes: c.nodes, Initializers: c.consts}
	for _, out := range outputs {
		v := onnxpb.ValueInfo{Name: out, Type: onnxpb.Float}
		if out == "length" {
			v.Type = onnxpb.Int32
		}
		g.Outputs = append(g.Outputs, v)
	}
	for name, x := range c.inputs {
		v := onnxpb.ValueInfo{Name: name, Type: map[tensor.DType]onnxpb.DataType{
			tensor.Float32: onnxpb.Float, tensor.Int32: onnxpb.Int32, tensor.Int64: onnxpb.Int64,
		}[x.DType], HasShape: true}
		for _, d := range x.Shape {
			v.Dims = append(v.Dims, onnxpb.Dim{Value: int64(d)})
		}
		g.Inputs = append(g.Inputs, v)
	}
	return fileOf(t, &onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 14}, {Domain: "com.microsoft", Version: 1}, {Domain: "ai.onnx.ml", Version: 1}}, Graph: g})
}

// waves are reals that repeat late.
func waves(t testing.TB, seed int, shape ...int) tensor.Tensor {
	t.Helper()
	size, err := tensor.Shape(shape).Elements()
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, size)
	for i := range x {
		x[i] = float32((i*37+seed*11)%101-50) / 41.7
	}
	v, err := tensor.Of(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func tensorOf[T tensor.Element](t testing.TB, shape tensor.Shape, x []T) tensor.Tensor {
	t.Helper()
	v, err := tensor.Of(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// constOf is a tensor as an initializer.
func constOf(name string, x tensor.Tensor) onnxpb.Tensor {
	c := onnxpb.Tensor{Name: name, Type: map[tensor.DType]onnxpb.DataType{
		tensor.Float32: onnxpb.Float, tensor.Int32: onnxpb.Int32, tensor.Int8: onnxpb.Int8, tensor.Uint8: onnxpb.Uint8,
	}[x.DType], Raw: x.Data}
	for _, d := range x.Shape {
		c.Dims = append(c.Dims, int64(d))
	}
	return c
}

func nodeOf(op, domain string, inputs, outputs []string, attrs ...onnxpb.Attr) onnxpb.Node {
	return onnxpb.Node{Name: outputs[0] + "_node", Op: op, Domain: domain, Inputs: inputs, Outputs: outputs, Attrs: attrs}
}

// Small networks compute what ONNX Runtime computes.
func TestSmallNetworks(t *testing.T) {
	x := map[string]tensor.Tensor{"x": waves(t, 1, 2, 4, 5)}
	x2 := map[string]tensor.Tensor{"x": tensorOf(t, tensor.Shape{3, 2}, []int64{1, -2, 5, 6, 0, 3})}
	bounds := []onnxpb.Node{
		nodeOf("ReduceMax", "", []string{"x"}, []string{"most"}, intAttr("keepdims", 0)),
		nodeOf("Mul", "", []string{"most", "half"}, []string{"hi"}),
		nodeOf("Neg", "", []string{"hi"}, []string{"lo"}),
	}
	half := []onnxpb.Tensor{{Name: "half", Type: onnxpb.Float, Raw: floatsOf("half", 0.5).Raw}}
	// Rows of a table have one dimension more than the tokens: what is behind them are stacks of matrices.
	tokens := map[string]tensor.Tensor{"x": tensorOf(t, tensor.Shape{1, 6}, []int64{3, 1, 0, 6, 6, 2})}
	embedded := []onnxpb.Tensor{
		constOf("table", waves(t, 2, 7, 4)), constOf("w", tensorOf(t, tensor.Shape{4, 3}, []int8{1, -7, 90, 3, 127, -5, 6, -120, 8, 9, 0, 77})),
		floatsOf("scale", 0.01, 0.02, 0.03), constOf("bias", waves(t, 3, 3)),
	}
	layer := []onnxpb.Node{
		nodeOf("Gather", "", []string{"table", "x"}, []string{"rows"}), nodeOf("Add", "", []string{"rows", "rows"}, []string{"twice"}),
		nodeOf("DynamicQuantizeLinear", "", []string{"twice"}, []string{"q", "q_scale", "q_zero"}),
		nodeOf("MatMulInteger", "", []string{"q", "w", "q_zero"}, []string{"sums"}), nodeOf("Cast", "", []string{"sums"}, []string{"reals"}, intAttr("to", 1)),
		nodeOf("Mul", "", []string{"q_scale", "scale"}, []string{"scales"}), nodeOf("Mul", "", []string{"reals", "scales"}, []string{"products"}),
		nodeOf("Add", "", []string{"products", "bias"}, []string{"y"}),
	}
	for name, c := range map[string]small{
		"Scaler": {map[string]tensor.Tensor{"x": waves(t, 1, 3, 4)}, nil, []onnxpb.Node{nodeOf("Scaler", "ai.onnx.ml", []string{"x"}, []string{"y"},
			onnxpb.Attr{Name: "offset", Type: onnxpb.AttrFloats, Floats: []float32{1, -2, 0.5, 3}},
			onnxpb.Attr{Name: "scale", Type: onnxpb.AttrFloats, Floats: []float32{0.5, 2, -1, 3}})}},
		"Scaler of all": {x2, nil, []onnxpb.Node{nodeOf("Scaler", "ai.onnx.ml", []string{"x"}, []string{"y"},
			onnxpb.Attr{Name: "offset", Type: onnxpb.AttrFloats, Floats: []float32{0.5}},
			onnxpb.Attr{Name: "scale", Type: onnxpb.AttrFloats, Floats: []float32{4}})}},
		"Concat with nothing": {x, []onnxpb.Tensor{{Name: "none", Type: onnxpb.Float, Dims: []int64{2, 0, 5}}}, []onnxpb.Node{
			nodeOf("Concat", "", []string{"none", "x", "none", "x"}, []string{"y"}, intAttr("axis", 1)),
		}},
		"Concat of one and nothing": {x, []onnxpb.Tensor{{Name: "none", Type: onnxpb.Float, Dims: []int64{2, 4, 0}}}, []onnxpb.Node{
			nodeOf("Concat", "", []string{"x", "none"}, []string{"z"}, intAttr("axis", -1)), nodeOf("Neg", "", []string{"z"}, []string{"y"}),
		}},
		"dynamic layer of tokens":      {tokens, embedded, layer},
		"Clip between computed bounds": {x, half, append(bounds[:3:3], nodeOf("Clip", "", []string{"x", "lo", "hi"}, []string{"y"}))},
		"Clip from a computed bound":   {x, half, append(bounds[:3:3], nodeOf("Clip", "", []string{"x", "lo"}, []string{"y"}))},
		"Clip to a computed bound":     {x, half, append(bounds[:2:2], nodeOf("Clip", "", []string{"x", "", "hi"}, []string{"y"}))},
		"Clip to one of two":           {x, half, append(bounds[:2:2], nodeOf("Clip", "", []string{"x", "half", "hi"}, []string{"y"}))},
	} {
		t.Run(name, func(t *testing.T) { c.compare(t, "y") })
	}
}

// compare holds the network against ONNX Runtime, if there is one.
func (c small) compare(t *testing.T, outputs ...string) {
	t.Helper()
	file := c.file(t, outputs...)
	g, err := Import(t.Context(), file, "small.onnx")
	if err != nil {
		t.Fatal(err)
	}
	got, err := graph.Eval(t.Context(), g, c.inputs, nil)
	if err != nil {
		t.Fatal(err)
	}
	if os.Getenv("LINQUANT_ORT_PYTHON") == "" {
		return
	}
	path := filepath.Join(t.TempDir(), "small.onnx")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	want := ort.Run(t, path, c.inputs, nil, ort.Options{Unsaturated: true})
	for _, out := range outputs {
		if err := alike(got[out], want[out]); err != nil {
			t.Errorf("%s: %v", out, err)
		}
	}
}
