package diagnose

import (
	"slices"
	"testing"

	"linquant/graph"
)

// unsearched are the operators with an integer role for which no deviation of another runtime is looked for, and why.
// A layer of one that differs is reported, with the patterns of its differences, and without a cause.
var unsearched = map[graph.Op]string{}

func init() {
	for why, ops := range map[string][]graph.Op{
		"it hands codes on as they are, and makes none": {
			graph.Dropout, graph.Expand, graph.Flatten, graph.Gather, graph.GlobalMaxPool, graph.Identity, graph.Reshape, graph.Resize,
			graph.Slice, graph.Squeeze, graph.Tile, graph.Transpose, graph.Unsqueeze,
		},
	} {
		for _, op := range ops {
			unsearched[op] = why
		}
	}
}

// Every operator that can compute from codes is among those that some alternative concerns, or it is said why not.
func TestEveryOperatorIsSearched(t *testing.T) {
	for _, row := range graph.Operators() {
		searched := slices.ContainsFunc(Alternatives(), func(a Alternative) bool { return slices.Contains(a.Operators, row.Op) })
		why := unsearched[row.Op]
		switch {
		case searched && why != "":
			t.Errorf("%s is searched, and said not to be: %s", row.Op, why)
		case row.Role != graph.RoleIsland && !searched && why == "":
			t.Errorf("%s computes from codes, and nothing is searched where it differs: name it in an alternative, or say why not", row.Op)
		}
	}
	for op := range unsearched {
		if row, ok := graph.Lookup(op); !ok || row.Role == graph.RoleIsland {
			t.Errorf("%s is said not to be searched, and never computes from codes", op)
		}
	}
}
