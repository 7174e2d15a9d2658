package onnx

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// weightOf returns the tensor of a weight or bias: a constant of floats, or the codes of one that is dequantized, with
// the node that does it.
func (s site) weightOf(name string) (t tensor.Tensor, dequantize *raw.Node, ok bool) {
	v := s.im.g.Values[name]
	if n := s.im.makers[name]; n != nil && n.Op == graph.DequantizeLinear {
		dequantize, v = n, s.im.g.Values[n.Inputs[0]]
	}
	if v == nil || v.Const == nil || dequantize == nil && v.DType != tensor.Float32 {
		return t, nil, false
	}
	return *v.Const, dequantize, true
}

// reordered adds the constant with its elements in another order, dequantized where it is: element i is the old one at
// from(i). The new dimension 0 are the channels; channel c has the scale of the old channel of(c), which were dimension
// 1 of a weight, or all of a bias.
func (s site) reordered(name, what string, shape tensor.Shape, from, of func(i int) int) (string, error) {
	t, dequantize, _ := s.weightOf(name)
	moved, err := s.permuted(t, what, shape, from)
	if err != nil || dequantize == nil {
		return moved, err
	}
	axis := min(1, len(t.Shape)-1)
	s.im.g.Values[moved].Type = s.im.g.Values[dequantize.Inputs[0]].Type
	n := dequantize.Clone()
	n.Inputs[0], n.Outputs, n.Name = moved, []string{s.im.fresh(moved + "_reals")}, moved
	n.Attrs["axis"] = 0
	for i, in := range n.Inputs[1:] {
		p := s.im.g.Values[in]
		if in == "" || p == nil || p.Const == nil || p.Const.Elements() == 1 {
			continue
		}
		if a := dequantize.Attrs.Int("axis", 1); a != axis && a != axis-len(t.Shape) || p.Const.Elements() != t.Shape[axis] {
			return "", s.errorf("%q has %d scales along axis %d: it has one, or one for each output channel along axis %d",
				name, p.Const.Elements(), a, axis)
		}
		if n.Inputs[1+i], err = s.permuted(*p.Const, what+"_scale", shape[:1], of); err != nil {
			return "", err
		}
		s.im.g.Values[n.Inputs[1+i]].Type = p.Type
	}
	part := s
	part.n, part.least = n, 2
	return n.Outputs[0], part.add()
}

// permuted adds a constant with the elements of another one.
func (s site) permuted(t tensor.Tensor, what string, shape tensor.Shape, from func(i int) int) (string, error) {
	n, err := shape.Elements()
	if err != nil {
		return "", s.errorf("%w", err)
	}
	size := t.DType.Size()
	if err := s.im.left.take(int64(n) * int64(size)); err != nil {
		return "", s.errorf("%w", err)
	}
	data := make([]byte, n*size)
	for i := range n {
		copy(data[i*size:][:size], t.Data[from(i)*size:])
	}
	moved, err := tensor.New(t.DType, slices.Clone(shape), data)
	if err != nil {
		return "", s.errorf("%w", err)
	}
	name := s.im.fresh(s.n.Outputs[0] + "_" + what)
	s.im.g.AddConst(name, moved)
	return name, nil
}
