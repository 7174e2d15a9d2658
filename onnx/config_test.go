package onnx_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/tensor"
)

// model writes a model of one output y.
func model(t testing.TB, inputs []onnxpb.ValueInfo, nodes ...onnxpb.Node) []byte {
	t.Helper()
	return modelOf(t, inputs, nil, nodes...)
}

// modelOf is a model with initializers.
func modelOf(t testing.TB, inputs []onnxpb.ValueInfo, consts []onnxpb.Tensor, nodes ...onnxpb.Node) []byte {
	t.Helper()
	m := onnxpb.Model{IRVersion: 7, Opsets: []onnxpb.Opset{{Version: 13}}, Graph: &onnxpb.Graph{
		Name: "test", Inputs: inputs, Initializers: consts, Nodes: nodes, Outputs: []onnxpb.ValueInfo{{Name: "y", Type: onnxpb.Float}},
	}}
	var b strings.Builder
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	return []byte(b.String())
}

func info(name string, typ onnxpb.DataType, dims ...int64) onnxpb.ValueInfo {
	v := onnxpb.ValueInfo{Name: name, Type: typ, HasShape: true}
	for _, d := range dims {
		v.Dims = append(v.Dims, onnxpb.Dim{Value: d})
	}
	return v
}

func op(name string, out string, in ...string) onnxpb.Node {
	return onnxpb.Node{Op: name, Inputs: in, Outputs: []string{out}}
}

func tensorOf[T tensor.Element](t testing.TB, shape tensor.Shape, x ...T) tensor.Tensor {
	t.Helper()
	v, err := tensor.Of(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// A picture of any size gets one from the configuration.
func TestShapes(t *testing.T) {
	x := info("x", onnxpb.Float, -1, 3, -1, -1)
	data := model(t, []onnxpb.ValueInfo{x}, op("GlobalAveragePool", "g", "x"), op("Flatten", "y", "g"))
	if _, err := onnx.Import(t.Context(), data, "net.onnx"); err == nil || !strings.Contains(err.Error(), "dimension 2 has no fixed length") {
		t.Errorf("without a shape: error %v", err)
	}
	for _, size := range []int{5, 8} {
		shape := tensor.Shape{graph.Batch, 3, size, size}
		g, err := onnx.ImportConfig{Shapes: map[string]tensor.Shape{"x": shape}}.Import(t.Context(), data, "net.onnx")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(shape, g.Values["x"].Shape); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(tensor.Shape{graph.Batch, 3}, g.Values["y"].Shape); diff != "" {
			t.Error(diff)
		}
	}
}

// Open takes the configuration too, and a fixed first dimension is one like others.
func TestFixed(t *testing.T) {
	path := filepath.Join("testdata", "float", "flatten_default_opset9.onnx")
	f, err := onnx.ImportConfig{Fixed: true, Shapes: map[string]tensor.Shape{"x": {4, 2, 3}}}.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if diff := cmp.Diff(tensor.Shape{4, 6}, f.Graph.Values["y"].Shape); diff != "" {
		t.Error(diff)
	}
	swap := op("Transpose", "y", "x")
	swap.Attrs = []onnxpb.Attr{{Name: "perm", Type: onnxpb.AttrInts, Ints: []int64{1, 0}}}
	data := model(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, 2, 3)}, swap)
	g, err := onnx.ImportConfig{Fixed: true}.Import(t.Context(), data, "net.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(tensor.Shape{3, 2}, g.Values["y"].Shape); diff != "" {
		t.Error(diff)
	}
}

