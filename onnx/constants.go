package onnx

import (
	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// The methods here are of operators that make constants, or nothing but constants and shapes.

// cast between floats changes nothing, since all are float32 here. Constants are converted.
func (s site) cast() error {
	to := onnxpb.DataType(s.n.Attrs.Int("to", 0))
	e, err := supported(to)
	if err != nil {
		return s.errorf("it casts to %s: %w", typeName(to), err)
	}
	v := s.im.g.Values[s.n.Inputs[0]]
	if v == nil {
		return s.errorf("it casts a shape, or integers, to %s: simplify the model, or export it with fixed shapes", e.name)
	}
	if e.store != tensor.Float32 || v.DType != tensor.Float32 && v.Const == nil {
		if v.Const != nil && v.DType == e.file {
			return s.become(*v.Const)
		}
		return s.errorf("it casts %v to %s: only casts between floats, and of constants to float, are supported",
			v.DType, e.name)
	}
	if v.Const != nil {
		c, err := toFloat32(*v.Const, &s.im.left)
		if err != nil {
			return s.errorf("%w", err)
		}
		return s.become(c)
	}
	s.n.Op, s.n.Attrs = graph.Identity, graph.Attrs{}
	return nil
}

// identity of a constant is a constant.
func (s site) identity() error {
	if v := s.im.g.Values[s.n.Inputs[0]]; v != nil && v.Const != nil {
		err := s.become(*v.Const)
		s.im.g.Values[s.n.Outputs[0]].Type = v.Type
		return err
	}
	return nil
}

// become makes the node's output a constant and the node nothing.
func (s site) become(t tensor.Tensor) error {
	s.im.g.AddConst(s.n.Outputs[0], t)
	s.n.Op = ""
	return nil
}

// constant: a tensor or, since opset 12, numbers.
func (s site) constant() error {
	if len(s.pb.Attrs) != 1 {
		return s.errorf("it has %d attributes: a constant has one, its value", len(s.pb.Attrs))
	}
	a := &s.pb.Attrs[0]
	var t tensor.Tensor
	var err error
	switch {
	case a.Name == "value" && a.Type == onnxpb.AttrTensor && a.Tensor != nil:
		if err = s.im.constant(s.n.Outputs[0], a.Tensor); err != nil {
			return s.errorf("%w", err)
		}
		s.n.Op = ""
		return nil
	case a.Name == "value_float" && a.Type == onnxpb.AttrFloat:
		t, err = tensor.Of(tensor.Shape{}, []float32{a.Float})
	case a.Name == "value_floats" && a.Type == onnxpb.AttrFloats:
		t, err = tensor.Of(tensor.Shape{len(a.Floats)}, a.Floats)
	case a.Name == "value_int" && a.Type == onnxpb.AttrInt:
		t, err = tensor.Of(tensor.Shape{}, []int64{a.Int})
	case a.Name == "value_ints" && a.Type == onnxpb.AttrInts:
		t, err = tensor.Of(tensor.Shape{len(a.Ints)}, a.Ints)
	default:
		return s.errorf("its value is %q: only dense tensors and numbers are supported", a.Name)
	}
	if err != nil {
		return s.errorf("%w", err)
	}
	return s.become(t)
}
