package fuse

import (
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// dynamicLayer takes a layer that quantizes its input while it runs, and an Add of a bias behind it.
func (f *fuser) dynamicLayer(n *raw.Node) error {
	if n.Op == raw.MSDynamicLSTM {
		return f.dynamicLSTM(n)
	}
	op, _ := raw.FloatOp(n.Op)
	m := &raw.Node{Name: n.Name, Op: op, Outputs: slices.Clone(n.Outputs[:1]), Attrs: n.FloatAttrs()}
	graph.SetDynamic(m.InGraph())
	x, err := f.real(n.Input(0))
	if err != nil {
		return err
	}
	w, channels, err := f.dynamicWeight(n, m.Op)
	if err != nil {
		return err
	}
	m.Inputs = []string{x, w.Name}
	matrix := m.Op == graph.MatMul && f.rank(x) == 2
	bias, last := n.Input(4), m.Outputs[0]
	add := f.addOf(last)
	if bias == "" && add != nil && (m.Op == graph.Conv || matrix) {
		if name := otherInput(add, last); f.isBias(name, m.Op, channels) {
			bias, last = name, add.Outputs[0]
			f.done[add] = true
		}
	}
	switch {
	case bias == "":
	case m.Op == graph.Conv || matrix:
		b, err := f.dynamicBias(bias, channels)
		if err != nil {
			return err
		}
		m.Inputs = append(m.Inputs, b)
		if matrix {
			m.Op = graph.Gemm
		}
	default: // stacks of matrices: an Add behind it rounds just so
		b, err := f.dynamicBias(bias, channels)
		if err != nil {
			return err
		}
		sums := f.fresh(last + "_products")
		f.emit(m.Op, m.Name, m.Attrs, m.Inputs, sums, nil)
		m = &raw.Node{Name: last + "_Add", Op: graph.Add, Inputs: []string{sums, b}}
	}
	f.emit(m.Op, m.Name, m.Attrs, m.Inputs, last, nil)
	f.values[last] = operand{kind: real, name: last}
	return nil
}

// addOf returns the Add that alone reads a raw value; nil where there is none.
func (f *fuser) addOf(name string) *raw.Node {
	r := f.consumers[name]
	if len(r) != 1 || r[0].Op != graph.Add || f.raw.IsOutput(name) || r[0].Inputs[0] == r[0].Inputs[1] {
		return nil
	}
	return r[0]
}

func otherInput(n *raw.Node, one string) string {
	if n.Inputs[0] == one {
		return n.Inputs[1]
	}
	return n.Inputs[0]
}

// dynamicWeight returns the constant with the weight, and how many output channels it has.
func (f *fuser) dynamicWeight(n *raw.Node, op graph.Op) (*graph.Value, int, error) {
	name := n.Input(1)
	shape, rank := f.constShape(name), 2
	if op == graph.Conv {
		rank = 4
	}
	if len(shape) != rank {
		return nil, 0, fmt.Errorf("its weight %q of shape %v is no constant of %d dimensions", name, shape, rank)
	}
	t, ok := f.typeOf(name)
	if !ok || t.Bits > 8 {
		return nil, 0, fmt.Errorf("its weight %q holds no codes of 2 to 8 bits", name)
	}
	axis := graph.ChannelAxis(&graph.Node{Op: op}, rank)
	channels := shape[axis]
	scale, scaleShape, err := f.scales(n.Input(2))
	if err != nil {
		return nil, 0, err
	}
	if len(scale) > 1 && !alongChannels(scaleShape, op, channels) {
		return nil, 0, fmt.Errorf("scale %q of shape %v: the weight %q has %d output channels",
			n.Input(2), scaleShape, name, channels)
	}
	zero, zeroType, err := f.zeroPoints(n.Input(3))
	if err != nil {
		return nil, 0, err
	}
	if zero == nil {
		zero, zeroType = []int32{0}, t
	}
	if zeroType.Unsigned != t.Unsigned || zeroType.Bits > 8 || len(zero) != 1 && len(zero) != channels {
		return nil, 0, fmt.Errorf("zero point %q, %d elements of %v: the weight %q has %d output channels and codes of %v",
			n.Input(3), len(zero), zeroType, name, channels, t)
	}
	p := quant.Params{Type: t, Scale: scale, ZeroPoint: zero}
	if many := max(len(scale), len(zero)); many > 1 {
		p.Layout = quant.Layout{Per: quant.PerChannel, Axis: axis}
		p.Scale, p.ZeroPoint = repeated(scale, many), repeated(zero, many)
	}
	v, err := f.codesOf(name, p)
	return v, channels, err
}

// repeated returns a list of n elements: x, or its one element n times.
func repeated[T float32 | int32](x []T, n int) []T {
	if len(x) == n {
		return x
	}
	return slices.Repeat(x, n)
}

// alongChannels reports whether a constant with an element for each channel is beside them where it is broadcast to the
// output of the layer.
func alongChannels(shape tensor.Shape, op graph.Op, channels int) bool {
	at := len(shape) - 1
	if op == graph.Conv {
		at = len(shape) - 3
	}
	for i, d := range shape {
		if i != at && d != 1 || i == at && d != channels {
			return false
		}
	}
	return at >= 0 && len(shape) <= 4
}

// isBias reports whether a raw value is a constant with an element for each channel of the layer.
func (f *fuser) isBias(name string, op graph.Op, channels int) bool {
	shape := f.constShape(name)
	if from, to := f.reshaped(name); from != name {
		shape = slices.Clone(to)
		for i, d := range shape {
			if d == -1 {
				shape[i] = channels
			}
		}
		name = from
	}
	v := f.raw.Values[name]
	return v != nil && v.Const != nil && v.DType == tensor.Float32 && v.Const.Elements() == channels &&
		alongChannels(shape, op, channels)
}

// reshaped returns the constant that a Reshape makes a raw value of, and the shape; the value itself where none does.
func (f *fuser) reshaped(name string) (from string, shape tensor.Shape) {
	if f.makers == nil {
		f.makers = f.raw.Producers()
	}
	if n := f.makers[name]; n != nil && n.Op == graph.Reshape {
		return n.Inputs[0], n.Ints("shape")
	}
	return name, nil
}

// dynamicBias returns the constant [channels] of a bias.
func (f *fuser) dynamicBias(name string, channels int) (string, error) {
	name, _ = f.reshaped(name)
	v := f.raw.Values[name]
	if v == nil || v.Const == nil || v.DType != tensor.Float32 || v.Const.Elements() != channels {
		return "", fmt.Errorf("bias %q is no constant with an element for each of %d output channels", name, channels)
	}
	if len(v.Const.Shape) == 1 {
		return f.real(name)
	}
	flat := *v.Const
	flat.Shape = tensor.Shape{channels}
	as := f.fresh(name + "_flat")
	f.out.AddConst(as, flat)
	return as, nil
}
