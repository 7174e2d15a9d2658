package onnx_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/tensor"
)

// detector is a model whose tail has operators that are not read: y of the values s and r, which come of x.
func detector(t *testing.T) []byte {
	return model(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 6)}, op("Relu", "r", "x"), op("Sigmoid", "s", "r"), op("Shape", "n", "s"),
		op("Tanh", "unread", "x"), op("Soup", "found", "s", "r", "n"), op("Magic", "y", "found", "s"))
}

// A network that is refused for its tail is told to be readable up to the last values before it, and is.
func TestCutError(t *testing.T) {
	_, err := onnx.Import(t.Context(), detector(t), "net.onnx")
	var cut *onnx.CutError
	var unsupported *onnx.UnsupportedError
	if !errors.As(err, &cut) || !slices.Equal(cut.Outputs, []string{"r", "s"}) || !errors.As(err, &unsupported) || unsupported.Op != "Soup" {
		t.Fatalf("error %v", err)
	}
	g, err := onnx.ImportConfig{Outputs: cut.Outputs}.Import(t.Context(), detector(t), "net.onnx")
	if err != nil || len(g.Nodes) != 2 {
		t.Errorf("%v, error %v", g, err)
	}

	// A node may be refused for what it asks, and what is behind another for the same: both are cut away.
	data := model(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 6)}, op("Relu", "r", "x"), op("Concat", "c", "r", "r"), op("Tanh", "h", "r"),
		op("Concat", "d", "h", "h"), op("Add", "y", "c", "d"))
	if _, err := onnx.Import(t.Context(), data, "net.onnx"); !errors.As(err, &cut) || !slices.Equal(cut.Outputs, []string{"r", "h"}) {
		t.Errorf("error %v", err)
	}

	// Where nothing comes before there is nothing to cut, nor of a file that is damaged.
	for _, data := range [][]byte{
		model(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 6)}, op("Soup", "s", "x"), op("Relu", "y", "s")),
		model(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 6)}, op("Relu", "r", "x"), op("Add", "y", "r", "nothing")),
	} {
		if _, err := onnx.Import(t.Context(), data, "net.onnx"); err == nil || errors.As(err, &cut) {
			t.Errorf("error %v", err)
		}
	}
}

// A network begins at values that it would compute. What the file does not say of them follows from what comes before.
func TestInputs(t *testing.T) {
	x := info("x", onnxpb.Float, -1, 3, 4)
	nodes := []onnxpb.Node{op("Flatten", "f", "x"), op("Relu", "r", "f"), op("Tanh", "h", "r"), op("Add", "y", "h", "f")}
	data := model(t, []onnxpb.ValueInfo{x}, nodes...)
	for name, c := range map[string]struct {
		cfg    onnx.ImportConfig
		inputs []string
		shape  tensor.Shape // of the first
	}{
		"one":              {onnx.ImportConfig{Inputs: []string{"r"}, Outputs: []string{"h"}}, []string{"r"}, tensor.Shape{graph.Batch, 12}},
		"the rest stays":   {onnx.ImportConfig{Inputs: []string{"r"}}, []string{"x", "r"}, tensor.Shape{graph.Batch, 3, 4}},
		"two":              {onnx.ImportConfig{Inputs: []string{"r", "f"}}, []string{"r", "f"}, tensor.Shape{graph.Batch, 12}},
		"shape given":      {onnx.ImportConfig{Inputs: []string{"r"}, Outputs: []string{"h"}, Shapes: map[string]tensor.Shape{"r": {graph.Batch, 5}}}, []string{"r"}, tensor.Shape{graph.Batch, 5}},
		"an input as such": {onnx.ImportConfig{Inputs: []string{"x"}}, []string{"x"}, tensor.Shape{graph.Batch, 3, 4}},
	} {
		g, err := c.cfg.Import(t.Context(), data, "net.onnx")
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if diff := cmp.Diff(c.inputs, g.Inputs); diff != "" || !g.Values[c.inputs[0]].Shape.Equal(c.shape) {
			t.Errorf("%s: %s, shape %v", name, diff, g.Values[c.inputs[0]].Shape)
		}
	}
	for name, inputs := range map[string][]string{"unknown": {"g"}, "twice": {"r", "r"}, "not needed": {"y"}, "no name": {""}} {
		if _, err := (onnx.ImportConfig{Inputs: inputs, Outputs: []string{"h"}}).Import(t.Context(), data, "net.onnx"); err == nil {
			t.Errorf("%s: no error", name)
		}
	}

	// Behind what is not read nothing follows: a shape must be given.
	behind := model(t, []onnxpb.ValueInfo{x}, op("Soup", "s", "x"), op("Relu", "y", "s"))
	var open *onnx.OpenShapeError
	if _, err := (onnx.ImportConfig{Inputs: []string{"s"}}).Import(t.Context(), behind, "net.onnx"); !errors.As(err, &open) || open.Input != "s" {
		t.Errorf("error %v", err)
	}
	cfg := onnx.ImportConfig{Inputs: []string{"s"}, Shapes: map[string]tensor.Shape{"s": {graph.Batch, 7}}}
	if g, err := cfg.Import(t.Context(), behind, "net.onnx"); err != nil || g.Values["y"].Shape[1] != 7 {
		t.Errorf("error %v", err)
	}
}

