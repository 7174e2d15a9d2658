package read

import (
	"fmt"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/convert"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/pending"
	"linquant/onnx/internal/raw"
	"linquant/onnx/internal/sequences"
)

// maxNames bounds the inputs and the outputs of a node, and the outputs of a network: looking for a name among them takes
// time.
const maxNames = 4096

// node adds a node of the file to the graph, or its outputs to what is known.
func node(im *build.Network, pb *onnxpb.Node) error {
	op := operators.Op(pb)
	row, _ := raw.Lookup(op) // operators.Known has looked
	arity := operators.Inputs(row)
	n := &raw.Node{Name: pb.Name, Op: op, Inputs: raw.Trim(pb.Inputs), Outputs: raw.Trim(pb.Outputs)}
	s := build.Node{Net: im, File: pb, Raw: n, Opset: operators.Opset(pb, im.Opsets), Least: arity.Least}
	if n := len(n.Inputs); n < arity.Least || n > arity.Most {
		return s.Errorf("it has %d inputs, and the operator has %s", n, span(arity))
	}
	if _, several := row.Attr(graph.OutputAttr); several && len(s.Raw.Outputs) > 0 {
		for i, out := range s.Raw.Outputs {
			if out == "" { // a name that nothing reads
				s.Raw.Outputs[i] = im.Fresh(s.Raw.Outputs[len(s.Raw.Outputs)-1] + "_unread")
			}
		}
	}
	if len(s.Raw.Outputs) == 0 || s.Raw.Outputs[0] == "" {
		return s.Errorf("it has no output")
	}
	if n := max(len(s.Raw.Inputs), len(s.Raw.Outputs)); n > maxNames {
		return s.Errorf("it has %d inputs or outputs: more than %d are not supported", n, maxNames)
	}
	if op == "If" {
		return branch(s)
	}
	if t := im.Cfg.Trace; t != nil {
		t.Nodes = append(t.Nodes, *pb)
	}
	if err := attributes(s, row); err != nil {
		return err
	}
	if err := legacy(s, row); err != nil {
		return err
	}
	for i := range row.Attrs { // those that may be inputs, convert looks for
		if a := &row.Attrs[i]; a.Required && a.Input == 0 && s.Raw.Attrs[a.Name] == nil {
			return s.Errorf("it has no %s", a.Name)
		}
	}
	if done, err := evaluate(s); done || err != nil {
		return err
	}
	if done, err := pending.Convert(s); done || err != nil {
		return err
	}
	if err := convert.Node(s); err != nil {
		return err
	}
	if s.Raw.Op == "" { // the outputs have become constants
		return nil
	}
	if row, ok := raw.Lookup(s.Raw.Op); ok && len(s.Raw.Outputs) > 1 {
		if _, ok := row.Attr(graph.OutputAttr); ok {
			return eachOutput(s)
		}
	}
	for _, extra := range s.Raw.Outputs[1:] {
		if im.Reads(extra) {
			return s.Errorf("its second output %q is used: linquant computes the first, without masks and indices; "+
				"export the model for inference", extra)
		}
	}
	s.Raw.Outputs = s.Raw.Outputs[:1]
	if done, err := sequences.Convert(s); done || err != nil {
		return err
	}
	return s.Add()
}

// eachOutput adds a node for every output that is read.
func eachOutput(s build.Node) error {
	for i, out := range s.Raw.Outputs {
		if !s.Net.Reads(out) {
			continue
		}
		part := s
		part.Raw = s.Raw.Clone()
		part.Raw.Outputs = []string{out}
		if i > 0 {
			part.Raw.Name, part.Raw.Attrs[graph.OutputAttr] = convert.PartName(s.Raw, i), i
		}
		if err := part.Add(); err != nil {
			return err
		}
	}
	return nil
}

func span(n graph.Arity) string {
	switch {
	case n.Most == graph.Many:
		return fmt.Sprintf("%d or more", n.Least)
	case n.Least == n.Most:
		return fmt.Sprint(n.Least)
	}
	return fmt.Sprintf("%d to %d", n.Least, n.Most)
}
