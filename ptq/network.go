package ptq

import (
	"context"
	"fmt"

	"linquant/calib"
	"linquant/graph"
	"linquant/internal/ended"
)

// Points returns the values of a folded float graph whose ranges Quantize needs, in the order in which they are
// computed, each with the codes that it will have: what calib.Run wants. Errors are those of the graph and of the
// configuration.
//
// It is not every value. One that only a Relu, a Clip, a Concat, or an operator that moves or selects elements reads
// has the parameters of that operator's output, and the output is what is observed.
func Points(g *graph.Graph, cfg Config) ([]calib.Point, error) {
	p, err := newPlan(g, cfg)
	if err != nil {
		return nil, err
	}
	return p.points(), nil
}

// Quantize turns a folded float graph into integers: static post-training quantization with the ranges of the values
// that Points lists. Further ranges are ignored, and one that was chosen for other codes than the value has, where that
// makes a difference, is an error (calib.Range.Suits). The graph is left as it is, and the new one shares with it the
// constants that stay in floating point.
//
// Nodes keep their names and values theirs, except where a value is there both as reals and as codes: the graph's
// inputs and outputs and what islands compute stay reals under their name, and their codes are NAME_quantized; what
// an island reads of an integer node is NAME_dequantized. Between them stand the nodes NAME_QuantizeLinear and
// NAME_DequantizeLinear. Weights and biases are constants of codes under their names.
//
// Errors name what they are about: a network that is quantized already or is not sound, a pattern that matches nothing,
// a value without a usable range, weights that are not finite, a layer whose scales multiply to less than the smallest
// normal float32, a layer whose accumulator can leave int32 for some input. A ctx that is done ends it with ctx's error.
func Quantize(ctx context.Context, g *graph.Graph, ranges calib.Ranges, cfg Config) (*graph.Graph, *NetworkReport, error) {
	p, err := newPlan(g, cfg)
	if err != nil {
		return nil, nil, err
	}
	p.ctx = ctx
	b := newBuilder(p)
	if err := b.activations(ranges); err != nil {
		return nil, nil, err
	}
	p.coded = b.report.Activations
	if err := p.checkResume(); err != nil {
		return nil, nil, err
	}
	for _, in := range g.Inputs {
		b.value(in, true)
	}
	for _, n := range g.Nodes {
		if err := ended.Err(ctx); err != nil {
			return nil, nil, err
		}
		if p.roles[n] == island {
			b.island(n)
		} else if err := b.integers(n); err != nil {
			return nil, nil, err
		}
		for _, out := range n.Outputs {
			b.value(out, p.roles[n] == island)
		}
	}
	b.report.total(b.g, b.out)
	b.report.watched(p)
	if err := graph.Check(b.out); err != nil {
		return nil, nil, fmt.Errorf("the quantized network is not sound: %w", err)
	}
	return b.out, b.report, nil
}
