package fuse

import (
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// dynamicLSTM takes ONNX Runtime's LSTM that quantizes its input and its state while it runs.
func (f *fuser) dynamicLSTM(n *raw.Node) error {
	m := &raw.Node{Name: n.Name, Op: graph.LSTM, Outputs: slices.Clone(n.Outputs[:1]), Attrs: n.FloatAttrs()}
	graph.SetDynamic(m.InGraph())
	m.Inputs = make([]string, 8)
	for i, in := range n.Inputs[:len(m.Inputs)] {
		if in == "" || i == 1 || i == 2 {
			continue
		}
		if f.counts(m, in) {
			m.Inputs[i] = in
			continue
		}
		var err error
		if m.Inputs[i], err = f.real(in); err != nil {
			return err
		}
	}
	for i, s := range n.Reads() {
		var err error
		if m.Inputs[1+i], err = f.recurrentWeight(n, s); err != nil {
			return err
		}
	}
	m.Inputs = raw.Trim(m.Inputs)
	out := m.Outputs[0]
	f.emit(m.Op, m.Name, m.Attrs, m.Inputs, out, nil)
	f.values[out] = operand{kind: real, name: out}
	return nil
}

// recurrentWeight returns the constant [directions, rows, depth] of a weight that the file has as [directions, depth, rows],
// with a scale and a zero point for each direction or for each row of a direction.
func (f *fuser) recurrentWeight(n *raw.Node, s raw.Slot) (string, error) {
	name, scaleName, zeroName := n.Input(s.Codes), n.Input(s.Scale), n.Input(s.Zero)
	key := fmt.Sprintf("%q %q %q", name, scaleName, zeroName)
	if as, ok := f.recurrent[key]; ok {
		return as, nil
	}
	c := f.raw.Const(name)
	if c == nil || len(c.Shape) != 3 {
		return "", fmt.Errorf("its weight %q is no constant of 3 dimensions", name)
	}
	if len(c.Data) == 0 {
		return "", fmt.Errorf("its weight %q of shape %v has no elements", name, c.Shape)
	}
	t, ok := f.raw.Values[name].Codes()
	if !ok || t.Bits > 8 {
		return "", fmt.Errorf("its weight %q holds no codes of 2 to 8 bits", name)
	}
	scale, scaleShape, err := f.scales(scaleName)
	if err != nil {
		return "", err
	}
	zero, zeroType, err := f.zeroPoints(zeroName)
	if err != nil {
		return "", err
	}
	zeroShape := scaleShape
	if zero == nil {
		zero, zeroType = make([]int32, len(scale)), t
	} else {
		zeroShape = f.raw.Const(zeroName).Shape
	}
	each, rows := tensor.Shape{c.Shape[0]}, tensor.Shape{c.Shape[0], c.Shape[2]}
	for _, p := range []struct {
		what, name string
		shape      tensor.Shape
	}{{"scale", scaleName, scaleShape}, {"zero point", zeroName, zeroShape}} {
		if !p.shape.Equal(each) && !p.shape.Equal(rows) {
			return "", fmt.Errorf("%s %q of shape %v: the weight %q of shape %v has one for each direction, %v, or each column of one, %v",
				p.what, p.name, p.shape, name, c.Shape, each, rows)
		}
	}
	if zeroType.Unsigned != t.Unsigned || zeroType.Bits > 8 {
		return "", fmt.Errorf("zero point %q is %v, the codes are %v: make the types agree", zeroName, zeroType, t)
	}
	if narrow := f.narrowed(name, t); narrow != t && fits(*c, narrow) && fitAll(zero, narrow) {
		t = narrow
	}
	p := quant.Params{Type: t}
	switch {
	case len(scaleShape) == 2 || len(zeroShape) == 2:
		if err := f.spend(2 * rows[0] * rows[1]); err != nil {
			return "", fmt.Errorf("scale %q: %w", scaleName, err)
		}
		p.Layout = quant.Layout{Per: quant.PerGroup, Axis: 0, GroupSize: c.Shape[1]}
		scale, zero = forRows(scale, rows), forRows(zero, rows)
	case each[0] > 1:
		p.Layout = quant.Layout{Per: quant.PerChannel, Axis: 0}
	}
	p.Scale, p.ZeroPoint = scale, zero
	p.ZeroPoint = normalZeros(p)
	if err := f.spend((len(c.Data) + 3) / 4); err != nil {
		return "", fmt.Errorf("weight %q: %w", name, err)
	}
	v := f.addCodes(f.fresh(name+"_rows"), codes.TransposedEach(*c), p)
	f.recurrent[key] = v.Name
	return v.Name, nil
}

// forRows returns an element for each row of each direction: x, or that of its direction.
func forRows[T float32 | int32](x []T, rows tensor.Shape) []T {
	if len(x) == rows[0]*rows[1] {
		return x
	}
	out := make([]T, 0, rows[0]*rows[1])
	for _, v := range x {
		out = append(out, slices.Repeat([]T{v}, rows[1])...)
	}
	return out
}
