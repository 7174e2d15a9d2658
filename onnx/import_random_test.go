package onnx

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
)

// randomModel draws a model of known operators that is wrong in most cases, but not always: names, attributes and
// constants come from small sets.
func randomModel(t *rapid.T) *onnxpb.Model {
	var ops []graph.Op
	for _, row := range raw.Operators() {
		ops = append(ops, row.Op)
	}
	ops = slices.DeleteFunc(ops, func(op graph.Op) bool { return raw.HasParameters(op) && rapid.IntRange(0, 9).Draw(t, "codes") > 0 })
	names := []string{"x", "a", "b", "c", "d", "f1", "f3", "w", "i0", "i1", "i2", "i4", ""}
	small := rapid.Int64Range(-2, 4)
	tensor := func(name string, typ onnxpb.DataType, dims ...int64) onnxpb.Tensor {
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		ints := make([]int64, n)
		for i := range ints {
			ints[i] = small.Draw(t, name)
		}
		if typ == onnxpb.Float {
			return onnxpb.Tensor{Name: name, Type: typ, Dims: dims, Raw: make([]byte, 4*n)}
		}
		return onnxpb.Tensor{Name: name, Type: typ, Dims: dims, Raw: elements.EncodeInts(ints, 8)}
	}
	g := &onnxpb.Graph{
		Name: "random",
		Inputs: []onnxpb.ValueInfo{{
			Name: "x", Type: onnxpb.Float, HasShape: true, Dims: []onnxpb.Dim{{Value: rapid.Int64Range(-1, 2).Draw(t, "batch")}, {Value: 3}, {Value: 4}, {Value: 4}},
		}},
		Initializers: []onnxpb.Tensor{
			tensor("f1", onnxpb.Float), tensor("f3", onnxpb.Float, 3), tensor("w", onnxpb.Float, 3, 3, 1, 1),
			tensor("i0", onnxpb.Int64), tensor("i1", onnxpb.Int64, 1), tensor("i2", onnxpb.Int64, 2), tensor("i4", onnxpb.Int64, 4),
		},
	}
	last := "x"
	ofShapes, shapeOps := rapid.Bool().Draw(t, "of shapes"), append(slices.Sorted(maps.Keys(arrays.Ops)), "Shape", graph.Reshape)
	if ofShapes {
		last = rapid.SampledFrom([]string{"x", "i0", "i2", "i4"}).Draw(t, "first")
	}
	for _, out := range []string{"a", "b", "c", "d"}[:rapid.IntRange(1, 4).Draw(t, "nodes")] {
		op, from := rapid.SampledFrom(ops).Draw(t, "op"), names
		if ofShapes { // operators on integers, and on shapes
			op = rapid.SampledFrom(shapeOps).Draw(t, "op")
			from = []string{"i0", "i1", "i2", "i4", "a", "b", "c", "d", ""}
		}
		row, _ := raw.Lookup(op)
		arity := operators.Inputs(row)
		n := onnxpb.Node{Op: string(op), Outputs: []string{out}}
		if dot := strings.LastIndexByte(n.Op, '.'); dot >= 0 {
			n.Domain, n.Op = n.Op[:dot], n.Op[dot+1:]
		}
		most := min(arity.Most, arity.Least+rapid.IntRange(0, 2).Draw(t, "more"))
		for i := range rapid.IntRange(arity.Least, most).Draw(t, "inputs") {
			in := last
			if i > 0 || rapid.IntRange(0, 9).Draw(t, "stray") == 0 {
				in = rapid.SampledFrom(from).Draw(t, "input")
			}
			n.Inputs = append(n.Inputs, in)
		}
		for _, attr := range row.Attrs {
			name := attr.Name
			if attr.Scope != graph.ScopeGraph && rapid.IntRange(0, 3).Draw(t, name) == 0 {
				a := onnxpb.Attr{Name: name, Int: small.Draw(t, name), Float: 0.5}
				a.Type = map[graph.Kind]onnxpb.AttrType{
					graph.KindInt: onnxpb.AttrInt, graph.KindFloat: onnxpb.AttrFloat, graph.KindString: onnxpb.AttrString,
					graph.KindInts: onnxpb.AttrInts, graph.KindFloats: onnxpb.AttrFloats,
				}[attr.Kind]
				a.Ints = rapid.SliceOfN(small, 0, 4).Draw(t, name)
				a.String = rapid.SampledFrom([]string{"SAME_UPPER", "edge", ""}).Draw(t, name)
				n.Attrs = append(n.Attrs, a)
			}
		}
		g.Nodes = append(g.Nodes, n)
		if rapid.IntRange(0, 3).Draw(t, "goes on") > 0 {
			last = out
		}
	}
	g.Outputs = []onnxpb.ValueInfo{{Name: last}}
	return &onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: rapid.Int64Range(operators.MinOpset, operators.MaxOpset).Draw(t, "opset")}}, Graph: g}
}

