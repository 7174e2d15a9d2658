package onnx

import (
	"bytes"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/internal/testing/ort"
	"linquant/tensor"
)

const dynamicLSTM = "testdata/foreign/dynamic_lstm.onnx"

// LSTMs that quantize their input are the same nodes after a file, in every format, and ONNX Runtime computes the same of what is written.
func TestDynamicLSTMReturns(t *testing.T) {
	f, err := Open(t.Context(), dynamicLSTM)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	in := map[string]tensor.Tensor{"x": drawn(t)}
	for _, format := range []Format{QDQ, QOperator} {
		path := export(t, f.Graph, ExportConfig{Format: format})
		back, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer back.Close()
		outputs := map[string]bool{} // which LSTM, and which of its outputs
		for _, n := range back.Graph.Nodes {
			if graph.IsDynamic(n) {
				outputs[n.Str("direction")+string(rune('0'+n.Int(graph.OutputAttr)))] = true
			}
		}
		want := []string{"bidirectional0", "bidirectional1", "bidirectional2", "reverse0", "reverse1", "reverse2"}
		if got := slices.Sorted(maps.Keys(outputs)); !slices.Equal(got, want) {
			t.Errorf("%v: LSTMs %v, want %v", format, got, want)
		}
		var values [2]map[string]tensor.Tensor
		for i, g := range []*graph.Graph{f.Graph, back.Graph} {
			if values[i], err = graph.Eval(t.Context(), g, in, nil); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(values[0]["y"].Data, values[1]["y"].Data) {
			t.Errorf("%v: other bits after the file", format)
		}
		t.Run("runtime", func(t *testing.T) {
			ort.Require(t)
			theirs := ort.Run(t, path, in, nil, ort.Options{Unsaturated: true})
			if d := largest(t, theirs["y"], values[0]["y"]); d > 1e-5 {
				t.Errorf("%v: ONNX Runtime is %g away", format, d)
			}
		})
	}
}

// Where a file has no output of every step, sequences that have ended stay in the ranges, here and in ONNX Runtime.
func TestDynamicLSTMEnded(t *testing.T) {
	file, err := os.ReadFile(dynamicLSTM)
	if err != nil {
		t.Fatal(err)
	}
	m, err := onnxpb.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	lstm := m.Graph.Nodes[slices.IndexFunc(m.Graph.Nodes, func(n onnxpb.Node) bool { return n.Op == "DynamicQuantizeLSTM" })]
	state := lstm.Outputs[1]
	m.Graph.Outputs = []onnxpb.ValueInfo{{
		Name: state, Type: onnxpb.Float, HasShape: true, Dims: []onnxpb.Dim{{Value: 2}, {Value: 3}, {Value: 8}},
	}}
	m.Graph.Nodes = []onnxpb.Node{lstm}
	in := map[string]tensor.Tensor{"x": drawn(t)}
	states := func(data []byte) tensor.Tensor {
		g, err := Import(t.Context(), data, "lstm.onnx")
		if err != nil {
			t.Fatal(err)
		}
		path := export(t, g, ExportConfig{})
		back, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer back.Close()
		var values [2]map[string]tensor.Tensor
		for i, g := range []*graph.Graph{g, back.Graph} {
			if values[i], err = graph.Eval(t.Context(), g, in, nil); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(values[0][state].Data, values[1][state].Data) {
			t.Error("other bits after the file")
		}
		return values[0][state]
	}
	all := states(fileOf(t, m))
	m.Graph.Nodes[0].Outputs = []string{"", state}
	last := fileOf(t, m)
	got := states(last)
	if largest(t, got, all) < 1e-5 {
		t.Error("the output of every step makes no difference")
	}
	ort.Require(t)
	path := filepath.Join(t.TempDir(), "lstm.onnx")
	if err := os.WriteFile(path, last, 0o600); err != nil {
		t.Fatal(err)
	}
	if d := largest(t, ort.Run(t, path, in, nil, ort.Options{Unsaturated: true})[state], got); d > 1e-5 {
		t.Errorf("ONNX Runtime is %g away", d)
	}
}

// drawn returns an input of the LSTMs.
func drawn(t *testing.T) tensor.Tensor {
	t.Helper()
	r, elements := rand.New(rand.NewPCG(1, 2)), make([]float32, 6*3*10)
	for i := range elements {
		elements[i] = float32(r.NormFloat64())
	}
	x, err := tensor.Of(tensor.Shape{6, 3, 10}, elements)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// largest returns the largest difference of two arrays of one shape.
func largest(t *testing.T, a, b tensor.Tensor) float64 {
	t.Helper()
	x, err := a.Float32s()
	if err != nil || !a.Shape.Equal(b.Shape) {
		t.Fatal(a.Shape, b.Shape, err)
	}
	y, err := b.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	most := 0.0
	for i := range x {
		most = max(most, float64(x[i]-y[i]), float64(y[i]-x[i]))
	}
	return most
}

// What is wrong with an LSTM of codes is one line with its name and what about it.
func TestDynamicLSTMRefused(t *testing.T) {
	file, err := os.ReadFile(dynamicLSTM)
	if err != nil {
		t.Fatal(err)
	}
	constant := func(g *onnxpb.Graph, name string) *onnxpb.Tensor {
		return &g.Initializers[slices.IndexFunc(g.Initializers, func(c onnxpb.Tensor) bool { return c.Name == name })]
	}
	for name, c := range map[string]struct {
		edit func(g *onnxpb.Graph, n *onnxpb.Node)
		says string
	}{
		"rank":            {func(g *onnxpb.Graph, n *onnxpb.Node) { constant(g, n.Inputs[1]).Dims = []int64{20, 32} }, "is no constant of 3 dimensions"},
		"computed":        {func(_ *onnxpb.Graph, n *onnxpb.Node) { n.Inputs[1] = "x" }, "is no constant of 3 dimensions"},
		"reals":           {func(_ *onnxpb.Graph, n *onnxpb.Node) { n.Inputs[1] = n.Inputs[5] }, "holds no codes"},
		"rows of columns": {func(g *onnxpb.Graph, n *onnxpb.Node) { constant(g, n.Inputs[1]).Dims = []int64{2, 32, 10} }, "for"},
		"no elements": {func(g *onnxpb.Graph, n *onnxpb.Node) {
			c := constant(g, n.Inputs[1])
			c.Dims, c.Raw = []int64{2, 0, 32}, nil
		}, ""},
		"no columns": {func(g *onnxpb.Graph, n *onnxpb.Node) {
			c := constant(g, n.Inputs[2])
			c.Dims, c.Raw = []int64{2, 8, 0}, nil
		}, ""},
		"scales": {func(g *onnxpb.Graph, n *onnxpb.Node) {
			c := constant(g, n.Inputs[8])
			c.Dims, c.Raw = []int64{1}, c.Raw[:4]
		}, "of shape [1]"},
		"no scale": {func(_ *onnxpb.Graph, n *onnxpb.Node) { n.Inputs[8] = "" }, "it has no scale"},
		"scale of 0": {func(g *onnxpb.Graph, n *onnxpb.Node) {
			c := constant(g, n.Inputs[10])
			c.Raw = slices.Clone(c.Raw)
			binary.LittleEndian.PutUint32(c.Raw, 0)
		}, "a scale is positive"},
		"type of the zero point":  {func(g *onnxpb.Graph, n *onnxpb.Node) { constant(g, n.Inputs[9]).Type = onnxpb.Uint8 }, "make the types agree"},
		"zero point of reals":     {func(_ *onnxpb.Graph, n *onnxpb.Node) { n.Inputs[9] = n.Inputs[8] }, "zero point"},
		"number of inputs":        {func(_ *onnxpb.Graph, n *onnxpb.Node) { n.Inputs = n.Inputs[:11] }, "it has 11 inputs"},
		"no input":                {func(_ *onnxpb.Graph, n *onnxpb.Node) { n.Inputs[0] = "" }, ""},
		"hidden size":             {func(_ *onnxpb.Graph, n *onnxpb.Node) { attrOf(n, "hidden_size").Int = 7 }, "hidden size of 7"},
		"direction":               {func(_ *onnxpb.Graph, n *onnxpb.Node) { attrOf(n, "direction").String = "forward" }, "hidden size of 8"},
		"biases":                  {func(g *onnxpb.Graph, n *onnxpb.Node) { constant(g, n.Inputs[3]).Dims = []int64{1, 128} }, "it is [2, 64]"},
		"lengths of reals":        {func(_ *onnxpb.Graph, n *onnxpb.Node) { n.Inputs[4] = n.Inputs[7] }, "it is [3]"},
		"peepholes of the states": {func(_ *onnxpb.Graph, n *onnxpb.Node) { n.Inputs[7] = n.Inputs[6] }, "it is [2, 24]"},
	} {
		t.Run(name, func(t *testing.T) {
			m, err := onnxpb.Read(bytes.Clone(file))
			if err != nil {
				t.Fatal(err)
			}
			c.edit(m.Graph, &m.Graph.Nodes[slices.IndexFunc(m.Graph.Nodes, func(n onnxpb.Node) bool { return n.Op == "DynamicQuantizeLSTM" })])
			_, err = Import(t.Context(), fileOf(t, m), "lstm.onnx")
			if err == nil || !strings.Contains(err.Error(), "DynamicQuantizeLSTM") && !strings.Contains(err.Error(), "LSTM") ||
				!strings.Contains(err.Error(), c.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, c.says)
			}
			t.Log(err)
		})
	}
}

func attrOf(n *onnxpb.Node, name string) *onnxpb.Attr {
	return &n.Attrs[slices.IndexFunc(n.Attrs, func(a onnxpb.Attr) bool { return a.Name == name })]
}
