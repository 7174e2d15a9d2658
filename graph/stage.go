package graph

import "linquant/quant"

// Stage returns the output stage of a Conv, Gemm or MatMul node on codes: multipliers M[c] = Sx·Sw[c]/Sy by the graph's
// convention, and the output's zero point and range. It has one multiplier per output channel, or one for all where the
// weight has one scale.
//
// It also proves that no sum of products leaves int32: for every output channel, the interval that Σ(qx−zx)(qw−zw) can
// reach over all inputs, each product taken at its ends. With the bias it may (Wrapping). An error names the node and the
// channel. Shapes must have been inferred, and the graph must pass Check.
func Stage(g *Graph, n *Node) (*quant.Requantizer, error) {
	s := site{g, n}
	x, w, y := s.value(0), s.value(1), g.Values[n.Outputs[0]]
	if x.Quant == nil || w.Quant == nil || y.Quant == nil {
		return nil, s.errorf("it computes in reals and has no output stage")
	}
	if err := s.checkAccumulators(); err != nil {
		return nil, err
	}
	multiplier := make([]float64, len(w.Quant.Scale))
	for c, sw := range w.Quant.Scale {
		multiplier[c] = g.Requant.Multiplier(x.Quant.Scale[0], sw, y.Quant.Scale[0])
	}
	r, err := quant.NewRequantizer(g.Requant, multiplier, *y.Quant)
	if err != nil {
		return nil, s.errorf("input scale %g, output scale %g: %w", x.Quant.Scale[0], y.Quant.Scale[0], err)
	}
	return r, nil
}
