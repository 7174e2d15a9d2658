package ptq_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
	"testing"

	"linquant/calib"
	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// net builds small networks.
type net struct {
	t testing.TB
	*graph.Graph
	seed uint32
}

func newNet(t testing.TB, shape ...int) *net {
	t.Helper()
	n := &net{t: t, Graph: graph.New("net"), seed: 1}
	n.AddInput("x", append(tensor.Shape{graph.Batch}, shape...))
	return n
}

// random returns n numbers in [-1, 1), the same ones on every machine.
func (n *net) random(count int) []float32 {
	x := make([]float32, count)
	for i := range x {
		n.seed = n.seed*1664525 + 1013904223
		x[i] = float32(int32(n.seed)>>8) / (1 << 23)
	}
	return x
}

// constant adds a constant; without values it is random.
func (n *net) constant(name string, shape tensor.Shape, values ...float32) string {
	n.t.Helper()
	if values == nil {
		count, err := shape.Elements()
		if err != nil {
			n.t.Fatal(err)
		}
		values = n.random(count)
	}
	v, err := tensor.Of(shape, values)
	if err != nil {
		n.t.Fatal(err)
	}
	n.AddConst(name, v)
	return name
}

// conv adds a convolution with a 3×3 kernel and padding 1.
func (n *net) conv(name, in string, from, to int) string {
	w := n.constant(name+".w", tensor.Shape{to, from, 3, 3})
	b := n.constant(name+".b", tensor.Shape{to})
	return n.AddNode(graph.Conv, name, name+".y", graph.Attrs{"pads": []int{1, 1, 1, 1}}, in, w, b)
}

func (n *net) gemm(name, in string, from, to int) string {
	w := n.constant(name+".w", tensor.Shape{to, from})
	b := n.constant(name+".b", tensor.Shape{to})
	return n.AddNode(graph.Gemm, name, name+".y", graph.Attrs{"transB": 1}, in, w, b)
}

// op adds an operator whose output is called as the node, with ".y".
func (n *net) op(op graph.Op, name string, attrs graph.Attrs, in ...string) string {
	return n.AddNode(op, name, name+".y", attrs, in...)
}

// done names the outputs and returns the network folded.
func (n *net) done(outputs ...string) *graph.Graph {
	n.t.Helper()
	n.Outputs = outputs
	g, err := graph.Fold(context.Background(), n.Graph)
	if err != nil {
		n.t.Fatal(err)
	}
	return g
}

// spread gives every value that must be observed a range, [-1, 2] for the first, then wider ones.
func spread(t testing.TB, g *graph.Graph, cfg ptq.Config) calib.Ranges {
	t.Helper()
	points, err := ptq.Points(g, cfg)
	if err != nil {
		t.Fatal(err)
	}
	ranges := calib.Ranges{}
	for i, p := range points {
		ranges[p.Value] = calib.Range{Lo: -float32(i + 1), Hi: 2 * float32(i+1)}
	}
	return ranges
}

func quantizeNet(t testing.TB, g *graph.Graph, cfg ptq.Config) (*graph.Graph, *ptq.NetworkReport) {
	t.Helper()
	q, report, err := ptq.Quantize(t.Context(), g, spread(t, g, cfg), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return q, report
}

// dump writes a graph as text: a line for every node, values with their type and, where they are codes, scale and zero
// point. Values with the same parameters are easy to see.
func dump(g *graph.Graph) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s -> %s, %v\n", values(g, g.Inputs), values(g, g.Outputs), g.Requant)
	for _, n := range g.Nodes {
		fmt.Fprintf(&b, "%s %s: %s -> %s\n", n.Op, n.Name, values(g, n.Inputs), values(g, n.Outputs))
	}
	return b.String()
}

func values(g *graph.Graph, names []string) string {
	var list []string
	for _, name := range names {
		v := g.Value(name)
		switch {
		case v == nil:
			list = append(list, fmt.Sprintf("%q", name))
		case v.Quant == nil:
			list = append(list, name)
		default:
			list = append(list, name+"{"+params(v.Quant)+"}")
		}
	}
	return strings.Join(list, " ")
}

func params(p *quant.Params) string {
	if p.Type.Bits == 32 {
		return fmt.Sprintf("%v ×%d", p.Type, len(p.Scale))
	}
	if p.Per == quant.PerChannel {
		return fmt.Sprintf("%v ×%d axis %d", p.Type, len(p.Scale), p.Axis)
	}
	if p.ZeroPoint == nil {
		return fmt.Sprintf("%v ×1", p.Type)
	}
	return fmt.Sprintf("%v %.4g %+d", p.Type, p.Scale[0], p.ZeroPoint[0])
}

// bytesOf writes everything about a graph, in an order that does not depend on maps.
func bytesOf(g *graph.Graph) string {
	var b strings.Builder
	b.WriteString(dump(g))
	names := slices.Collect(maps.Keys(g.Values))
	sort.Strings(names)
	for _, name := range names {
		v := g.Values[name]
		fmt.Fprintf(&b, "%s %v %v", name, v.DType, v.Shape)
		if v.Quant != nil {
			fmt.Fprintf(&b, " %v", *v.Quant)
		}
		if v.Const != nil {
			fmt.Fprintf(&b, " %x", v.Const.Data)
		}
		b.WriteByte('\n')
	}
	return b.String()
}
