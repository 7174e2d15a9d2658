package fuse

import (
	"fmt"

	"linquant/graph"
	"linquant/onnx/internal/codes"
	"linquant/quant"
	"linquant/tensor"
)

// real returns the float value that a raw value has become; where that is only a view of codes, a DequantizeLinear node
// is made for it now.
func (f *fuser) real(name string) (string, error) {
	o, ok := f.values[name]
	if !ok {
		return name, f.floatConst(name)
	}
	switch {
	case o.kind == coded:
		return "", fmt.Errorf("%q holds integer codes, and reals are needed: put a DequantizeLinear before it", name)
	case o.kind == real:
		return o.name, nil
	case o.made:
		return name, nil
	}
	v := f.out.Values[o.name]
	if v.Quant.Type.Bits == 32 {
		if err := f.foldReals(name, v); err != nil {
			return "", err
		}
	} else {
		f.emit(graph.DequantizeLinear, o.node, nil, []string{o.name}, name, nil)
	}
	o.made = true
	f.values[name] = o
	return name, nil
}

// floatConst copies a constant of reals to the new graph.
func (f *fuser) floatConst(name string) error {
	v := f.raw.Values[name]
	switch {
	case v == nil || v.Const == nil:
		return fmt.Errorf("%q is computed by no node", name)
	case v.DType != tensor.Float32:
		return fmt.Errorf("constant %q is %v, and reals are needed: put a DequantizeLinear before it", name, v.DType)
	}
	f.out.Values[name] = floatValue(v)
	f.values[name] = operand{kind: real, name: name}
	return nil
}

// foldReals adds the reals that constant codes stand for, as a constant of that name. It is what becomes of a bias that
// is not added to integers after all.
func (f *fuser) foldReals(name string, v *graph.Value) error {
	q, err := f.wide(*v.Const)
	if err != nil {
		return err
	}
	x := make([]float32, len(q))
	if err := quant.Dequantize(x, q, v.Const.Shape, *v.Quant); err != nil {
		return fmt.Errorf("%q: %w", name, err)
	}
	t, err := tensor.Of(v.Const.Shape, x)
	if err != nil {
		return err
	}
	f.out.AddConst(name, t)
	return nil
}

// viewOf returns the value with the codes that a raw value of reals stands for; nil where it does not.
func (f *fuser) viewOf(name string) *graph.Value {
	if o, ok := f.values[name]; ok && o.kind == view {
		return f.out.Values[o.name]
	}
	return nil
}

// activation returns the value with the codes of an operand: a view with one scale; nil otherwise.
func (f *fuser) activation(name string) *graph.Value {
	if v := f.viewOf(name); v != nil && onePerTensor(*v.Quant) {
		return v
	}
	return nil
}

// codesOf returns the value with the codes of a raw value that holds codes, which are to be read with the parameters p.
func (f *fuser) codesOf(name string, p quant.Params) (*graph.Value, error) {
	o, ok := f.values[name]
	switch {
	case !ok:
		return f.codesConst(name, p)
	case o.kind != coded:
		return nil, fmt.Errorf("%q holds reals, and integer codes are needed: put a QuantizeLinear before it", name)
	}
	v := f.out.Values[o.name]
	if !sameCodes(*v.Quant, p) {
		return nil, fmt.Errorf("it reads %q with other parameters (%s) than it was made with (%s): requantize it between",
			name, codes.Describe(p), codes.Describe(*v.Quant))
	}
	return v, nil
}

// codesConst copies a constant of codes to the new graph, with its parameters. Read with several parameters, it becomes
// several constants.
func (f *fuser) codesConst(name string, p quant.Params) (*graph.Value, error) {
	c := f.raw.Values[name]
	if c == nil || c.Const == nil {
		return nil, fmt.Errorf("%q is computed by no node", name)
	}
	if c.DType != p.Type.Storage() {
		return nil, fmt.Errorf("constant %q is %v, its zero point %v: make the types agree", name, c.DType, p.Type)
	}
	if narrow := f.narrowed(name, p.Type); narrow != p.Type && fits(*c.Const, narrow) && fitAll(p.ZeroPoint, narrow) {
		p.Type = narrow
	}
	p.ZeroPoint = normalZeros(p)
	as := name
	for i := 2; f.out.Values[as] != nil; i++ {
		if v := f.out.Values[as]; graph.SameParams(v.Quant, &p) && v.Const.Shape.Equal(c.Const.Shape) {
			return v, nil
		}
		const most = 64
		if i > most {
			return nil, fmt.Errorf("constant %q is read with more than %d scales or zero points: give each its own", name, most)
		}
		as = fmt.Sprintf("%s_%d", name, i)
	}
	return f.addCodes(as, *c.Const, p), nil
}

// normalZeros returns the zero points in the form that ptq gives constants: none where all are 0.
func normalZeros(p quant.Params) []int32 {
	if codes.AllZero(p.ZeroPoint) {
		return nil
	}
	return p.ZeroPoint
}

// addCodes adds a constant of codes.
func (f *fuser) addCodes(name string, t tensor.Tensor, p quant.Params) *graph.Value {
	f.out.AddConst(name, t)
	v := f.out.Values[name]
	v.Quant = &p
	return v
}

func fitAll(q []int32, t quant.Type) bool {
	lo, hi := t.Range()
	for _, x := range q {
		if x < lo || x > hi {
			return false
		}
	}
	return true
}

// readAs returns the parameters with which the first reader of a raw value, or of what passes its codes on, reads it;
// nil where none says.
func (f *fuser) readAs(name string, seen map[string]bool) (*quant.Params, error) {
	if seen[name] {
		return nil, nil
	}
	seen[name] = true
	for _, n := range f.consumers[name] {
		for _, s := range n.Reads() {
			if n.Input(s.Codes) != name {
				continue
			}
			t, _ := f.raw.Values[name].Codes()
			p, err := f.params(quantized{scale: n.Input(s.Scale), zeroPoint: n.Input(s.Zero)}, t)
			if err != nil {
				return nil, fmt.Errorf("%v: %w", n, err)
			}
			return &p, nil
		}
		if codes.Kept(n.InGraph()) {
			if p, err := f.readAs(n.Outputs[0], seen); p != nil || err != nil {
				return p, err
			}
		}
	}
	return nil, nil
}