// A node that makes a value which becomes an input may be needed for another that it makes: there the value has another name.
func TestInputsBesideOthers(t *testing.T) {
	split := op("Split", "s", "x")
	split.Outputs, split.Attrs = []string{"s", "rest"}, []onnxpb.Attr{{Name: "axis", Type: onnxpb.AttrInt, Int: 1}}
	data := model(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 6)}, split, op("Relu", "s_cut", "rest"), op("Tanh", "t", "s"),
		op("Add", "y", "t", "s_cut"))
	path := filepath.Join(t.TempDir(), "net.onnx")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	cfg := onnx.ImportConfig{Inputs: []string{"s"}}
	g, err := cfg.Import(t.Context(), data, "net.onnx")
	if err != nil || !slices.Equal(g.Inputs, []string{"x", "s"}) {
		t.Fatalf("%v, error %v", g, err)
	}
	var part bytes.Buffer
	if _, err := cfg.Extract(t.Context(), path, &part); err != nil {
		t.Fatal(err)
	}
	m, err := onnxpb.Read(part.Bytes())
	if err != nil {
		t.Fatal(err)
	}
	want := split
	want.Outputs = []string{"s_cut2", "rest"} // s_cut is another's
	if diff := cmp.Diff(want, m.Graph.Nodes[0]); diff != "" || len(m.Graph.Nodes) != 4 {
		t.Errorf("%d nodes: %s", len(m.Graph.Nodes), diff)
	}
	if again, err := onnx.Import(t.Context(), part.Bytes(), "part.onnx"); err != nil || len(again.Nodes) != len(g.Nodes) {
		t.Errorf("%v, error %v", again, err)
	}

	// What a refused node makes is known by either name.
	split.Op = "Soup"
	data = model(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 6)}, op("Add", "t", "x", "s"), split,
		op("Add", "y", "t", "rest"), op("Add", "z", "y", "s"))
	cfg = onnx.ImportConfig{Inputs: []string{"s"}, Outputs: []string{"z"}, Shapes: map[string]tensor.Shape{"s": {graph.Batch, 6}}}
	var cut *onnx.CutError
	var unsupported *onnx.UnsupportedError
	if _, err := cfg.Import(t.Context(), data, "net.onnx"); !errors.As(err, &cut) || !slices.Equal(cut.Outputs, []string{"t"}) ||
		!errors.As(err, &unsupported) || unsupported.Node != "s" {
		t.Errorf("error %v", err)
	}
}

