package graph

import (
	"context"

	"linquant/quant"
	"linquant/tensor"
)

// Bounds on what folding may compute, so that a small file does not become a large network or take long to open.
const (
	foldElements = 1 << 20 // of all results together, beyond four times the constants that the graph has
	foldMACs     = 1 << 28 // of one node
)

// foldConstants replaces every node whose inputs are all constants by its result, as Eval computes it, under the name of
// the node's output. QuantizeLinear and DequantizeLinear stay, because folding them would turn a weight that is stored in
// few bits into floats: see Resolve. Nodes stay too once the results would need many times the memory of the constants
// the graph has. Shapes must have been inferred.
func (g *Graph) foldConstants() error {
	return g.evaluate(func(n *Node) bool { return n.Op != QuantizeLinear && n.Op != DequantizeLinear })
}

// Resolve returns the graph as an engine runs it: its shapes inferred, and everything computed that follows from
// constants alone, also reals of codes (weights that are stored as codes for a layer of reals) and codes of reals. Unless
// dead is set, what no output depends on is left out. g is not changed.
func Resolve(g *Graph, dead bool) (*Graph, error) {
	if err := checkStructure(g); err != nil {
		return nil, err
	}
	passes := []func(*Graph) error{
		(*Graph).inferShapes, (*Graph).foldConstants, (*Graph).dequantizeConstants, (*Graph).quantizeConstants, (*Graph).foldConstants,
	}
	if !dead {
		passes = append(passes, sure((*Graph).Prune))
	}
	return g.after(append(passes, Check)...)
}

func (g *Graph) dequantizeConstants() error {
	return g.evaluate(func(n *Node) bool { return n.Op == DequantizeLinear })
}

// quantizeConstants replaces every QuantizeLinear of a constant by the codes.
func (g *Graph) quantizeConstants() error {
	kept := g.Nodes[:0]
	for _, n := range g.Nodes {
		from, to := g.Values[n.Input(0)], g.Values[n.Outputs[0]]
		if n.Op != QuantizeLinear || from.Const == nil {
			kept = append(kept, n)
			continue
		}
		reals, err := from.Const.Float32s()
		if err != nil {
			return n.errorf("%w", err)
		}
		codes, err := quant.Encode(reals, from.Const.Shape, *to.Quant)
		if err != nil {
			return n.errorf("%w", err)
		}
		to.Const, to.Shape, to.DType = &codes, codes.Shape, codes.DType
	}
	g.Nodes = kept
	return nil
}

// evaluate replaces the wanted nodes whose inputs are all constants by their results.
func (g *Graph) evaluate(wanted func(*Node) bool) error {
	budget := int64(foldElements)
	for _, v := range g.Values {
		if v.Const != nil {
			budget += 4 * int64(v.Const.Elements())
		}
	}
	kept := g.Nodes[:0]
	for _, n := range g.Nodes {
		s := site{g, n}
		v := g.Values[n.Outputs[0]]
		affordable := v.Shape != nil && int64(perExample(v.Shape)) <= budget && NodeMACs(g, n) <= foldMACs
		if !wanted(n) || !affordable || !s.allConstant() {
			kept = append(kept, n)
			continue
		}
		t, err := s.fold(v)
		if err != nil {
			return err
		}
		budget -= int64(t.Elements())
		v.Const, v.Shape, v.DType = &t, t.Shape, t.DType
	}
	g.Nodes = kept
	return nil
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
