package fuse

import (
	"math"
	"slices"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/onnx/internal/onnxtest"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// rawNet builds raw graphs. Its methods return the name of what they make.
type rawNet struct{ *raw.Graph }

// newRaw returns one with the input x, float and [batch, 2, 4, 4].
func newRaw() rawNet {
	b := rawNet{raw.New("raw")}
	b.AddInput("x", tensor.Shape{graph.Batch, 2, 4, 4})
	return b
}

func constOf[T tensor.Element](b rawNet, name string, shape tensor.Shape, data ...T) string {
	t, err := tensor.Of(shape, data)
	if err != nil {
		panic(err)
	}
	b.AddConst(name, t)
	return name
}

func (b rawNet) op(op graph.Op, out string, attrs graph.Attrs, in ...string) string {
	b.AddNode(op, out, out, attrs, in...)
	return out
}

// q appends a QuantizeLinear to uint8 and dq a DequantizeLinear.
func (b rawNet) q(in, out string, scale float32, zero uint8) string {
	b.op(graph.QuantizeLinear, out, nil, in, constOf(b, out+"_s", tensor.Shape{}, scale), constOf(b, out+"_z", tensor.Shape{}, zero))
	b.Values[out].DType = tensor.Uint8
	return out
}

func (b rawNet) dq(in, out string) string {
	return b.op(graph.DequantizeLinear, out, nil, in, in+"_s", in+"_z")
}

// qdq appends both.
func (b rawNet) qdq(in string, scale float32, zero uint8) string {
	return b.dq(b.q(in, in+"_q", scale, zero), in+"_dq")
}

// weight adds a weight of int8 codes and its DequantizeLinear.
func (b rawNet) weight(name string, shape tensor.Shape, axis int, scale ...float32) string {
	n, _ := shape.Elements()
	w := make([]int8, n)
	for i := range w {
		w[i] = int8(i*37%251 - 125)
	}
	constOf(b, name, shape, w...)
	s := tensor.Shape{len(scale)}
	if len(scale) == 1 {
		s = tensor.Shape{}
	}
	constOf(b, name+"_s", s, scale...)
	return b.op(graph.DequantizeLinear, name+"_dq", graph.Attrs{"axis": axis}, name, name+"_s")
}

// biasOf adds a bias of int32 codes with one scale.
func (b rawNet) biasOf(name string, scale float32, codes ...int32) string {
	constOf(b, name, tensor.Shape{len(codes)}, codes...)
	constOf(b, name+"_s", tensor.Shape{}, scale)
	return b.op(graph.DequantizeLinear, name+"_dq", nil, name, name+"_s")
}

// ramp returns n numbers.
func ramp(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i-n/2) / 64
	}
	return x
}

// conv appends a 1×1 convolution of two channels to two.
func (b rawNet) conv(x, out string, bias ...string) string {
	w := b.weight(out+".w", tensor.Shape{2, 2, 1, 1}, 0, 0.01, 0.02)
	return b.op(graph.Conv, out, nil, append([]string{x, w}, bias...)...)
}

// pixelConv appends x as a vector of codes, and a QLinearConv that takes it for the channels of one pixel.
func (b rawNet) pixelConv(attrs graph.Attrs) string {
	x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.q("x", "xq", 0.02, 120))
	x = b.op(graph.Unsqueeze, "u", graph.Attrs{"axes": []int{2, 3}}, x)
	b.weight("w", tensor.Shape{2, 32, 1, 1}, 0, 0.01, 0.02)
	constOf(b, "wz", tensor.Shape{2}, int8(0), 0)
	constOf(b, "b", tensor.Shape{2}, int32(500), -700)
	constOf(b, "out_s", tensor.Shape{}, float32(0.1))
	constOf(b, "out_z", tensor.Shape{}, uint8(128))
	y := b.op(raw.QLinearConv, "y", attrs, x, "xq_s", "xq_z", "w", "w_s", "wz", "out_s", "out_z", "b")
	return y
}

func (b rawNet) result(names ...string) *raw.Graph {
	b.Outputs = names
	return b.Graph
}