// An input that the file has a default for is given when it is asked for.
func TestInputsWithDefault(t *testing.T) {
	m := &onnxpb.Model{IRVersion: 3, Opsets: []onnxpb.Opset{{Version: 9}}, Graph: &onnxpb.Graph{
		Inputs:       []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 2), info("w", onnxpb.Float, -1, 2)},
		Outputs:      []onnxpb.ValueInfo{info("y", onnxpb.Float, -1, 2)},
		Initializers: []onnxpb.Tensor{{Name: "w", Type: onnxpb.Float, Dims: []int64{1, 2}, Raw: make([]byte, 8)}, {Name: "c", Type: onnxpb.Float, Dims: []int64{2}, Raw: make([]byte, 8)}},
		Nodes:        []onnxpb.Node{op("Relu", "r", "x"), op("Add", "a", "r", "w"), op("Mul", "y", "a", "c")},
	}}
	var data bytes.Buffer
	path := filepath.Join(t.TempDir(), "net.onnx")
	if err := m.Write(&data); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	cfg := onnx.ImportConfig{Inputs: []string{"w"}}
	g, err := cfg.Import(t.Context(), data.Bytes(), "net.onnx")
	if err != nil || !slices.Equal(g.Inputs, []string{"x", "w"}) {
		t.Errorf("%v, error %v", g, err)
	}
	var part bytes.Buffer
	if _, err := cfg.Extract(t.Context(), path, &part); err != nil {
		t.Fatal(err)
	}
	m.Graph.Initializers = m.Graph.Initializers[1:]
	if got, err := onnxpb.Read(part.Bytes()); err != nil {
		t.Error(err)
	} else if diff := cmp.Diff(m, got); diff != "" {
		t.Error(diff)
	}
}

// What cannot be an input or an output is told why.
func TestPartErrors(t *testing.T) {
	m := &onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 13}}, Graph: &onnxpb.Graph{
		Inputs: []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 2)}, Outputs: []onnxpb.ValueInfo{info("y", onnxpb.Float, -1, 2)},
		Initializers: []onnxpb.Tensor{{Name: "w", Type: onnxpb.Float, Dims: []int64{2}, Raw: make([]byte, 8)}},
		Nodes:        []onnxpb.Node{op("Relu", "relu", "x"), op("Add", "y", "relu", "w")},
	}}
	var data bytes.Buffer
	if err := m.Write(&data); err != nil {
		t.Fatal(err)
	}
	for want, cfg := range map[string]onnx.ImportConfig{
		`the output "x" is asked for, and it is an input of the network, which no node computes`:                    {Outputs: []string{"x"}},
		`the output "w" is asked for, and it is an initializer, which no node computes`:                             {Outputs: []string{"w"}},
		`the output "y" is asked for, and it is so twice`:                                                           {Outputs: []string{"y", "y"}},
		`the output "relu" is asked for, and it is an input of the part, where it is not computed`:                  {Outputs: []string{"relu"}, Inputs: []string{"relu"}},
		`the output "rely" is asked for, and no node computes it; did you mean "relu", "y"?`:                        {Outputs: []string{"rely"}},
		`the input "w" is asked for, and it is an initializer, which always has the value that the file has for it`: {Inputs: []string{"w"}},
		`the input "relu" is asked for, and it is so twice`:                                                         {Inputs: []string{"relu", "relu"}},
		`the input "other" is asked for, and no node computes it and it is no input: the file has the outputs "y"`:  {Inputs: []string{"other"}},
	} {
		var unknown *onnx.UnknownValueError
		if _, err := cfg.Import(t.Context(), data.Bytes(), "net.onnx"); !errors.As(err, &unknown) || err.Error() != "net.onnx: "+want {
			t.Errorf("error %v, want %s", err, want)
		}
	}
}

