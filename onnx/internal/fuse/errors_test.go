package fuse

import (
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"linquant/graph"
	_ "linquant/internal/testing/seeds"
	"linquant/onnx/internal/lower"
	"linquant/onnx/internal/onnxtest"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

func TestFuseErrors(t *testing.T) {
	scaled := func(s ...float32) func(rawNet) *raw.Graph {
		return func(b rawNet) *raw.Graph {
			q := b.op(graph.QuantizeLinear, "q", nil, "x", constOf(b, "s", tensor.Shape{len(s)}, s...))
			return b.result(b.op(graph.DequantizeLinear, "y", nil, q, "s"))
		}
	}
	for name, test := range map[string]struct {
		raw  func(b rawNet) *raw.Graph
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
		"no scale": {func(b rawNet) *raw.Graph {
			return b.result(b.op(graph.QuantizeLinear, "q", nil, "x"))
		}, `it has no scale`},
		"scale not constant": {func(b rawNet) *raw.Graph {
			return b.result(b.op(graph.QuantizeLinear, "q", nil, "x", b.op(graph.Relu, "r", nil, "x")))
		}, `scale "r" is not a constant: dynamic quantization`},
		"zero points of another number": {func(b rawNet) *raw.Graph {
			constOf(b, "s", tensor.Shape{}, float32(1))
			return b.result(b.op(graph.QuantizeLinear, "q", nil, "x", "s", constOf(b, "z", tensor.Shape{2}, uint8(1), 2)))
		}, `zero point "z" has 2 elements, scale "s" has 1`},
		"zero point of another type": {func(b rawNet) *raw.Graph {
			b.weight("w", tensor.Shape{2, 2, 1, 1}, 0, 0.01)
			constOf(b, "z", tensor.Shape{}, uint8(1))
			return b.result(b.op(graph.DequantizeLinear, "d", nil, "w", "w_s", "z"))
		}, `zero point "z" is uint8, the codes are int8`},
		"zero point int16": {func(b rawNet) *raw.Graph {
			constOf(b, "s", tensor.Shape{}, float32(1))
			return b.result(b.op(graph.QuantizeLinear, "q", nil, "x", "s", constOf(b, "z", tensor.Shape{}, int16(1))))
		}, `zero point "z" is int16: only codes of 8 or 4 bits`},
		"codes of int32": {func(b rawNet) *raw.Graph {
			constOf(b, "s", tensor.Shape{}, float32(1))
			return b.result(b.op(graph.QuantizeLinear, "q", nil, "x", "s", constOf(b, "z", tensor.Shape{}, int32(1))))
		}, `it makes codes of int32`},
		"scales for another axis": {func(b rawNet) *raw.Graph {
			return b.result(b.weight("w", tensor.Shape{2, 3, 1, 1}, 1, 0.01, 0.02))
		}, `scale "w_s" of shape [2] does not fit codes of shape [2, 3, 1, 1]`},
		"an axis that is none": {func(b rawNet) *raw.Graph {
			return b.result(b.weight("w", tensor.Shape{2, 3, 1, 1}, 7, 0.01, 0.02))
		}, `axis 7: codes of shape [2, 3, 1, 1] have no such dimension`},
		"read with another scale": {func(b rawNet) *raw.Graph {
			q := b.q("x", "xq", 0.2, 7)
			return b.result(b.op(graph.DequantizeLinear, "d", nil, q, constOf(b, "s", tensor.Shape{}, float32(0.3)), "xq_z"))
		}, `DequantizeLinear node "d": it reads "xq" with other parameters (uint8, scale 0.3, zero point 7) than it was made with (uint8, scale 0.2`},
		"floats where codes belong": {func(b rawNet) *raw.Graph {
			return b.result(b.op(graph.DequantizeLinear, "d", nil, "x", constOf(b, "s", tensor.Shape{}, float32(1))))
		}, `input "x" holds no codes`},
		"codes where floats belong": {func(b rawNet) *raw.Graph {
			return b.result(b.op(graph.Softmax, "s", nil, b.q("x", "xq", 0.2, 7)))
		}, `Softmax node "s": input "xq" holds integer codes: put a DequantizeLinear before the node`},
		"codes quantized again": {func(b rawNet) *raw.Graph {
			return b.result(b.q(b.q("x", "xq", 0.2, 7), "yq", 0.2, 7))
		}, `QuantizeLinear node "yq": "xq" holds integer codes`},
		"bias of floats": {func(b rawNet) *raw.Graph {
			b.q("x", "xq", 0.2, 7)
			b.weight("w", tensor.Shape{2, 2, 1, 1}, 0, 0.01)
			constOf(b, "z", tensor.Shape{}, int8(0))
			constOf(b, "b", tensor.Shape{2}, float32(1), 2)
			return b.result(b.op(raw.QLinearConv, "y", nil, "xq", "xq_s", "xq_z", "w", "w_s", "z", "xq_s", "xq_z", "b"))
		}, `QLinearConv node "y": bias "b" is not a constant of int32`},
		"bias of another length": {func(b rawNet) *raw.Graph {
			b.q("x", "xq", 0.2, 7)
			b.weight("w", tensor.Shape{2, 2, 1, 1}, 0, 0.01)
			constOf(b, "z", tensor.Shape{}, int8(0))
			constOf(b, "b", tensor.Shape{3}, int32(1), 2, 3)
			return b.result(b.op(raw.QLinearConv, "y", nil, "xq", "xq_s", "xq_z", "w", "w_s", "z", "xq_s", "xq_z", "b"))
		}, `bias "b" of shape [3]: it must have one element per output channel, 2`},
		"channels last": {func(b rawNet) *raw.Graph {
			b.q("x", "xq", 0.2, 7)
			return b.result(b.op(raw.MSQLinearAveragePool, "y", graph.Attrs{"channels_last": 1}, "xq", "xq_s", "xq_z", "xq_s", "xq_z"))
		}, `channels_last is not supported`},
		"dynamic quantization": {func(b rawNet) *raw.Graph {
			return b.result(b.op("DynamicQuantizeLinear", "y", nil, "x"))
		}, `DynamicQuantizeLinear node "y": dynamic quantization in this form is not supported`},
		"metadata": {func(b rawNet) *raw.Graph {
			b.Metadata[raw.KeyBits] = `{"x": 9}`
			return b.result(b.qdq("x", 0.2, 7))
		}, `metadata "linquant.bits": 9 bits for value "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Graph(t.Context(), test.raw(newRaw()))
			if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

func TestLowerErrors(t *testing.T) {
	quantized := onnxtest.RandomNetwork(1, 3, onnxtest.Limits{})
	grouped, err := Graph(t.Context(), groupedWeight())
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
		cfg  lower.Config
		want string
	}{
		"qoperator with int4":     {quantized, lower.Config{QOperator: true, Int4: true}, "have no 4-bit types"},
		"groups in an old opset":  {grouped, lower.Config{Opset: 13}, `opset 13 does not do for "w", which is quantized in groups: use 21`},
		"groups of a convolution": {conv, lower.Config{}, "in groups along axis 0"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := lower.Graph(test.g, test.cfg); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %s", err, test.want)
			}
		})
	}
}

// Whatever is done to a raw graph, reading it gives a graph or an error.
func TestFuseNeverPanics(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		seed := rapid.Uint64().Draw(rt, "seed")
		r := rand.New(rand.NewPCG(seed, 9))
		g := onnxtest.RandomNetwork(seed, 5, onnxtest.Limits{})
		lowered, err := lower.Graph(g, lower.Config{QOperator: r.IntN(2) == 1})
		if err != nil {
			rt.Fatal(err)
		}
		for range 1 + r.IntN(4) {
			damage(r, lowered)
		}
		fused, err := Graph(t.Context(), lowered)
		if err == nil {
			_ = graph.Check(fused) // which refuses what is left, or not
		}
	})
}

// damage changes a raw graph somewhere.
func damage(r *rand.Rand, g *raw.Graph) {
	n := g.Nodes[r.IntN(len(g.Nodes))]
	other := g.Nodes[r.IntN(len(g.Nodes))]
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
		g.Nodes = slices.DeleteFunc(g.Nodes, func(m *raw.Node) bool { return m == n && len(g.Nodes) > 1 })
	case 5:
		n.Outputs = append(n.Outputs, "extra")
	case 6:
		names := slices.Sorted(maps.Keys(g.Values))
		v := g.Values[names[r.IntN(len(names))]]
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
		names := slices.Sorted(maps.Keys(g.Values))
		v := g.Values[names[r.IntN(len(names))]]
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
