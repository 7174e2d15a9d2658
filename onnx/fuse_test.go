package onnx

import (
	"context"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// rawNet builds raw graphs. Its methods return the name of what they make.
type rawNet struct{ *graph.Graph }

// newRaw returns one with the input x, float and [batch, 2, 4, 4].
func newRaw() rawNet {
	b := rawNet{graph.New("raw")}
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

// conv appends a 1×1 convolution of two channels to two.
func (b rawNet) conv(x, out string, bias ...string) string {
	w := b.weight(out+".w", tensor.Shape{2, 2, 1, 1}, 0, 0.01, 0.02)
	return b.op(graph.Conv, out, nil, append([]string{x, w}, bias...)...)
}

func (b rawNet) result(names ...string) *graph.Graph {
	b.Outputs = names
	return b.Graph
}

// Each pattern becomes the operators that are listed, and computes what its nodes say.
func TestFusePatterns(t *testing.T) {
	for name, test := range map[string]struct {
		raw  func(b rawNet) *graph.Graph
		want string // operators, with q before those on codes
	}{
		"conv": {func(b rawNet) *graph.Graph {
			return b.result(b.qdq(b.conv(b.qdq("x", 0.02, 120), "y"), 0.05, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"conv, relu, clip": {func(b rawNet) *graph.Graph {
			y := b.op(graph.Relu, "r", nil, b.conv(b.qdq("x", 0.02, 120), "y"))
			y = b.op(graph.Clip, "c", graph.Attrs{"max": float32(3.01)}, y)
			return b.result(b.qdq(y, 0.05, 10))
		}, "QuantizeLinear qConv qRelu qClip DequantizeLinear"},
		"zero points left out": {func(b rawNet) *graph.Graph {
			q := b.op(graph.QuantizeLinear, "xq", nil, "x", constOf(b, "xs", tensor.Shape{1}, float32(0.02)))
			b.Values[q].DType = tensor.Uint8
			y := b.conv(b.op(graph.DequantizeLinear, "xd", nil, q, "xs"), "y")
			return b.result(b.qdq(y, 0.05, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"float weight quantized in the graph": {func(b rawNet) *graph.Graph {
			w := constOf(b, "w", tensor.Shape{2, 2, 1, 1}, 0.3, float32(-0.2), 0.1, 0.5)
			wd := b.qdq(w, 0.003, 90)
			y := b.op(graph.Conv, "y", nil, b.qdq("x", 0.02, 120), wd)
			return b.result(b.qdq(y, 0.01, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"float bias": {func(b rawNet) *graph.Graph {
			bias := constOf(b, "b", tensor.Shape{2}, float32(0.51), -0.7)
			return b.result(b.qdq(b.conv(b.qdq("x", 0.02, 120), "y", bias), 0.05, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"bias with a scale of its own": {func(b rawNet) *graph.Graph {
			bias := b.biasOf("b", 0.001, 700, -300)
			return b.result(b.qdq(b.conv(b.qdq("x", 0.02, 120), "y", bias), 0.05, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"bias too large for int32": {func(b rawNet) *graph.Graph {
			bias := constOf(b, "b", tensor.Shape{2}, float32(1e9), -0.7)
			return b.result(b.qdq(b.conv(b.qdq("x", 0.02, 120), "y", bias), 0.05, 128))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear Conv QuantizeLinear DequantizeLinear"},
		"shared by integers and floats": {func(b rawNet) *graph.Graph {
			x := b.qdq("x", 0.02, 120)
			return b.result(b.qdq(b.conv(x, "y"), 0.05, 128), b.op(graph.Softmax, "s", graph.Attrs{"axis": 1}, x))
		}, "QuantizeLinear qConv DequantizeLinear Softmax DequantizeLinear"},
		"float output": {func(b rawNet) *graph.Graph {
			return b.result(b.conv(b.qdq("x", 0.02, 120), "y"))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear Conv"},
		"a reader that does not quantize": {func(b rawNet) *graph.Graph {
			y := b.conv(b.qdq("x", 0.02, 120), "y")
			return b.result(b.qdq(y, 0.05, 128), b.op(graph.Sigmoid, "s", nil, y))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear Conv QuantizeLinear Sigmoid DequantizeLinear"},
		"quantized twice alike": {func(b rawNet) *graph.Graph {
			y := b.conv(b.qdq("x", 0.02, 120), "y")
			return b.result(b.dq(b.q(y, "y1", 0.05, 128), "z1"), b.dq(b.q(y, "y2", 0.05, 128), "z2"))
		}, "QuantizeLinear qConv DequantizeLinear DequantizeLinear"},
		"quantized twice, differently": {func(b rawNet) *graph.Graph {
			y := b.conv(b.qdq("x", 0.02, 120), "y")
			return b.result(b.dq(b.q(y, "y1", 0.05, 128), "z1"), b.dq(b.q(y, "y2", 0.06, 128), "z2"))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear Conv QuantizeLinear QuantizeLinear DequantizeLinear DequantizeLinear"},
		"no pairs around what moves elements": {func(b rawNet) *graph.Graph {
			y := b.op(graph.MaxPool, "p", graph.Attrs{"kernel_shape": []int{2, 2}, "strides": []int{2, 2}}, b.qdq("x", 0.02, 120))
			y = b.op(graph.Relu, "r", nil, y)
			y = b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, y)
			y = b.op(graph.Gemm, "y", graph.Attrs{"transB": 1}, y, b.weight("w", tensor.Shape{3, 8}, 0, 0.01, 0.02, 0.03))
			return b.result(b.qdq(y, 0.1, 128))
		}, "QuantizeLinear qMaxPool qRelu qFlatten qGemm DequantizeLinear"},
		"moved, then floats": {func(b rawNet) *graph.Graph {
			y := b.op(graph.Transpose, "t", graph.Attrs{"perm": []int{0, 1, 3, 2}}, b.qdq("x", 0.02, 120))
			return b.result(b.op(graph.Softmax, "s", graph.Attrs{"axis": 1}, y), y)
		}, "QuantizeLinear qTranspose DequantizeLinear Softmax"},
		"moved to other parameters": {func(b rawNet) *graph.Graph {
			y := b.op(graph.MaxPool, "p", graph.Attrs{"kernel_shape": []int{2, 2}}, b.qdq("x", 0.02, 120))
			return b.result(b.qdq(y, 0.03, 128))
		}, "QuantizeLinear qMaxPool DequantizeLinear QuantizeLinear DequantizeLinear"},
		"padded with a real": {func(b rawNet) *graph.Graph {
			pads := graph.Attrs{"pads": []int{0, 0, 1, 1, 0, 0, 1, 1}, "value": float32(0.333)}
			return b.result(b.qdq(b.op(graph.Pad, "p", pads, b.qdq("x", 0.02, 120)), 0.02, 120))
		}, "QuantizeLinear DequantizeLinear Pad QuantizeLinear DequantizeLinear"},
		"relu with other parameters": {func(b rawNet) *graph.Graph {
			return b.result(b.qdq(b.op(graph.Relu, "r", nil, b.qdq("x", 0.02, 120)), 0.01, 0))
		}, "QuantizeLinear qRelu DequantizeLinear"},
		"pairs between floats": {func(b rawNet) *graph.Graph {
			y := b.qdq(b.op(graph.Softmax, "s", graph.Attrs{"axis": 1}, "x"), 1.0/255, 0)
			return b.result(b.op(graph.Softmax, "t", graph.Attrs{"axis": 1}, y))
		}, "Softmax QuantizeLinear DequantizeLinear Softmax"},
		"the same pair twice": {func(b rawNet) *graph.Graph {
			return b.result(b.qdq(b.qdq("x", 0.02, 120), 0.02, 120))
		}, "QuantizeLinear DequantizeLinear"},
		"weights only": {func(b rawNet) *graph.Graph {
			return b.result(b.conv("x", "y", b.biasOf("b", 0.5, 1, -2)))
		}, "DequantizeLinear Conv"},
		"identities between": {func(b rawNet) *graph.Graph {
			x := b.op(graph.Identity, "i", nil, b.qdq("x", 0.02, 120))
			y := b.op(graph.Dropout, "d", nil, b.conv(x, "y"))
			return b.result(b.qdq(y, 0.05, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"matmul with a transposed weight": {func(b rawNet) *graph.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			w := b.op(graph.Transpose, "wt", graph.Attrs{"perm": []int{1, 0}}, b.weight("w", tensor.Shape{2, 32}, 0, 0.01, 0.02))
			return b.result(b.qdq(b.op(graph.MatMul, "y", nil, x, w), 0.1, 128))
		}, "QuantizeLinear qFlatten qMatMul DequantizeLinear"},
		"matmul and bias": {func(b rawNet) *graph.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			y := b.op(graph.MatMul, "m", nil, x, b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02))
			y = b.op(graph.Relu, "r", nil, b.op(graph.Add, "y", nil, y, constOf(b, "b", tensor.Shape{2}, float32(1), -1)))
			return b.result(b.qdq(y, 0.1, 0))
		}, "QuantizeLinear qFlatten qGemm qRelu DequantizeLinear"},
		"matmul of images and bias": {func(b rawNet) *graph.Graph {
			y := b.op(graph.MatMul, "m", nil, b.qdq("x", 0.02, 120), b.weight("w", tensor.Shape{4, 2}, 1, 0.01, 0.02))
			y = b.op(graph.Add, "y", nil, y, constOf(b, "b", tensor.Shape{2}, float32(1), -1))
			return b.result(b.qdq(y, 0.1, 128))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear MatMul Add QuantizeLinear DequantizeLinear"},
		"gemm with a weight [in, out]": {func(b rawNet) *graph.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			bias := constOf(b, "b", tensor.Shape{1, 2}, float32(1), -1)
			return b.result(b.qdq(b.op(graph.Gemm, "y", nil, x, b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02), bias), 0.1, 128))
		}, "QuantizeLinear qFlatten qGemm DequantizeLinear"},
		"gemm with alpha": {func(b rawNet) *graph.Graph {
			x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
			y := b.op(graph.Gemm, "y", graph.Attrs{"transB": 1, "alpha": float32(2)}, x, b.weight("w", tensor.Shape{2, 32}, 0, 0.01, 0.02))
			return b.result(b.qdq(y, 0.1, 128))
		}, "QuantizeLinear qFlatten DequantizeLinear DequantizeLinear Gemm QuantizeLinear DequantizeLinear"},
		"weights per input channel": {func(b rawNet) *graph.Graph {
			w := b.weight("w", tensor.Shape{2, 2, 1, 1}, 1, 0.01, 0.02)
			return b.result(b.qdq(b.op(graph.Conv, "y", nil, b.qdq("x", 0.02, 120), w), 0.1, 128))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear Conv QuantizeLinear DequantizeLinear"},
		"a constant operand": {func(b rawNet) *graph.Graph {
			c := b.qdq(constOf(b, "c", tensor.Shape{1, 2, 1, 1}, 0.3, float32(-1)), 0.01, 128)
			return b.result(b.qdq(b.op(graph.Mul, "m", nil, b.qdq("x", 0.02, 120), c), 0.02, 120))
		}, "QuantizeLinear qMul DequantizeLinear"},
		"a float operand": {func(b rawNet) *graph.Graph {
			c := constOf(b, "c", tensor.Shape{1, 2, 1, 1}, 0.3, float32(-1))
			return b.result(b.qdq(b.op(graph.Mul, "m", nil, b.qdq("x", 0.02, 120), c), 0.02, 120))
		}, "QuantizeLinear DequantizeLinear Mul QuantizeLinear DequantizeLinear"},
		"clip of codes to a narrower type": {func(b rawNet) *graph.Graph {
			q := b.q("x", "xq", 0.2, 7)
			c := b.op(graph.Clip, "c", graph.Attrs{"min": float32(0), "max": float32(15)}, q)
			return b.result(b.op(graph.DequantizeLinear, "xd", nil, c, "xq_s", "xq_z"))
		}, "QuantizeLinear DequantizeLinear"},
		"clip of codes to something else": {func(b rawNet) *graph.Graph {
			q := b.q("x", "xq", 0.2, 7)
			c := b.op(graph.Clip, "c", graph.Attrs{"min": float32(3), "max": float32(17)}, q)
			return b.result(b.op(graph.DequantizeLinear, "xd", nil, c, "xq_s", "xq_z"))
		}, "QuantizeLinear qClip DequantizeLinear"},
		"relu as a clip of codes": {func(b rawNet) *graph.Graph {
			q := b.q("x", "xq", 0.2, 7)
			c := b.op(graph.Clip, "c", graph.Attrs{"min": float32(7)}, q)
			return b.result(b.op(graph.DequantizeLinear, "xd", nil, c, "xq_s", "xq_z"))
		}, "QuantizeLinear qRelu DequantizeLinear"},
		"pad of codes": {func(b rawNet) *graph.Graph {
			q := b.q("x", "xq", 0.2, 7)
			c := b.op(graph.Pad, "c", graph.Attrs{"pads": []int{0, 0, 1, 1, 0, 0, 1, 1}, "value": float32(9)}, q)
			return b.result(b.op(graph.DequantizeLinear, "xd", nil, c, "xq_s", "xq_z"))
		}, "QuantizeLinear qPad DequantizeLinear"},
		"QGemm with floats out": {func(b rawNet) *graph.Graph {
			f := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.q("x", "xq", 0.02, 120))
			b.weight("w", tensor.Shape{2, 32}, 0, 0.01, 0.02)
			constOf(b, "wz", tensor.Shape{2}, int8(0), 0)
			constOf(b, "b", tensor.Shape{2}, int32(500), -700)
			return b.result(b.op(msQGemm, "y", graph.Attrs{"transB": 1}, f, "xq_s", "xq_z", "w", "w_s", "wz", "b"))
		}, "QuantizeLinear qFlatten DequantizeLinear DequantizeLinear Gemm"},
		"QGemm with alpha, a weight per column and a row for a bias": {func(b rawNet) *graph.Graph {
			f := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.q("x", "xq", 0.02, 120))
			b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02)
			constOf(b, "wz", tensor.Shape{2}, int8(0), 0)
			constOf(b, "b", tensor.Shape{1, 2}, int32(500), -700)
			constOf(b, "y_s", tensor.Shape{}, float32(0.1))
			constOf(b, "y_z", tensor.Shape{}, uint8(128))
			y := b.op(msQGemm, "y", graph.Attrs{"alpha": float32(0.5)}, f, "xq_s", "xq_z", "w", "w_s", "wz", "b", "y_s", "y_z")
			return b.result(b.dq(y, "z"))
		}, "QuantizeLinear qFlatten qGemm DequantizeLinear"},
		"QLinearConv whose multiplier is no number": {func(b rawNet) *graph.Graph {
			b.q("x", "xq", 0.02, 120)
			b.weight("w", tensor.Shape{2, 2, 1, 1}, 0, 1e-37)
			constOf(b, "wz", tensor.Shape{}, int8(0))
			constOf(b, "y_s", tensor.Shape{}, float32(100))
			constOf(b, "y_z", tensor.Shape{}, uint8(128))
			y := b.op(qLinearConv, "y", nil, "xq", "xq_s", "xq_z", "w", "w_s", "wz", "y_s", "y_z")
			return b.result(b.dq(y, "z"))
		}, "QuantizeLinear DequantizeLinear DequantizeLinear Conv QuantizeLinear DequantizeLinear"},
		"float weight quantized to int8": {func(b rawNet) *graph.Graph {
			w := constOf(b, "w", tensor.Shape{2, 2, 1, 1}, 0.3, float32(-0.2), 0.1, 0.5)
			constOf(b, "ws", tensor.Shape{}, float32(0.004))
			constOf(b, "wz", tensor.Shape{}, int8(0))
			q := b.op(graph.QuantizeLinear, "wq", nil, w, "ws", "wz")
			b.Values[q].DType = tensor.Int8
			y := b.op(graph.Conv, "y", nil, b.qdq("x", 0.02, 120), b.op(graph.DequantizeLinear, "wd", nil, q, "ws", "wz"))
			return b.result(b.qdq(y, 0.01, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"zero points of QLinear operators left out": {func(b rawNet) *graph.Graph {
			q := b.op(graph.QuantizeLinear, "xq", nil, "x", constOf(b, "xs", tensor.Shape{}, float32(0.02)))
			b.Values[q].DType = tensor.Uint8
			y := b.op(msQLinearSigmoid, "y", nil, q, "xs", "", constOf(b, "ys", tensor.Shape{}, float32(0.004)))
			b.Values[y].DType = tensor.Uint8
			return b.result(b.op(graph.DequantizeLinear, "z", nil, y, "ys"))
		}, "QuantizeLinear qSigmoid DequantizeLinear"},
		"float weight quantized per channel in the graph": {func(b rawNet) *graph.Graph {
			w := constOf(b, "w", tensor.Shape{2, 2, 1, 1}, 0.3, float32(-0.2), 0.1, 0.5)
			constOf(b, "ws", tensor.Shape{2}, float32(0.004), 0.005)
			constOf(b, "wz", tensor.Shape{2}, int8(0), 0)
			axis := graph.Attrs{"axis": 0}
			q := b.op(graph.QuantizeLinear, "wq", axis, w, "ws", "wz")
			b.Values[q].DType = tensor.Int8
			y := b.op(graph.Conv, "y", nil, b.qdq("x", 0.02, 120), b.op(graph.DequantizeLinear, "wd", axis, q, "ws", "wz"))
			return b.result(b.qdq(y, 0.01, 128))
		}, "QuantizeLinear qConv DequantizeLinear"},
		"the same codes under two names": {func(b rawNet) *graph.Graph {
			q := b.q("x", "xq", 0.2, 7)
			return b.result(q, b.q(b.dq(q, "xd"), "yq", 0.2, 7))
		}, "QuantizeLinear qIdentity"},
		"QLinearMatMul with a weight per column": {func(b rawNet) *graph.Graph {
			f := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.q("x", "xq", 0.02, 120))
			b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02)
			constOf(b, "wz", tensor.Shape{2}, int8(3), -4)
			y := b.op(qLinearMatMul, "y", nil, f, "xq_s", "xq_z", "w", "w_s", "wz",
				constOf(b, "y_s", tensor.Shape{1}, float32(0.1)), constOf(b, "y_z", tensor.Shape{1}, uint8(128)))
			return b.result(b.dq(y, "z"))
		}, "QuantizeLinear qFlatten qMatMul DequantizeLinear"},
	} {
		t.Run(name, func(t *testing.T) {
			raw := test.raw(newRaw())
			g, err := fuse(raw)
			if err != nil {
				t.Fatal(err)
			}
			if err := graph.Check(g); err != nil {
				t.Fatalf("%v\n%s", err, dump(g))
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
				t.Errorf("operators %v, want %v\n%s", ops, want, dump(g))
			}
			x := randomInput(t, raw, 5, 2)
			got, by := evalOutputs(t, g, x), evalRaw(t, raw, x)
			for _, name := range raw.Outputs {
				f, _ := got[name].Float32s()
				if len(f) == 0 || len(f) != len(by[name]) {
					t.Fatalf("output %q has %d elements, want %d", name, len(f), len(by[name]))
				}
				for i, y := range f {
					if math.Abs(float64(y)-by[name][i]) > 1e-5*math.Max(1, math.Abs(by[name][i])) {
						t.Fatalf("output %q[%d] is %g, its nodes say %g\n%s", name, i, y, by[name][i], dump(g))
					}
				}
			}
		})
	}
}

// A float bias is rounded to codes, ties to even; one of a single element is that of every channel.
func TestBiasCodes(t *testing.T) {
	p := quant.Params{Type: quant.Int(32), Scale: []float32{0.5, 0.25}}
	for _, test := range []struct {
		bias []float32
		want []int32
	}{
		{[]float32{0.75, 0.375}, []int32{2, 2}},
		{[]float32{1.25, -0.875}, []int32{2, -4}},
		{[]float32{-0.26, 0.6}, []int32{-1, 2}},
		{[]float32{1}, []int32{2, 4}},
		{[]float32{1, float32(math.NaN())}, nil},
		{[]float32{2e9, 1}, nil},
		{[]float32{1, 2, 3}, nil},
	} {
		b, _ := tensor.Of(tensor.Shape{len(test.bias)}, test.bias)
		if got, ok := biasCodes(b, p, 2); ok != (test.want != nil) || ok && !slices.Equal(got, test.want) {
			t.Errorf("%v: codes %v, %v, want %v", test.bias, got, ok, test.want)
		}
	}
}

// Inputs and outputs may be codes.
func TestFuseCodesInAndOut(t *testing.T) {
	b := newRaw()
	b.Values["x"].DType = tensor.Uint8
	constOf(b, "x_s", tensor.Shape{}, float32(0.02))
	constOf(b, "x_z", tensor.Shape{}, uint8(120))
	p := b.op(graph.MaxPool, "p", graph.Attrs{"kernel_shape": []int{2, 2}}, "x")
	b.Values[p].DType = tensor.Uint8
	y := b.conv(b.op(graph.DequantizeLinear, "xd", nil, p, "x_s", "x_z"), "y")
	q := b.q(y, "yq", 0.05, 128)
	g, err := fuse(b.result(q))
	if err != nil {
		t.Fatal(err)
	}
	in := tensor.Tensor{DType: tensor.Uint8, Shape: tensor.Shape{1, 2, 4, 4}, Data: []byte(strings.Repeat("\x80\x70\x10\xff", 8))}
	out, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"x": in}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r := out["yq"]; r.DType != tensor.Uint8 || !r.Shape.Equal(tensor.Shape{1, 2, 3, 3}) {
		t.Errorf("output %v %v", r.DType, r.Shape)
	}
	want := evalRaw(t, b.Graph, in)["yq"]
	for i, c := range out["yq"].Data {
		if float64(c) != want[i] {
			t.Errorf("code %d is %d, want %g", i, c, want[i])
		}
	}
}

func TestFuseErrors(t *testing.T) {
	scaled := func(s ...float32) func(rawNet) *graph.Graph {
		return func(b rawNet) *graph.Graph {
			q := b.op(graph.QuantizeLinear, "q", nil, "x", constOf(b, "s", tensor.Shape{len(s)}, s...))
			return b.result(b.op(graph.DequantizeLinear, "y", nil, q, "s"))
		}
	}
	for name, test := range map[string]struct {
		raw  func(b rawNet) *graph.Graph
		want string
	}{
		"scale 0":        {scaled(0), `QuantizeLinear node "q": scale "s" is 0 at index 0; a scale is positive`},
		"scale -1":       {scaled(-1), `scale "s" is -1`},
		"scale NaN":      {scaled(float32(math.NaN())), `scale "s" is NaN`},
		"scale infinite": {scaled(float32(math.Inf(1))), `scale "s" is +Inf`},
		"scale subnorm":  {scaled(1e-40), `not subnormal`},
		"scales of an activation": {
			scaled(1, 2), `activation "x" has one scale per channel: only weights can; quantize activations per tensor`,
		},
		"no scale": {func(b rawNet) *graph.Graph {
			return b.result(b.op(graph.QuantizeLinear, "q", nil, "x"))
		}, `it has no scale`},
		"scale not constant": {func(b rawNet) *graph.Graph {
			return b.result(b.op(graph.QuantizeLinear, "q", nil, "x", b.op(graph.Relu, "r", nil, "x")))
		}, `scale "r" is not a constant: dynamic quantization`},
		"zero points of another number": {func(b rawNet) *graph.Graph {
			constOf(b, "s", tensor.Shape{}, float32(1))
			return b.result(b.op(graph.QuantizeLinear, "q", nil, "x", "s", constOf(b, "z", tensor.Shape{2}, uint8(1), 2)))
		}, `zero point "z" has 2 elements, scale "s" has 1`},
		"zero point of another type": {func(b rawNet) *graph.Graph {
			b.weight("w", tensor.Shape{2, 2, 1, 1}, 0, 0.01)
			constOf(b, "z", tensor.Shape{}, uint8(1))
			return b.result(b.op(graph.DequantizeLinear, "d", nil, "w", "w_s", "z"))
		}, `zero point "z" is uint8, the codes are int8`},
		"zero point int16": {func(b rawNet) *graph.Graph {
			constOf(b, "s", tensor.Shape{}, float32(1))
			return b.result(b.op(graph.QuantizeLinear, "q", nil, "x", "s", constOf(b, "z", tensor.Shape{}, int16(1))))
		}, `zero point "z" is int16: only codes of 8 or 4 bits`},
		"codes of int32": {func(b rawNet) *graph.Graph {
			constOf(b, "s", tensor.Shape{}, float32(1))
			return b.result(b.op(graph.QuantizeLinear, "q", nil, "x", "s", constOf(b, "z", tensor.Shape{}, int32(1))))
		}, `it makes codes of int32`},
		"scales for another axis": {func(b rawNet) *graph.Graph {
			return b.result(b.weight("w", tensor.Shape{2, 3, 1, 1}, 1, 0.01, 0.02))
		}, `scale "w_s" of shape [2] does not fit codes of shape [2, 3, 1, 1]`},
		"an axis that is none": {func(b rawNet) *graph.Graph {
			return b.result(b.weight("w", tensor.Shape{2, 3, 1, 1}, 7, 0.01, 0.02))
		}, `axis 7: codes of shape [2, 3, 1, 1] have no such dimension`},
		"read with another scale": {func(b rawNet) *graph.Graph {
			q := b.q("x", "xq", 0.2, 7)
			return b.result(b.op(graph.DequantizeLinear, "d", nil, q, constOf(b, "s", tensor.Shape{}, float32(0.3)), "xq_z"))
		}, `DequantizeLinear node "d": it reads "xq" with other parameters (uint8, scale 0.3, zero point 7) than it was made with (uint8, scale 0.2`},
		"floats where codes belong": {func(b rawNet) *graph.Graph {
			return b.result(b.op(graph.DequantizeLinear, "d", nil, "x", constOf(b, "s", tensor.Shape{}, float32(1))))
		}, `input "x" holds no codes`},
		"codes where floats belong": {func(b rawNet) *graph.Graph {
			return b.result(b.op(graph.Softmax, "s", nil, b.q("x", "xq", 0.2, 7)))
		}, `Softmax node "s": input "xq" holds integer codes: put a DequantizeLinear before the node`},
		"an input of codes that nothing explains": {func(b rawNet) *graph.Graph {
			b.Values["x"].DType = tensor.Int8
			b.qdq(constOf(b, "c", tensor.Shape{1}, float32(1)), 1, 0)
			return b.result(b.op(graph.Flatten, "f", nil, "x"))
		}, `input "x" holds int8 codes and no node says what they stand for`},
		"bias of floats": {func(b rawNet) *graph.Graph {
			b.q("x", "xq", 0.2, 7)
			b.weight("w", tensor.Shape{2, 2, 1, 1}, 0, 0.01)
			constOf(b, "z", tensor.Shape{}, int8(0))
			constOf(b, "b", tensor.Shape{2}, float32(1), 2)
			return b.result(b.op(qLinearConv, "y", nil, "xq", "xq_s", "xq_z", "w", "w_s", "z", "xq_s", "xq_z", "b"))
		}, `QLinearConv node "y": bias "b" is not a constant of int32`},
		"bias of another length": {func(b rawNet) *graph.Graph {
			b.q("x", "xq", 0.2, 7)
			b.weight("w", tensor.Shape{2, 2, 1, 1}, 0, 0.01)
			constOf(b, "z", tensor.Shape{}, int8(0))
			constOf(b, "b", tensor.Shape{3}, int32(1), 2, 3)
			return b.result(b.op(qLinearConv, "y", nil, "xq", "xq_s", "xq_z", "w", "w_s", "z", "xq_s", "xq_z", "b"))
		}, `bias "b" of shape [3]: it must have one element per output channel, 2`},
		"channels last": {func(b rawNet) *graph.Graph {
			b.q("x", "xq", 0.2, 7)
			return b.result(b.op(msQLinearAveragePool, "y", graph.Attrs{"channels_last": 1}, "xq", "xq_s", "xq_z", "xq_s", "xq_z"))
		}, `channels_last is not supported`},
		"dynamic quantization": {func(b rawNet) *graph.Graph {
			return b.result(b.op("DynamicQuantizeLinear", "y", nil, "x"))
		}, `DynamicQuantizeLinear node "y": dynamic quantization in this form is not supported`},
		"metadata": {func(b rawNet) *graph.Graph {
			b.Metadata[bitsKey] = `{"x": 9}`
			return b.result(b.qdq("x", 0.2, 7))
		}, `metadata "linquant.bits": 9 bits for value "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := fuse(test.raw(newRaw()))
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

func TestLowerErrors(t *testing.T) {
	float := newRaw()
	float.result(float.op(graph.Relu, "y", nil, "x"))
	quantized := randomNetwork(1, 3, limits{})
	grouped, err := fuse(groupedWeight())
	if err != nil {
		t.Fatal(err)
	}
	conv := grouped.Clone()
	v := conv.Values["w"]
	c := *v.Const
	c.Shape = tensor.Shape{2, 32, 1, 1}
	v.Const, v.Shape = &c, c.Shape
	for name, test := range map[string]struct {
		g    *graph.Graph
		cfg  ExportConfig
		want string
	}{
		"float as qdq":            {float.Graph, ExportConfig{Format: QDQ}, "quantize it first"},
		"quantized as float":      {quantized, ExportConfig{Format: Float}, "cannot be written as float"},
		"qoperator with int4":     {quantized, ExportConfig{Format: QOperator, Int4: true}, "have no 4-bit types"},
		"unknown format":          {quantized, ExportConfig{Format: 9}, "is not known"},
		"groups in an old opset":  {grouped, ExportConfig{Format: QDQ, Opset: 13}, `opset 13 does not do for "w", which is quantized in groups: use 21`},
		"groups of a convolution": {conv, ExportConfig{Format: QDQ}, "in groups along axis 0"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := lower(test.g, test.cfg); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

// groupedWeight has a weight in blocks of 5 along its rows, and is otherwise float.
func groupedWeight() *graph.Graph {
	b := newRaw()
	f := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, "x")
	w := make([]int8, 64)
	for i := range w {
		w[i] = int8(i*37%251 - 125)
	}
	constOf(b, "w", tensor.Shape{2, 32}, w...)
	s := make([]float32, 14)
	for i := range s {
		s[i] = 0.01 * float32(1+i)
	}
	constOf(b, "s", tensor.Shape{2, 7}, s...)
	d := b.op(graph.DequantizeLinear, "wd", graph.Attrs{"axis": 1, "block_size": 5}, "w", "s")
	return b.result(b.op(graph.Gemm, "y", graph.Attrs{"transB": 1}, f, d))
}

// Weights in blocks, as opset 21 has them, are read and written.
func TestBlocks(t *testing.T) {
	raw := groupedWeight()
	g, err := fuse(raw)
	if err != nil {
		t.Fatal(err)
	}
	p := g.Values["w"].Quant
	if p == nil || p.Per != quant.PerGroup || p.GroupSize != 5 || len(p.Scale) != 14 {
		t.Fatalf("parameters %+v", p)
	}
	back, err := lower(g, ExportConfig{Format: QDQ})
	if err != nil {
		t.Fatal(err)
	}
	again, err := fuse(back)
	if err != nil || dump(again) != dump(g) {
		t.Errorf("%v\n%s\n%s", err, dump(g), dump(again))
	}
	reals, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"x": randomInput(t, g, 1, 1)}, []string{"wd"})
	if err != nil {
		t.Fatal(err)
	}
	w, _ := reals["wd"].Float32s()
	for i, x := range w {
		code, scale := float32(int8(raw.Values["w"].Const.Data[i])), 0.01*float32(1+i/32*7+i%32/5)
		if x != code*scale {
			t.Errorf("weight %d is %g, want %g", i, x, code*scale)
		}
	}
}

// Whatever is done to a raw graph, reading it gives a graph or an error.
func TestFuseNeverPanics(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		r := rand.New(rand.NewPCG(seed, 9))
		g := randomNetwork(seed, 5, limits{})
		raw, err := lower(g, ExportConfig{Format: []Format{QDQ, QOperator}[r.IntN(2)]})
		if err != nil {
			rt.Fatal(err)
		}
		for range 1 + r.IntN(4) {
			damage(r, raw)
		}
		fused, err := fuse(raw)
		if err == nil {
			_ = graph.Check(fused) // which refuses what is left, or not
		}
	})
}

// damage changes a raw graph somewhere.
func damage(r *rand.Rand, raw *graph.Graph) {
	n := raw.Nodes[r.IntN(len(raw.Nodes))]
	other := raw.Nodes[r.IntN(len(raw.Nodes))]
	switch r.IntN(9) {
	case 0:
		n.Inputs = n.Inputs[:r.IntN(len(n.Inputs)+1)]
	case 1:
		if len(n.Inputs) > 0 && len(other.Inputs) > 0 {
			n.Inputs[r.IntN(len(n.Inputs))] = other.Inputs[r.IntN(len(other.Inputs))]
		}
	case 2:
		n.Op = other.Op
	case 3:
		n.Attrs = graph.Attrs{"axis": r.IntN(9) - 4, "block_size": r.IntN(5) - 1, "alpha": float32(r.IntN(3)), "transB": r.IntN(2)}
	case 4:
		raw.Nodes = slices.DeleteFunc(raw.Nodes, func(m *graph.Node) bool { return m == n && len(raw.Nodes) > 1 })
	case 5:
		n.Outputs = append(n.Outputs, "extra")
	case 6:
		names := slices.Sorted(maps.Keys(raw.Values))
		v := raw.Values[names[r.IntN(len(names))]]
		if v.Const != nil {
			c := *v.Const
			c.Data = slices.Clone(c.Data)
			for i := range c.Data {
				c.Data[i] = byte(r.IntN(256))
			}
			v.Const = &c
		} else {
			v.DType = []tensor.DType{tensor.Int8, tensor.Uint8, tensor.Int32, tensor.Float32}[r.IntN(4)]
		}
	case 7:
		names := slices.Sorted(maps.Keys(raw.Values))
		v := raw.Values[names[r.IntN(len(names))]]
		if v.Const != nil && len(v.Const.Shape) > 0 {
			c := *v.Const
			c.Shape = tensor.Shape{c.Elements()}
			v.Const, v.Shape = &c, c.Shape
		}
	case 8:
		if len(n.Inputs) > 0 {
			n.Inputs[r.IntN(len(n.Inputs))] = ""
		}
	}
}
