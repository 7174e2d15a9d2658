package onnx

import (
	"math"
	"strings"

	"linquant/graph"
	"linquant/internal/onnxpb"
)

// attributes converts the attributes that mean something, and refuses those that are not known.
func (s site) attributes(rule operator) error {
	s.n.Attrs = make(graph.Attrs, len(s.pb.Attrs))
	for i := range s.pb.Attrs {
		a := &s.pb.Attrs[i]
		switch {
		case a.Ref != "":
			return s.errorf("attribute %q stands for one of a function: export the model without functions", a.Name)
		case a.Type == onnxpb.AttrGraph || a.Type == onnxpb.AttrGraphs:
			return s.errorf("attribute %q is a network of its own, which is not supported", a.Name)
		case hasWord(rule.ignored, a.Name) || s.n.Op == "Constant":
			continue
		case s.n.Op == "ConstantOfShape":
			if err := s.filling(a); err != nil {
				return err
			}
			continue
		}
		if done, err := s.legacyAttribute(a, rule); done || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if !hasWord(rule.attrs, a.Name) {
			return s.errorf("the attribute %q is unknown: opset %d of the operator has none of that name that linquant "+
				"knows", a.Name, s.opset)
		}
		if err := s.attribute(a); err != nil {
			return err
		}
	}
	return nil
}

func hasWord(words, word string) bool {
	for w := range strings.FieldsSeq(words) {
		if w == word {
			return true
		}
	}
	return false
}

// attributeTypes has the types of those attributes that are no integers, or lists of them.
var attributeTypes = map[string]onnxpb.AttrType{
	"alpha": onnxpb.AttrFloat, "beta": onnxpb.AttrFloat, "epsilon": onnxpb.AttrFloat, "max": onnxpb.AttrFloat,
	"min": onnxpb.AttrFloat, "value": onnxpb.AttrFloat,
	"auto_pad": onnxpb.AttrString, "mode": onnxpb.AttrString, "direction": onnxpb.AttrString,
	"axes": onnxpb.AttrInts, "dilations": onnxpb.AttrInts, "ends": onnxpb.AttrInts, "kernel_shape": onnxpb.AttrInts,
	"pads": onnxpb.AttrInts, "perm": onnxpb.AttrInts, "split": onnxpb.AttrInts,
	"output_padding": onnxpb.AttrInts, "output_shape": onnxpb.AttrInts, "bias": onnxpb.AttrFloat,
	"starts": onnxpb.AttrInts, "strides": onnxpb.AttrInts,

	"gamma": onnxpb.AttrFloat, "cubic_coeff_a": onnxpb.AttrFloat, "extrapolation_value": onnxpb.AttrFloat,
	"approximate": onnxpb.AttrString, "coordinate_transformation_mode": onnxpb.AttrString,
	"nearest_mode": onnxpb.AttrString, "keep_aspect_ratio_policy": onnxpb.AttrString, "scales": onnxpb.AttrFloats,
}

func (s site) attribute(a *onnxpb.Attr) error {
	want, ok := attributeTypes[a.Name]
	if !ok {
		want = onnxpb.AttrInt
	}
	if a.Type != want {
		return s.errorf("the attribute %q has the wrong type (%d instead of %d): the model is damaged", a.Name, a.Type, want)
	}
	switch want {
	case onnxpb.AttrFloat:
		s.n.Attrs[a.Name] = a.Float
	case onnxpb.AttrString:
		s.n.Attrs[a.Name] = a.String
	case onnxpb.AttrInts:
		s.n.Attrs[a.Name] = clampAll(a.Ints)
	case onnxpb.AttrFloats:
		s.n.Attrs[a.Name] = a.Floats
	default:
		s.n.Attrs[a.Name] = clamp(a.Int)
	}
	return nil
}

// clamp brings a number of the file into 32 bits, which changes no meaning: a dimension has at most 2³¹−1, and what is
// beyond is "to the end" or an error anyway.
func clamp(v int64) int { return int(min(max(v, math.MinInt32), math.MaxInt32)) }

func clampAll(v []int64) []int {
	out := make([]int, len(v))
	for i, x := range v {
		out[i] = clamp(x)
	}
	return out
}
