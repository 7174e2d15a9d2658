package read

import (
	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/operators"
)

// attributes converts the attributes that mean something, and refuses those that are not known.
func attributes(s build.Node, rule operators.Row) error {
	s.Raw.Attrs = make(graph.Attrs, len(s.File.Attrs))
	for i := range s.File.Attrs {
		a := &s.File.Attrs[i]
		switch {
		case a.Ref != "":
			return s.Errorf("attribute %q stands for one of a function: export the model without functions", a.Name)
		case a.Type == onnxpb.AttrGraph || a.Type == onnxpb.AttrGraphs:
			return s.Errorf("attribute %q is a network of its own, which is not supported", a.Name)
		case operators.HasWord(rule.Ignored, a.Name) || s.Raw.Op == "Constant":
			continue
		case s.Raw.Op == "ConstantOfShape":
			if err := filling(s, a); err != nil {
				return err
			}
			continue
		}
		if done, err := legacyAttribute(s, a, rule); done || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		if !operators.HasWord(rule.Attrs, a.Name) {
			return s.Errorf("the attribute %q is unknown: opset %d of the operator has none of that name that linquant "+
				"knows", a.Name, s.Opset)
		}
		if err := attribute(s, a); err != nil {
			return err
		}
	}
	return nil
}

func attribute(s build.Node, a *onnxpb.Attr) error {
	want, ok := operators.AttributeTypes[a.Name]
	if !ok {
		want = onnxpb.AttrInt
	}
	if a.Type != want {
		return s.Errorf("the attribute %q has the wrong type (%d instead of %d): the model is damaged", a.Name, a.Type, want)
	}
	switch want {
	case onnxpb.AttrFloat:
		s.Raw.Attrs[a.Name] = a.Float
	case onnxpb.AttrString:
		s.Raw.Attrs[a.Name] = a.String
	case onnxpb.AttrInts:
		s.Raw.Attrs[a.Name] = elements.ClampAll(a.Ints)
	case onnxpb.AttrFloats:
		s.Raw.Attrs[a.Name] = a.Floats
	default:
		s.Raw.Attrs[a.Name] = elements.Clamp(a.Int)
	}
	return nil
}
