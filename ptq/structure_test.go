package ptq_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// What every operator becomes, and which values share parameters: scale and zero point are written with each value.
func TestStructure(t *testing.T) {
	tests := []struct {
		name  string
		build func(n *net) *graph.Graph
		cfg   ptq.Config
		want  string
	}{
		{
			"a Relu is the only reader of its convolution",
			func(n *net) *graph.Graph {
				y := n.op(graph.Relu, "relu", nil, n.conv("conv", "x", 3, 4))
				return n.done(n.op(graph.MaxPool, "pool", graph.Attrs{"kernel_shape": []int{2, 2}}, y))
			},
			ptq.Config{},
			`
x -> pool.y, onnx
QuantizeLinear x_QuantizeLinear: x -> x_quantized{uint8 0.01176 +85}
Conv conv: x_quantized{uint8 0.01176 +85} conv.w{int8 ×4 axis 0} conv.b{int32 ×4} -> conv.y{uint8 0.02353 +85}
Relu relu: conv.y{uint8 0.02353 +85} -> relu.y{uint8 0.02353 +85}
MaxPool pool: relu.y{uint8 0.02353 +85} -> pool.y_quantized{uint8 0.02353 +85}
DequantizeLinear pool.y_DequantizeLinear: pool.y_quantized{uint8 0.02353 +85} -> pool.y
`,
		},
		{
			"a value before a Relu that an Add reads too",
			func(n *net) *graph.Graph {
				y := n.conv("conv", "x", 3, 3)
				return n.done(n.op(graph.Add, "add", nil, n.op(graph.Relu, "relu", nil, y), y))
			},
			ptq.Config{ActSigned: true, ActSymmetric: true, ActBits: 4, PerTensor: true, Requant: quant.FixedDouble},
			`
x -> add.y, fixed-double
QuantizeLinear x_QuantizeLinear: x -> x_quantized{int4 0.2857 +0}
Conv conv: x_quantized{int4 0.2857 +0} conv.w{int8 ×1} conv.b{int32 ×1} -> conv.y{int8 0.0315 +0}
Relu relu: conv.y{int8 0.0315 +0} -> relu.y{int8 0.04724 +0}
Add add: relu.y{int8 0.04724 +0} conv.y{int8 0.0315 +0} -> add.y_quantized{int4 1.143 +0}
DequantizeLinear add.y_DequantizeLinear: add.y_quantized{int4 1.143 +0} -> add.y
`,
		},
		{
			"what is added up and a layer reads, or an override names, has the bits that are asked for",
			func(n *net) *graph.Graph {
				y := n.conv("conv", "x", 3, 3)
				return n.done(n.op(graph.Add, "add", nil, n.op(graph.Relu, "relu", nil, y), y), n.conv("next", y, 3, 3))
			},
			ptq.Config{
				ActSigned: true, ActSymmetric: true, ActBits: 4, PerTensor: true, Requant: quant.FixedDouble,
				Overrides: []ptq.Override{{Pattern: "relu", ActBits: 4}},
			},
			`
x -> add.y next.y, fixed-double
QuantizeLinear x_QuantizeLinear: x -> x_quantized{int4 0.2857 +0}
Conv conv: x_quantized{int4 0.2857 +0} conv.w{int8 ×1} conv.b{int32 ×1} -> conv.y{int4 0.5714 +0}
Relu relu: conv.y{int4 0.5714 +0} -> relu.y{int4 0.8571 +0}
Add add: relu.y{int4 0.8571 +0} conv.y{int4 0.5714 +0} -> add.y_quantized{int4 1.143 +0}
DequantizeLinear add.y_DequantizeLinear: add.y_quantized{int4 1.143 +0} -> add.y
Conv next: conv.y{int4 0.5714 +0} next.w{int8 ×1} next.b{int32 ×1} -> next.y_quantized{int4 1.429 +0}
DequantizeLinear next.y_DequantizeLinear: next.y_quantized{int4 1.429 +0} -> next.y
`,
		},
		{
			"a Concat shares its parameters with the inputs that nobody else reads",
			func(n *net) *graph.Graph {
				a, b := n.conv("a", "x", 3, 4), n.conv("b", "x", 3, 4)
				y := n.op(graph.Concat, "cat", graph.Attrs{"axis": 1}, a, b)
				return n.done(n.op(graph.Relu, "relu", nil, y), n.op(graph.Sigmoid, "sigmoid", nil, b))
			},
			ptq.Config{},
			`
x -> relu.y sigmoid.y, onnx
QuantizeLinear x_QuantizeLinear: x -> x_quantized{uint8 0.01176 +85}
Conv a: x_quantized{uint8 0.01176 +85} a.w{int8 ×4 axis 0} a.b{int32 ×4} -> a.y{uint8 0.03529 +85}
Conv b: x_quantized{uint8 0.01176 +85} b.w{int8 ×4 axis 0} b.b{int32 ×4} -> b.y{uint8 0.02353 +85}
Concat cat: a.y{uint8 0.03529 +85} b.y{uint8 0.02353 +85} -> cat.y{uint8 0.03529 +85}
Relu relu: cat.y{uint8 0.03529 +85} -> relu.y_quantized{uint8 0.03529 +85}
DequantizeLinear relu.y_DequantizeLinear: relu.y_quantized{uint8 0.03529 +85} -> relu.y
Sigmoid sigmoid: b.y{uint8 0.02353 +85} -> sigmoid.y_quantized{uint8 0.04706 +85}
DequantizeLinear sigmoid.y_DequantizeLinear: sigmoid.y_quantized{uint8 0.04706 +85} -> sigmoid.y
`,
		},
		{
			"a classifier with an unsupported end",
			func(n *net) *graph.Graph {
				y := n.op(graph.GlobalAveragePool, "gap", nil, n.op(graph.Relu, "relu", nil, n.conv("conv", "x", 3, 4)))
				y = n.gemm("fc", n.op(graph.Flatten, "flat", nil, y), 4, 5)
				y = n.op(graph.Softmax, "softmax", nil, y)
				return n.done(n.op(graph.Reshape, "reshape", graph.Attrs{"shape": []int{-1, 5, 1}}, y))
			},
			ptq.Config{WeightBits: 3, ActBits: 6, KeepEdges: true},
			`
x -> reshape.y, onnx
QuantizeLinear x_QuantizeLinear: x -> x_quantized{uint8 0.01176 +85}
Conv conv: x_quantized{uint8 0.01176 +85} conv.w{int8 ×4 axis 0} conv.b{int32 ×4} -> conv.y{uint8 0.02353 +85}
Relu relu: conv.y{uint8 0.02353 +85} -> relu.y{uint8 0.02353 +85}
GlobalAveragePool gap: relu.y{uint8 0.02353 +85} -> gap.y{uint8 0.03529 +85}
Flatten flat: gap.y{uint8 0.03529 +85} -> flat.y{uint8 0.03529 +85}
Gemm fc: flat.y{uint8 0.03529 +85} fc.w{int8 ×5 axis 0} fc.b{int32 ×5} -> fc.y{uint8 0.04706 +85}
DequantizeLinear fc.y_DequantizeLinear: fc.y{uint8 0.04706 +85} -> fc.y_dequantized
Softmax softmax: fc.y_dequantized -> softmax.y
Reshape reshape: softmax.y -> reshape.y
`,
		},
		{
			"a layer left in floating point between two others",
			func(n *net) *graph.Graph {
				y := n.op(graph.Relu, "relu", nil, n.conv("b", n.conv("a", "x", 3, 4), 4, 4))
				return n.done(n.conv("c", y, 4, 2))
			},
			ptq.Config{WeightBits: 4, Overrides: []ptq.Override{{Pattern: "[bc]", ActBits: 5}, {Pattern: "b", Float: true}, {Pattern: "c", WeightBits: 2}}},
			`
x -> c.y, onnx
QuantizeLinear x_QuantizeLinear: x -> x_quantized{uint8 0.01176 +85}
Conv a: x_quantized{uint8 0.01176 +85} a.w{int4 ×4 axis 0} a.b{int32 ×4} -> a.y{uint8 0.02353 +85}
DequantizeLinear a.y_DequantizeLinear: a.y{uint8 0.02353 +85} -> a.y_dequantized
Conv b: a.y_dequantized b.w b.b -> b.y
QuantizeLinear b.y_QuantizeLinear: b.y -> b.y_quantized{uint5 0.2903 +10}
Relu relu: b.y_quantized{uint5 0.2903 +10} -> relu.y{uint5 0.2903 +10}
Conv c: relu.y{uint5 0.2903 +10} c.w{int2 ×2 axis 0} c.b{int32 ×2} -> c.y_quantized{uint5 0.3871 +10}
DequantizeLinear c.y_DequantizeLinear: c.y_quantized{uint5 0.3871 +10} -> c.y
`,
		},
		{
			"what moves codes keeps their parameters, and constants get codes",
			func(n *net) *graph.Graph {
				y := n.op(graph.Transpose, "transpose", graph.Attrs{"perm": []int{0, 2, 1, 3}}, "x")
				y = n.op(graph.Pad, "pad", graph.Attrs{"pads": []int{0, 0, 1, 1, 0, 0, 1, 1}}, y)
				z := n.op(graph.Mul, "mul", nil, y, n.constant("two", tensor.Shape{}, 2))
				m := n.op(graph.MatMul, "matmul", nil, z, n.constant("m", tensor.Shape{8, 3}))
				return n.done(n.op(graph.AveragePool, "average", graph.Attrs{"kernel_shape": []int{2, 2}}, m), n.op(graph.HardSwish, "swish", nil, y))
			},
			ptq.Config{ActSymmetric: true},
			`
x -> average.y swish.y, onnx
QuantizeLinear x_QuantizeLinear: x -> x_quantized{uint8 0.01575 +128}
Transpose transpose: x_quantized{uint8 0.01575 +128} -> transpose.y{uint8 0.01575 +128}
Pad pad: transpose.y{uint8 0.01575 +128} -> pad.y{uint8 0.01575 +128}
Mul mul: pad.y{uint8 0.01575 +128} two{uint8 2 +0} -> mul.y{uint8 0.0315 +128}
MatMul matmul: mul.y{uint8 0.0315 +128} m{int8 ×3 axis 1} -> matmul.y{uint8 0.04724 +128}
AveragePool average: matmul.y{uint8 0.04724 +128} -> average.y_quantized{uint8 0.06299 +128}
DequantizeLinear average.y_DequantizeLinear: average.y_quantized{uint8 0.06299 +128} -> average.y
HardSwish swish: pad.y{uint8 0.01575 +128} -> swish.y_quantized{uint8 0.07874 +128}
DequantizeLinear swish.y_DequantizeLinear: swish.y_quantized{uint8 0.07874 +128} -> swish.y
`,
		},
		{
			"a weight that three layers share, one of them in floating point and one with other bits",
			func(n *net) *graph.Graph {
				w := n.constant("w", tensor.Shape{3, 3, 1, 1})
				y := n.op(graph.Conv, "a", nil, "x", w)
				y = n.op(graph.Conv, "b", nil, y, w)
				y = n.op(graph.Conv, "c", nil, y, w)
				return n.done(n.op(graph.Conv, "d", nil, y, w))
			},
			ptq.Config{Overrides: []ptq.Override{{Pattern: "b", Float: true}, {Pattern: "c", WeightBits: 4}}},
			`
x -> d.y, onnx
QuantizeLinear x_QuantizeLinear: x -> x_quantized{uint8 0.01176 +85}
Conv a: x_quantized{uint8 0.01176 +85} w_quantized{int8 ×3 axis 0} -> a.y{uint8 0.02353 +85}
DequantizeLinear a.y_DequantizeLinear: a.y{uint8 0.02353 +85} -> a.y_dequantized
Conv b: a.y_dequantized w -> b.y
QuantizeLinear b.y_QuantizeLinear: b.y -> b.y_quantized{uint8 0.03529 +85}
Conv c: b.y_quantized{uint8 0.03529 +85} w_quantized_1{int4 ×3 axis 0} -> c.y{uint8 0.04706 +85}
Conv d: c.y{uint8 0.04706 +85} w_quantized{int8 ×3 axis 0} -> d.y_quantized{uint8 0.05882 +85}
DequantizeLinear d.y_DequantizeLinear: d.y_quantized{uint8 0.05882 +85} -> d.y
`,
		},
		{
			"a pooled value before a Relu, of a value that others read too",
			func(n *net) *graph.Graph {
				y := n.conv("conv", "x", 3, 3)
				pooled := n.op(graph.MaxPool, "pool", graph.Attrs{"kernel_shape": []int{2, 2}}, y)
				return n.done(n.op(graph.Relu, "relu", nil, pooled), n.op(graph.Relu, "other", nil, y))
			},
			ptq.Config{},
			`
x -> relu.y other.y, onnx
QuantizeLinear x_QuantizeLinear: x -> x_quantized{uint8 0.01176 +85}
Conv conv: x_quantized{uint8 0.01176 +85} conv.w{int8 ×3 axis 0} conv.b{int32 ×3} -> conv.y{uint8 0.02353 +85}
MaxPool pool: conv.y{uint8 0.02353 +85} -> pool.y{uint8 0.02353 +85}
Relu relu: pool.y{uint8 0.02353 +85} -> relu.y_quantized{uint8 0.03529 +85}
DequantizeLinear relu.y_DequantizeLinear: relu.y_quantized{uint8 0.03529 +85} -> relu.y
Relu other: conv.y{uint8 0.02353 +85} -> other.y_quantized{uint8 0.04706 +85}
DequantizeLinear other.y_DequantizeLinear: other.y_quantized{uint8 0.04706 +85} -> other.y
`,
		},
		{
			"biases of other shapes, an output that is a constant",
			func(n *net) *graph.Graph {
				flat := n.op(graph.Flatten, "flat", nil, "x")
				a := n.op(graph.Gemm, "a", graph.Attrs{"transB": 1}, flat, n.constant("a.w", tensor.Shape{3, 108}), n.constant("a.b", tensor.Shape{1}))
				b := n.op(graph.Gemm, "b", graph.Attrs{"transB": 1}, a, n.constant("b.w", tensor.Shape{4, 3}), n.constant("b.b", tensor.Shape{1, 4}))
				return n.done(b, n.constant("k", tensor.Shape{2}))
			},
			ptq.Config{},
			`
x -> b.y k, onnx
QuantizeLinear x_QuantizeLinear: x -> x_quantized{uint8 0.01176 +85}
Flatten flat: x_quantized{uint8 0.01176 +85} -> flat.y{uint8 0.01176 +85}
Gemm a: flat.y{uint8 0.01176 +85} a.w{int8 ×3 axis 0} a.b{int32 ×3} -> a.y{uint8 0.02353 +85}
Gemm b: a.y{uint8 0.02353 +85} b.w{int8 ×4 axis 0} b.b{int32 ×4} -> b.y_quantized{uint8 0.03529 +85}
DequantizeLinear b.y_DequantizeLinear: b.y_quantized{uint8 0.03529 +85} -> b.y
`,
		},
		{
			"an output that a layer reads, and names that are taken",
			func(n *net) *graph.Graph {
				y := n.conv("y_quantized", "x", 3, 3)
				y = n.AddNode(graph.Conv, "x_QuantizeLinear", "y", nil, y, n.constant("x_quantized", tensor.Shape{2, 3, 1, 1}))
				return n.done("y", n.op(graph.Relu, "relu", nil, y))
			},
			ptq.Config{},
			`
x -> y relu.y, onnx
QuantizeLinear x_QuantizeLinear_1: x -> x_quantized_1{uint8 0.01176 +85}
Conv y_quantized: x_quantized_1{uint8 0.01176 +85} y_quantized.w{int8 ×3 axis 0} y_quantized.b{int32 ×3} -> y_quantized.y{uint8 0.02353 +85}
Conv x_QuantizeLinear: y_quantized.y{uint8 0.02353 +85} x_quantized{int8 ×2 axis 0} -> y_quantized{uint8 0.03529 +85}
DequantizeLinear y_DequantizeLinear: y_quantized{uint8 0.03529 +85} -> y
Relu relu: y_quantized{uint8 0.03529 +85} -> relu.y_quantized{uint8 0.04706 +85}
DequantizeLinear relu.y_DequantizeLinear: relu.y_quantized{uint8 0.04706 +85} -> relu.y
`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := tt.build(newNet(t, 3, 6, 6))
			before := bytesOf(g)
			q, _ := quantizeNet(t, g, tt.cfg)
			evaluate(t, q, tensor.Shape{1, 3, 6, 6}, make([]float32, 3*6*6))
			if diff := cmp.Diff(strings.TrimPrefix(tt.want, "\n"), dump(q)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if bytesOf(g) != before {
				t.Error("the float network was changed")
			}
		})
	}
}

