package convert

import (
	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/quant"
	"linquant/tensor"
)

// The methods here are of operators that make constants, or nothing but constants and shapes.

// cast between floats changes nothing, since all are float32 here. Constants are converted.
func cast(s build.Node) error {
	to := onnxpb.DataType(s.Raw.Int("to"))
	e, err := elements.Supported(to)
	if err != nil {
		return s.Errorf("it casts to %s: %w", elements.Name(to), err)
	}
	v := s.Net.Graph.Values[s.Raw.Inputs[0]]
	if v == nil {
		return s.Errorf("it casts a shape, or integers, to %s: simplify the model, or export it with fixed shapes", e.Name)
	}
	own := build.Number{DType: v.DType, Type: v.Type}
	as, numbers := s.Net.Numbers[s.Raw.Inputs[0]]
	if numbers {
		own = as
	}
	switch made := (build.Number{DType: e.Store, Type: e.Codes()}); {
	case own == made && e.File == e.Store: // such as codes, to the type that they have: PyTorch writes so
		if numbers {
			s.Net.Numbers[s.Raw.Outputs[0]] = as
		}
		return becomeInput(s)
	case v.Const == nil && !numbers && v.DType == tensor.Float32 && e.Store.IsInteger() && e.Store.Size() >= 4 && addedToSums(s):
		s.Net.Numbers[s.Raw.Outputs[0]] = made
		return becomeInput(s)
	}
	if v.Const == nil && v.Type == (quant.Type{}) && (e.Store != tensor.Float32 || graph.Counts(v.DType)) {
		if v.DType.Size() == 1 && v.DType != tensor.Bool && s.Net.Producers[s.Raw.Inputs[0]] != nil && s.Net.IsCodes(s.Raw.Inputs[0]) {
			return s.Errorf("it casts codes of %v to %s: put a DequantizeLinear there", v.DType, e.Name)
		}
		if e.Store == tensor.Float32 {
			s.Raw.Attrs["to"] = int(onnxpb.Float)
		}
		return nil // while the network runs
	}
	if e.Store != tensor.Float32 || v.DType != tensor.Float32 && v.Const == nil {
		if v.Const != nil && v.DType == e.File {
			return becomeConstant(s, *v.Const)
		}
		return s.Errorf("it casts %v to %s: only casts between floats, and of constants to float, are supported",
			v.DType, e.Name)
	}
	if v.Const != nil {
		c, err := elements.ToFloat32(*v.Const, &s.Net.Left)
		if err != nil {
			return s.Errorf("%w", err)
		}
		return becomeConstant(s, c)
	}
	s.Raw.Op, s.Raw.Attrs = graph.Identity, graph.Attrs{}
	return nil
}

// identity of a constant is a constant.
func identity(s build.Node) error {
	if v := s.Net.Graph.Values[s.Raw.Inputs[0]]; v != nil && v.Const != nil {
		err := becomeConstant(s, *v.Const)
		s.Net.Graph.Values[s.Raw.Outputs[0]].Type = v.Type
		return err
	}
	return nil
}

// becomeInput makes the node one that hands its first input on, which is a constant where that is one.
func becomeInput(s build.Node) error {
	if err := s.Become(graph.Identity, graph.Attrs{}, s.Raw.Inputs[0]); err != nil {
		return err
	}
	return identity(s)
}

// becomeConstant makes the node's output a constant and the node nothing.
func becomeConstant(s build.Node, t tensor.Tensor) error {
	s.Net.Graph.AddConst(s.Raw.Outputs[0], t)
	s.Raw.Op = ""
	return nil
}

// constant: a tensor or, since opset 12, numbers.
func constant(s build.Node) error {
	if len(s.File.Attrs) != 1 {
		return s.Errorf("it has %d attributes: a constant has one, its value", len(s.File.Attrs))
	}
	a := &s.File.Attrs[0]
	var t tensor.Tensor
	var err error
	switch {
	case a.Name == "value" && a.Type == onnxpb.AttrTensor && a.Tensor != nil:
		if err = s.Net.Constant(s.Raw.Outputs[0], a.Tensor); err != nil {
			return s.Errorf("%w", err)
		}
		s.Raw.Op = ""
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
		return s.Errorf("its value is %q: only dense tensors and numbers are supported", a.Name)
	}
	if err != nil {
		return s.Errorf("%w", err)
	}
	return becomeConstant(s, t)
}
