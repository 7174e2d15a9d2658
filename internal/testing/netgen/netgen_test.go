package netgen

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"linquant/graph"
	_ "linquant/internal/testing/seeds"
)

// The networks have every operator that a graph can have, in reals and on codes.
func TestEveryOperatorIsDrawn(t *testing.T) {
	for _, codes := range []bool{false, true} {
		drawn := map[graph.Op]bool{}
		for seed := range 4000 {
			g := rapid.Custom(func(t *rapid.T) *graph.Graph { return Draw(t, codes) }).Example(seed)
			for _, n := range g.Nodes {
				drawn[n.Op] = drawn[n.Op] || codes == (g.Values[n.Outputs[0]].Quant != nil)
			}
		}
		for _, row := range graph.Operators() {
			never := codes && row.FloatOnly || !codes && slices.Contains(forCodes, row.Op) || row.Op == graph.DequantizeLinear ||
				!codes && row.Op == graph.QuantizeLinear || row.Op == graph.ScatterND // which mixes examples
			if !drawn[row.Op] && !never {
				t.Errorf("codes %v: no network has a %v", codes, row.Op)
			}
		}
	}
}
