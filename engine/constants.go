package engine

import (
	"fmt"

	"linquant/graph"
	"linquant/quant"
)

// checked returns g itself where it passes Check.
func checked(g *graph.Graph) (*graph.Graph, error) { return g, graph.Check(g) }

// quantizeConstants returns the graph with every QuantizeLinear of a constant replaced by the codes.
func quantizeConstants(g *graph.Graph) (*graph.Graph, error) {
	out := g.Clone()
	kept := out.Nodes[:0]
	for _, n := range out.Nodes {
		from, to := out.Values[n.Input(0)], out.Values[n.Outputs[0]]
		if n.Op != graph.QuantizeLinear || from.Const == nil {
			kept = append(kept, n)
			continue
		}
		reals, err := from.Const.Float32s()
		if err != nil {
			return nil, fmt.Errorf("%v: %w", n, err)
		}
		codes, err := quant.Encode(reals, from.Const.Shape, *to.Quant)
		if err != nil {
			return nil, fmt.Errorf("%v: %w", n, err)
		}
		to.Const, to.Shape, to.DType = &codes, codes.Shape, codes.DType
	}
	out.Nodes = kept
	return out, nil
}
