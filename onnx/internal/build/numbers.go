package build

import (
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// Number is the integer type, as a file has it, of a value that holds integers as the reals that they are.
type Number struct {
	DType tensor.DType
	Type  quant.Type // of fewer than 8 bits
}

// Note tells whoever reads the file that a node on codes is computed in reals, and why.
func (im *Network) Note(n *onnxpb.Node, why string) {
	if im.Cfg.Note != nil {
		im.Cfg.Note(operators.NodeName(n), string(operators.Op(n)), why)
	}
}

// passesNumbers reports whether a node makes of integers, held as reals, such of the same type.
func passesNumbers(n *raw.Node) bool {
	row, ok := graph.Lookup(n.Op)
	return ok && (row.Role == graph.RolePass || n.Op == graph.Clip || n.Op == graph.Relu || n.Op == graph.MaxPool ||
		row.Class == graph.ClassMove || row.Class == graph.ClassReshape || row.Class == graph.ClassJoin)
}

// AsNumbers returns the value with the integers, or the reals, of a value as reals.
func (s Node) AsNumbers(name string) (string, error) {
	if c, ok := s.Net.Follows(name); ok {
		if c.DType == tensor.Float32 {
			return name, nil
		}
		t, err := elements.ToFloat32(c.Tensor, &s.Net.Left)
		if err != nil {
			return "", s.Errorf("%w", err)
		}
		as := s.Net.Fresh(name + "_numbers")
		s.Net.Graph.AddConst(as, t)
		return as, nil
	}
	v := s.Net.Graph.Values[name]
	if v == nil {
		v = s.Net.Materialize(name)
	}
	switch {
	case v == nil:
		return "", s.Errorf("%q is a shape with the batch in it, which it does not compute with", name)
	case v.DType == tensor.Float32:
		return name, nil
	case v.Const != nil:
		return s.AsNumbers(name)
	}
	return s.Insert("numbers", graph.Cast, graph.Attrs{"to": int(onnxpb.Float)}, name)
}

// IsCodes reports whether a value of 8 bits holds codes that an operator of quantization makes, or that come as they are.
func (im *Network) IsCodes(name string) bool {
	for range im.Graph.Nodes {
		n := im.Producers[name]
		if n == nil || raw.HasParameters(n.Op) {
			return true
		}
		if !passesNumbers(n) {
			return false
		}
		name = n.Inputs[0]
	}
	return true
}

// FileReaders returns the nodes of the file that read a value.
func (im *Network) FileReaders(name string) []*onnxpb.Node {
	if im.byInput == nil {
		im.byInput = map[string][]*onnxpb.Node{}
		for i := range im.File.Nodes {
			n := &im.File.Nodes[i]
			for j, in := range n.Inputs {
				if in != "" && !slices.Contains(n.Inputs[:j], in) {
					im.byInput[in] = append(im.byInput[in], n)
				}
			}
		}
	}
	return im.byInput[name]
}
