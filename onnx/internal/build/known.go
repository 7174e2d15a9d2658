package build

import (
	"math"
	"slices"

	"linquant/internal/onnxpb"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/follow"
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
	c, ok := im.Follows(name)
	if !ok {
		return arrays.Array{}, false
	}
	a, ok := arrays.Call{Left: &im.Left}.Decode(c.Tensor)
	if ok && c.DType != tensor.Float32 {
		im.decoded[name] = a
	}
	return a, ok
}

// Follows returns the elements of a value that is a constant or follows from constants alone.
func (im *Network) Follows(name string) (follow.Value, bool) {
	v := im.Graph.Values[name]
	switch {
	case v == nil:
		a, ok := im.Arrays[name]
		if !ok || a.Unknown() || im.Left.Take(8*int64(a.Elements())) != nil {
			return follow.Value{}, false
		}
		t, err := a.Tensor()
		return follow.Value{Tensor: t}, err == nil
	case v.Const != nil:
		return follow.Value{Tensor: *v.Const, Type: v.Type}, true
	}
	return im.follows.Of(name)
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
	if c, ok := s.Net.Follows(s.Raw.Input(i)); ok && c.Elements() > arrays.MaxArray {
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

// Scalar returns input i, which is one number that is known, as a float. It may be a code that is dequantized, as ONNX
// Runtime's quantize_static writes what a Pad adds.
func (s Node) Scalar(i int) (float32, error) {
	c, ok := s.Net.Follows(s.Raw.Input(i))
	if !ok {
		return 0, s.NotConstant(i)
	}
	if c.Elements() != 1 {
		return 0, s.Errorf("input %d (%q) has the shape %v: it must be one number", i, s.Raw.Input(i), c.Shape)
	}
	x, err := c.Float32s()
	if err != nil {
		return 0, s.Errorf("input %d (%q): %w", i, s.Raw.Input(i), err)
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
	im.Cfg.Trace.constant(name, t)
	im.Graph.AddConst(name, v).Type = e.Codes()
	return nil
}

// Decode returns the elements of a tensor of the file.
func (im *Network) Decode(t *onnxpb.Tensor) (tensor.Tensor, elements.Type, error) {
	return elements.Decode(t, im.ext, &im.Left)
}
