package engine_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"linquant/graph"
)

// Operators that reals cannot be compared with to the last digits: with steps or poles, with a part of the reals for
// their domain, or which grow without end. On codes they are drawn like the others.
var forCodes = []graph.Op{
	graph.Ceil, graph.Exponential, graph.Floor, graph.Logarithm, graph.Reciprocal, graph.Round, graph.Sign, graph.Sqrt,
	graph.ThresholdedRelu, graph.Div, graph.Pow, graph.ReduceL1, graph.ReduceL2, graph.ReduceLogSum, graph.ReduceProd,
	graph.ReduceSum, graph.ReduceSumSquare,
}

// ofClass draws an operator of a class, but none of those.
func (b *generator) ofClass(class graph.Class, but ...graph.Op) graph.Op {
	var ops []graph.Op
	for _, row := range graph.Operators() {
		if row.Class == class && !slices.Contains(but, row.Op) && (b.codes || !slices.Contains(forCodes, row.Op)) {
			ops = append(ops, row.Op)
		}
	}
	return rapid.SampledFrom(ops).Draw(b.T, class.String())
}

// The networks that are compared with the evaluator have every operator that a graph can have, in reals and on codes.
func TestEveryOperatorIsDrawn(t *testing.T) {
	for _, codes := range []bool{false, true} {
		drawn := map[graph.Op]bool{}
		for seed := range 1500 {
			g := rapid.Custom(func(t *rapid.T) *graph.Graph { return drawNetwork(t, codes) }).Example(seed)
			for _, n := range g.Nodes {
				drawn[n.Op] = drawn[n.Op] || codes == (g.Values[n.Outputs[0]].Quant != nil)
			}
		}
		for _, row := range graph.Operators() {
			never := codes && row.FloatOnly || !codes && slices.Contains(forCodes, row.Op) || row.Op == graph.DequantizeLinear ||
				!codes && row.Op == graph.QuantizeLinear
			if !drawn[row.Op] && !never {
				t.Errorf("codes %v: no network has a %v", codes, row.Op)
			}
		}
	}
}