// What is written of a part are the nodes, initializers and metadata of the file, with elements of other files inside; and the
// declarations follow from the network where the file has none.
func TestExtract(t *testing.T) {
	relu := op("Relu", "r", "x")
	relu.Name, relu.Attrs = "first", []onnxpb.Attr{{Name: "unheard_of", Type: onnxpb.AttrStrings, Strings: []string{"kept"}}}
	m := &onnxpb.Model{
		IRVersion: 9, Producer: "elsewhere", Doc: "about it", Opsets: []onnxpb.Opset{{Version: 17}, {Domain: "mine", Version: 3}},
		Metadata: []onnxpb.Entry{{Key: "k", Value: "v"}},
		Graph: &onnxpb.Graph{
			Name: "net", Inputs: []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 2), info("scale", onnxpb.Float, 2), info("other", onnxpb.Float, 5)},
			Initializers: []onnxpb.Tensor{
				{Name: "w", Type: onnxpb.Float, Dims: []int64{2}, Outside: true, External: []onnxpb.Entry{{Key: "location", Value: "w.bin"}, {Key: "offset", Value: "4"}, {Key: "length", Value: "8"}}},
				{Name: "unread", Type: onnxpb.Float, Dims: []int64{1}, Raw: make([]byte, 4)},
			},
			Nodes: []onnxpb.Node{
				relu, op("Add", "a", "r", "w"), op("Mul", "m", "a", "scale"), op("Soup", "y", "m", "other", "unread"),
			},
			Outputs: []onnxpb.ValueInfo{info("y", onnxpb.Float, 1)}, Values: []onnxpb.ValueInfo{info("r", onnxpb.Float, -1, 2), info("z", onnxpb.Float, 1)},
		},
	}
	m.Graph.Inputs[0].Dims[0].Param = "batch"
	dir := t.TempDir()
	path := filepath.Join(dir, "net.onnx")
	var file bytes.Buffer
	if err := m.Write(&file); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(os.WriteFile(path, file.Bytes(), 0o666), os.WriteFile(filepath.Join(dir, "w.bin"), []byte("....aaaabbbb"), 0o666)); err != nil {
		t.Fatal(err)
	}
	extract := func(cfg onnx.ImportConfig) (*onnxpb.Model, []string) {
		t.Helper()
		var part bytes.Buffer
		unknown, err := cfg.Extract(t.Context(), path, &part)
		if err != nil {
			t.Fatal(err)
		}
		got, err := onnxpb.Read(part.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		return got, unknown
	}

	// The attribute of the first node is none of Relu's, so that nothing can be inferred behind it: r is declared by the file, m by nobody.
	got, unknown := extract(onnx.ImportConfig{Outputs: []string{"m", "r"}})
	want := *m
	part := *m.Graph
	part.Inputs, part.Nodes, part.Values = part.Inputs[:2], part.Nodes[:3], nil
	part.Outputs = []onnxpb.ValueInfo{{Name: "m"}, m.Graph.Values[0]}
	part.Initializers = []onnxpb.Tensor{{Name: "w", Type: onnxpb.Float, Dims: []int64{2}, Raw: []byte("aaaabbbb")}}
	want.Graph = &part
	if diff := cmp.Diff(&want, got); diff != "" || !slices.Equal(unknown, []string{"m"}) {
		t.Errorf("unknown %q: %s", unknown, diff)
	}

	// From r on it can be read.
	scale := tensorOf(t, tensor.Shape{2}, float32(1), 2)
	got, unknown = extract(onnx.ImportConfig{Inputs: []string{"r"}, Outputs: []string{"m"}, Constants: map[string]tensor.Tensor{"scale": scale}})
	product := info("m", onnxpb.Float, -1, 2)
	product.Dims[0].Param = "batch"
	part.Inputs, part.Nodes, part.Outputs = m.Graph.Values[:1], m.Graph.Nodes[1:3], []onnxpb.ValueInfo{product}
	part.Initializers = append(part.Initializers, onnxpb.Tensor{Name: "scale", Type: onnxpb.Float, Dims: []int64{2}, Raw: scale.Data})
	if diff := cmp.Diff(&want, got); diff != "" || unknown != nil {
		t.Errorf("unknown %q: %s", unknown, diff)
	}

	for name, bad := range map[string]onnx.ImportConfig{
		"unknown output": {Outputs: []string{"q"}}, "shape of nothing": {Outputs: []string{"r"}, Shapes: map[string]tensor.Shape{"q": {1}}},
		"rank":             {Outputs: []string{"r"}, Shapes: map[string]tensor.Shape{"x": {1, 2, 3}}},
		"constant of none": {Outputs: []string{"r"}, Constants: map[string]tensor.Tensor{"q": scale}},
		"constant of another type": {
			Outputs: []string{"m"}, Constants: map[string]tensor.Tensor{"scale": tensorOf(t, tensor.Shape{2}, int32(1), 2)},
		},
	} {
		var none bytes.Buffer
		if _, err := bad.Extract(t.Context(), path, &none); err == nil || none.Len() > 0 {
			t.Errorf("%s: error %v, %d bytes", name, err, none.Len())
		}
	}
}