// Each pattern becomes the operators that are listed, and computes what its nodes say.
func TestFusePatterns(t *testing.T) {
	for name, test := range map[string]struct {
		raw  func(b rawNet) *raw.Graph
		want string // operators, with q before those on codes
	}{
		"conv": {func(b rawNet) *raw.Graph {
			return b.result(b.qdq(b.conv(b.qdq("x", 0.02, 120), "y"), 0.05, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"conv, relu, clip": {func(b rawNet) *raw.Graph {
			y := b.op(graph.Relu, "r", nil, b.conv(b.qdq("x", 0.02, 120), "y"))
			y = b.op(graph.Clip, "c", graph.Attrs{"max": float32(3.01)}, y)
			return b.result(b.qdq(y, 0.05, 10))
		}, "QuantizeLinear qConv qRelu qClip DequantizeLinear"},
		"zero points left out": {func(b rawNet) *raw.Graph {
			q := b.op(graph.QuantizeLinear, "xq", nil, "x", constOf(b, "xs", tensor.Shape{1}, float32(0.02)))
			b.Values[q].DType = tensor.Uint8
			y := b.conv(b.op(graph.DequantizeLinear, "xd", nil, q, "xs"), "y")
			return b.result(b.qdq(y, 0.05, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"float weight quantized in the graph": {func(b rawNet) *raw.Graph {
			w := constOf(b, "w", tensor.Shape{2, 2, 1, 1}, 0.3, float32(-0.2), 0.1, 0.5)
			wd := b.qdq(w, 0.003, 90)
			y := b.op(graph.Conv, "y", nil, b.qdq("x", 0.02, 120), wd)
			return b.result(b.qdq(y, 0.01, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"float bias": {func(b rawNet) *raw.Graph {
			bias := constOf(b, "b", tensor.Shape{2}, float32(0.51), -0.7)
			return b.result(b.qdq(b.conv(b.qdq("x", 0.02, 120), "y", bias), 0.05, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"bias with a scale of its own": {func(b rawNet) *raw.Graph {
			bias := b.biasOf("b", 0.001, 700, -300)
			return b.result(b.qdq(b.conv(b.qdq("x", 0.02, 120), "y", bias), 0.05, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"bias too large for int32": {func(b rawNet) *raw.Graph {
			bias := constOf(b, "b", tensor.Shape{2}, float32(1e9), -0.7)
			return b.result(b.qdq(b.conv(b.qdq("x", 0.02, 120), "y", bias), 0.05, 128))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear Conv QuantizeLinear DequantizeLinear"},
		"shared by integers and floats": {func(b rawNet) *raw.Graph {
			x := b.qdq("x", 0.02, 120)
			return b.result(b.qdq(b.conv(x, "y"), 0.05, 128), b.op(graph.Softmax, "s", graph.Attrs{"axis": 1}, x))
		}, "QuantizeLinear qConv DequantizeLinear Softmax DequantizeLinear"},
		"float output": {func(b rawNet) *raw.Graph {
			return b.result(b.conv(b.qdq("x", 0.02, 120), "y"))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear Conv"},
		"a reader that does not quantize": {func(b rawNet) *raw.Graph {
			y := b.conv(b.qdq("x", 0.02, 120), "y")
			return b.result(b.qdq(y, 0.05, 128), b.op(graph.Sigmoid, "s", nil, y))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear Conv QuantizeLinear Sigmoid DequantizeLinear"},
		"quantized twice alike": {func(b rawNet) *raw.Graph {
			y := b.conv(b.qdq("x", 0.02, 120), "y")
			return b.result(b.dq(b.q(y, "y1", 0.05, 128), "z1"), b.dq(b.q(y, "y2", 0.05, 128), "z2"))
		}, "QuantizeLinear qConv DequantizeLinear DequantizeLinear"},
		"quantized twice, differently": {func(b rawNet) *raw.Graph {
			y := b.conv(b.qdq("x", 0.02, 120), "y")
			return b.result(b.dq(b.q(y, "y1", 0.05, 128), "z1"), b.dq(b.q(y, "y2", 0.06, 128), "z2"))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear Conv QuantizeLinear QuantizeLinear DequantizeLinear DequantizeLinear"},
		"no pairs around what moves elements": {func(b rawNet) *raw.Graph {
			y := b.op(graph.MaxPool, "p", graph.Attrs{"kernel_shape": []int{2, 2}, "strides": []int{2, 2}}, b.qdq("x", 0.02, 120))
			y = b.op(graph.Relu, "r", nil, y)
			y = b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, y)
			y = b.op(graph.Gemm, "y", graph.Attrs{"transB": 1}, y, b.weight("w", tensor.Shape{3, 8}, 0, 0.01, 0.02, 0.03))
			return b.result(b.qdq(y, 0.1, 128))
		}, "QuantizeLinear qMaxPool qRelu qFlatten qGemm DequantizeLinear"},
		"moved, then floats": {func(b rawNet) *raw.Graph {
			y := b.op(graph.Transpose, "t", graph.Attrs{"perm": []int{0, 1, 3, 2}}, b.qdq("x", 0.02, 120))
			return b.result(b.op(graph.Softmax, "s", graph.Attrs{"axis": 1}, y), y)
		}, "QuantizeLinear qTranspose DequantizeLinear Softmax"},
		"moved to other parameters": {func(b rawNet) *raw.Graph {
			y := b.op(graph.MaxPool, "p", graph.Attrs{"kernel_shape": []int{2, 2}}, b.qdq("x", 0.02, 120))
			return b.result(b.qdq(y, 0.03, 128))
		}, "QuantizeLinear qMaxPool DequantizeLinear QuantizeLinear DequantizeLinear"},
		"padded with a real": {func(b rawNet) *raw.Graph {
			pads := graph.Attrs{"pads": []int{0, 0, 1, 1, 0, 0, 1, 1}, "value": float32(0.333)}
			return b.result(b.qdq(b.op(graph.Pad, "p", pads, b.qdq("x", 0.02, 120)), 0.02, 120))
		}, "QuantizeLinear DequantizeLinear Pad QuantizeLinear DequantizeLinear"},
		"relu with other parameters": {func(b rawNet) *raw.Graph {
			return b.result(b.qdq(b.op(graph.Relu, "r", nil, b.qdq("x", 0.02, 120)), 0.01, 0))
		}, "QuantizeLinear qRelu DequantizeLinear"},
		"pairs between floats": {func(b rawNet) *raw.Graph {
			y := b.qdq(b.op(graph.Softmax, "s", graph.Attrs{"axis": 1}, "x"), 1.0/255, 0)
			return b.result(b.op(graph.Softmax, "t", graph.Attrs{"axis": 1}, y))
		}, "Softmax QuantizeLinear DequantizeLinear Softmax"},
		"the same pair twice": {func(b rawNet) *raw.Graph {
			return b.result(b.qdq(b.qdq("x", 0.02, 120), 0.02, 120))
		}, "QuantizeLinear DequantizeLinear"},
		"weights only": {func(b rawNet) *raw.Graph {
			return b.result(b.conv("x", "y", b.biasOf("b", 0.5, 1, -2)))
		}, "DequantizeLinear Conv"},
		"identities between": {func(b rawNet) *raw.Graph {
			x := b.op(graph.Identity, "i", nil, b.qdq("x", 0.02, 120))
			y := b.op(graph.Dropout, "d", nil, b.conv(x, "y"))
			return b.result(b.qdq(y, 0.05, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"matmul with a transposed weight": {func(b rawNet) *raw.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			w := b.op(graph.Transpose, "wt", graph.Attrs{"perm": []int{1, 0}}, b.weight("w", tensor.Shape{2, 32}, 0, 0.01, 0.02))
			return b.result(b.qdq(b.op(graph.MatMul, "y", nil, x, w), 0.1, 128))
		}, "QuantizeLinear qFlatten qMatMul DequantizeLinear"},
		"matmul and bias": {func(b rawNet) *raw.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			y := b.op(graph.MatMul, "m", nil, x, b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02))
			y = b.op(graph.Relu, "r", nil, b.op(graph.Add, "y", nil, y, constOf(b, "b", tensor.Shape{2}, float32(1), -1)))
			return b.result(b.qdq(y, 0.1, 0))
		}, "QuantizeLinear qFlatten qGemm qRelu DequantizeLinear"},
		"bias and matmul": {func(b rawNet) *raw.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			y := b.op(graph.MatMul, "m", nil, x, b.weight("w", tensor.Shape{32, 3}, 1, 0.01, 0.02, 0.03))
			y = b.op(graph.Add, "y", nil, constOf(b, "b", tensor.Shape{3}, float32(1), -1, 2), y)
			return b.result(b.qdq(y, 0.1, 128))
		}, "QuantizeLinear qFlatten qGemm DequantizeLinear"},
		"matmul of reals and bias": {func(b rawNet) *raw.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, "x")
			y := b.op(graph.MatMul, "m", nil, x, b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02))
			y = b.op(graph.Add, "y", nil, y, constOf(b, "b", tensor.Shape{2}, float32(1), -1))
			return b.result(b.qdq(y, 0.1, 128))
		}, "Flatten DequantizeLinear MatMul Add QuantizeLinear DequantizeLinear"},
		"matmul with a weight of reals and bias": {func(b rawNet) *raw.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			y := b.op(graph.MatMul, "m", nil, x, constOf(b, "w", tensor.Shape{32, 1}, ramp(32)...))
			y = b.op(graph.Add, "y", nil, y, constOf(b, "b", tensor.Shape{1}, float32(1)))
			return b.result(b.qdq(y, 0.1, 128))
		}, "QuantizeLinear qFlatten DequantizeLinear MatMul Add QuantizeLinear DequantizeLinear"},
		"matmul of two activations and bias": {func(b rawNet) *raw.Graph {
			x := b.qdq("x", 0.02, 120)
			y := b.op(graph.MatMul, "m", nil, x, x)
			y = b.op(graph.Add, "y", nil, y, constOf(b, "b", tensor.Shape{4}, float32(1), -1, 2, 0))
			return b.result(b.qdq(y, 0.1, 128))
		}, "QuantizeLinear DequantizeLinear MatMul Add QuantizeLinear DequantizeLinear"},
		"matmul and a bias of another length": {func(b rawNet) *raw.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			y := b.op(graph.MatMul, "m", nil, x, b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02))
			y = b.op(graph.Add, "y", nil, y, constOf(b, "b", tensor.Shape{1}, float32(1)))
			return b.result(b.qdq(y, 0.1, 128))
		}, "QuantizeLinear qFlatten DequantizeLinear DequantizeLinear MatMul Add QuantizeLinear DequantizeLinear"},
		"matmul that is an output, and bias": {func(b rawNet) *raw.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			m := b.op(graph.MatMul, "m", nil, x, b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02))
			y := b.op(graph.Add, "y", nil, m, constOf(b, "b", tensor.Shape{2}, float32(1), -1))
			return b.result(b.qdq(y, 0.1, 128), m)
		}, "QuantizeLinear qFlatten DequantizeLinear DequantizeLinear MatMul Add QuantizeLinear DequantizeLinear"},
		"matmul that another reads, and bias": {func(b rawNet) *raw.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			m := b.op(graph.MatMul, "m", nil, x, b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02))
			y := b.op(graph.Add, "y", nil, m, constOf(b, "b", tensor.Shape{2}, float32(1), -1))
			return b.result(b.qdq(y, 0.1, 128), b.op(graph.Softmax, "s", graph.Attrs{"axis": 1}, m))
		}, "QuantizeLinear qFlatten DequantizeLinear DequantizeLinear MatMul Add Softmax QuantizeLinear DequantizeLinear"},
		"a gemm as a convolution of one pixel": {func(b rawNet) *raw.Graph {
			y := b.pixelConv(graph.Attrs{"strides": []int{1, 1}, "dilations": []int{1, 1}, "pads": []int{0, 0, 0, 0}, "group": 1})
			return b.result(b.op(graph.DequantizeLinear, "out", nil, b.op(graph.Flatten, "z", graph.Attrs{"axis": 1}, y), "out_s", "out_z"))
		}, "QuantizeLinear qFlatten qGemm DequantizeLinear"},
		"a convolution of one pixel that stays a picture": {func(b rawNet) *raw.Graph {
			return b.result(b.op(graph.DequantizeLinear, "out", nil, b.op(graph.MaxPool, "z", graph.Attrs{"kernel_shape": []int{1, 1}}, b.pixelConv(nil)), "out_s", "out_z"))
		}, "QuantizeLinear qFlatten qUnsqueeze qConv qMaxPool DequantizeLinear"},
		"a convolution of one pixel that two read": {func(b rawNet) *raw.Graph {
			y := b.pixelConv(nil)
			return b.result(b.op(graph.DequantizeLinear, "out", nil, b.op(graph.Flatten, "z", graph.Attrs{"axis": 1}, y), "out_s", "out_z"), b.op(graph.DequantizeLinear, "picture", nil, y, "out_s", "out_z"))
		}, "QuantizeLinear qFlatten qUnsqueeze qConv qFlatten DequantizeLinear DequantizeLinear"},
		"matmul of images and bias": {func(b rawNet) *raw.Graph {
			y := b.op(graph.MatMul, "m", nil, b.qdq("x", 0.02, 120), b.weight("w", tensor.Shape{4, 2}, 1, 0.01, 0.02))
			y = b.op(graph.Add, "y", nil, y, constOf(b, "b", tensor.Shape{2}, float32(1), -1))
			return b.result(b.qdq(y, 0.1, 128))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear MatMul Add QuantizeLinear DequantizeLinear"},
		"gemm with a weight [in, out]": {func(b rawNet) *raw.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			bias := constOf(b, "b", tensor.Shape{1, 2}, float32(1), -1)
			return b.result(b.qdq(b.op(graph.Gemm, "y", nil, x, b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02), bias), 0.1, 128))
		}, "QuantizeLinear qFlatten qGemm DequantizeLinear"},
		"gemm with alpha": {func(b rawNet) *raw.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			y := b.op(graph.Gemm, "y", graph.Attrs{"transB": 1, "alpha": float32(2)}, x, b.weight("w", tensor.Shape{2, 32}, 0, 0.01, 0.02))
			return b.result(b.qdq(y, 0.1, 128))
		}, "QuantizeLinear qFlatten DequantizeLinear DequantizeLinear Gemm QuantizeLinear DequantizeLinear"},
		"weights per input channel": {func(b rawNet) *raw.Graph {
			w := b.weight("w", tensor.Shape{2, 2, 1, 1}, 1, 0.01, 0.02)
			return b.result(b.qdq(b.op(graph.Conv, "y", nil, b.qdq("x", 0.02, 120), w), 0.1, 128))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear Conv QuantizeLinear DequantizeLinear"},
		"a constant operand": {func(b rawNet) *raw.Graph {
			c := b.qdq(constOf(b, "c", tensor.Shape{1, 2, 1, 1}, 0.3, float32(-1)), 0.01, 128)
			return b.result(b.qdq(b.op(graph.Mul, "m", nil, b.qdq("x", 0.02, 120), c), 0.02, 120))
		}, "QuantizeLinear qMul DequantizeLinear"},
		"a float operand": {func(b rawNet) *raw.Graph {
			c := constOf(b, "c", tensor.Shape{1, 2, 1, 1}, 0.3, float32(-1))
			return b.result(b.qdq(b.op(graph.Mul, "m", nil, b.qdq("x", 0.02, 120), c), 0.02, 120))
		}, "QuantizeLinear DequantizeLinear Mul QuantizeLinear DequantizeLinear"},
		"clip of codes to a narrower type": {func(b rawNet) *raw.Graph {
			q := b.q("x", "xq", 0.2, 7)
			c := b.op(graph.Clip, "c", graph.Attrs{"min": float32(0), "max": float32(15)}, q)
			return b.result(b.op(graph.DequantizeLinear, "xd", nil, c, "xq_s", "xq_z"))
		}, "QuantizeLinear DequantizeLinear"},
		"clip of codes to something else": {func(b rawNet) *raw.Graph {
			q := b.q("x", "xq", 0.2, 7)
			c := b.op(graph.Clip, "c", graph.Attrs{"min": float32(3), "max": float32(17)}, q)
			return b.result(b.op(graph.DequantizeLinear, "xd", nil, c, "xq_s", "xq_z"))
		}, "QuantizeLinear qClip DequantizeLinear"},
		"relu as a clip of codes": {func(b rawNet) *raw.Graph {
			q := b.q("x", "xq", 0.2, 7)
			c := b.op(graph.Clip, "c", graph.Attrs{"min": float32(7)}, q)
			return b.result(b.op(graph.DequantizeLinear, "xd", nil, c, "xq_s", "xq_z"))
		}, "QuantizeLinear qRelu DequantizeLinear"},
		"pad of codes": {func(b rawNet) *raw.Graph {
			q := b.q("x", "xq", 0.2, 7)
			c := b.op(graph.Pad, "c", graph.Attrs{"pads": []int{0, 0, 1, 1, 0, 0, 1, 1}, "value": float32(9)}, q)
			return b.result(b.op(graph.DequantizeLinear, "xd", nil, c, "xq_s", "xq_z"))
		}, "QuantizeLinear qPad DequantizeLinear"},
		"QGemm with floats out": {func(b rawNet) *raw.Graph {
			f := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.q("x", "xq", 0.02, 120))
			b.weight("w", tensor.Shape{2, 32}, 0, 0.01, 0.02)
			constOf(b, "wz", tensor.Shape{2}, int8(0), 0)
			constOf(b, "b", tensor.Shape{2}, int32(500), -700)
			return b.result(b.op(raw.MSQGemm, "y", graph.Attrs{"transB": 1}, f, "xq_s", "xq_z", "w", "w_s", "wz", "b"))
		}, "QuantizeLinear qFlatten DequantizeLinear DequantizeLinear Gemm"},
		"QGemm with alpha, a weight per column and a row for a bias": {func(b rawNet) *raw.Graph {
			f := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.q("x", "xq", 0.02, 120))
			b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02)
			constOf(b, "wz", tensor.Shape{2}, int8(0), 0)
			constOf(b, "b", tensor.Shape{1, 2}, int32(500), -700)
			constOf(b, "y_s", tensor.Shape{}, float32(0.1))
			constOf(b, "y_z", tensor.Shape{}, uint8(128))
			y := b.op(raw.MSQGemm, "y", graph.Attrs{"alpha": float32(0.5)}, f, "xq_s", "xq_z", "w", "w_s", "wz", "b", "y_s", "y_z")
			return b.result(b.dq(y, "z"))
		}, "QuantizeLinear qFlatten qGemm DequantizeLinear"},
		"QGemm with one number for a bias": {func(b rawNet) *raw.Graph {
			f := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.q("x", "xq", 0.02, 120))
			b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02)
			constOf(b, "wz", tensor.Shape{2}, int8(0), 0)
			constOf(b, "b", tensor.Shape{1}, int32(500))
			constOf(b, "y_s", tensor.Shape{}, float32(0.1))
			constOf(b, "y_z", tensor.Shape{}, uint8(128))
			y := b.op(raw.MSQGemm, "y", nil, f, "xq_s", "xq_z", "w", "w_s", "wz", "b", "y_s", "y_z")
			return b.result(b.dq(y, "z"))
		}, "QuantizeLinear qFlatten qGemm DequantizeLinear"},
		"QLinearConv whose multiplier is no number": {func(b rawNet) *raw.Graph {
			b.q("x", "xq", 0.02, 120)
			b.weight("w", tensor.Shape{2, 2, 1, 1}, 0, 1e-37)
			constOf(b, "wz", tensor.Shape{}, int8(0))
			constOf(b, "y_s", tensor.Shape{}, float32(100))
			constOf(b, "y_z", tensor.Shape{}, uint8(128))
			y := b.op(raw.QLinearConv, "y", nil, "xq", "xq_s", "xq_z", "w", "w_s", "wz", "y_s", "y_z")
			return b.result(b.dq(y, "z"))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear Conv QuantizeLinear DequantizeLinear"},
		"float weight quantized to int8": {func(b rawNet) *raw.Graph {
			w := constOf(b, "w", tensor.Shape{2, 2, 1, 1}, 0.3, float32(-0.2), 0.1, 0.5)
			constOf(b, "ws", tensor.Shape{}, float32(0.004))
			constOf(b, "wz", tensor.Shape{}, int8(0))
			q := b.op(graph.QuantizeLinear, "wq", nil, w, "ws", "wz")
			b.Values[q].DType = tensor.Int8
			y := b.op(graph.Conv, "y", nil, b.qdq("x", 0.02, 120), b.op(graph.DequantizeLinear, "wd", nil, q, "ws", "wz"))
			return b.result(b.qdq(y, 0.01, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"zero points of QLinear operators left out": {func(b rawNet) *raw.Graph {
			q := b.op(graph.QuantizeLinear, "xq", nil, "x", constOf(b, "xs", tensor.Shape{}, float32(0.02)))
			b.Values[q].DType = tensor.Uint8
			y := b.op(raw.MSQLinearSigmoid, "y", nil, q, "xs", "", constOf(b, "ys", tensor.Shape{}, float32(0.004)))
			b.Values[y].DType = tensor.Uint8
			return b.result(b.op(graph.DequantizeLinear, "z", nil, y, "ys"))
		}, "QuantizeLinear qSigmoid DequantizeLinear"},
		"float weight quantized per channel in the graph": {func(b rawNet) *raw.Graph {
			w := constOf(b, "w", tensor.Shape{2, 2, 1, 1}, 0.3, float32(-0.2), 0.1, 0.5)
			constOf(b, "ws", tensor.Shape{2}, float32(0.004), 0.005)
			constOf(b, "wz", tensor.Shape{2}, int8(0), 0)
			axis := graph.Attrs{"axis": 0}
			q := b.op(graph.QuantizeLinear, "wq", axis, w, "ws", "wz")
			b.Values[q].DType = tensor.Int8
			y := b.op(graph.Conv, "y", nil, b.qdq("x", 0.02, 120), b.op(graph.DequantizeLinear, "wd", axis, q, "ws", "wz"))
			return b.result(b.qdq(y, 0.01, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"the same codes under two names": {func(b rawNet) *raw.Graph {
			q := b.q("x", "xq", 0.2, 7)
			return b.result(q, b.q(b.dq(q, "xd"), "yq", 0.2, 7))
		}, "QuantizeLinear qIdentity"},
		"QLinearMatMul with a weight per column": {func(b rawNet) *raw.Graph {
			f := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.q("x", "xq", 0.02, 120))
			b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02)
			constOf(b, "wz", tensor.Shape{2}, int8(3), -4)
			y := b.op(raw.QLinearMatMul, "y", nil, f, "xq_s", "xq_z", "w", "w_s", "wz",
				constOf(b, "y_s", tensor.Shape{1}, float32(0.1)), constOf(b, "y_z", tensor.Shape{1}, uint8(128)))
			return b.result(b.dq(y, "z"))
		}, "QuantizeLinear qFlatten qMatMul DequantizeLinear"},
	} {
		t.Run(name, func(t *testing.T) {
			r := test.raw(newRaw())
			x := onnxtest.RandomInput(t, floats(r), 5, 2)
			by := evalRaw(t, r, x)
			g, err := Graph(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if err := graph.Check(g); err != nil {
				t.Fatalf("%v\n%s", err, onnxtest.Dump(g))
			}
			var ops []string
			for _, n := range g.Nodes {
				op := string(n.Op)
				if g.Values[n.Outputs[0]].Quant != nil && n.Op != graph.QuantizeLinear {
					op = "q" + op
				}
				ops = append(ops, op)
			}
			want := strings.Fields(test.want)
			slices.Sort(ops)
			slices.Sort(want)
			if !slices.Equal(ops, want) {
				t.Errorf("operators %v, want %v\n%s", ops, want, onnxtest.Dump(g))
			}
			got := onnxtest.EvalOutputs(t, g, x)
			for _, name := range g.Outputs {
				f, _ := got[name].Float32s()
				if len(f) == 0 || len(f) != len(by[name]) {
					t.Fatalf("output %q has %d elements, want %d", name, len(f), len(by[name]))
				}
				for i, y := range f {
					if math.Abs(float64(y)-by[name][i]) > 1e-5*math.Max(1, math.Abs(by[name][i])) {
						t.Fatalf("output %q[%d] is %g, its nodes say %g\n%s", name, i, y, by[name][i], onnxtest.Dump(g))
					}
				}
			}
		})
	}
}
