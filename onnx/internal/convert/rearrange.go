package convert

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// weightOf returns the tensor of a weight or bias: floats that are known, or the codes of a constant that is dequantized, with
// the node that does it.
func weightOf(s build.Node, name string) (t tensor.Tensor, dequantize *raw.Node, ok bool) {
	v := s.Net.Graph.Values[name]
	if n := s.Net.Producers[name]; n != nil && n.Op == graph.DequantizeLinear {
		dequantize, v = n, s.Net.Graph.Values[n.Inputs[0]]
	}
	if v == nil || v.Const == nil || dequantize == nil && v.DType != tensor.Float32 {
		c, ok := s.Net.Follows(name)
		return c.Tensor, nil, ok && c.DType == tensor.Float32
	}
	return *v.Const, dequantize, true
}

// reordered adds the constant with its elements in another order, dequantized where it is: element i is the old one at
// from(i). The new dimension 0 are the channels; channel c has the scale of the old channel of(c), which were dimension
// 1 of a weight, or all of a bias.
func reordered(s build.Node, name, what string, shape tensor.Shape, from, of func(i int) int) (string, error) {
	t, dequantize, _ := weightOf(s, name)
	moved, err := permuted(s, t, what, shape, from)
	if err != nil || dequantize == nil {
		return moved, err
	}
	axis := min(1, len(t.Shape)-1)
	s.Net.Graph.Values[moved].Type = s.Net.Graph.Values[dequantize.Inputs[0]].Type
	n := dequantize.Clone()
	n.Inputs[0], n.Outputs, n.Name = moved, []string{s.Net.Fresh(moved + "_reals")}, moved
	n.Attrs["axis"] = 0
	for i, in := range n.Inputs[1:] {
		p := s.Net.Graph.Values[in]
		if in == "" || p == nil || p.Const == nil || p.Const.Elements() == 1 {
			continue
		}
		if a := dequantize.Int("axis"); a != axis && a != axis-len(t.Shape) || p.Const.Elements() != t.Shape[axis] {
			return "", s.Errorf("%q has %d scales along axis %d: it has one, or one for each output channel along axis %d",
				name, p.Const.Elements(), a, axis)
		}
		if n.Inputs[1+i], err = permuted(s, *p.Const, what+"_scale", shape[:1], of); err != nil {
			return "", err
		}
		s.Net.Graph.Values[n.Inputs[1+i]].Type = p.Type
	}
	part := s
	part.Raw, part.Least = n, 2
	return n.Outputs[0], part.Add()
}

// permuted adds a constant with the elements of another one.
func permuted(s build.Node, t tensor.Tensor, what string, shape tensor.Shape, from func(i int) int) (string, error) {
	n, err := shape.Elements()
	if err != nil {
		return "", s.Errorf("%w", err)
	}
	size := t.DType.Size()
	if err := s.Net.Left.Take(int64(n) * int64(size)); err != nil {
		return "", s.Errorf("%w", err)
	}
	data := make([]byte, n*size)
	for i := range n {
		copy(data[i*size:][:size], t.Data[from(i)*size:])
	}
	moved, err := tensor.New(t.DType, slices.Clone(shape), data)
	if err != nil {
		return "", s.Errorf("%w", err)
	}
	name := s.Net.Fresh(s.Raw.Outputs[0] + "_" + what)
	s.Net.Graph.AddConst(name, moved)
	return name, nil
}
