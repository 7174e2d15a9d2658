package graph

import (
	"fmt"
	"math"

	"linquant/quant"
)

// Stage returns the output stage of a Conv, Gemm or MatMul node on codes: multipliers M[c] = Sx·Sw[c]/Sy by the graph's
// convention, and the output's zero point and range. It has one multiplier per output channel, or one for all where the
// weight has one scale.
//
// It also proves that no accumulator leaves int32: for every output channel, the interval that Σ(qx−zx)(qw−zw) + qb can
// reach over all inputs, each product taken at its ends. An error names the node and the channel. Shapes must have been
// inferred, and the graph must pass Check.
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

// PoolStage returns the output stage of an average over n codes with the parameters in: the accumulator Σ(q−zx) times
// M = Sx/n/Sy, rounded to float32 twice by ONNX and Torch, in float64 by the fixed conventions.
func PoolStage(c quant.Convention, in, out quant.Params, n int) (*quant.Requantizer, error) {
	if n < 1 || n > math.MaxInt32/255 {
		return nil, fmt.Errorf("an average over %d codes: use 1 to %d, which an int32 accumulator can hold", n, math.MaxInt32/255)
	}
	for _, p := range []quant.Params{in, out} {
		if err := checkOperand(p); err != nil {
			return nil, err
		}
	}
	m := float64(float32(in.Scale[0]/float32(n)) / out.Scale[0])
	if c == quant.Fixed || c == quant.FixedDouble {
		m = float64(in.Scale[0]) / float64(n) / float64(out.Scale[0])
	}
	return quant.NewRequantizer(c, []float64{m}, out)
}
