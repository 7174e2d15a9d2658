package onnx_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/tensor"
)

// Where nodes mix examples, or inputs are of no one batch, the whole input is one example, with the file's numbers or those
// that are given for it, and 1 where there are none. Where they do not, the first dimension is the batch as before.
func TestWholeInput(t *testing.T) {
	const n, m = -1, -1
	ints := func(name string, v ...int64) onnxpb.Tensor {
		var raw []byte
		for _, x := range v {
			for i := range 8 {
				raw = append(raw, byte(x>>(8*i)))
			}
		}
		return onnxpb.Tensor{Name: name, Type: onnxpb.Int64, Dims: []int64{int64(len(v))}, Raw: raw}
	}
	transpose := op("Transpose", "y", "x")
	transpose.Attrs = []onnxpb.Attr{{Name: "perm", Type: onnxpb.AttrInts, Ints: []int64{1, 0, 2}}}
	for name, c := range map[string]struct {
		inputs []onnxpb.ValueInfo
		nodes  []onnxpb.Node
		consts []onnxpb.Tensor
		shapes map[string]tensor.Shape
		want   tensor.Shape // of y
	}{
		"separable":      {inputs: []onnxpb.ValueInfo{info("x", onnxpb.Float, 2, 3)}, nodes: []onnxpb.Node{op("Softmax", "y", "x")}, want: tensor.Shape{graph.Batch, 3}},
		"given a number": {inputs: []onnxpb.ValueInfo{info("x", onnxpb.Float, n, m)}, shapes: map[string]tensor.Shape{"x": {5, 3}}, nodes: []onnxpb.Node{op("Relu", "y", "x")}, want: tensor.Shape{graph.Batch, 3}},
		"moved":          {inputs: []onnxpb.ValueInfo{info("x", onnxpb.Float, 2, 3, 4)}, nodes: []onnxpb.Node{transpose}, want: tensor.Shape{3, 2, 4}},
		"moved, free":    {inputs: []onnxpb.ValueInfo{info("x", onnxpb.Float, n, 3, 4)}, nodes: []onnxpb.Node{transpose}, want: tensor.Shape{3, 1, 4}},
		"moved, given": {
			inputs: []onnxpb.ValueInfo{info("x", onnxpb.Float, n, 3, m)}, shapes: map[string]tensor.Shape{"x": {7, 3, 5}},
			nodes: []onnxpb.Node{transpose}, want: tensor.Shape{3, 7, 5},
		},
		"moved, given with a batch": {
			inputs: []onnxpb.ValueInfo{info("x", onnxpb.Float, 2, 3, m)}, shapes: map[string]tensor.Shape{"x": {graph.Batch, 3, 5}},
			nodes: []onnxpb.Node{transpose}, want: tensor.Shape{3, 2, 5},
		},
		"two batches": {inputs: []onnxpb.ValueInfo{info("x", onnxpb.Float, 2, 1, 3), info("z", onnxpb.Float, 1, 4, 3)}, nodes: []onnxpb.Node{op("Add", "y", "x", "z")}, want: tensor.Shape{2, 4, 3}},
		"a scalar":    {inputs: []onnxpb.ValueInfo{info("x", onnxpb.Float, 2, 3), info("z", onnxpb.Float)}, nodes: []onnxpb.Node{op("Mul", "y", "x", "z")}, want: tensor.Shape{2, 3}},
		"merged": {
			inputs: []onnxpb.ValueInfo{info("x", onnxpb.Float, 2, 3, 4)}, consts: []onnxpb.Tensor{ints("to", -1, 4)},
			nodes: []onnxpb.Node{op("Reshape", "y", "x", "to")}, want: tensor.Shape{6, 4},
		},
	} {
		t.Run(name, func(t *testing.T) {
			g, err := onnx.ImportConfig{Shapes: c.shapes}.Import(t.Context(), modelOf(t, c.inputs, c.consts, c.nodes...), "net.onnx")
			if err != nil {
				t.Fatal(err)
			}
			if got := g.Values["y"].Shape; !got.Equal(c.want) || g.Whole() != (c.want[0] != graph.Batch) {
				t.Errorf("y is %v (whole: %v), want %v", got, g.Whole(), c.want)
			}
		})
	}
}

// A second reading does not hide what is wrong with a file otherwise.
func TestWholeInputRefused(t *testing.T) {
	data := model(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, 2, 3)}, op("MatMul", "y", "x", "x"))
	if _, err := onnx.Import(t.Context(), data, "net.onnx"); err == nil || !strings.Contains(err.Error(), `MatMul node "y"`) {
		t.Errorf("error %v", err)
	}
}

// What is assumed of a first dimension without a number is told, once the model was read, and only then.
func TestAssumed(t *testing.T) {
	transpose := op("Transpose", "y", "x")
	transpose.Attrs = []onnxpb.Attr{{Name: "perm", Type: onnxpb.AttrInts, Ints: []int64{1, 0}}}
	free, fixed := info("x", onnxpb.Float, -1, 3), info("x", onnxpb.Float, 2, 3)
	free.Dims[0].Param = "steps"
	for name, c := range map[string]struct {
		x      onnxpb.ValueInfo
		node   onnxpb.Node
		shapes map[string]tensor.Shape
		want   []onnx.Assumption
	}{
		"free":         {free, transpose, nil, []onnx.Assumption{{Input: "x", Symbol: "steps"}}},
		"batch given":  {free, transpose, map[string]tensor.Shape{"x": {graph.Batch, 3}}, []onnx.Assumption{{Input: "x", Symbol: "steps"}}},
		"number given": {free, transpose, map[string]tensor.Shape{"x": {2, 3}}, nil},
		"fixed":        {fixed, transpose, nil, nil},
		"separable":    {free, op("Relu", "y", "x"), nil, nil},
	} {
		var got []onnx.Assumption
		cfg := onnx.ImportConfig{Shapes: c.shapes, Assumed: func(a onnx.Assumption) { got = append(got, a) }}
		if _, err := cfg.Import(t.Context(), model(t, []onnxpb.ValueInfo{c.x}, c.node), "net.onnx"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// Of a model that can be read neither way, the error is that of the reading that came further, and what was assumed for it.
func TestPlainerError(t *testing.T) {
	free, other := info("x", onnxpb.Float, -1, 3), info("z", onnxpb.Float, 5, 3)
	transpose := op("Transpose", "t", "x")
	transpose.Attrs = []onnxpb.Attr{{Name: "perm", Type: onnxpb.AttrInts, Ints: []int64{1, 0}}}
	join := op("Concat", "j", "x", "z")
	join.Attrs = []onnxpb.Attr{{Name: "axis", Type: onnxpb.AttrInt, Int: 1}}
	for name, c := range map[string]struct {
		nodes []onnxpb.Node
		want  []string
	}{
		"the whole input came further": {
			[]onnxpb.Node{transpose, op("MatMul", "y", "t", "t")},
			[]string{`MatMul node "y"`, `the first dimension of the input "x" has no number, and is taken as 1`},
		},
		"the batch came further": {
			[]onnxpb.Node{join, op("ReduceSum", "y", "j")},
			[]string{`ReduceSum node "y"`, `and with its whole input as one example: Concat node "j"`, `of the input "x" has no number`},
		},
	} {
		inputs := []onnxpb.ValueInfo{free, other}
		_, err := onnx.Import(t.Context(), model(t, inputs, c.nodes...), "net.onnx")
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error %v, want %q", name, err, want)
			}
		}
	}
}
