package graph

import (
	"context"

	"linquant/tensor"
)

// Bounds on what folding may compute, so that a small file does not become a large network or take long to open.
const (
	foldElements = 1 << 20 // of all results together, beyond four times the constants that the graph has
	foldMACs     = 1 << 28 // of one node
)

// FoldConstants returns the graph with every node whose inputs are all constants replaced by its result, as Eval
// computes it, under the name of the node's output. QuantizeLinear and DequantizeLinear stay, because folding them
// would turn a weight that is stored in few bits into floats: see DequantizeConstants. Nodes stay too once the results
// would need many times the memory of the constants the graph has. Shapes must have been inferred. g is not changed.
func FoldConstants(g *Graph) (*Graph, error) {
	return foldConstants(g, func(n *Node) bool { return n.Op != QuantizeLinear && n.Op != DequantizeLinear })
}

// DequantizeConstants returns the graph with every DequantizeLinear of a constant replaced by the reals: what a float
// engine does with weights that are stored as codes.
func DequantizeConstants(g *Graph) (*Graph, error) {
	return foldConstants(g, func(n *Node) bool { return n.Op == DequantizeLinear })
}

func foldConstants(g *Graph, wanted func(*Node) bool) (*Graph, error) {
	out := g.Clone()
	budget := int64(foldElements)
	for _, v := range out.Values {
		if v.Const != nil {
			budget += 4 * int64(v.Const.Elements())
		}
	}
	kept := out.Nodes[:0]
	for _, n := range out.Nodes {
		s := site{out, n}
		v := out.Values[n.Outputs[0]]
		affordable := v.Shape != nil && int64(perExample(v.Shape)) <= budget && NodeMACs(out, n) <= foldMACs
		if !wanted(n) || !affordable || !s.allConstant() {
			kept = append(kept, n)
			continue
		}
		t, err := s.fold(v)
		if err != nil {
			return nil, err
		}
		budget -= int64(t.Elements())
		v.Const, v.Shape, v.DType = &t, t.Shape, t.DType
	}
	out.Nodes = kept
	return out, nil
}

func (s site) allConstant() bool {
	for _, name := range s.n.Inputs {
		if name != "" && s.g.Values[name].Const == nil {
			return false
		}
	}
	return true
}

// fold evaluates a node of constants.
func (s site) fold(out *Value) (tensor.Tensor, error) {
	e := evaluator{ctx: context.Background(), g: s.g, values: map[string]array{}, readers: map[string]int{out.Name: 1}}
	if err := e.step(s.n); err != nil {
		return tensor.Tensor{}, err
	}
	return e.values[out.Name].tensor()
}