// Where the file leaves sizes open, what is said of a part's ends is what holds for all of them.
func TestExtractOpen(t *testing.T) {
	conv := op("Relu", "r", "x")
	data := model(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 3, -1, -1)}, conv, op("GlobalAveragePool", "g", "r"), op("Sigmoid", "y", "g"))
	path := filepath.Join(t.TempDir(), "net.onnx")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	for from, want := range map[string][]int64{"r": {-1, 3, -1, -1}, "g": {-1, 3, 1, 1}} {
		var part bytes.Buffer
		if _, err := (onnx.ImportConfig{Inputs: []string{from}, Outputs: []string{"y"}}).Extract(t.Context(), path, &part); err != nil {
			t.Fatal(err)
		}
		m, err := onnxpb.Read(part.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		var dims []int64
		for _, d := range m.Graph.Inputs[0].Dims {
			dims = append(dims, d.Value)
		}
		if diff := cmp.Diff(want, dims); diff != "" {
			t.Errorf("%s: %s", from, diff)
		}
	}
}

// In a network that takes its whole input as one example too, what follows from a first dimension without a number has none.
func TestExtractWhole(t *testing.T) {
	x := info("x", onnxpb.Float, -1, 4)
	x.Dims[0].Param = "rows"
	turn := op("Transpose", "t", "r")
	turn.Attrs = []onnxpb.Attr{{Name: "perm", Type: onnxpb.AttrInts, Ints: []int64{1, 0}}}
	m := &onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 13}}, Graph: &onnxpb.Graph{
		Inputs: []onnxpb.ValueInfo{x}, Outputs: []onnxpb.ValueInfo{info("y", onnxpb.Float, 4, 4), info("z", onnxpb.Float, 4, 4)},
		Nodes: []onnxpb.Node{op("Relu", "r", "x"), turn, op("MatMul", "y", "t", "r"), op("Soup", "z", "y")},
	}}
	var data bytes.Buffer
	path := filepath.Join(t.TempDir(), "net.onnx")
	if err := m.Write(&data); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, data.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	extract := func(cfg onnx.ImportConfig) *onnxpb.Graph {
		t.Helper()
		var part bytes.Buffer
		if unknown, err := cfg.Extract(t.Context(), path, &part); err != nil || unknown != nil {
			t.Fatalf("unknown %q, error %v", unknown, err)
		}
		got, err := onnxpb.Read(part.Bytes())
		if err != nil {
			t.Fatal(err)
		}
		return got.Graph
	}
	r, turned := info("r", onnxpb.Float, -1, 4), info("t", onnxpb.Float, 4, -1)
	r.Dims[0].Param, turned.Dims[1].Param = "rows", "rows"
	ends := []onnxpb.ValueInfo{r, turned}
	if diff := cmp.Diff(ends, extract(onnx.ImportConfig{Inputs: []string{"r", "t"}, Outputs: []string{"y"}}).Inputs); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(ends, extract(onnx.ImportConfig{Outputs: []string{"r", "t"}}).Outputs); diff != "" {
		t.Error(diff)
	}

	// With another shape the numbers of what cannot be read need not hold, its type does.
	got := extract(onnx.ImportConfig{Inputs: []string{"y"}, Outputs: []string{"z"}, Shapes: map[string]tensor.Shape{"y": {3, 4}}})
	if diff := cmp.Diff([]onnxpb.ValueInfo{info("z", onnxpb.Float, -1, -1)}, got.Outputs); diff != "" {
		t.Error(diff)
	}
}
