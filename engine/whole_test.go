package engine_test

import (
	"math"
	"strings"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// wholeCase is a node whose first dimension no batch can have, or not here.
type wholeCase struct {
	op     graph.Op
	attrs  graph.Attrs
	inputs []tensor.Shape
	consts []tensor.Shape
}

var wholeCases = []wholeCase{
	{op: graph.Relu, inputs: []tensor.Shape{{}}},
	{op: graph.Relu, inputs: []tensor.Shape{{3, 4}}},
	{op: graph.Add, inputs: []tensor.Shape{{4}, {3, 4}}},
	{op: graph.Add, inputs: []tensor.Shape{{1, 4}, {3, 1}}},
	{op: graph.Add, inputs: []tensor.Shape{{}, {2, 3, 4}}},
	{op: graph.Mul, inputs: []tensor.Shape{{1, 3, 4}, {2, 1, 1}}},
	{op: graph.Sub, inputs: []tensor.Shape{{3, 4}}, consts: []tensor.Shape{{2, 3, 4}}},
	{op: graph.PRelu, inputs: []tensor.Shape{{2, 3, 4}}, consts: []tensor.Shape{{3, 1}}},
	{op: graph.Transpose, attrs: graph.Attrs{"perm": []int{2, 0, 1}}, inputs: []tensor.Shape{{2, 3, 4}}},
	{op: graph.Transpose, attrs: graph.Attrs{"perm": []int{2, 0, 1}}, inputs: []tensor.Shape{{1, 3, 4}}},
	{op: graph.Reshape, attrs: graph.Attrs{"shape": []int{-1, 4}}, inputs: []tensor.Shape{{2, 3, 4}}},
	{op: graph.Reshape, attrs: graph.Attrs{"shape": []int{1, -1}}, inputs: []tensor.Shape{{2, 3, 4}}},
	{op: graph.Flatten, attrs: graph.Attrs{"axis": 2}, inputs: []tensor.Shape{{2, 3, 4}}},
	{op: graph.Squeeze, inputs: []tensor.Shape{{1, 3, 1}}},
	{op: graph.Unsqueeze, attrs: graph.Attrs{"axes": []int{0}}, inputs: []tensor.Shape{{3, 4}}},
	{op: graph.Softmax, attrs: graph.Attrs{"axis": 0}, inputs: []tensor.Shape{{5, 4}}},
	{op: graph.LogSoftmax, attrs: graph.Attrs{"axis": -2}, inputs: []tensor.Shape{{1, 4}}},
	{op: graph.LayerNormalization, attrs: graph.Attrs{"axis": 0}, inputs: []tensor.Shape{{3, 4}}, consts: []tensor.Shape{{3, 4}, {4}}},
	{op: graph.ReduceMean, inputs: []tensor.Shape{{3, 4}}},
	{op: graph.ReduceMean, attrs: graph.Attrs{"noop_with_empty_axes": 1}, inputs: []tensor.Shape{{3, 4}}},
	{op: graph.ReduceSum, attrs: graph.Attrs{"axes": []int{0}, "keepdims": 0}, inputs: []tensor.Shape{{3, 4}}},
	{op: graph.ReduceMax, attrs: graph.Attrs{"axes": []int{-2, 0}}, inputs: []tensor.Shape{{2, 3, 4}}},
	{op: graph.Slice, attrs: graph.Attrs{"starts": []int{1}, "ends": []int{3}}, inputs: []tensor.Shape{{4, 5}}},
	{op: graph.Slice, attrs: graph.Attrs{"starts": []int{-1}, "ends": []int{-9}, "axes": []int{-2}, "steps": []int{-2}}, inputs: []tensor.Shape{{4, 5}}},
	{op: graph.Gather, attrs: graph.Attrs{"axis": 0, "indices": []int{2, 0, -1}}, inputs: []tensor.Shape{{3, 4}}},
	{op: graph.Gather, attrs: graph.Attrs{"axis": 0, "indices": []int{0, 0}}, inputs: []tensor.Shape{{1, 4}}},
	{op: graph.Pad, attrs: graph.Attrs{"pads": []int{1, 0, 0, 2}, "value": float32(3)}, inputs: []tensor.Shape{{3, 4}}},
	{op: graph.Pad, attrs: graph.Attrs{"pads": []int{2, 1, 1, 0}, "mode": "reflect"}, inputs: []tensor.Shape{{3, 4}}},
	{op: graph.Tile, attrs: graph.Attrs{"repeats": []int{2, 3}}, inputs: []tensor.Shape{{3, 4}}},
	{op: graph.Expand, attrs: graph.Attrs{"shape": []int{2, 3, 4}}, inputs: []tensor.Shape{{3, 1}}},
	{op: graph.Expand, attrs: graph.Attrs{"shape": []int{4}}, inputs: []tensor.Shape{{3, 1}}},
	{op: graph.Concat, attrs: graph.Attrs{"axis": 0}, inputs: []tensor.Shape{{1, 4}, {2, 4}}, consts: []tensor.Shape{{3, 4}}},
	{op: graph.Where, inputs: []tensor.Shape{{3, 4}, {4}}},
	{op: graph.MatMul, inputs: []tensor.Shape{{2, 3, 4}, {2, 4, 5}}},
	{op: graph.MatMul, inputs: []tensor.Shape{{2, 3, 4}, {4, 5}}},
	{op: graph.MatMul, inputs: []tensor.Shape{{3, 4}, {1, 4, 5}}},
	{op: graph.MatMul, inputs: []tensor.Shape{{4}, {4, 5}}},
	{op: graph.MatMul, inputs: []tensor.Shape{{2, 3, 4}, {4}}},
	{op: graph.MatMul, inputs: []tensor.Shape{{4}, {4}}},
	{op: graph.MatMul, inputs: []tensor.Shape{{3, 4}}, consts: []tensor.Shape{{4, 5}}},
	{op: graph.MatMul, inputs: []tensor.Shape{{4}}, consts: []tensor.Shape{{4, 5}}},
	{op: graph.MatMul, inputs: []tensor.Shape{{3, 4}}, consts: []tensor.Shape{{4}}},
	{op: graph.Gemm, attrs: graph.Attrs{"transB": 1}, inputs: []tensor.Shape{{3, 4}}, consts: []tensor.Shape{{5, 4}, {5}}},
	{op: graph.Gemm, attrs: graph.Attrs{"alpha": float32(0.5), "beta": float32(2)}, inputs: []tensor.Shape{{3, 4}}, consts: []tensor.Shape{{4, 5}, {1, 5}}},
	{op: graph.Gemm, attrs: graph.Attrs{"transA": 1}, inputs: []tensor.Shape{{4, 3}}, consts: []tensor.Shape{{4, 5}}},
	{op: graph.Gemm, attrs: graph.Attrs{"alpha": float32(0.5), "beta": float32(2), "transA": 1, "transB": 1}, inputs: []tensor.Shape{{4, 3}, {5, 4}, {3, 5}}},
	{op: graph.Gemm, inputs: []tensor.Shape{{1, 4}, {4, 5}}, consts: []tensor.Shape{{5}}},
	{op: graph.Gemm, inputs: []tensor.Shape{{3, 4}}, consts: []tensor.Shape{{4, 5}, {3, 5}}},
	{op: graph.Conv, attrs: graph.Attrs{"pads": []int{1, 1, 1, 1}}, inputs: []tensor.Shape{{3, 2, 6, 5}}, consts: []tensor.Shape{{4, 2, 3, 3}, {4}}},
	{op: graph.Conv, inputs: []tensor.Shape{{1, 2, 6, 5}}, consts: []tensor.Shape{{4, 2, 3, 3}}},
	{op: graph.MaxPool, attrs: graph.Attrs{"kernel_shape": []int{2, 2}}, inputs: []tensor.Shape{{2, 3, 6, 5}}},
	{op: graph.GlobalAveragePool, inputs: []tensor.Shape{{2, 3, 6, 5}}},
	{op: graph.InstanceNormalization, inputs: []tensor.Shape{{2, 3, 6, 5}}, consts: []tensor.Shape{{3}, {3}}},
	{op: graph.BatchNormalization, inputs: []tensor.Shape{{2, 3}}, consts: []tensor.Shape{{3}, {3}, {3}, {3}}},
	{op: graph.Resize, attrs: graph.Attrs{"scales": []float32{1, 1, 2, 2}}, inputs: []tensor.Shape{{2, 3, 4, 5}}},
	{op: graph.Resize, attrs: graph.Attrs{"sizes": []int{1, 3, 8, 7}, "mode": "linear"}, inputs: []tensor.Shape{{1, 3, 4, 5}}},
}

// network returns the node between two others that keep its operands and its result from being the caller's memory.
func (c wholeCase) network() (*graph.Graph, map[string]tensor.Tensor) {
	b, given := newBuilder("whole"), map[string]tensor.Tensor{}
	var operands []string
	for i, shape := range c.inputs {
		name := string(rune('a' + i))
		b.AddInput(name, shape)
		n, _ := shape.Elements()
		given[name] = mustTensor(shape, b.reals(n, 2))
		operands = append(operands, b.AddNode(graph.Neg, "", name+"_neg", nil, name))
	}
	for i, shape := range c.consts {
		name := string(rune('p' + i))
		n, _ := shape.Elements()
		x := b.reals(n, 1)
		if i == 3 { // a variance
			for k := range x {
				x[k] = 1 + x[k]/2
			}
		}
		b.AddConst(name, mustTensor(shape, x))
		operands = append(operands, name)
	}
	if c.op == graph.Where {
		b.AddConst("mask", mustTensor(tensor.Shape{2, 1, 4}, []float32{1, 0, 0, 1, 0, 1, 1, 0}))
		operands = append([]string{"mask"}, operands...)
	}
	y := b.AddNode(c.op, "node", "y", c.attrs, operands...)
	b.Outputs = []string{y, b.AddNode(graph.Abs, "", "z", nil, y)}
	return b.Graph, given
}

// A network that takes its whole input as one example computes what graph.Eval does on the shapes as they are.
func TestWholeInput(t *testing.T) {
	for _, c := range wholeCases {
		g, given := c.network()
		t.Run(string(c.op), func(t *testing.T) {
			want, err := graph.Eval(t.Context(), g, given, nil)
			if err != nil {
				t.Fatal(err)
			}
			p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
			if err != nil {
				t.Fatalf("%v of %v and %v: %v", c.attrs, c.inputs, c.consts, err)
			}
			var in, out [][]float32
			for _, io := range p.Inputs() {
				x, _ := given[io.Name].Float32s()
				in = append(in, append(x, x...)) // two examples
			}
			for _, io := range p.Outputs() {
				n, _ := io.Shape.Elements()
				out = append(out, make([]float32, 2*n))
				shape := want[io.Name].Shape
				if own := graph.ExampleShape(shape); !io.Shape.Equal(own) || io.Whole != (len(own) == len(shape)) {
					t.Errorf("output of shape %v (whole: %v), want %v", io.Shape, io.Whole, shape)
				}
			}
			if err := p.Run(t.Context(), out, in); err != nil {
				t.Fatal(err)
			}
			for i, io := range p.Outputs() {
				y, _ := want[io.Name].Float32s()
				near(t, io.Name, out[i], append(y, y...))
			}
		})
	}
}

// What cannot run so says which node, and why.
func TestWholeInputRefused(t *testing.T) {
	scales := wholeCase{op: graph.InstanceNormalization, inputs: []tensor.Shape{{2, 3, 2, 2}, {3}, {3}}}
	g, _ := scales.network()
	if _, err := engine.Compile(t.Context(), g, engine.Config{}); err == nil || !strings.Contains(err.Error(), "is computed while the network runs: it must be constant") {
		t.Errorf("error %v", err)
	}
	c := wholeCase{op: graph.MaxPool, attrs: graph.Attrs{"kernel_shape": []int{1, 1}}, inputs: []tensor.Shape{{2000, 1, 1, 1}}}
	g, _ = c.network()
	if _, err := engine.Compile(t.Context(), g, engine.Config{}); err == nil || !strings.Contains(err.Error(), `MaxPool node "node"`) ||
		!strings.Contains(err.Error(), "at most 1024") {
		t.Errorf("error %v", err)
	}
}

// A layer that quantizes its input while it runs finds one range for all pictures of a whole input.
func TestWholeInputDynamic(t *testing.T) {
	for _, groups := range []int{1, 2} {
		for _, per := range []quant.Layout{{}, {Per: quant.PerChannel}} {
			b := newBuilder("whole")
			b.AddInput("x", tensor.Shape{3, 4, 6, 5})
			codes := make([]byte, 6*4/groups*9)
			for i := range codes {
				codes[i] = byte(i * 37)
			}
			b.AddConst("w", tensor.Tensor{DType: tensor.Int8, Shape: tensor.Shape{6, 4 / groups, 3, 3}, Data: codes})
			p := quant.Params{Type: quant.Int(8), Layout: per, Scale: []float32{0.01}}
			if per.Per == quant.PerChannel {
				p.Scale = []float32{0.01, 0.02, 0.005, 0.03, 0.01, 0.015}
			}
			b.Values["w"].Quant = &p
			b.AddConst("b", mustTensor(tensor.Shape{6}, b.reals(6, 1)))
			y := b.AddNode(graph.Conv, "conv", "y", graph.Attrs{"group": groups, "pads": []int{1, 0, 1, 1}, "dynamic": 1}, "x", "w", "b")
			b.Outputs = []string{b.AddNode(graph.Relu, "", "z", nil, y)}
			x := b.reals(3*4*6*5, 1)
			for i := range x {
				x[i] *= float32(1 + i/120*4) // pictures of different ranges
			}
			want, err := graph.Eval(t.Context(), b.Graph, map[string]tensor.Tensor{"x": mustTensor(tensor.Shape{3, 4, 6, 5}, x)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			program, err := engine.Compile(t.Context(), b.Graph, engine.Config{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			expected, _ := want["z"].Float32s()
			got := make([]float32, len(expected))
			if err := program.Run(t.Context(), [][]float32{got}, [][]float32{x}); err != nil {
				t.Fatal(err)
			}
			if i := differs(got, expected); i >= 0 {
				t.Errorf("%d groups, %v: element %d is %g, want %g", groups, per.Per, i, got[i], expected[i])
			}
		}
	}
}

// differs returns the first place where bits differ, or -1.
func differs(a, b []float32) int {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i
		}
	}
	return -1
}
