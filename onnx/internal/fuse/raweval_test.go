package fuse

import (
	"context"
	"math"
	"slices"
	"testing"

	"linquant/graph"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// evalRaw runs a raw graph as the ONNX standard describes its nodes, one by one: QuantizeLinear and DequantizeLinear by
// their formulas, QLinear operators as DequantizeLinear → operator → QuantizeLinear, everything else by the evaluator of
// package graph on floats. Codes are floats here. It knows nothing of patterns.
func evalRaw(t testing.TB, g *raw.Graph, x tensor.Tensor) map[string][]float64 {
	t.Helper()
	e := rawEval{t: t, g: g, values: map[string]tensor.Tensor{g.Inputs[0]: toFloat(t, x)}}
	for name, v := range g.Values {
		if v.Const != nil {
			e.values[name] = toFloat(t, *v.Const)
		}
	}
	for _, n := range g.Nodes {
		e.node(n)
	}
	out := map[string][]float64{}
	for name, v := range e.values {
		f, _ := v.Float32s()
		for _, y := range f {
			out[name] = append(out[name], float64(y))
		}
	}
	return out
}

func toFloat(t testing.TB, x tensor.Tensor) tensor.Tensor {
	t.Helper()
	f, err := x.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	y, _ := tensor.Of(x.Shape, f)
	return y
}

type rawEval struct {
	t      testing.TB
	g      *raw.Graph
	values map[string]tensor.Tensor
}

func (e rawEval) node(n *raw.Node) {
	out := n.Outputs[0]
	switch {
	case n.Op == graph.QuantizeLinear:
		e.values[out] = e.quantize(e.values[n.Inputs[0]], n.Int("axis"), n.Input(1), n.Input(2))
	case n.Op == graph.DequantizeLinear:
		e.values[out] = e.dequantize(e.values[n.Inputs[0]], n.Input(1), n.Input(2), n.Int("axis"))
	case raw.HasParameters(n.Op):
		slots := n.Reads()
		in := make([]string, len(slots), len(slots)+1)
		sxw := float32(1)
		for i, s := range slots {
			in[i] = out + " operand " + n.Inputs[s.Codes] + string(rune('0'+i))
			axis := 0
			if n.Op == raw.QLinearMatMul {
				axis = len(e.values[n.Inputs[s.Codes]].Shape) - 1
			}
			if n.Op == raw.MSQGemm {
				axis = 1 - n.Int("transB")
			}
			e.values[in[i]] = e.dequantize(e.values[n.Inputs[s.Codes]], n.Inputs[s.Scale], n.Input(s.Zero), axis)
			if f, _ := e.values[n.Inputs[s.Scale]].Float32s(); len(f) == 1 {
				sxw *= f[0]
			}
		}
		at := map[graph.Op]int{raw.QLinearConv: 8, raw.MSQGemm: 6}[n.Op]
		if b := n.Input(at); at > 0 && b != "" {
			f, _ := e.values[b].Float32s()
			sw, _ := e.values[n.Inputs[4]].Float32s()
			shape := e.values[b].Shape
			if len(f) == 1 && len(sw) > 1 { // the same code for each channel
				f, shape = slices.Repeat(f, len(sw)), tensor.Shape{len(sw)}
			}
			y := make([]float32, len(f))
			if n.Op == raw.MSQGemm {
				sxw *= n.Float("alpha") // its bias has the scale alpha·Sa·Sb
			}
			for c := range f {
				y[c] = f[c] * sxw
				if len(sw) > 1 {
					y[c] *= sw[c]
				}
			}
			name := out + " bias"
			e.values[name], _ = tensor.Of(shape, y)
			in = append(in, name)
		}
		attrs := graph.Attrs{}
		for k, v := range n.Attrs {
			attrs[k] = v
		}
		op, _ := raw.FloatOp(n.Op)
		e.eval(op, attrs, in, out)
		if s := raw.Writes(n.Op); n.Input(s.Scale) != "" {
			e.values[out] = e.quantize(e.values[out], 0, n.Input(s.Scale), n.Input(s.Zero)) // of one scale
		}
	case n.Op == graph.Transpose && len(e.values[n.Inputs[0]].Shape) == 2:
		x := e.values[n.Inputs[0]]
		f, _ := x.Float32s()
		y := make([]float32, len(f))
		rows, cols := x.Shape[0], x.Shape[1]
		for i := range y {
			y[i] = f[i%rows*cols+i/rows]
		}
		e.values[out], _ = tensor.Of(tensor.Shape{cols, rows}, y)
	default:
		e.eval(n.Op, n.Attrs, n.Inputs, out)
	}
}

func (e rawEval) eval(op graph.Op, attrs graph.Attrs, in []string, out string) {
	e.t.Helper()
	g := graph.New("node")
	feed := map[string]tensor.Tensor{}
	first := max(0, slices.IndexFunc(in, func(name string) bool { v := e.g.Values[name]; return v == nil || v.Const == nil }))
	batch := e.values[in[first]].Shape
	for i, name := range in {
		x := e.values[name]
		_, several := graph.Binary(op)
		several = several || op == graph.Concat
		switch {
		case name == "" || g.Values[name] != nil:
		case i == first, several && len(x.Shape) == len(batch) && x.Shape[0] == batch[0]:
			g.AddInput(name, append(tensor.Shape{graph.Batch}, x.Shape[1:]...))
			feed[name] = x
		default:
			g.AddConst(name, x)
		}
	}
	g.AddNode(op, out, out, attrs, in...)
	g.Outputs = []string{out}
	r, err := graph.Eval(context.Background(), g, feed, nil)
	if err != nil {
		e.t.Fatal(err)
	}
	e.values[out] = r[out]
}

// along calls f with every element's index and that of its scale.
func along(shape tensor.Shape, n, scales, axis int, f func(i, k int)) {
	inner := n
	if scales > 1 {
		inner = 1
		for _, d := range shape[axis+1:] {
			inner *= d
		}
	}
	for i := range n {
		f(i, i/inner%scales)
	}
}

func (e rawEval) parameters(scale, zero string) (s, z []float32) {
	s, _ = e.values[scale].Float32s()
	z = make([]float32, len(s))
	if zero != "" {
		z, _ = e.values[zero].Float32s()
	}
	return s, z
}

func (e rawEval) dequantize(x tensor.Tensor, scale, zero string, axis int) tensor.Tensor {
	s, z := e.parameters(scale, zero)
	q, _ := x.Float32s()
	y := make([]float32, len(q))
	along(x.Shape, len(q), len(s), axis, func(i, k int) { y[i] = (q[i] - z[k]) * s[k] })
	r, _ := tensor.Of(x.Shape, y)
	return r
}

func (e rawEval) quantize(x tensor.Tensor, axis int, scale, zero string) tensor.Tensor {
	s, z := e.parameters(scale, zero)
	lo, hi := float32(0), float32(255)
	if v := e.g.Values[zero]; v != nil {
		if t, _ := v.Codes(); !t.Unsigned {
			lo, hi = -128, 127
		}
		if t, _ := v.Codes(); t.Bits == 4 {
			lo, hi = lo/16, float32(math.Floor(float64(hi/16)))
		}
	}
	f, _ := x.Float32s()
	y := make([]float32, len(f))
	along(x.Shape, len(f), len(s), axis, func(i, k int) {
		y[i] = max(lo, min(hi, float32(math.RoundToEven(float64(f[i]/s[k])))+z[k]))
	})
	r, _ := tensor.Of(x.Shape, y)
	return r
}
