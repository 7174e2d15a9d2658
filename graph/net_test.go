package graph_test

import (
	"math"
	"slices"
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// net builds float networks for tests. Its methods return the name of the output, which is also the node's.
type net struct {
	t testing.TB
	*graph.Graph
	seed int
}

func newNet(t testing.TB, shape ...int) *net {
	n := &net{t, graph.New("test"), 1}
	n.AddInput("x", append(tensor.Shape{graph.Batch}, shape...))
	return n
}

func (n *net) constant(name string, shape ...int) string {
	n.seed++
	n.AddConst(name, of(n.t, shape, pseudo(elements(shape), n.seed, -128)))
	return name
}

func (n *net) node(op graph.Op, name string, attrs graph.Attrs, inputs ...string) string {
	return n.AddNode(op, name, name, attrs, inputs...)
}

func (n *net) conv(name, x string, out, in, pad int, bias bool) string {
	inputs := []string{x, n.constant(name+".weight", out, in, 3, 3)}
	if bias {
		inputs = append(inputs, n.constant(name+".bias", out))
	}
	return n.node(graph.Conv, name, graph.Attrs{"pads": []int{pad, pad, pad, pad}}, inputs...)
}

func (n *net) norm(name, x string, channels int) string {
	inputs := []string{x, n.constant(name+".scale", channels), n.constant(name+".shift", channels), n.constant(name+".mean", channels)}
	n.seed++
	n.AddConst(name+".var", of(n.t, tensor.Shape{channels}, pseudo(channels, n.seed, 10)))
	return n.node(graph.BatchNormalization, name, nil, append(inputs, name+".var")...)
}

func (n *net) outputs(names ...string) *graph.Graph {
	n.Outputs = names
	return n.Graph
}

// sameResults evaluates both graphs and compares all outputs, relative to the largest magnitude of each.
func sameResults(t testing.TB, a, b *graph.Graph) {
	t.Helper()
	inputs := map[string]tensor.Tensor{}
	for i, name := range a.Inputs {
		shape := slices.Clone(a.Value(name).Shape)
		shape[0] = 2
		inputs[name] = of(t, shape, pseudo(elements(shape), 5+i, -128))
	}
	x, err := graph.Eval(t.Context(), a, inputs, nil)
	if err != nil {
		t.Fatal(err)
	}
	y, err := graph.Eval(t.Context(), b, inputs, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name := range x {
		want, got, most := floats(t, x[name]), floats(t, y[name]), 1e-6
		for _, v := range want {
			most = math.Max(most, math.Abs(float64(v)))
		}
		if !x[name].Shape.Equal(y[name].Shape) {
			t.Fatalf("output %q has shape %v, want %v", name, y[name].Shape, x[name].Shape)
		}
		for i := range want {
			if d := math.Abs(float64(want[i]) - float64(got[i])); !(d <= 1e-5*most) {
				t.Fatalf("output %q, element %d: %g became %g", name, i, want[i], got[i])
			}
		}
	}
}
