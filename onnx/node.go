package onnx

import (
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// maxNames bounds the inputs and the outputs of a node, and the outputs of a network: looking for a name among them takes
// time.
const maxNames = 4096

// site is a node of the file on its way to become one of the graph.
type site struct {
	im    *importer
	pb    *onnxpb.Node
	n     *raw.Node
	opset int64 // of the node's domain
	least int   // how many inputs the operator needs
}

// errorf is fmt.Errorf with the node's name in front.
func (s site) errorf(format string, args ...any) error {
	return fmt.Errorf("%s: %w", label(s.pb), fmt.Errorf(format, args...))
}

// node adds a node of the file to the graph, or its outputs to what is known.
func (im *importer) node(pb *onnxpb.Node) error {
	op := opName(pb)
	rule := operators[op]
	n := &raw.Node{Name: pb.Name, Op: op, Inputs: trim(pb.Inputs), Outputs: trim(pb.Outputs)}
	s := site{im, pb, n, im.opsets[domain(pb.Domain)], rule.inputs[0]}
	if n := len(n.Inputs); n < rule.inputs[0] || n > rule.inputs[1] {
		return s.errorf("it has %d inputs, and the operator has %s", n, span(rule.inputs))
	}
	if len(s.n.Outputs) == 0 || s.n.Outputs[0] == "" {
		return s.errorf("it has no output")
	}
	if n := max(len(s.n.Inputs), len(s.n.Outputs)); n > maxNames {
		return s.errorf("it has %d inputs or outputs: more than %d are not supported", n, maxNames)
	}
	if err := s.attributes(rule); err != nil {
		return err
	}
	if err := s.legacy(); err != nil {
		return err
	}
	if done, err := s.evaluate(); done || err != nil {
		return err
	}
	if done, err := s.choose(); done || err != nil {
		return err
	}
	if rule.convert != nil {
		if err := rule.convert(s); err != nil {
			return err
		}
		if s.n.Op == "" { // the outputs have become constants
			return nil
		}
	}
	for _, extra := range s.n.Outputs[1:] {
		if im.reads(extra) {
			return s.errorf("its second output %q is used: linquant computes the first, without masks and indices; "+
				"export the model for inference", extra)
		}
	}
	s.n.Outputs = s.n.Outputs[:1]
	if done, err := s.lift(); done || err != nil {
		return err
	}
	return s.add()
}

// reads reports whether a node reads the value, or it is an output of the network.
func (im *importer) reads(name string) bool {
	if im.readers == nil {
		im.readers = map[string]bool{}
		for i := range im.pb.Nodes {
			for _, in := range im.pb.Nodes[i].Inputs {
				im.readers[in] = true
			}
		}
		for i := range im.pb.Outputs {
			im.readers[im.pb.Outputs[i].Name] = true
		}
	}
	return name != "" && im.readers[name]
}

func span(n [2]int) string {
	switch {
	case n[1] == many:
		return fmt.Sprintf("%d or more", n[0])
	case n[0] == n[1]:
		return fmt.Sprint(n[0])
	}
	return fmt.Sprintf("%d to %d", n[0], n[1])
}

// trim leaves out the names at the end that are "".
func trim(names []string) []string {
	for len(names) > 0 && names[len(names)-1] == "" {
		names = names[:len(names)-1]
	}
	return slices.Clone(names)
}

// add appends the node, and its output with the type that follows from its inputs.
func (s site) add() error {
	v := &raw.Value{Name: s.n.Outputs[0], DType: tensor.Float32}
	var is fact
	for i, in := range s.n.Inputs {
		if in == "" {
			if i < s.least && !raw.HasParameters(s.n.Op) { // fuse knows which of theirs are optional
				return s.errorf("input %d is left out, and the operator needs it", i)
			}
			continue
		}
		x := s.im.g.Values[in]
		if x == nil {
			x = s.im.materialize(in)
		}
		if x == nil {
			return s.errorf("it computes with %q, which is a shape: only Reshape and other parameters can be", in)
		}
		switch t := x.DType; {
		case t == tensor.Float32, t == tensor.Int8, t == tensor.Uint8, t == tensor.Int32 && raw.HasParameters(s.n.Op):
		default:
			return s.errorf("input %q has elements of %v: the operator computes with float here, or with codes of int8 "+
				"or uint8", in, t)
		}
		of := s.im.facts[in]
		if x.Const != nil {
			of.rank = len(x.Const.Shape)
		}
		is.batched, is.rank = is.batched || of.batched, max(is.rank, of.rank)
	}
	switch s.n.Op {
	case graph.Reshape:
		is.rank = len(s.n.Attrs.Ints("shape"))
	case graph.Expand:
		is.rank = max(is.rank, len(s.n.Attrs.Ints("shape")))
	case graph.Unsqueeze:
		is.rank += len(s.n.Attrs.Ints("axes"))
	}
	if is.rank > maxRank {
		return s.errorf("its output has %d dimensions: more than %d are not supported", is.rank, maxRank)
	}
	s.im.facts[v.Name] = is
	if from := s.im.g.Values[s.n.Input(s.n.TypeInput())]; from != nil {
		v.DType, v.Type = from.DType, from.Type
	}
	if s.n.Op == graph.QuantizeLinear || s.n.Op == raw.MSQuantizeLinear {
		if err := s.quantizeType(v); err != nil {
			return err
		}
	}
	if len(s.im.g.Nodes) >= s.im.most {
		return s.errorf("it and nodes before it become more than %d nodes: the file is damaged, or made to take memory", s.im.most)
	}
	s.im.g.Nodes = append(s.im.g.Nodes, s.n)
	s.im.makers[v.Name] = s.n
	s.im.g.Values[v.Name] = v
	return nil
}

// quantizeType sets the type that a QuantizeLinear makes where it has no zero point: uint8, or what an attribute says.
func (s site) quantizeType(v *raw.Value) error {
	if s.n.Input(2) != "" {
		return nil
	}
	v.DType = tensor.Uint8
	if t := s.n.Attrs.Int("output_dtype", 0); t != 0 {
		e, err := supported(onnxpb.DataType(t))
		if err != nil {
			return s.errorf("attribute output_dtype: %w", err)
		}
		v.DType, v.Type = e.store, e.codes()
	}
	return nil
}
