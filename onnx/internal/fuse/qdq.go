package fuse

import (
	"fmt"

	"linquant/graph"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// dequantize takes a DequantizeLinear node: its output becomes a view of the codes.
func (f *fuser) dequantize(n *raw.Node) error {
	in := n.Input(0)
	t, ok := f.typeOf(in)
	_, taken := f.values[in]
	constant := !taken && f.raw.Const(in) != nil
	if constant && !ok && f.raw.Values[in].DType.IsInteger() && f.raw.Const(n.Input(1)) != nil {
		return f.dequantizedReals(n)
	}
	if !ok {
		return fmt.Errorf("input %q holds no codes of 2 to 8 bits: put a QuantizeLinear before it", in)
	}
	shape := f.constShape(in)
	p, err := f.params(linearParams(n, shape), t)
	if err != nil && constant && f.raw.Const(n.Input(1)) != nil {
		if f.dequantizedConstant(n) == nil {
			return nil
		}
	}
	if err != nil {
		return err
	}
	if shape == nil && p.Per != quant.PerTensor {
		return severalScales(in, p)
	}
	v, err := f.codesOf(in, p)
	if err != nil {
		return err
	}
	f.values[n.Outputs[0]] = operand{kind: view, name: v.Name, node: n.Name}
	return nil
}

// constShape returns the shape of a raw value that is a constant or has become one, not nil; nil for what is none.
func (f *fuser) constShape(name string) tensor.Shape {
	t := f.raw.Const(name)
	if o, ok := f.values[name]; ok {
		t = f.out.Values[o.name].Const
	}
	if t == nil {
		return nil
	}
	return append(tensor.Shape{}, t.Shape...)
}

// typeOf returns the type of the codes of a raw value as its parameters are read: 8 or 32 bits, or 4 where the file has
// a type for that.
func (f *fuser) typeOf(name string) (quant.Type, bool) {
	if o, ok := f.values[name]; ok {
		if o.kind != coded {
			return quant.Type{}, false
		}
		return f.out.Values[o.name].Quant.Type, true
	}
	return f.raw.Values[name].Codes()
}

// quantize takes a QuantizeLinear node that no operator has taken with it.
func (f *fuser) quantize(n *raw.Node) error {
	out, err := f.quantizedBy(n)
	if err != nil {
		return err
	}
	in := n.Input(0)
	if v := f.viewOf(in); v != nil && graph.SameParams(v.Quant, &out.params) {
		f.become(out, v.Name) // codes → reals → the same codes
		return nil
	}
	if t, ok, err := f.constReals(in); err != nil {
		return err
	} else if ok {
		return f.foldCodes(out, t)
	}
	if out.params.Per != quant.PerTensor {
		return severalScales(in, out.params)
	}
	x, err := f.real(in)
	if err != nil {
		return err
	}
	f.emit(graph.QuantizeLinear, n.Name, nil, []string{x}, out.name, &out.params)
	f.become(out, out.name)
	return nil
}

// result is where the codes of a node go: the value that is made, every raw value that is the same, and the raw nodes
// that are thereby done.
type result struct {
	name   string
	params quant.Params
	same   []string
	nodes  []*raw.Node
}

// become records that codes are in the value of that name.
func (f *fuser) become(r result, name string) {
	for _, s := range r.same {
		f.values[s] = operand{kind: coded, name: name}
	}
	for _, n := range r.nodes {
		f.done[n] = true
	}
}

// quantizedBy returns what a QuantizeLinear node makes, with a Clip of its codes to fewer bits taken in.
func (f *fuser) quantizedBy(n *raw.Node) (result, error) {
	t, _ := f.raw.Values[n.Outputs[0]].Codes()
	if n.Input(2) != "" {
		t = quant.Type{} // the zero point says it
	}
	p, err := f.params(linearParams(n, f.constShape(n.Input(0))), t)
	if err != nil {
		return result{}, err
	}
	if p.Type.Bits > 8 {
		return result{}, fmt.Errorf("it makes codes of %v: only 2 to 8 bits are supported", p.Type)
	}
	r := f.narrow(n.Outputs[0], p)
	r.nodes = append(r.nodes, n)
	return r, nil
}

// narrow returns where the codes of a raw value go: where its one reader is a Clip to the range of a type with fewer
// bits, to that node's output, with that type.
func (f *fuser) narrow(name string, p quant.Params) result {
	r := result{name: name, params: p, same: []string{name}}
	readers := f.consumers[name]
	if f.raw.IsOutput(name) || len(readers) != 1 || readers[0].Op != graph.Clip || p.Per != quant.PerTensor {
		return r
	}
	lo, hi := codes.Bounds(readers[0].InGraph())
	for b := 2; b < p.Type.Bits; b++ {
		t := quant.Type{Bits: b, Unsigned: p.Type.Unsigned}
		if tlo, thi := t.Range(); lo == float32(tlo) && hi == float32(thi) && fitAll(p.ZeroPoint, t) {
			r.params.Type, r.name = t, readers[0].Outputs[0]
			r.same = append(r.same, r.name)
			r.nodes = append(r.nodes, readers[0])
		}
	}
	return r
}

// constReals returns the reals of a raw value that is a constant of them, or a view of constant codes.
func (f *fuser) constReals(name string) (tensor.Tensor, bool, error) {
	if _, ok := f.values[name]; !ok {
		if v := f.raw.Values[name]; v != nil && v.Const != nil && v.DType == tensor.Float32 {
			return *v.Const, true, nil
		}
	}
	if o, ok := f.values[name]; ok && o.kind == real {
		if v := f.out.Values[o.name]; v != nil && v.Const != nil && v.DType == tensor.Float32 {
			return *v.Const, true, nil
		}
	}
	v := f.viewOf(name)
	if v == nil || v.Const == nil {
		return tensor.Tensor{}, false, nil
	}
	q, err := f.wide(*v.Const)
	if err != nil {
		return tensor.Tensor{}, false, err
	}
	x := make([]float32, len(q))
	if err := quant.Dequantize(x, q, v.Const.Shape, *v.Quant); err != nil {
		return tensor.Tensor{}, false, fmt.Errorf("%q: %w", v.Name, err)
	}
	t, err := tensor.Of(v.Const.Shape, x)
	return t, true, err
}

// foldCodes makes constant codes of constant reals.
func (f *fuser) foldCodes(r result, t tensor.Tensor) error {
	if err := f.spend(t.Elements()); err != nil {
		return err
	}
	x, err := t.Float32s()
	if err != nil {
		return err
	}
	c, err := quant.Encode(x, t.Shape, r.params)
	if err != nil {
		return err
	}
	r.params.ZeroPoint = normalZeros(r.params)
	f.addCodes(r.name, c, r.params)
	f.become(r, r.name)
	return nil
}
