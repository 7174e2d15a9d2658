package engine

import (
	"testing"

	"linquant/graph"
)

// Every operator that a graph can have is lowered in reals, and on codes unless it has no form there; functions of
// elements and reductions need no word about them here.
func TestEveryOperatorIsLowered(t *testing.T) {
	for _, row := range graph.Operators() {
		l, ok := loweringOf(row.Op)
		switch {
		case !ok || l.reals == nil:
			t.Errorf("%v is not lowered: give it a lowering, or its class", row.Op)
		case (l.codes == nil) != row.FloatOnly:
			t.Errorf("%v: that it has no form on codes is %v in graph, and it has a lowering of codes: %v",
				row.Op, row.FloatOnly, l.codes != nil)
		}
		if _, own := byOperator[row.Op]; own {
			switch row.Class {
			case graph.ClassUnary, graph.ClassBinary, graph.ClassReduction:
				t.Errorf("%v: its row in graph says all there is", row.Op)
			}
		}
	}
	for op := range byOperator {
		if !op.Known() {
			t.Errorf("no graph has the operator %v", op)
		}
	}
}
