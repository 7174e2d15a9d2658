package read

import (
	"fmt"
	"strings"

	"linquant/graph"
	"linquant/internal/near"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/fault"
	"linquant/onnx/internal/operators"
)

// attributes converts the attributes that mean something, and refuses those that are not known.
func attributes(s build.Node, row *graph.Operator) error {
	s.Raw.Attrs = make(graph.Attrs, len(s.File.Attrs))
	for i := range s.File.Attrs {
		a := &s.File.Attrs[i]
		switch {
		case a.Ref != "":
			return s.Errorf("attribute %q stands for one of a function: export the model without functions", a.Name)
		case a.Type == onnxpb.AttrGraph || a.Type == onnxpb.AttrGraphs:
			return s.Errorf("attribute %q is a network of its own, which is not supported", a.Name)
		case s.Raw.Op == "Constant":
			continue
		case s.Raw.Op == "ConstantOfShape":
			if err := filling(s, a); err != nil {
				return err
			}
			continue
		}
		if done, err := legacyAttribute(s, a, row); done || err != nil {
			if err != nil {
				return err
			}
			continue
		}
		known, ignored := operators.Attribute(row, a.Name, s.Opset)
		switch {
		case ignored:
		case known == nil:
			return unknown(s, row, a.Name)
		case a.Type == onnxpb.AttrStrings && a.Name == "activations" && known.Kind == graph.KindString:
			s.Raw.Attrs[a.Name] = strings.Join(a.Strings, ",")
		default:
			if err := attribute(s, a, known.Kind); err != nil {
				return err
			}
		}
	}
	return nil
}

// unknown is the error for an attribute that nodes of the operator do not have.
func unknown(s build.Node, row *graph.Operator, name string) error {
	var names []string
	for i := range row.Attrs {
		if a, ignored := operators.Attribute(row, row.Attrs[i].Name, s.Opset); a != nil && !ignored {
			names = append(names, a.Name)
		}
	}
	hint := "none of that name that linquant knows"
	if a, ok := row.Attr(name); ok && a.Input != 0 {
		hint = fmt.Sprintf("it as input %d", a.Input)
	} else if similar := near.Names(name, names); len(similar) > 0 {
		hint = "none of that name: did you mean " + strings.Join(similar, " or ") + "?"
	}
	return s.Errorf("the attribute %q is unknown: opset %d of the operator has %s", name, s.Opset, hint)
}

// fileTypes are the types of attributes in files, by their kinds.
var fileTypes = map[graph.Kind]onnxpb.AttrType{
	graph.KindInt: onnxpb.AttrInt, graph.KindFloat: onnxpb.AttrFloat, graph.KindString: onnxpb.AttrString,
	graph.KindInts: onnxpb.AttrInts, graph.KindFloats: onnxpb.AttrFloats,
}

func attribute(s build.Node, a *onnxpb.Attr, kind graph.Kind) error {
	if want := fileTypes[kind]; a.Type != want {
		return s.Errorf("%w", fault.Errorf("the attribute %q has the wrong type (%d instead of %d, which is %v): the model is damaged",
			a.Name, a.Type, want, kind))
	}
	switch kind {
	case graph.KindFloat:
		s.Raw.Attrs[a.Name] = a.Float
	case graph.KindString:
		s.Raw.Attrs[a.Name] = a.String
	case graph.KindInts:
		s.Raw.Attrs[a.Name] = elements.ClampAll(a.Ints)
	case graph.KindFloats:
		s.Raw.Attrs[a.Name] = a.Floats
	default:
		s.Raw.Attrs[a.Name] = elements.Clamp(a.Int)
	}
	return nil
}