// Inputs that are constants are no inputs, and what follows from them alone is computed.
func TestConstants(t *testing.T) {
	data := model(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 6), info("to", onnxpb.Int64, 2), info("by", onnxpb.Int64)},
		op("Div", "less", "to", "by"), op("Concat", "shape", "batch", "less"), op("Reshape", "y", "x", "shape"),
		op("Shape", "all", "x"), op("Gather", "batch", "all", "first"),
		onnxpb.Node{Op: "Constant", Outputs: []string{"first"}, Attrs: []onnxpb.Attr{{Name: "value_ints", Type: onnxpb.AttrInts, Ints: []int64{0}}}})
	m, err := onnxpb.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	m.Graph.Nodes[1].Attrs = []onnxpb.Attr{{Name: "axis", Type: onnxpb.AttrInt}}
	var b strings.Builder
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	data = []byte(b.String())
	constants := map[string]tensor.Tensor{
		"to": tensorOf(t, tensor.Shape{2}, int64(4), 6), "by": tensorOf(t, tensor.Shape{}, int64(2)),
	}
	g, err := onnx.ImportConfig{Constants: constants}.Import(t.Context(), data, "net.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"x"}, g.Inputs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(tensor.Shape{graph.Batch, 2, 3}, g.Values["y"].Shape); diff != "" {
		t.Error(diff)
	}
	for name, bad := range map[string]struct {
		cfg  onnx.ImportConfig
		want string
	}{
		"none":          {onnx.ImportConfig{}, `Reshape node "y": input 1 ("shape") must be constant`},
		"unknown":       {onnx.ImportConfig{Constants: map[string]tensor.Tensor{"z": constants["by"]}}, `constant is given for "z"`},
		"unknown shape": {onnx.ImportConfig{Shapes: map[string]tensor.Shape{"z": {1}}}, `shape is given for "z"`},
		"other type": {
			onnx.ImportConfig{Constants: map[string]tensor.Tensor{"to": tensorOf(t, tensor.Shape{2}, int32(4), 6)}},
			`input "to": the constant for it has elements of int32`,
		},
		"other shape": {
			onnx.ImportConfig{Constants: map[string]tensor.Tensor{"to": tensorOf(t, tensor.Shape{3}, int64(4), 6, 7)}},
			`input "to": the constant for it has the shape [3]`,
		},
		"broken": {onnx.ImportConfig{Constants: map[string]tensor.Tensor{"to": {DType: tensor.Int64, Shape: tensor.Shape{2}}}}, `input "to": `},
		"rank":   {onnx.ImportConfig{Shapes: map[string]tensor.Shape{"x": {graph.Batch, 2, 3}}}, `input "x": a shape of 3 dimensions is given`},
		"zero": {onnx.ImportConfig{Constants: map[string]tensor.Tensor{
			"to": constants["to"], "by": tensorOf(t, tensor.Shape{}, int64(0)),
		}}, "Div node"},
	} {
		if _, err := bad.cfg.Import(t.Context(), data, "net.onnx"); err == nil || !strings.HasPrefix(err.Error(), "net.onnx: ") ||
			!strings.Contains(err.Error(), bad.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one line with %q", name, err, bad.want)
		}
	}
}

// A network is cut at values before its outputs, and what is behind them need not be supported.
func TestOutputs(t *testing.T) {
	data := model(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 6)}, op("Relu", "r", "x"), op("Sigmoid", "s", "r"),
		op("Tanh", "other", "x"), op("NonMaxSuppression", "y", "s"))
	if _, err := onnx.Import(t.Context(), data, "net.onnx"); err == nil || !strings.Contains(err.Error(), "NonMaxSuppression") {
		t.Errorf("error %v", err)
	}
	g, err := onnx.ImportConfig{Outputs: []string{"s", "r"}}.Import(t.Context(), data, "net.onnx")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"s", "r"}, g.Outputs); diff != "" || len(g.Nodes) != 2 {
		t.Errorf("%d nodes: %s", len(g.Nodes), diff)
	}
	for _, bad := range [][]string{{"x"}, {"z"}, {"s", "s"}, {""}, {}} {
		if _, err := (onnx.ImportConfig{Outputs: bad}).Import(t.Context(), data, "net.onnx"); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v", bad, err)
		}
	}
}