// TestImportRandom: whatever a model of known operators says, importing it is an error of one line or a network that can
// be written and read again.
func TestImportRandom(t *testing.T) {
	imported, total := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		total++
		var file bytes.Buffer
		if err := randomModel(t).Write(&file); err != nil {
			t.Fatal(err)
		}
		g, err := Import(t.Context(), file.Bytes(), "random.onnx")
		if err != nil {
			if s := err.Error(); strings.Contains(s, "\n") || !strings.HasPrefix(s, "random.onnx: ") {
				t.Fatalf("error %q", s)
			}
			return
		}
		imported++
		var first, second bytes.Buffer
		if err := Export(&first, g, ExportConfig{Opset: operators.MaxOpset}); err != nil {
			t.Fatal(err)
		}
		back, err := Import(t.Context(), first.Bytes(), "back.onnx")
		if err != nil {
			t.Fatal(err)
		}
		if err := Export(&second, back, ExportConfig{Opset: operators.MaxOpset}); err != nil {
			t.Fatal(err)
		}
		if len(back.Nodes) != len(g.Nodes) {
			t.Fatalf("%d nodes became %d", len(g.Nodes), len(back.Nodes))
		}
		for i, n := range g.Nodes {
			if m := back.Nodes[i]; n.Op != m.Op || !g.Values[n.Outputs[0]].Shape.Equal(back.Values[m.Outputs[0]].Shape) {
				t.Fatalf("%v of %v became %v of %v", n, g.Values[n.Outputs[0]].Shape, m, back.Values[m.Outputs[0]].Shape)
			}
		}
	})
	t.Logf("%d of %d models were imported", imported, total)
}

// An Expand of a constant to its own shape is the constant, when it is read and when it is read again.
func TestExpandOfConstantToItsShape(t *testing.T) {
	one := elements.EncodeInts([]int64{1}, 8)
	m := &onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 13}}, Graph: &onnxpb.Graph{
		Inputs: []onnxpb.ValueInfo{{Name: "x", Type: onnxpb.Float, HasShape: true, Dims: []onnxpb.Dim{{Value: -1}, {Value: 3}}}},
		Initializers: []onnxpb.Tensor{
			{Name: "c", Type: onnxpb.Float, Dims: []int64{3}, Raw: make([]byte, 12)}, {Name: "shape", Type: onnxpb.Int64, Dims: []int64{1}, Raw: one},
		},
		Nodes: []onnxpb.Node{
			{Op: "Expand", Inputs: []string{"c", "shape"}, Outputs: []string{"e"}},
			{Op: "Add", Inputs: []string{"x", "e"}, Outputs: []string{"y"}},
		},
		Outputs: []onnxpb.ValueInfo{{Name: "y"}, {Name: "e"}},
	}}
	var file bytes.Buffer
	if err := m.Write(&file); err != nil {
		t.Fatal(err)
	}
	data := file.Bytes()
	for range 2 {
		g, err := Import(t.Context(), data, "expand.onnx")
		if err != nil {
			t.Fatal(err)
		}
		if v := g.Values["e"]; len(g.Nodes) != 1 || v == nil || v.Const == nil {
			t.Errorf("%d nodes, want 1, and the constant %v", len(g.Nodes), v)
		}
		var again bytes.Buffer
		if err := Export(&again, g, ExportConfig{}); err != nil {
			t.Fatal(err)
		}
		data = again.Bytes()
	}
}

// A BitShift of floats is refused.
func TestBitShiftOfFloats(t *testing.T) {
	m := &onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 13}}, Graph: &onnxpb.Graph{
		Inputs:       []onnxpb.ValueInfo{{Name: "x", Type: onnxpb.Float, HasShape: true, Dims: []onnxpb.Dim{{Value: -1}, {Value: 1}}}},
		Initializers: []onnxpb.Tensor{{Name: "i", Type: onnxpb.Int64, Dims: []int64{1}, Raw: elements.EncodeInts([]int64{1}, 8)}},
		Nodes: []onnxpb.Node{
			{Op: "Cast", Inputs: []string{"i"}, Outputs: []string{"f"}, Attrs: []onnxpb.Attr{{Name: "to", Type: onnxpb.AttrInt, Int: int64(onnxpb.Float)}}},
			{Op: "Identity", Inputs: []string{"f"}, Outputs: []string{"g"}},
			{Op: "BitShift", Inputs: []string{"g", "f"}, Outputs: []string{"s"}, Attrs: []onnxpb.Attr{{Name: "direction", Type: onnxpb.AttrString, String: "LEFT"}}},
			{Op: "Add", Inputs: []string{"x", "s"}, Outputs: []string{"y"}},
		},
		Outputs: []onnxpb.ValueInfo{{Name: "y"}},
	}}
	var file bytes.Buffer
	if err := m.Write(&file); err != nil {
		t.Fatal(err)
	}
	if _, err := Import(t.Context(), file.Bytes(), "shift.onnx"); err == nil || !strings.Contains(err.Error(), "BitShift") {
		t.Error(err)
	}
}
