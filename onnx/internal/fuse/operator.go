package fuse

import (
	"fmt"
	"slices"
	"strings"

	"linquant/graph"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/follow"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// operator takes an operator of package graph.
func (f *fuser) operator(n *raw.Node) error {
	for _, in := range n.Inputs {
		if o, ok := f.values[in]; ok && o.kind == coded {
			return f.onCodes(n, f.out.Values[o.name])
		}
		if n.Op != graph.Concat { // the first input of a Concat can be a constant
			break
		}
	}
	if codes.MovesElements(n.InGraph()) && f.move(n) {
		return nil
	}
	if done, err := f.integers(n); done || err != nil {
		return err
	}
	if n.Op == graph.Relu {
		if v := f.activation(n.Input(0)); v != nil {
			f.emitView(n, v, nil)
			return nil
		}
	}
	inputs := make([]string, len(n.Inputs))
	for i, in := range n.Inputs {
		if in == "" {
			continue
		}
		if f.counts(n, in) {
			inputs[i] = in
			continue
		}
		var err error
		if inputs[i], err = f.real(in); err != nil {
			return err
		}
	}
	f.emit(n.Op, n.Name, n.Attrs, inputs, n.Outputs[0], nil)
	f.out.Nodes[len(f.out.Nodes)-1].Outputs = slices.Clone(n.Outputs)
	for _, out := range n.Outputs {
		if f.values[out] = (operand{kind: real, name: out}); out != "" && f.out.Values[out] == nil {
			f.out.Values[out] = &graph.Value{Name: out, DType: tensor.Float32}
		}
	}
	return nil
}

// counts copies a constant of integers or booleans that the node computes with as such, and reports whether it is one.
func (f *fuser) counts(n *raw.Node, name string) bool {
	v := f.raw.Values[name]
	row, ok := graph.Lookup(n.Op)
	if !ok || v == nil || v.Const == nil || v.Type != (quant.Type{}) || !graph.Counts(v.DType) || v.DType.Size() == 1 && v.DType != tensor.Bool {
		return false
	}
	if !row.Counting && !graph.ByReference(n.InGraph()) {
		return false
	}
	f.out.Values[name] = floatValue(v)
	return true
}

// move does what a node that moves elements does to the codes that its input is a view of. Its output is then a view
// too, and a QuantizeLinear with the same parameters behind it changes nothing.
func (f *fuser) move(n *raw.Node) bool {
	v := f.viewOf(n.Input(0))
	switch {
	case v == nil || len(n.Outputs) > 1 && n.Outputs[1] != "":
		return false
	case v.Const != nil:
		return f.moveConst(n, v)
	}
	if n.Op == graph.Pad && n.Str("mode") == "constant" && n.Float("value") != 0 {
		return false // the value need not have a code
	}
	f.emitView(n, v, n.Attrs)
	return true
}

// emitView appends the node on codes; its output is a view of codes with the parameters of the input. The name of those
// is that of a QuantizeLinear behind it, if there is one.
func (f *fuser) emitView(n *raw.Node, v *graph.Value, attrs graph.Attrs) {
	out, p := n.Outputs[0], *v.Quant
	name := f.fresh(codesName(out))
	if readers := f.consumers[out]; len(readers) == 1 && readers[0].Op == graph.QuantizeLinear && !f.raw.IsOutput(out) {
		if r, err := f.quantizedBy(readers[0]); err == nil && graph.SameParams(&r.params, &p) {
			name = r.name
			f.become(r, name)
		}
	}
	f.emit(n.Op, n.Name, attrs, []string{v.Name}, name, &p)
	f.values[out] = operand{kind: view, name: name, node: f.viewNode(out)}
}

// viewNode names the DequantizeLinear node that makes a raw value which had none.
func (f *fuser) viewNode(out string) string { return out + "_DequantizeLinear" }

// moveConst does to constant codes what a node does to the reals that they stand for, so that layers can compute with them: a weight
// that an exporter wrote as [out, in] for a MatMul, or as rows for a Conv. Where several scales do not stay those of the
// indices of one axis, it is left to the float path.
func (f *fuser) moveConst(n *raw.Node, v *graph.Value) bool {
	if len(n.Inputs) != 1 || v.Quant.Type.Bits > 8 || n.Op == graph.Pad && n.Float("value") != 0 {
		return false
	}
	p := *v.Quant
	if p.Per == quant.PerTensor && p.ZeroPointOf(0) != 0 && n.Op == graph.Pad {
		return false
	}
	constant := follow.Value{Tensor: *v.Const}
	if p.Type.Bits < 8 {
		constant.Type = p.Type
	}
	t, ok := follow.New(f.ctx, f.raw, nil, &f.left).Move(n, constant)
	if !ok {
		return false
	}
	if p.Per != quant.PerTensor {
		axis, ok := movedAxis(n, v.Const.Shape, t.Shape, p)
		if !ok {
			return false
		}
		p.Axis = axis
	}
	name := f.fresh(codesName(n.Outputs[0]))
	f.addCodes(name, t, p)
	f.values[n.Outputs[0]] = operand{kind: view, name: name, node: f.viewNode(n.Outputs[0])}
	return true
}

// movedAxis returns where the axis of the scales is after a node.
func movedAxis(n *raw.Node, from, to tensor.Shape, p quant.Params) (int, bool) {
	row, _ := graph.Lookup(n.Op)
	switch {
	case p.Per != quant.PerChannel:
		return 0, false
	case n.Op == graph.Transpose:
		perm, err := graph.PermOf(n.InGraph(), len(from))
		return slices.Index(perm, p.Axis), err == nil
	case row.Class != graph.ClassReshape:
		return 0, false
	}
	before := 1
	for _, d := range from[:p.Axis] {
		before *= d
	}
	product := 1
	for axis, d := range to {
		if product == before && d == from[p.Axis] {
			return axis, true
		}
		product *= d
	}
	return 0, false
}

// codesName names the codes of a float value.
func codesName(name string) string {
	return strings.TrimSuffix(name, codes.FloatSuffix) + codes.CodesSuffix
}

// onCodes takes an operator that the file applies to codes themselves, those of x.
func (f *fuser) onCodes(n *raw.Node, x *graph.Value) error {
	op, inputs, attrs := n.Op, []string{x.Name}, n.Attrs
	switch {
	case len(n.Outputs) > 1 && n.Outputs[1] != "":
		return fmt.Errorf("its second output %q is not supported on codes", n.Outputs[1])
	case op == graph.Concat:
		inputs = nil
		for _, in := range n.Inputs {
			v, err := f.codesOf(in, *x.Quant)
			if err != nil {
				return err
			}
			inputs = append(inputs, v.Name)
		}
	case op == graph.Clip:
		lo, hi := codes.Bounds(n.InGraph())
		op, attrs = clipOfCodes(*x.Quant, lo, hi)
	case op == graph.Relu: // the larger of the code and 0, whatever real that is
		op, attrs = clipOfCodes(*x.Quant, 0, float32(256))
	case op == graph.Pad:
		attrs = graph.Attrs{}
		for k, a := range n.Attrs {
			attrs[k] = a
		}
		attrs["value"] = realOf(*x.Quant, n.Float("value"))
	case !codes.MovesElements(n.InGraph()):
		return fmt.Errorf("input %q holds integer codes: put a DequantizeLinear before the node and a QuantizeLinear after it",
			n.Inputs[0])
	}
	r := f.narrow(n.Outputs[0], *x.Quant)
	if codes.MovesElements(n.InGraph()) && r.params.Type != x.Quant.Type {
		r = result{name: n.Outputs[0], params: *x.Quant, same: n.Outputs[:1]} // its Clip is a node of its own
	}
	f.emit(op, n.Name, attrs, inputs, r.name, &r.params)
	f.become(r, r.name)
	return nil
}

// realOf returns what a code stands for. To quantize it again gives the code back: the product and the quotient by the
// same scale are each off by half a bit in 24, a code has 8.
func realOf(p quant.Params, code float32) float32 {
	return float32(float32(code-float32(codes.Zeros(p)[0])) * p.Scale[0])
}

// clipOfCodes returns the Relu or Clip that limits codes of x to [lo, hi].
func clipOfCodes(x quant.Params, lo, hi float32) (graph.Op, graph.Attrs) {
	tlo, thi := x.Type.Range()
	attrs := graph.Attrs{}
	if hi < float32(thi) {
		attrs["max"] = realOf(x, hi)
	} else if lo == float32(codes.Zeros(x)[0]) {
		return graph.Relu, nil
	}
	if lo > float32(tlo) {
		attrs["min"] = realOf(x, lo)
	}
	return graph.Clip, attrs
}
