package diagnose

import (
	"context"
	"fmt"

	"linquant/graph"
	"linquant/tensor"
)

// Status says what came of a layer.
type Status string

// The outcomes for a layer.
const (
	Equal     Status = "equal"
	Differs   Status = "differs"
	Missing   Status = "missing"   // the dump has no array of that name
	Unreached Status = "no inputs" // the dump has not what the layer is computed from
)

// Layer is one value of codes, and how the other runtime's integers compare with ours.
type Layer struct {
	Value     string   // its name
	Op        graph.Op // that computes it, without Relu, Clip and reshapes behind
	Status    Status
	Elements  int
	Different int
	MaxStep   int    // the largest difference
	First     []int  // where the first element differs
	Ours      int32  // its code here
	Theirs    int32  // its code in the dump
	Needs     string // Unreached: the input of the network that is not there
}

// Report is the result of a comparison.
type Report struct {
	Layers   []Layer  // in the order in which they are computed
	Examples int      // in the dump
	First    int      // the first layer that differs, or −1
	Causes   []Cause  // that give the first layer's integers exactly, and most of the others that differ
	Lesser   []Cause  // that give the first layer's exactly too, and fewer of the others
	Closest  []Cause  // where there are none: those that come nearer than we do, the nearest first
	Patterns []string // where there are no causes: what the elements that differ have in common
	Later    []Later  // layers that differ and that the causes do not explain; the first few
	Tried    int      // ways of computing the first layer
	Unknown  []string // arrays that are no values of the network
}

// Later is a layer behind the first that differs for a cause of its own.
type Later struct {
	Value  string
	Causes []Cause // none where it is unknown
}

// Cause is a way to compute that the other runtime seems to have.
type Cause struct {
	Name        string
	Explanation string
	Remedy      string
	Equal       int // elements of the first layer that it gives
	Layers      int // layers that differ and that it gives exactly, this one included
}

// Count returns the number of layers with a status.
func (r *Report) Count(s Status) int {
	n := 0
	for _, l := range r.Layers {
		if l.Status == s {
			n++
		}
	}
	return n
}

// comparison is a comparison under way.
type comparison struct {
	ctx       context.Context
	g         *graph.Graph
	producers map[string]*graph.Node
	dump      *dump
	cuts      []cut // of each layer
	explained []int // layers whose cause is known
}

// Compare compares the arrays of a dump, named like the network's values, with what the network makes of them. Arrays
// for values of codes hold integers of any width, for other values floats; shapes are NCHW with the examples first.
// Values that are missing are computed from those before. Errors: a graph that is none, arrays of another shape or type
// or with integers that are no codes, a dump with no array that can be compared.
func Compare(ctx context.Context, g *graph.Graph, arrays map[string]tensor.Tensor) (*Report, error) {
	g, err := graph.InferShapes(g)
	if err != nil {
		return nil, err
	}
	d, err := newDump(g, arrays)
	if err != nil {
		return nil, err
	}
	c := &comparison{ctx: ctx, g: g, producers: g.Producers(), dump: d}
	report := &Report{Examples: d.batch, First: -1, Unknown: d.unknown}
	for _, n := range g.Nodes {
		name := n.Outputs[0]
		if _, ok := d.values[name]; g.Values[name].Quant == nil || !ok && moves(n.Op) {
			continue // reals, or codes that are there under another name
		}
		l, err := c.layer(n)
		if err != nil {
			return nil, err
		}
		if l.Status == Differs && report.First < 0 {
			report.First = len(report.Layers)
		}
		report.Layers = append(report.Layers, l)
	}
	if report.Count(Equal)+report.Count(Differs) == 0 {
		return nil, fmt.Errorf("no layer can be computed from its arrays: add the network's input %q", g.Inputs[0])
	}
	if report.First >= 0 {
		return report, c.diagnose(report)
	}
	return report, nil
}

// layer compares the output of a node.
func (c *comparison) layer(n *graph.Node) (Layer, error) {
	name := n.Outputs[0]
	l := Layer{Value: name, Op: n.Op, Status: Missing}
	theirs, ok := c.dump.values[name]
	if !ok {
		c.cuts = append(c.cuts, cut{})
		return l, nil
	}
	part := cutAt(c.g, c.producers, c.dump.values, name)
	c.cuts = append(c.cuts, part)
	if part.missing != "" {
		l.Status, l.Needs = Unreached, part.missing
		return l, nil
	}
	l.Op = part.main().Op
	ours, err := c.evaluator(c.dump).run(part.nodes, &rules{convention: c.g.Requant})
	if err != nil {
		return l, err
	}
	if len(ours.code) != len(theirs.code) {
		return l, fmt.Errorf("%v: it has %d elements here and %d there", n, len(ours.code), len(theirs.code))
	}
	l.Status, l.Elements = Equal, len(theirs.code)
	for i, q := range ours.code {
		step := int(theirs.code[i]) - int(q)
		if step == 0 {
			continue
		}
		if l.Different == 0 {
			l.Status, l.First, l.Ours, l.Theirs = Differs, position(i, theirs.shape), q, theirs.code[i]
		}
		l.Different++
		l.MaxStep = max(l.MaxStep, step, -step)
	}
	return l, nil
}

// evaluator returns an evaluator on the values of a dump.
func (c *comparison) evaluator(d *dump) *evaluator {
	return &evaluator{ctx: c.ctx, g: c.g, known: d.values, batch: d.batch, sums: map[sumKey][]int64{}}
}

// position returns the indices of element i.
func position(i int, shape tensor.Shape) []int {
	at := make([]int, len(shape))
	for d := len(shape) - 1; d >= 0; d-- {
		at[d] = i % shape[d]
		i /= shape[d]
	}
	return at
}
