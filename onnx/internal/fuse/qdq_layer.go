package fuse

import (
	"bytes"
	"math"

	"linquant/graph"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// integers makes a node on codes of an operator whose inputs are all views of codes and whose output is only quantized,
// perhaps after Relus and Clips. It reports false, and has changed nothing that anyone reads, where the pattern is
// another.
func (f *fuser) integers(n *raw.Node) (bool, error) {
	if len(n.Outputs) != 1 || !f.views(n) {
		return false, nil
	}
	clamps, r, err := f.tail(n.Outputs[0])
	if r == nil && err == nil && n.Op == graph.MatMul {
		return f.gemmOfMatMul(n)
	}
	if r == nil || err != nil {
		return false, err
	}
	inputs, attrs, ok := f.layer(n, r.params)
	if !ok {
		return false, nil
	}
	f.emitClamped(n, n.Op, attrs, inputs, clamps, *r)
	return true, nil
}

// emitClamped appends a node on codes and the Relus and Clips behind it. All of them share the output's parameters: to
// round a sum and clamp the code is to clamp the sum and round it.
func (f *fuser) emitClamped(n *raw.Node, op graph.Op, attrs graph.Attrs, inputs []string, clamps []*raw.Node, r result) {
	nodes := append([]*raw.Node{n}, clamps...)
	for i, m := range nodes {
		name, p := r.name, r.params
		if i < len(nodes)-1 {
			name = f.fresh(codesName(m.Outputs[0]))
		}
		if i > 0 {
			op, attrs = m.Op, m.Attrs
			f.done[m] = true
		}
		f.emit(op, m.Name, attrs, inputs, name, &p)
		inputs = []string{name}
	}
	f.become(r, r.name)
}

// views reports whether all inputs of a node that has a form in integers are views of codes (or, for a bias, constants).
func (f *fuser) views(n *raw.Node) bool {
	activations := len(n.Inputs)
	row, ok := graph.Lookup(n.Op)
	switch {
	case !ok:
		return false
	case row.Class == graph.ClassLayer:
		activations = 1
	case row.Class == graph.ClassPool && row.Role == graph.RoleOwn, row.Class == graph.ClassJoin, row.Class == graph.ClassBinary,
		row.Unary != nil:
	default:
		return false
	}
	for _, in := range n.Inputs[:min(activations, len(n.Inputs))] {
		if f.activation(in) == nil {
			return false
		}
	}
	return len(n.Inputs) > 0
}

// tail follows a float value through Relus and Clips to the QuantizeLinear that makes codes of it; nil where the value
// has any other reader. Several QuantizeLinear nodes are one if they have the same parameters.
func (f *fuser) tail(name string) (clamps []*raw.Node, r *result, err error) {
	for {
		readers := f.consumers[name]
		if f.raw.IsOutput(name) || len(readers) == 0 {
			return nil, nil, nil
		}
		if n := readers[0]; len(readers) == 1 && (n.Op == graph.Relu || n.Op == graph.Clip) {
			clamps, name = append(clamps, n), n.Outputs[0]
			continue
		}
		for _, n := range readers {
			if n.Op != graph.QuantizeLinear && n.Op != raw.MSQuantizeLinear || n.Inputs[0] != name {
				return nil, nil, nil
			}
			q, err := f.quantizedBy(n)
			if err != nil {
				return nil, nil, err
			}
			switch {
			case !onePerTensor(q.params) || r != nil && !graph.SameParams(&r.params, &q.params):
				return nil, nil, nil
			case r == nil:
				r = &q
			default:
				r.same, r.nodes = append(r.same, q.same...), append(r.nodes, q.nodes...)
			}
		}
		return clamps, r, nil
	}
}

// layer returns the inputs and attributes of a node on codes whose output has the parameters out.
func (f *fuser) layer(n *raw.Node, out quant.Params) ([]string, graph.Attrs, bool) {
	switch n.Op {
	case graph.Conv, graph.Gemm, graph.MatMul:
		return f.accumulating(n, out)
	}
	inputs := make([]string, len(n.Inputs))
	for i, in := range n.Inputs {
		inputs[i] = f.viewOf(in).Name
	}
	return inputs, n.Attrs, true
}

// accumulating returns those of a Conv, Gemm or MatMul.
func (f *fuser) accumulating(n *raw.Node, out quant.Params) ([]string, graph.Attrs, bool) {
	x, w := f.activation(n.Input(0)), f.viewOf(n.Input(1))
	if w == nil || w.Quant.Type.Bits > 8 || w.Quant.Per == quant.PerGroup {
		return nil, nil, false
	}
	attrs := n.Attrs
	if n.Op == graph.Gemm {
		if w.Const == nil || n.Float("alpha") != 1 || n.Int("transA") != 0 ||
			n.Input(2) != "" && n.Float("beta") != 1 || len(w.Const.Shape) != 2 {
			return nil, nil, false
		}
		if n.Int("transB") == 0 {
			w = f.transposedWeight(w)
		}
		attrs = graph.Attrs{"transB": 1}
	}
	rank := 0
	if w.Const != nil {
		rank = len(w.Const.Shape)
	}
	if w.Const == nil && n.Op != graph.MatMul || rank == 0 && w.Const != nil ||
		w.Quant.Per == quant.PerChannel && w.Quant.Axis != graph.ChannelAxis(&graph.Node{Op: n.Op, Attrs: attrs}, rank) {
		return nil, nil, false
	}
	if !requantizable(f.out.Requant, *x.Quant, *w.Quant, out) {
		return nil, nil, false
	}
	inputs := []string{x.Name, w.Name}
	if n.Input(2) != "" {
		b, ok := f.bias(n.Input(2), *x.Quant, w, out)
		if !ok {
			return nil, nil, false
		}
		inputs = append(inputs, b)
	}
	return inputs, attrs, true
}

// requantizable reports whether the multipliers of a layer are numbers that a requantizer takes.
func requantizable(c quant.Convention, x, w, out quant.Params) bool {
	m := make([]float64, len(w.Scale))
	for i, s := range w.Scale {
		m[i] = c.Multiplier(x.Scale[0], s, out.Scale[0])
	}
	_, err := quant.NewRequantizer(c, m, out)
	return err == nil
}

// transposedWeight returns the value with the transpose of a constant matrix of codes.
func (f *fuser) transposedWeight(w *graph.Value) *graph.Value {
	t, p := codes.Transposed(*w.Const, *w.Quant)
	name := w.Name + "_transposed"
	if v := f.out.Values[name]; v != nil && v.Const != nil && v.Const.Shape.Equal(t.Shape) &&
		graph.SameParams(v.Quant, &p) && bytes.Equal(v.Const.Data, t.Data) {
		return v
	}
	return f.addCodes(f.fresh(name), t, p)
}

// bias returns the constant with the bias of a layer as int32 codes of scale Sx·Sw[c], which is what is added to
// accumulators.
//
// A bias that the file has as int32 keeps its codes where its scale is this product, up to 2^-20 of it (other tools
// round the product elsewhere). One with another scale, and a float one, is rounded to the nearest code, ties to even,
// where that moves the sum by no more than leastShift of a step of the output. It reports false where it moves further,
// as it does where codes have few bits and Sx·Sw[c] is no small part of a step, where a code would not fit int32, and
// where the bias is not a constant; the layer then stays float, in which ONNX adds the bias.
func (f *fuser) bias(name string, x quant.Params, w *graph.Value, out quant.Params) (string, bool) {
	channels := w.Const.Shape[0]
	if f.spend(channels) != nil {
		return "", false
	}
	p, err := quant.BiasParams(x, channelsFirst(*w.Quant))
	if err != nil {
		return "", false
	}
	v := f.viewOf(name)
	if v != nil && v.Const != nil && v.Quant.Type.Bits == 32 && len(v.Const.Shape) == 1 && v.Const.Shape[0] == channels &&
		scaledAs(*v.Quant, p) {
		if graph.SameParams(v.Quant, &p) {
			return v.Name, true
		}
		return f.addCodes(f.fresh(v.Name), *v.Const, p).Name, true
	}
	b, ok, err := f.constReals(name)
	if !ok || err != nil {
		return "", false
	}
	q, ok := biasCodes(b, p, channels, leastShift*float64(out.Scale[0]))
	if !ok {
		return "", false
	}
	t, err := tensor.Of(tensor.Shape{channels}, q)
	if err != nil {
		return "", false
	}
	return f.addCodes(f.fresh(codesName(name)), t, p).Name, true
}

// channelsFirst returns a weight's parameters with the channels on axis 0, where BiasParams wants them.
func channelsFirst(p quant.Params) quant.Params {
	if p.Per == quant.PerChannel {
		p.Axis = 0
	}
	return p
}

// scaledAs reports whether codes with the parameters of got can be taken for codes of want.
func scaledAs(got, want quant.Params) bool {
	if !codes.AllZero(got.ZeroPoint) {
		return false
	}
	for c := range max(len(got.Scale), len(want.Scale)) {
		g, w := got.Scale[min(c, len(got.Scale)-1)], want.Scale[min(c, len(want.Scale)-1)]
		if math.Abs(float64(g)-float64(w)) > 0x1p-20*float64(w) {
			return false
		}
	}
	return true
}

// leastShift is the part of a step of the output that rounding a bias to codes may move a sum: fewer than one code in a
// hundred is another then, by one, and the error of rounding the output, of up to half a step, hides it.
const leastShift = 1. / 256

// biasCodes rounds the reals of a bias to codes, in float64. A bias of one element, or of the shape [1, channels], is
// spread over the channels. It reports false where a code does not fit int32 or is further than most from its real.
func biasCodes(b tensor.Tensor, p quant.Params, channels int, most float64) ([]int32, bool) {
	x, err := b.Float32s()
	if err != nil || len(x) != channels && len(x) != 1 || len(b.Shape) > 0 && b.Shape[len(b.Shape)-1] != len(x) {
		return nil, false
	}
	q := make([]int32, channels)
	for c := range q {
		v, scale := float64(x[min(c, len(x)-1)]), float64(p.Scale[min(c, len(p.Scale)-1)])
		code := math.RoundToEven(v / scale)
		if !(math.Abs(code) <= math.MaxInt32) || !(math.Abs(code*scale-v) <= most) {
			return nil, false
		}
		q[c] = int32(code)
	}
	return q, true
}
