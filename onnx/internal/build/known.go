package build

import (
	"math"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

func (s Node) Call() arrays.Call { return arrays.Call{Node: s.Raw, Left: &s.Net.Left} }

// Array returns the elements of a value that is known.
func (im *Network) Array(name string) (arrays.Array, bool) {
	for _, known := range []map[string]arrays.Array{im.Arrays, im.decoded} {
		if a, ok := known[name]; ok {
			return a, true
		}
	}
	v := im.Graph.Values[name]
	if v == nil || v.Const == nil {
		return arrays.Array{}, false
	}
	a, ok := arrays.Call{Left: &im.Left}.Decode(*v.Const)
	if ok && v.DType != tensor.Float32 {
		im.decoded[name] = a
	}
	return a, ok
}

// Materialize makes a constant of an array, so that nodes can read it, unless one of its elements is not known.
func (im *Network) Materialize(name string) *raw.Value {
	a, ok := im.Arrays[name]
	if !ok || a.Unknown() {
		return nil
	}
	t, err := a.Tensor()
	if err != nil || im.Left.Take(int64(len(t.Data))) != nil {
		return nil
	}
	im.Graph.AddConst(name, t)
	return im.Graph.Values[name]
}

// Ints returns input i, which is a list of known integers.
func (s Node) Ints(i int) ([]int, error) {
	a, ok := s.List(i)
	if !ok || slices.ContainsFunc(a, arrays.IsSize) {
		return nil, s.NotConstant(i)
	}
	return elements.ClampAll(a), nil
}

// List returns input i, a list of few integers.
func (s Node) List(i int) ([]int64, bool) {
	if v := s.Net.Graph.Values[s.Raw.Input(i)]; v != nil && v.Const != nil && v.Const.Elements() > arrays.MaxArray {
		return nil, false
	}
	a, ok := s.Net.Array(s.Raw.Input(i))
	if ok = ok && !a.Float() && len(a.Shape) <= 1 && len(a.Ints) <= arrays.MaxArray; ok && !a.Sizes && slices.ContainsFunc(a.Ints, arrays.IsSize) {
		a.Ints = slices.Clone(a.Ints)
		for j, v := range a.Ints { // such as the end of a Slice backwards, which PyTorch writes so: no number that is not known
			a.Ints[j] = max(v, arrays.UnknownSize+1)
		}
	}
	return a.Ints, ok
}

func (s Node) NotConstant(i int) error {
	return s.Errorf("input %d (%q) must be constant, and a few integers or a number as the operator wants: "+
		"parameters that are computed are not supported; simplify the model, or export it with fixed shapes", i, s.Raw.Input(i))
}

// Scalar returns input i, which is a constant of one element, as a float. It may be a code that is dequantized, as ONNX
// Runtime's quantize_static writes what a Pad adds.
func (s Node) Scalar(i int) (float32, error) {
	name := s.Raw.Input(i)
	if n := s.Net.Producers[name]; n != nil && n.Op == graph.DequantizeLinear {
		return s.dequantized(i, n)
	}
	return s.number(i, name)
}

// dequantized returns (code − zero point)·scale of constants, which is input i.
func (s Node) dequantized(i int, n *raw.Node) (float32, error) {
	var x [3]float32 // code, scale, zero point
	for j := range n.Inputs {
		if n.Inputs[j] == "" {
			continue
		}
		var err error
		if x[j], err = s.number(i, n.Inputs[j]); err != nil {
			return 0, err
		}
	}
	return (x[0] - x[2]) * x[1], nil
}

// number returns a constant of one element, which is input i or makes it.
func (s Node) number(i int, name string) (float32, error) {
	v := s.Net.Graph.Values[name]
	if v == nil || v.Const == nil {
		return 0, s.NotConstant(i)
	}
	if v.Const.Elements() != 1 {
		return 0, s.Errorf("input %d (%q) has the shape %v: it must be one number", i, v.Name, v.Const.Shape)
	}
	x, err := v.Const.Float32s()
	if err != nil {
		return 0, s.Errorf("input %d (%q): %w", i, v.Name, err)
	}
	return x[0], nil
}

// Reals returns input i, a known list of floats; ok is false where it is anything else.
func (s Node) Reals(i int) (x []float32, ok bool) {
	a, ok := s.Net.Array(s.Raw.Input(i))
	return a.Floats, ok && a.Float() && len(a.Shape) <= 1
}

// ConstantOf adds a constant of floats with a name made of the output's.
func (s Node) ConstantOf(what string, shape tensor.Shape, v []float32) (string, error) {
	t, err := tensor.Of(shape, v)
	if err != nil {
		return "", s.Errorf("%w", err)
	}
	name := s.Net.Fresh(s.Raw.Outputs[0] + "_" + what)
	s.Net.Graph.AddConst(name, t)
	return name, nil
}

// SizeOf returns the number of a value's elements, where every dimension is known.
func (im *Network) SizeOf(name string) (int64, bool) {
	n := int64(1)
	for _, d := range im.ShapeOf(name) {
		if arrays.IsSize(d) || d > math.MaxInt32 || n > math.MaxInt32 {
			return 0, false
		}
		n *= d
	}
	return n, true
}

func (im *Network) Constant(name string, t *onnxpb.Tensor) error {
	v, e, err := im.Decode(t)
	if err != nil {
		return err
	}
	im.Graph.AddConst(name, v).Type = e.Codes()
	return nil
}

// Decode returns the elements of a tensor of the file.
func (im *Network) Decode(t *onnxpb.Tensor) (tensor.Tensor, elements.Type, error) {
	return elements.Decode(t, im.ext, &im.Left)
}
