package onnx

import (
	"slices"
	"strings"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// The opsets before 7 had attributes that are gone: broadcasting was asked for, training was an attribute, and
// optimizations could be noted.

// legacyAttrs are those attributes, of the operators that do not have them under the same name for something else.
const legacyAttrs = "broadcast axis is_test"

// firstModern is the first opset without them.
const firstModern = 7

// old reports whether the node's form is that of an opset before 7.
func (s site) old() bool { return s.opset < firstModern && domain(s.pb.Domain) == "" }

// legacy brings a node of an old opset to the form of opset 7.
func (s site) legacy() error {
	if !s.old() {
		return nil
	}
	attrs := map[string]int{}
	for _, name := range strings.Fields(legacyAttrs) {
		if v, ok := s.n.Attrs["legacy."+name].(int); ok {
			attrs[name] = v
			delete(s.n.Attrs, "legacy."+name)
		}
	}
	switch s.n.Op {
	case graph.BatchNormalization, graph.Dropout:
		if attrs["is_test"] == 0 {
			return s.errorf("is_test is 0: it is in training mode; export the model for inference (model.eval())")
		}
		s.dropUnread()
	case graph.Concat:
		if s.opset < 4 && s.n.Attrs["axis"] == nil {
			s.n.Attrs["axis"] = 1
		}
	case graph.PRelu:
		return s.align(1)
	case graph.Add, "Sub", graph.Mul, "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less":
		if attrs["broadcast"] == 0 {
			return nil
		}
		if axis, ok := attrs["axis"]; ok {
			return s.align(axis)
		}
	}
	return nil
}

// dropUnread leaves out outputs that nobody reads, such as the statistics of training.
func (s site) dropUnread() {
	for len(s.n.Outputs) > 1 && !s.im.reads(s.n.Outputs[len(s.n.Outputs)-1]) {
		s.n.Outputs = s.n.Outputs[:len(s.n.Outputs)-1]
	}
}

// align lays the second operand's dimensions beside those of the first from an axis on, where later opsets align them
// at the right: it gets dimensions of 1 behind.
func (s site) align(axis int) error {
	a, err := s.dims(0)
	if err != nil {
		return err
	}
	b, err := s.dims(1)
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
		return s.errorf("axis %d does not lay %d dimensions beside %d", axis, len(b), len(a))
	}
	name := s.n.Inputs[1]
	if v := s.im.g.Values[name]; v != nil && v.Const != nil {
		t := tensor.Tensor{
			DType: v.Const.DType, Data: v.Const.Data,
			Shape: append(slices.Clone(v.Const.Shape), slices.Repeat([]int{1}, behind)...),
		}
		s.n.Inputs[1] = s.im.fresh(name + "_aligned")
		s.im.g.AddConst(s.n.Inputs[1], t)
		return nil
	}
	axes := make([]int, behind)
	for i := range axes {
		axes[i] = len(b) + i
	}
	s.n.Inputs[1], err = s.emit("aligned", graph.Unsqueeze, graph.Attrs{"axes": axes}, name)
	return err
}

// castNames are the types of Cast before opset 6.
var castNames = map[string]onnxpb.DataType{
	"FLOAT": onnxpb.Float, "UINT8": onnxpb.Uint8, "INT8": onnxpb.Int8, "UINT16": onnxpb.Uint16, "INT16": onnxpb.Int16,
	"INT32": onnxpb.Int32, "INT64": onnxpb.Int64, "BOOL": onnxpb.Bool, "FLOAT16": onnxpb.Float16,
	"DOUBLE": onnxpb.Double, "UINT32": onnxpb.Uint32, "UINT64": onnxpb.Uint64,
}

// legacyAttribute takes an attribute of an old opset. done is false for others.
func (s site) legacyAttribute(a *onnxpb.Attr, rule operator) (done bool, err error) {
	switch {
	case !s.old():
		return false, nil
	case a.Name == "consumed_inputs":
		return true, nil
	case s.n.Op == "Cast" && a.Name == "to" && a.Type == onnxpb.AttrString:
		to, ok := castNames[strings.ToUpper(a.String)]
		if !ok {
			return true, s.errorf("it casts to %q, which is not supported", a.String)
		}
		s.n.Attrs["to"] = int(to)
		return true, nil
	case s.n.Op == graph.Reshape && a.Name == "shape", s.n.Op == graph.Pad && a.Name == "paddings":
		if a.Type != onnxpb.AttrInts {
			return true, s.errorf("the attribute %q is no list of integers", a.Name)
		}
		s.n.Attrs[strings.Replace(a.Name, "paddings", "pads", 1)] = clampAll(a.Ints)
		return true, nil
	case hasWord(legacyAttrs, a.Name) && !hasWord(rule.attrs, a.Name):
		s.n.Attrs["legacy."+a.Name] = clamp(a.Int)
		return true, nil
	}
	return false, nil
}
