package pipeline

import (
	"cmp"
	"math"
	"slices"

	"linquant/graph"
)

// far is how many times the median the largest weight of an odd channel is.
const far = 4

// oddChannels lists the output channels of a layer that stand out.
func (d *diagnosing) oddChannels(float *graph.Graph, name string) []OddChannel {
	coded := d.weights.nodes[name]
	if name == "" || coded == nil {
		return nil
	}
	n := d.node(name)
	if graph.NoLayer(float, n) != "" {
		return nil
	}
	v := float.Value(n.Input(1))
	if v == nil || v.Const == nil {
		return nil
	}
	w, err := v.Const.Float32s()
	if err != nil {
		return nil
	}
	axis, inner := graph.ChannelAxis(n, len(v.Const.Shape)), 1
	for _, size := range v.Const.Shape[axis+1:] {
		inner *= size
	}
	largest := make([]float64, v.Const.Shape[axis])
	for i, x := range w {
		c := i / inner % len(largest)
		largest[c] = max(largest[c], math.Abs(float64(x)))
	}
	ordered := slices.Sorted(slices.Values(largest))
	median := (ordered[len(ordered)/2] + ordered[(len(ordered)-1)/2]) / 2
	if !(median > 0) {
		return nil
	}
	var odd []OddChannel
	for c, m := range largest {
		if r := m / median; r >= far || r <= 1.0/far {
			odd = append(odd, OddChannel{c, r})
		}
	}
	distance := func(c OddChannel) float64 { return math.Abs(math.Log(c.Ratio)) }
	slices.SortStableFunc(odd, func(a, b OddChannel) int { return cmp.Compare(distance(b), distance(a)) })
	return odd
}
