package read

import (
	"slices"
	"strings"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/operators"
	"linquant/tensor"
)

// The opsets before 7 had attributes that are gone: broadcasting was asked for, training was an attribute, and
// optimizations could be noted.

// legacyAttrs are those attributes, of the operators that do not have them under the same name for something else.
var legacyAttrs = []string{"broadcast", "axis", "is_test"}

// old reports whether the node's form is that of an opset before 7.
func old(s build.Node) bool {
	return s.Opset < operators.FirstModern && operators.Domain(s.File.Domain) == ""
}

// legacy brings a node of an old opset to the form of opset 7.
func legacy(s build.Node, row *graph.Operator) error {
	if !old(s) {
		return nil
	}
	attrs := map[string]int{}
	for _, name := range legacyAttrs {
		if v, ok := s.Raw.Attrs["legacy."+name].(int); ok {
			attrs[name] = v
			delete(s.Raw.Attrs, "legacy."+name)
		}
	}
	switch {
	case s.Raw.Op == graph.BatchNormalization, s.Raw.Op == graph.Dropout:
		if attrs["is_test"] == 0 {
			return s.Errorf("is_test is 0: it is in training mode; export the model for inference (model.eval())")
		}
		dropUnread(s)
	case s.Raw.Op == graph.Concat:
		if s.Opset < 4 && s.Raw.Attrs["axis"] == nil {
			s.Raw.Attrs["axis"] = 1
		}
	case s.Raw.Op == graph.PRelu:
		return align(s, 1)
	case pairs(row):
		if attrs["broadcast"] == 0 {
			return nil
		}
		if axis, ok := attrs["axis"]; ok {
			return align(s, axis)
		}
	}
	return nil
}

// pairs reports whether the operator is on pairs of elements, which opsets before 7 broadcast where an attribute said so.
func pairs(row *graph.Operator) bool {
	switch row.Op {
	case graph.And, graph.Equal, graph.Greater, graph.Less, graph.Or, graph.Xor:
		return true
	}
	return row.Class == graph.ClassBinary
}

// dropUnread leaves out outputs that nobody reads, such as the statistics of training.
func dropUnread(s build.Node) {
	for len(s.Raw.Outputs) > 1 && !s.Net.Reads(s.Raw.Outputs[len(s.Raw.Outputs)-1]) {
		s.Raw.Outputs = s.Raw.Outputs[:len(s.Raw.Outputs)-1]
	}
}

// align lays the second operand's dimensions beside those of the first from an axis on, where later opsets align them
// at the right: it gets dimensions of 1 behind.
func align(s build.Node, axis int) error {
	a, err := s.Dims(0)
	if err != nil {
		return err
	}
	b, err := s.Dims(1)
	if err != nil {
		return err
	}
	if axis < 0 {
		axis += len(a)
	}
	behind := len(a) - axis - len(b)
	if len(b) == 0 || len(b) == 1 && b[0] == 1 || behind == 0 {
		return nil
	}
	if axis < 0 || behind < 0 {
		return s.Errorf("axis %d does not lay %d dimensions beside %d", axis, len(b), len(a))
	}
	name := s.Raw.Inputs[1]
	if v := s.Net.Graph.Values[name]; v != nil && v.Const != nil {
		t := tensor.Tensor{
			DType: v.Const.DType, Data: v.Const.Data,
			Shape: append(slices.Clone(v.Const.Shape), slices.Repeat([]int{1}, behind)...),
		}
		s.Raw.Inputs[1] = s.Net.Fresh(name + "_aligned")
		s.Net.Graph.AddConst(s.Raw.Inputs[1], t)
		return nil
	}
	axes := make([]int, behind)
	for i := range axes {
		axes[i] = len(b) + i
	}
	s.Raw.Inputs[1], err = s.Insert("aligned", graph.Unsqueeze, graph.Attrs{"axes": axes}, name)
	return err
}

// castNames are the types of Cast before opset 6.
var castNames = map[string]onnxpb.DataType{
	"FLOAT": onnxpb.Float, "UINT8": onnxpb.Uint8, "INT8": onnxpb.Int8, "UINT16": onnxpb.Uint16, "INT16": onnxpb.Int16,
	"INT32": onnxpb.Int32, "INT64": onnxpb.Int64, "BOOL": onnxpb.Bool, "FLOAT16": onnxpb.Float16,
	"DOUBLE": onnxpb.Double, "UINT32": onnxpb.Uint32, "UINT64": onnxpb.Uint64,
}

// legacyAttribute takes an attribute of an old opset. done is false for others.
func legacyAttribute(s build.Node, a *onnxpb.Attr, row *graph.Operator) (done bool, err error) {
	switch {
	case !old(s):
		return false, nil
	case a.Name == "consumed_inputs":
		return true, nil
	case s.Raw.Op == "Cast" && a.Name == "to" && a.Type == onnxpb.AttrString:
		to, ok := castNames[strings.ToUpper(a.String)]
		if !ok {
			return true, s.Errorf("it casts to %q, which is not supported", a.String)
		}
		s.Raw.Attrs["to"] = int(to)
		return true, nil
	case s.Raw.Op == graph.Reshape && a.Name == "shape", s.Raw.Op == graph.Pad && a.Name == "paddings":
		if a.Type != onnxpb.AttrInts {
			return true, s.Errorf("the attribute %q is no list of integers", a.Name)
		}
		s.Raw.Attrs[strings.Replace(a.Name, "paddings", "pads", 1)] = elements.ClampAll(a.Ints)
		return true, nil
	case slices.Contains(legacyAttrs, a.Name):
		if _, ok := row.Attr(a.Name); ok {
			return false, nil
		}
		s.Raw.Attrs["legacy."+a.Name] = elements.Clamp(a.Int)
		return true, nil
	}
	return false, nil
}
