package diagnose

import (
	"math"
	"slices"

	"linquant/graph"
)

// byElement looks at the elements of the layer for what has no variants: rounding errors next to ties, and another bias.
// If it can be both, the bias must explain far more elements next to ties than it has freedom to.
func (c *comparison) byElement(part cut, e *evaluator, theirs codes) ([]*attempt, error) {
	ties, next, err := c.tieAttempt(part, e, theirs)
	if err != nil {
		return nil, err
	}
	bias, channels, err := c.biasAttempt(part, e, theirs)
	switch {
	case err != nil:
		return nil, err
	case ties != nil && bias != nil:
		bias.weak = next <= 4*channels
		ties.weak = !bias.weak
		return []*attempt{ties, bias}, nil
	case ties != nil:
		return []*attempt{ties}, nil
	case bias != nil:
		return []*attempt{bias}, nil
	}
	return nil, nil
}

// maxBiasStep is how far another bias is looked for.
const maxBiasStep = 2

// biasAttempt looks for a bias near ours, channel by channel, that gives their integers. It returns nil for none, and
// the number of channels.
func (c *comparison) biasAttempt(part cut, e *evaluator, theirs codes) (*attempt, int, error) {
	n := part.main()
	if n.Op != graph.Conv && n.Op != graph.Gemm && n.Op != graph.MatMul || n.Input(2) == "" || len(theirs.shape) < 2 {
		return nil, 0, nil
	}
	channels, inner := c.g.Values[n.Inputs[2]].Const.Shape[0], 1
	for _, d := range theirs.shape[2:] {
		inner *= d
	}
	if theirs.shape[1] != channels {
		return nil, 0, nil // reshaped behind the layer
	}
	steps, found := make([]int64, channels), make([]bool, channels)
	for _, d := range []int64{0, 1, -1, 2, -maxBiasStep} {
		r := rules{convention: c.g.Requant, biasSteps: slices.Repeat([]int64{d}, channels)}
		y, err := e.run(part.nodes, &r)
		if err != nil {
			return nil, 0, err
		}
		fits := slices.Repeat([]bool{true}, channels)
		for i, q := range y.code {
			if q != theirs.code[i] {
				fits[i/inner%channels] = false
			}
		}
		for o := range channels {
			if fits[o] && !found[o] {
				steps[o], found[o] = d, true
			}
		}
	}
	if slices.Contains(found, false) {
		return nil, 0, nil
	}
	apply := func(r *rules) { r.biasSteps = steps }
	return &attempt{of: []*Alternative{&otherBias}, apply: apply, equal: len(theirs.code)}, channels, nil
}

// nextToTie is how far from the middle between two codes, in steps, rounding errors of float32 sums reach.
const nextToTie = 1e-4

// tieAttempt reports whether each of their integers is a nearest one to the exact result, but for rounding errors of
// floating point, and how many elements are next to a tie.
func (c *comparison) tieAttempt(part cut, e *evaluator, theirs codes) (*attempt, int, error) {
	var bounds [2]codes
	for i, round := range []func(float64) float64{
		func(v float64) float64 { return math.Ceil(v - 0.5 - nextToTie) },
		func(v float64) float64 { return math.Floor(v + 0.5 + nextToTie) },
	} {
		r := rules{
			convention: c.g.Requant, round: round, double: true,
			scaled: func(acc float64, s scales) float64 { return acc * s.exact() },
		}
		var err error
		if bounds[i], err = e.run(part.nodes, &r); err != nil {
			return nil, 0, err
		}
	}
	next := 0
	for i, q := range theirs.code {
		lo, hi := bounds[0].code[i], bounds[1].code[i]
		if q < lo || q > hi {
			return nil, 0, nil
		}
		if lo < hi {
			next++
		}
	}
	return &attempt{of: []*Alternative{&nearTies}, apply: func(*rules) {}, equal: len(theirs.code)}, next, nil
}
