package onnx

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/internal/testing/ort"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// form is a node as some opset has it.
type form struct {
	opset  int64
	domain string
	op     string
	attrs  []onnxpb.Attr
	consts []onnxpb.Tensor // inputs behind x; one without a name is left out
	twice  bool            // x is the second input too
	want   graph.Op        // that computes the output
}

func floatsOf(name string, x ...float32) onnxpb.Tensor {
	var raw []byte
	for _, v := range x {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return onnxpb.Tensor{Name: name, Type: onnxpb.Float, Dims: []int64{int64(len(x))}, Raw: raw}
}

func intsOf(name string, x ...int64) onnxpb.Tensor {
	return onnxpb.Tensor{Name: name, Type: onnxpb.Int64, Dims: []int64{int64(len(x))}, Raw: elements.EncodeInts(x, 8)}
}

func intAttr(name string, x int64) onnxpb.Attr {
	return onnxpb.Attr{Name: name, Type: onnxpb.AttrInt, Int: x}
}

func intsAttr(name string, x ...int64) onnxpb.Attr {
	return onnxpb.Attr{Name: name, Type: onnxpb.AttrInts, Ints: x}
}

func textAttr(name, x string) onnxpb.Attr {
	return onnxpb.Attr{Name: name, Type: onnxpb.AttrString, String: x}
}

// The forms that an operator has had. Those of graph's own form are in TestMathAcrossOpsets.
var forms = map[string]form{
	"Upsample of 7": {opset: 7, op: "Upsample", want: graph.Resize, attrs: []onnxpb.Attr{
		textAttr("mode", "linear"), {Name: "scales", Type: onnxpb.AttrFloats, Floats: []float32{1, 1, 2, 1.5}},
	}},
	"Upsample of 9":                   {opset: 9, op: "Upsample", want: graph.Resize, consts: []onnxpb.Tensor{floatsOf("s", 1, 1, 2, 3)}},
	"Resize of 10":                    {opset: 10, op: "Resize", want: graph.Resize, consts: []onnxpb.Tensor{floatsOf("s", 1, 1, 0.6, 0.5)}},
	"Resize of 10 both":               {opset: 10, op: "Resize", want: graph.Resize, attrs: []onnxpb.Attr{textAttr("mode", "linear")}, consts: []onnxpb.Tensor{floatsOf("s", 1, 1, 0.6, 2)}},
	"Resize of 10 smaller and larger": {opset: 10, op: "Resize", want: graph.Resize, consts: []onnxpb.Tensor{floatsOf("s", 1, 1, 0.5, 2)}},
	"Resize of 11 with sizes": {
		opset: 11, op: "Resize", want: graph.Resize, attrs: []onnxpb.Attr{textAttr("mode", "cubic")},
		consts: []onnxpb.Tensor{floatsOf("roi"), floatsOf("s"), intsOf("sizes", 2, 4, 7, 3)},
	},
	"Resize of 18 by axes": {
		opset: 18, op: "Resize", want: graph.Resize, attrs: []onnxpb.Attr{textAttr("mode", "linear"), intsAttr("axes", 3, 2)},
		consts: []onnxpb.Tensor{{}, floatsOf("s", 1.5, 2)},
	},
	"Resize of 18 by sizes of axes": {
		opset: 18, op: "Resize", want: graph.Resize, attrs: []onnxpb.Attr{intsAttr("axes", 2, 3), textAttr("keep_aspect_ratio_policy", "stretch")},
		consts: []onnxpb.Tensor{{}, {}, intsOf("sizes", 7, 9)},
	},
	"Resize of 19 to a part of axes": {
		opset: 19, op: "Resize", want: graph.Resize,
		attrs:  []onnxpb.Attr{textAttr("mode", "linear"), intsAttr("axes", 2, 3), textAttr("coordinate_transformation_mode", "tf_crop_and_resize")},
		consts: []onnxpb.Tensor{floatsOf("roi", 0.1, 0.2, 0.9, 1.1), {}, intsOf("sizes", 7, 9)},
	},
	"Resize not larger": {
		opset: 18, op: "Resize", want: graph.Resize, attrs: []onnxpb.Attr{textAttr("mode", "linear"), intsAttr("axes", 2, 3), textAttr("keep_aspect_ratio_policy", "not_larger")},
		consts: []onnxpb.Tensor{{}, {}, intsOf("sizes", 8, 7)},
	},
	"Resize not smaller": {
		opset: 18, op: "Resize", want: graph.Resize, attrs: []onnxpb.Attr{intsAttr("axes", 3, 2), textAttr("keep_aspect_ratio_policy", "not_smaller")},
		consts: []onnxpb.Tensor{{}, {}, intsOf("sizes", 7, 8)},
	},
	"ReduceSum of 12":              {opset: 12, op: "ReduceSum", want: graph.ReduceSum, attrs: []onnxpb.Attr{intsAttr("axes", 1), intAttr("keepdims", 0)}},
	"ReduceSum of 13":              {opset: 13, op: "ReduceSum", want: graph.ReduceSum, consts: []onnxpb.Tensor{intsOf("axes", -1, 1)}},
	"ReduceMean over a plane":      {opset: 13, op: "ReduceMean", want: graph.GlobalAveragePool, attrs: []onnxpb.Attr{intsAttr("axes", -1, -2)}},
	"ReduceMean over a plane away": {opset: 18, op: "ReduceMean", want: graph.Flatten, attrs: []onnxpb.Attr{intAttr("keepdims", 0)}, consts: []onnxpb.Tensor{intsOf("axes", 2, 3)}},
	"ReduceMean over channels":     {opset: 18, op: "ReduceMean", want: graph.ReduceMean, consts: []onnxpb.Tensor{intsOf("axes", 1)}},
	"ReduceL2 of nothing":          {opset: 18, op: "ReduceL2", want: graph.ReduceL2, attrs: []onnxpb.Attr{intAttr("noop_with_empty_axes", 1)}},
	"LogSoftmax of 11":             {opset: 11, op: "LogSoftmax", want: graph.Reshape, attrs: []onnxpb.Attr{intAttr("axis", 2)}},
	"LogSoftmax of 13":             {opset: 13, op: "LogSoftmax", want: graph.LogSoftmax, attrs: []onnxpb.Attr{intAttr("axis", 1)}},
	"Hardmax of 11":                {opset: 11, op: "Hardmax", want: graph.Reshape, attrs: []onnxpb.Attr{intAttr("axis", 2)}},
	"Hardmax of 13":                {opset: 13, op: "Hardmax", want: graph.Hardmax, attrs: []onnxpb.Attr{intAttr("axis", 1)}},
	"Pow by integers":              {opset: 13, op: "Pow", want: graph.Pow, consts: []onnxpb.Tensor{intsOf("two", 2)}},
	"Max of three":                 {opset: 13, op: "Max", want: graph.Max, twice: true, consts: []onnxpb.Tensor{floatsOf("c", 0.1)}},
	"Min of one":                   {opset: 13, op: "Min", want: graph.Identity},
	"Sum":                          {opset: 8, op: "Sum", want: graph.Add, twice: true, consts: []onnxpb.Tensor{floatsOf("c", 0.1)}},
	"Mean":                         {opset: 8, op: "Mean", want: graph.Div, twice: true, consts: []onnxpb.Tensor{floatsOf("c", 0.1)}},
	"GroupNormalization of 18": {
		opset: 18, op: "GroupNormalization", want: graph.GroupNormalization, attrs: []onnxpb.Attr{intAttr("num_groups", 2)},
		consts: []onnxpb.Tensor{floatsOf("s", 0.5, 2), floatsOf("b", 1, -1)},
	},
	"GroupNormalization of 21": {
		opset: 21, op: "GroupNormalization", want: graph.GroupNormalization, attrs: []onnxpb.Attr{intAttr("num_groups", 2)},
		consts: []onnxpb.Tensor{floatsOf("s", 0.5, 2, 1, 3), floatsOf("b", 1, -1, 0, 2)},
	},
	"Gelu of ONNX Runtime": {opset: 13, domain: raw.Microsoft, op: "Gelu", want: graph.Gelu},
	"FastGelu":             {opset: 13, domain: raw.Microsoft, op: "FastGelu", want: graph.Gelu},
	"FastGelu with a bias": {opset: 13, domain: raw.Microsoft, op: "FastGelu", want: graph.Gelu, consts: []onnxpb.Tensor{floatsOf("b", 1, -1, 0)}},
	"BiasGelu":             {opset: 13, domain: raw.Microsoft, op: "BiasGelu", want: graph.Gelu, consts: []onnxpb.Tensor{floatsOf("b", 1, -1, 0)}},
	"QuickGelu":            {opset: 13, domain: raw.Microsoft, op: "QuickGelu", want: graph.Swish},
	"LayerNormalization of 11": {
		opset: 11, op: "LayerNormalization", want: graph.LayerNormalization, attrs: []onnxpb.Attr{floatAttr("epsilon", 0.01)},
		consts: []onnxpb.Tensor{floatsOf("s", 1, 2, 3), floatsOf("b", 1, -1, 0)},
	},
	"SimplifiedLayerNormalization": {
		opset: 14, op: "SimplifiedLayerNormalization", want: graph.RMSNormalization, attrs: []onnxpb.Attr{floatAttr("epsilon", 0.01), intAttr("axis", -1)},
		consts: []onnxpb.Tensor{floatsOf("s", 1, 2, 3)},
	},
	"LayerNormalization, stash": {opset: 17, op: "LayerNormalization", want: graph.LayerNormalization, attrs: []onnxpb.Attr{intAttr("stash_type", 1)}, consts: []onnxpb.Tensor{floatsOf("s", 1, 2, 3)}},
}

// file returns the form as a model of one node, of an input [2, 4, 5, 3].
func (f form) file(t testing.TB) []byte {
	t.Helper()
	dims := []onnxpb.Dim{{Value: 2}, {Value: 4}, {Value: 5}, {Value: 3}}
	g := &onnxpb.Graph{
		Name: "form", Inputs: []onnxpb.ValueInfo{{Name: "x", Type: onnxpb.Float, HasShape: true, Dims: dims}},
		Outputs: []onnxpb.ValueInfo{{Name: "y", Type: onnxpb.Float}},
	}
	n := onnxpb.Node{Name: "node", Op: f.op, Domain: f.domain, Inputs: []string{"x"}, Outputs: []string{"y"}, Attrs: f.attrs}
	if f.twice {
		n.Inputs = append(n.Inputs, "x")
	}
	for _, c := range f.consts {
		if n.Inputs = append(n.Inputs, c.Name); c.Name != "" {
			g.Initializers = append(g.Initializers, c)
		}
	}
	g.Nodes = []onnxpb.Node{n}
	var b bytes.Buffer
	opsets := []onnxpb.Opset{{Version: f.opset}}
	if f.domain != "" {
		opsets = append(opsets, onnxpb.Opset{Domain: f.domain, Version: 1})
	}
	if err := (&onnxpb.Model{IRVersion: 8, Opsets: opsets, Graph: g}).Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func formInput(t *testing.T) tensor.Tensor {
	t.Helper()
	x := make([]float32, 2*4*5*3)
	for i := range x {
		x[i] = float32(i*37%101-50) / 32
	}
	v, err := tensor.Of(tensor.Shape{2, 4, 5, 3}, x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Each form becomes the operator that it should, and where there is ONNX Runtime computes what that does.
func TestMathForms(t *testing.T) {
	for name, f := range forms {
		t.Run(name, func(t *testing.T) {
			file := f.file(t)
			g, err := Import(t.Context(), file, "form")
			if err != nil {
				t.Fatal(err)
			}
			if got := g.Producers()["y"].Op; got != f.want {
				t.Errorf("%v computes it, want %v", got, f.want)
			}
			in := map[string]tensor.Tensor{"x": formInput(t)}
			got, err := graph.Eval(t.Context(), g, in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if os.Getenv("LINQUANT_ORT_PYTHON") == "" {
				return
			}
			path := filepath.Join(t.TempDir(), "form.onnx")
			if err := os.WriteFile(path, file, 0o600); err != nil {
				t.Fatal(err)
			}
			if err := alike(got["y"], ort.Run(t, path, in, nil, ort.Options{})["y"]); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestMathFormsRefused(t *testing.T) {
	for says, f := range map[string]form{
		`policy is "odd"`:                {opset: 18, op: "Resize", attrs: []onnxpb.Attr{textAttr("keep_aspect_ratio_policy", "odd")}, consts: []onnxpb.Tensor{{}, {}, intsOf("sizes", 2, 4, 5, 9)}},
		"it has 1 scales for the axes":   {opset: 18, op: "Resize", attrs: []onnxpb.Attr{intsAttr("axes", 2, 3)}, consts: []onnxpb.Tensor{{}, floatsOf("s", 2)}},
		"axis 9 is no dimension":         {opset: 18, op: "Resize", attrs: []onnxpb.Attr{intsAttr("axes", 9)}, consts: []onnxpb.Tensor{{}, floatsOf("s", 2)}},
		"must be constant":               {opset: 13, op: "Resize", twice: true},
		"num_groups is 3":                {opset: 18, op: "GroupNormalization", attrs: []onnxpb.Attr{intAttr("num_groups", 3)}, consts: []onnxpb.Tensor{floatsOf("s", 1), floatsOf("b", 1)}},
		"a constant with 2 elements":     {opset: 18, op: "GroupNormalization", attrs: []onnxpb.Attr{intAttr("num_groups", 2)}, consts: []onnxpb.Tensor{floatsOf("s", 1), floatsOf("b", 1)}},
		"does not broadcast":             {opset: 13, op: "PRelu", consts: []onnxpb.Tensor{floatsOf("s", 1, 2)}},
		"RMSNormalization came with ops": {opset: 13, op: "RMSNormalization", consts: []onnxpb.Tensor{floatsOf("s", 1)}},
	} {
		t.Run(says, func(t *testing.T) {
			_, err := Import(t.Context(), f.file(t), "form")
			if err == nil || !bytes.Contains([]byte(err.Error()), []byte(says)) || bytes.Contains([]byte(err.Error()), []byte("\n")) {
				t.Errorf("error %v, want one line with %q", err, says)
			}
		})
	}
}
