package graph_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/tensor"
)

// What has a form on codes and yet stays in floating point has a step, a pole, turns or more digits than a
// code, or stands between reals and codes; nothing else does.
func TestIslandsThatHaveCodes(t *testing.T) {
	var islands []graph.Op
	for _, o := range graph.Operators() {
		if o.Role == graph.RoleIsland && !o.FloatOnly {
			islands = append(islands, o.Op)
		}
	}
	want := []graph.Op{
		graph.Acos, graph.Acosh, graph.Asin, graph.Atanh, graph.Ceil, graph.Cos, graph.Cosh, graph.DequantizeLinear, graph.Div,
		graph.Exponential, graph.Floor, graph.Logarithm, graph.Pow, graph.QuantizeLinear, graph.Reciprocal, graph.Round, graph.Sign,
		graph.Sin, graph.Sinh, graph.Sqrt, graph.Tan,
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

// What moves or selects elements gives their codes as they are, with the parameters of its input; nothing else does.
func TestOperatorsThatPassCodes(t *testing.T) {
	var pass []graph.Op
	for _, o := range graph.Operators() {
		if o.Role == graph.RolePass {
			pass = append(pass, o.Op)
		}
	}
	want := []graph.Op{
		graph.Dropout, graph.Expand, graph.Flatten, graph.Gather, graph.GlobalMaxPool, graph.Identity, graph.MaxPool, graph.Pad,
		graph.Reshape, graph.Resize, graph.Slice, graph.Squeeze, graph.Tile, graph.Transpose, graph.Unsqueeze,
	}
	if diff := cmp.Diff(want, pass); diff != "" {
		t.Error(diff)
	}
}

// A product of computed operands is one of integers as long as its sums fit: 33025·255·255 is the last below 2³¹.
func TestDepthOfProducts(t *testing.T) {
	for depth, want := range map[int]graph.Role{33025: graph.RoleOwn, 33026: graph.RoleIsland} {
		g := graph.New("product")
		g.AddInput("a", tensor.Shape{graph.Batch, 1, depth})
		g.AddInput("b", tensor.Shape{graph.Batch, depth, 1})
		g.AddNode(graph.MatMul, "product", "y", nil, "a", "b")
		if role, why := graph.RoleOf(g, g.Nodes[0]); role != want {
			t.Errorf("a depth of %d: the role is %v, want %v: %q", depth, role, want, why)
		}
	}
}

// A division is one of codes where it is by one number, and a layer has one bias for each of its outputs.
func TestRolesByConstants(t *testing.T) {
	for _, c := range []struct {
		op     graph.Op
		attrs  graph.Attrs
		shapes []tensor.Shape // of constants
		want   graph.Role
	}{
		{graph.Div, nil, []tensor.Shape{{1}}, graph.RoleOwn},
		{graph.Div, nil, []tensor.Shape{{4}}, graph.RoleIsland},
		{graph.Gemm, graph.Attrs{"transB": 1}, []tensor.Shape{{3, 4}, {1, 3}}, graph.RoleLayer},
		{graph.Gemm, graph.Attrs{"transB": 1}, []tensor.Shape{{3, 4}, {1}}, graph.RoleLayer},
		{graph.Gemm, graph.Attrs{"transB": 1}, []tensor.Shape{{3, 4}, {3, 1}}, graph.RoleIsland}, // one for each example
	} {
		g := graph.New("constants")
		g.AddInput("x", tensor.Shape{graph.Batch, 4})
		inputs := []string{"x"}
		for i, shape := range c.shapes {
			inputs = append(inputs, string(rune('a'+i)))
			g.AddConst(inputs[i+1], of(t, shape, pseudo(elements(shape), 3, 8)))
		}
		g.AddNode(c.op, "node", "y", c.attrs, inputs...)
		if role, why := graph.RoleOf(g, g.Nodes[0]); role != c.want {
			t.Errorf("%v of constants %v: the role is %v, want %v: %q", c.op, c.shapes, role, c.want, why)
		}
	}
}

// A Resize passes codes on where each of its elements is one of the input's, and stays in floating point where it mixes
// several.
func TestRolesOfResize(t *testing.T) {
	for mode, want := range map[string]graph.Role{"nearest": graph.RolePass, "linear": graph.RoleIsland, "cubic": graph.RoleIsland} {
		g := graph.New("resize")
		g.AddInput("x", tensor.Shape{graph.Batch, 1, 4, 4})
		g.AddNode(graph.Resize, "resize", "y", graph.Attrs{"mode": mode, "scales": []float32{1, 1, 2, 2}}, "x")
		if role, why := graph.RoleOf(g, g.Nodes[0]); role != want {
			t.Errorf("%s: the role is %v, want %v: %q", mode, role, want, why)
		}
	}
}