// Why a node stays in floating point.
func TestIslands(t *testing.T) {
	tests := []struct {
		want  string
		build func(n *net) string
	}{
		{"its weight is not a constant", func(n *net) string {
			n.Graph.Inputs = nil
			n.AddInput("x", tensor.Shape{3, 4}) // without a symbolic batch
			return n.op(graph.Gemm, "n", graph.Attrs{"transB": 1}, "x", "x")
		}},
		{"its sums of 40000 products can leave an int32", func(n *net) string {
			n.Graph.Inputs = nil
			n.AddInput("x", tensor.Shape{graph.Batch, 1, 40000})
			return n.op(graph.MatMul, "n", nil, "x", n.op(graph.Transpose, "t", graph.Attrs{"perm": []int{0, 2, 1}}, "x"))
		}},
		{"Floor of 8-bit codes is too coarse", func(n *net) string { return n.op(graph.Floor, "n", nil, "x") }},
		{"its first input is a constant", func(n *net) string { return n.op(graph.MatMul, "n", nil, n.constant("k", tensor.Shape{6, 6}), "x") }},
		{"its weight has the shape [1, 1, 6, 6]", func(n *net) string {
			return n.op(graph.MatMul, "n", nil, "x", n.constant("k", tensor.Shape{1, 1, 6, 6}))
		}},
		{"no layer took up", func(n *net) string {
			k := n.constant("k", tensor.Shape{3}, 1, 2, 3)
			return n.op(graph.BatchNormalization, "n", nil, "x", k, k, k, k)
		}},
		{"its bias is not a constant", func(n *net) string {
			flat := n.op(graph.Flatten, "flat", nil, "x")
			return n.op(graph.Gemm, "n", graph.Attrs{"transB": 1}, flat, n.constant("k", tensor.Shape{108, 108}), flat)
		}},
		{"its bias has the shape [3, 1]", func(n *net) string {
			n.Graph.Inputs = nil
			n.AddInput("x", tensor.Shape{3, 4}) // a bias can be one for each example
			return n.op(graph.Gemm, "n", graph.Attrs{"transB": 1}, "x", n.constant("w", tensor.Shape{5, 4}), n.constant("b", tensor.Shape{3, 1}))
		}},
		{"Softmax has no integer form", func(n *net) string { return n.op(graph.Softmax, "n", nil, "x") }},
	}
	for _, tt := range tests {
		n := newNet(t, 3, 6, 6)
		n.Outputs = []string{tt.build(n)}
		g, err := graph.InferShapes(n.Graph) // Fold would make another network of some
		if err != nil {
			t.Fatal(err)
		}
		_, report := quantizeNet(t, g, ptq.Config{})
		last := len(report.Float) - 1
		if last < 0 || report.Float[last].Node != "n" || !strings.Contains(report.Float[last].Reason, tt.want) {
			t.Errorf("islands %+v, want %q", report.Float, tt.want)
		}
	}
}
