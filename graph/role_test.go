package graph_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/tensor"
)

// What has a form on codes and yet stays in floating point has a step, a pole or more digits than a code, or stands
// between reals and codes; nothing else does.
func TestIslandsThatHaveCodes(t *testing.T) {
	var islands []graph.Op
	for _, o := range graph.Operators() {
		if o.Role == graph.RoleIsland && !o.FloatOnly {
			islands = append(islands, o.Op)
		}
	}
	want := []graph.Op{
		graph.Ceil, graph.DequantizeLinear, graph.Div, graph.Exponential, graph.Floor, graph.Logarithm, graph.Pow,
		graph.QuantizeLinear, graph.Reciprocal, graph.Round, graph.Sign, graph.Sqrt,
	}
	slices.Sort(want)
	if diff := cmp.Diff(want, islands); diff != "" {
		t.Error(diff)
	}
}

// A layer is one in the form that Fold brings it to, and says why not in another.
func TestLayersInOneForm(t *testing.T) {
	for _, c := range []struct {
		attrs graph.Attrs
		role  graph.Role
	}{
		{graph.Attrs{"transB": 1}, graph.RoleLayer},
		{nil, graph.RoleIsland},
		{graph.Attrs{"transB": 1, "transA": 1}, graph.RoleIsland},
		{graph.Attrs{"transB": 1, "alpha": float32(2)}, graph.RoleIsland},
	} {
		g := one(t, graph.Gemm, c.attrs, tensor.Shape{graph.Batch, 4}, tensor.Shape{4, 4}, tensor.Shape{4})
		role, why := graph.RoleOf(g, g.Nodes[0])
		if role != c.role || (why == "") != (role == graph.RoleLayer) {
			t.Errorf("%v: the role is %v, want %v: %q", c.attrs, role, c.role, why)
		}
	}
}
