package e2e

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"linquant/calib"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/ptq"
	"linquant/tensor"
)

// sample is a node of an operator for an input [batch, 4, 6, 6]: its attributes and the shapes of its constants.
type sample struct {
	attrs  graph.Attrs
	consts []tensor.Shape
}

// samples are those of operators that say more than their classes do.
var samples = map[graph.Op]sample{
	graph.ArgMax:                {graph.Attrs{"axis": 2}, nil},
	graph.ArgMin:                {graph.Attrs{"axis": -1, "keepdims": 0, "select_last_index": 1}, nil},
	graph.Cast:                  {graph.Attrs{"to": 7}, nil},
	graph.CumSum:                {graph.Attrs{"axis": 3, "reverse": 1}, nil},
	graph.Einsum:                {graph.Attrs{"equation": "nchw,hk->nckw"}, []tensor.Shape{{6, 5}}},
	graph.Hardmax:               {graph.Attrs{"axis": 1}, nil},
	graph.Mod:                   {graph.Attrs{"fmod": 1}, []tensor.Shape{{4, 1, 1}}},
	graph.TopK:                  {graph.Attrs{"axis": 2, "k": 3}, nil},
	graph.AveragePool:           {graph.Attrs{"kernel_shape": []int{2, 2}, "strides": []int{2, 2}}, nil},
	graph.BatchNormalization:    {nil, []tensor.Shape{{4}, {4}, {4}, {4}}},
	graph.Clip:                  {graph.Attrs{"min": float32(-0.5), "max": float32(0.75)}, nil},
	graph.Concat:                {graph.Attrs{"axis": 1}, []tensor.Shape{{1, 2, 6, 6}}},
	graph.Conv:                  {graph.Attrs{"pads": []int{1, 1, 1, 1}}, []tensor.Shape{{3, 4, 3, 3}, {3}}},
	graph.Expand:                {graph.Attrs{"shape": []int{graph.Batch, 4, 6, 6}}, nil},
	graph.Gather:                {graph.Attrs{"axis": 1, "indices": []int{2, 0, 3}}, nil},
	graph.Gemm:                  {graph.Attrs{"transB": 1}, []tensor.Shape{{5, 144}, {5}}},
	graph.GroupNormalization:    {graph.Attrs{"num_groups": 2}, []tensor.Shape{{4}, {4}}},
	graph.InstanceNormalization: {nil, []tensor.Shape{{4}, {4}}},
	graph.LayerNormalization:    {nil, []tensor.Shape{{6}, {6}}},
	graph.MatMul:                {nil, []tensor.Shape{{6, 3}}},
	graph.MaxPool:               {graph.Attrs{"kernel_shape": []int{3, 3}, "strides": []int{2, 2}}, nil},
	graph.Pad:                   {graph.Attrs{"pads": []int{0, 0, 1, 0, 0, 0, 0, 2}}, nil},
	graph.PRelu:                 {nil, []tensor.Shape{{4, 1, 1}}},
	graph.Reshape:               {graph.Attrs{"shape": []int{graph.Batch, 12, 12}}, nil},
	graph.Resize:                {graph.Attrs{"scales": []float32{1, 1, 2, 2}, "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, nil},
	graph.RMSNormalization:      {nil, []tensor.Shape{{6}}},
	graph.Slice:                 {graph.Attrs{"starts": []int{1}, "ends": []int{5}, "axes": []int{2}, "steps": []int{2}}, nil},
	graph.Squeeze:               {graph.Attrs{"axes": []int{1}}, nil},
	graph.Tile:                  {graph.Attrs{"repeats": []int{1, 1, 2, 1}}, nil},
	graph.Transpose:             {graph.Attrs{"perm": []int{0, 2, 3, 1}}, nil},
	graph.Unsqueeze:             {graph.Attrs{"axes": []int{2}}, nil},
	graph.Where:                 {nil, []tensor.Shape{{4, 6, 6}, {1}}},
}

// ofIndices are the operators whose operands are of no batch, with indices or lengths among them: TestIndices has them.
var ofIndices = map[graph.Op]bool{
	graph.LSTM: true, graph.GRU: true, graph.RNN: true, graph.GatherElements: true, graph.GatherND: true, graph.GridSample: true, graph.ReverseSequence: true, graph.ScatterElements: true, graph.ScatterND: true,
}

// indexed are networks of operators that choose by integers, whole inputs: a table or a picture, and the integers.
var indexed = []struct {
	op    graph.Op
	attrs graph.Attrs
	reals []tensor.Shape
	at    tensor.Shape
	first bool // the integers are the first operand
}{
	{op: graph.Gather, reals: []tensor.Shape{{5, 4}}, at: tensor.Shape{2, 3}},
	{op: graph.Gather, attrs: graph.Attrs{"axis": 1}, reals: []tensor.Shape{{3, 5, 2}}, at: tensor.Shape{}},
	{op: graph.GatherElements, attrs: graph.Attrs{"axis": 1}, reals: []tensor.Shape{{3, 5, 2}}, at: tensor.Shape{2, 7, 2}},
	{op: graph.GatherND, reals: []tensor.Shape{{5, 5, 2}}, at: tensor.Shape{3, 2}},
	{op: graph.GatherND, attrs: graph.Attrs{"batch_dims": 1}, reals: []tensor.Shape{{3, 5, 2}}, at: tensor.Shape{3, 1}},
	{op: graph.ReverseSequence, reals: []tensor.Shape{{5, 3, 2}}, at: tensor.Shape{3}},
	{op: graph.ReverseSequence, attrs: graph.Attrs{"batch_axis": 0, "time_axis": 1}, reals: []tensor.Shape{{3, 5}}, at: tensor.Shape{3}},
	{op: graph.ScatterElements, reals: []tensor.Shape{{5, 4}, {2, 3}}, at: tensor.Shape{2, 3}},
	{op: graph.ScatterElements, attrs: graph.Attrs{"axis": -1, "reduction": "add"}, reals: []tensor.Shape{{2, 5}, {2, 3}}, at: tensor.Shape{2, 3}},
	{op: graph.ScatterND, attrs: graph.Attrs{"reduction": "mul"}, reals: []tensor.Shape{{5, 3}, {4, 3}}, at: tensor.Shape{4, 1}},
	{op: graph.Where, reals: []tensor.Shape{{2, 3}, {3}}, at: tensor.Shape{2, 1}, first: true},
}

// Operators that choose by integers, which are inputs of the network or computed, give the same in the evaluator, the engine and
// the file, and an index that is none is an error of both.
func TestIndices(t *testing.T) {
	for _, c := range indexed {
		t.Run(string(c.op), func(t *testing.T) {
			g, given := graph.New("indexed"), map[string]tensor.Tensor{}
			var operands []string
			for i, shape := range c.reals {
				name := fmt.Sprintf("x%d", i)
				n, err := shape.Elements()
				must(t, err)
				x := make([]float32, n)
				for k := range x {
					x[k] = float32((k*7+i)%13) / 4
				}
				g.AddInput(name, shape)
				given[name] = mustOf(t, shape, x)
				operands = append(operands, name)
			}
			n, err := c.at.Elements()
			must(t, err)
			at := make([]int64, n)
			for i := range at {
				at[i] = int64(i*3%4 + 1)
			}
			g.AddInput("at", c.at)
			g.Values["at"].DType = tensor.Int64
			if given["at"], err = tensor.Of(c.at, at); err != nil {
				t.Fatal(err)
			}
			integers := g.AddNode(graph.Abs, "", "integers", nil, "at")
			if c.first {
				integers = g.AddNode(graph.Greater, "", "large", nil, integers, g.AddNode(graph.Neg, "", "small", nil, g.AddNode(graph.Sub, "", "none", nil, "at", "at")))
				operands = append([]string{integers}, operands...)
			} else {
				operands = slices.Insert(operands, 1, integers)
			}
			g.Outputs = []string{g.AddNode(c.op, "node", "y", c.attrs, operands...), integers}

			want, err := graph.Eval(t.Context(), g, given, nil)
			must(t, err)
			compareRun(t, g, given, want)
			back, err := onnx.Import(t.Context(), exported(t, g, onnx.ExportConfig{Opset: onnx.NewestOpset}), "back.onnx")
			must(t, err)
			again, err := graph.Eval(t.Context(), back, given, nil)
			must(t, err)
			for name, y := range want {
				if !slices.Equal(y.Data, again[name].Data) || y.DType != again[name].DType {
					t.Errorf("the file makes %v of %s, want %v", again[name], name, y)
				}
			}
			if c.first {
				return
			}
			at[0] = 99
			given["at"], _ = tensor.Of(c.at, at)
			if _, err := graph.Eval(t.Context(), g, given, nil); err == nil {
				t.Errorf("no error of an index that is none")
			}
			var numbers *engine.NumberError
			if err := runOn(t, g, given, nil); !errors.As(err, &numbers) || !strings.Contains(err.Error(), `"node"`) {
				t.Errorf("error %v, want one that names the node", err)
			}
		})
	}
}

// A quantized network keeps the types of integers and booleans in its file, and the constants that they are compared with.
func TestTypesInQuantizedFiles(t *testing.T) {
	x := make([]float32, 3*2*6*6)
	for i := range x {
		x[i] = float32(i*37%101-50) / 32
	}
	row, _ := graph.Lookup(graph.Relu)
	g := networkOf(t, row)
	two, err := tensor.Of(tensor.Shape{}, []int64{2})
	must(t, err)
	g.AddConst("two", two)
	counts := g.AddNode(graph.Cast, "counts", "counts", graph.Attrs{"to": 7}, g.Outputs[0])
	even := g.AddNode(graph.Equal, "even", "even", nil, g.AddNode(graph.Add, "sum", "sum", nil, counts, "two"), "two")
	g.Outputs = []string{g.AddNode(graph.Cast, "reals", "reals", graph.Attrs{"to": 1}, even), counts, even}
	folded, err := graph.Fold(t.Context(), g)
	must(t, err)
	q := quantizedOf(t, folded, x)
	if !q.Quantized() {
		t.Fatal("nothing is quantized")
	}
	data := exported(t, q, onnx.ExportConfig{})
	m, err := onnxpb.Read(data)
	must(t, err)
	for i, want := range []onnxpb.DataType{onnxpb.Float, onnxpb.Int64, onnxpb.Bool} {
		if out := m.Graph.Outputs[i]; out.Type != want {
			t.Errorf("the file says of %s that it has elements of type %d, want %d", out.Name, out.Type, want)
		}
	}
	back, err := onnx.Import(t.Context(), data, "back.onnx")
	must(t, err)
	alike(t, "the file", evaluated(t, back, x), evaluated(t, q, x), 0)
	for name, want := range map[string]tensor.DType{"counts": tensor.Int64, "even": tensor.Bool, "reals": tensor.Float32} {
		if got := back.Value(name).DType; got != want {
			t.Errorf("%s has elements of %v in the file, want %v", name, got, want)
		}
	}
}

// compareRun runs a whole network in the engine.
func compareRun(t *testing.T, g *graph.Graph, given, want map[string]tensor.Tensor) {
	t.Helper()
	got := map[string][]float32{}
	must(t, runOn(t, g, given, got))
	for name, y := range want {
		x, err := y.Float32s()
		must(t, err)
		alike(t, "the engine, of "+name+",", got[name], x, 1e-6)
	}
}

// runOn runs a whole network, and returns the outputs in got unless that is nil.
func runOn(t *testing.T, g *graph.Graph, given map[string]tensor.Tensor, got map[string][]float32) error {
	t.Helper()
	p := compile(t, g, engine.Config{Threads: 1})
	var in, out [][]float32
	for _, io := range p.Inputs() {
		x, err := given[io.Name].Float32s()
		must(t, err)
		in = append(in, x)
	}
	for _, io := range p.Outputs() {
		n, err := io.Shape.Elements()
		must(t, err)
		out = append(out, make([]float32, n))
	}
	err := p.Run(t.Context(), out, in)
	for i, io := range p.Outputs() {
		if got != nil {
			got[io.Name] = out[i]
		}
	}
	return err
}

// sampleOf returns the sample of an operator, by its class where there is none by name.
func sampleOf(t *testing.T, o *graph.Operator) sample {
	t.Helper()
	if s, ok := samples[o.Op]; ok {
		return s
	}
	switch o.Class {
	case graph.ClassReference:
		if o.Inputs == (graph.Arity{Least: 2, Most: 2}) {
			return sample{nil, []tensor.Shape{{4, 1, 1}}}
		}
	case graph.ClassBinary:
		return sample{nil, []tensor.Shape{{4, 1, 1}}}
	case graph.ClassReduction:
		return sample{graph.Attrs{"axes": []int{2, 3}}, nil}
	}
	if o.Inputs.Least > 1 || slices.ContainsFunc(o.Attrs, func(a graph.Attribute) bool { return a.Required }) {
		t.Fatalf("%s has no sample: give it one, so that every stage is tried with it", o.Op)
	}
	return sample{}
}

// networkOf returns a convolution and the operator behind it.
func networkOf(t *testing.T, o *graph.Operator) *graph.Graph {
	t.Helper()
	s := sampleOf(t, o)
	g, seed := graph.New(string(o.Op)), 0
	constant := func(shape tensor.Shape) string {
		n, err := shape.Elements()
		must(t, err)
		x := make([]float32, n)
		for i := range x {
			x[i] = float32((i*7+seed*5)%11+1) / 16 // positive: a variance, or what is divided by
		}
		seed++
		name := fmt.Sprintf("c%d", seed)
		g.AddConst(name, mustOf(t, shape, x))
		return name
	}
	g.AddInput("x", tensor.Shape{graph.Batch, 2, 6, 6})
	x := g.AddNode(graph.Conv, "conv", "conv", nil, "x", constant(tensor.Shape{4, 2, 1, 1}))
	g.Nodes[0].Inputs = append(g.Nodes[0].Inputs, constant(tensor.Shape{4}))
	bias, err := g.Values["c2"].Const.Float32s()
	must(t, err)
	for i := range bias {
		bias[i] -= 0.5 // so that there are values below 0
	}
	g.AddConst("c2", mustOf(t, tensor.Shape{4}, bias))
	switch {
	case o.Op == graph.Gemm:
		x = g.AddNode(graph.Flatten, "flat", "flat", nil, x)
	case o.Op == graph.Squeeze:
		x = g.AddNode(graph.Slice, "one", "one", graph.Attrs{"starts": []int{0}, "ends": []int{1}, "axes": []int{1}}, x)
	case o.Op == graph.DequantizeLinear || o.Op == graph.QuantizeLinear:
		g.Outputs = []string{x} // stand in every quantized network
		return g
	}
	inputs := []string{x}
	for _, shape := range s.consts {
		inputs = append(inputs, constant(shape))
	}
	if o.Op == graph.Where {
		inputs = []string{inputs[1], x, inputs[2]}
	}
	g.Outputs = []string{g.AddNode(o.Op, "node", "y", s.attrs, inputs...)}
	return g
}

// Every operator of the table goes through every stage: the engine computes what the evaluator does, a file gives it
// back, and a quantized network has it in the role that its row says, or says why not.
func TestEveryOperator(t *testing.T) {
	x := make([]float32, 3*2*6*6)
	for i := range x {
		x[i] = float32(i*37%101-50) / 32 // with the constants of a convolution all sums are exact
	}
	for _, o := range graph.Operators() {
		if ofIndices[o.Op] {
			continue
		}
		t.Run(string(o.Op), func(t *testing.T) {
			g := networkOf(t, o)
			want := evaluated(t, g, x)
			alike(t, "the engine", floatRun(t, g, x), want, 1e-5)
			data := exported(t, g, onnx.ExportConfig{Opset: onnx.NewestOpset})
			back, err := onnx.Import(t.Context(), data, "back.onnx")
			must(t, err)
			alike(t, "the file", evaluated(t, back, x), want, 1e-6)

			folded, err := graph.Fold(t.Context(), g)
			must(t, err)
			alike(t, "folding", evaluated(t, folded, x), want, 1e-5)
			q := quantizedOf(t, folded, x)
			codes := evaluated(t, q, x)
			alike(t, "the engine in integers", floatRun(t, q, x), codes, 0)
			if back, err = onnx.Import(t.Context(), exported(t, q, onnx.ExportConfig{Opset: onnx.NewestOpset}), "back.onnx"); err != nil {
				t.Fatal(err)
			}
			alike(t, "the file of integers", evaluated(t, back, x), codes, 1e-6)
		})
	}
}

func evaluated(t *testing.T, g *graph.Graph, x []float32) []float32 {
	t.Helper()
	in := g.Value(g.Inputs[0])
	out, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{in.Name: mustOf(t, tensor.Shape{3, 2, 6, 6}, slices.Clone(x))}, nil)
	must(t, err)
	y, err := reals(g.Value(g.Outputs[0]), out[g.Outputs[0]])
	must(t, err)
	return y
}

func floatRun(t *testing.T, g *graph.Graph, x []float32) []float32 {
	t.Helper()
	p := compile(t, g, engine.Config{Threads: 1})
	n, err := p.Outputs()[0].Shape.Elements()
	must(t, err)
	y := make([]float32, 3*n)
	must(t, p.Run(t.Context(), [][]float32{y}, [][]float32{x}))
	return y
}

// alike compares up to an error of each element, relative to those above 1.
func alike(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s makes %d elements, want %d", what, len(got), len(want))
	}
	for i := range want {
		same := got[i] == want[i] || got[i] != got[i] && want[i] != want[i]
		if !same && !(math.Abs(float64(got[i])-float64(want[i])) <= tolerance*max(1, math.Abs(float64(want[i])))) {
			t.Fatalf("%s makes %g of element %d, want %g", what, got[i], i, want[i])
		}
	}
}

// quantizedOf quantizes the network, and checks that the roles of its nodes are those of their rows.
func quantizedOf(t *testing.T, g *graph.Graph, x []float32) *graph.Graph {
	t.Helper()
	points, err := ptq.Points(g, ptq.Config{})
	must(t, err)
	program := compile(t, g, engine.Config{Keep: calib.Values(points)})
	ranges, err := calib.Run(context.Background(), program, func(yield func([][]float32, error) bool) {
		yield([][]float32{x}, nil)
	}, points, calib.Config{})
	must(t, err)
	q, report, err := ptq.Quantize(t.Context(), g, ranges, ptq.Config{})
	must(t, err)
	for _, n := range g.Nodes {
		role, why := graph.RoleOf(g, n)
		at := slices.IndexFunc(report.Float, func(i ptq.Island) bool { return i.Node == n.Name })
		switch {
		case (role == graph.RoleIsland) != (at >= 0):
			t.Errorf("%v has the role %v, and is in floating point: %v", n, role, at >= 0)
		case at >= 0 && (why == "" || report.Float[at].Reason == ""):
			t.Errorf("%v is in floating point, and nothing says why", n)
		}
	}
	return q
}
