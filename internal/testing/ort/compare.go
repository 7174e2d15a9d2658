package ort

import (
	"context"
	"fmt"
	"math"
	"slices"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// Layer is how one value of a network compares with ours, computed from the same input integers.
type Layer struct {
	Value    string
	Op       graph.Op // that computes it, without Relus and Clips behind
	Exact    bool     // Conv, Gemm and MatMul: the integers must be equal
	Elements int
	Differ   int     // elements that differ
	Codes    int     // of theirs among these, each counted once
	Steps    int     // the largest difference
	Tie      float64 // how far from a tie between their code and ours an element that differs is at most, in steps
}

// Check returns an error unless the layer is as close as it must be: exact layers equal; others at most one step apart,
// in at most 0.1% of the elements (one in small layers), each within 1e-4 of a tie. Pooling by average may differ in
// any number of elements that close to a tie: the average of four codes lies in the middle between two codes for one
// in four, and if the scales before and after are alike the last bit of a float decides where it goes. A function of each
// element is a table of 256 codes: where two of these differ, all elements with them do.
func (l Layer) Check() error {
	row, _ := graph.Lookup(l.Op)
	many := l.Differ > max(1, l.Elements/1000) && l.Op != graph.AveragePool && l.Op != graph.GlobalAveragePool
	if row.Unary != nil && l.Codes <= 2 {
		many = false
	}
	switch {
	case l.Differ == 0:
		return nil
	case l.Exact:
		return fmt.Errorf("%s %q: %d of %d integers differ, by up to %d", l.Op, l.Value, l.Differ, l.Elements, l.Steps)
	case l.Steps > 1 || l.Tie > 1e-4 || many:
		return fmt.Errorf("%s %q: %d of %d integers differ, by up to %d, up to %.2g from a tie",
			l.Op, l.Value, l.Differ, l.Elements, l.Steps, l.Tie)
	}
	return nil
}

// Evaluator computes one value of codes of a network from the network's inputs, which are reals or codes as the graph
// says.
type Evaluator func(g *graph.Graph, inputs map[string]tensor.Tensor, value string) (tensor.Tensor, error)

// Compare computes every value of codes that values has from the other ones in it, with the reference evaluator, and
// compares. A layer is judged by itself: what another one did before it plays no part.
func Compare(g *graph.Graph, values map[string]tensor.Tensor) ([]Layer, error) {
	return CompareWith(g, values, Reference)
}

// Reference is graph.Eval as an Evaluator. It is slow: whole networks take the engine.
func Reference(g *graph.Graph, inputs map[string]tensor.Tensor, value string) (tensor.Tensor, error) {
	out, err := graph.Eval(context.Background(), g, inputs, []string{value})
	return out[value], err
}

// CompareWith is Compare with another evaluator. How far from a tie a difference is the reference says, also then.
func CompareWith(g *graph.Graph, values map[string]tensor.Tensor, ours Evaluator) ([]Layer, error) {
	var layers []Layer
	err := cuts(g, values, func(c *cut, n *graph.Node) error {
		if c.g.Values[n.Outputs[0]].Quant == nil {
			return nil
		}
		l, err := c.compare(n.Outputs[0], values[n.Outputs[0]], ours)
		layers = append(layers, l)
		return err
	})
	return layers, err
}

// cuts visits the nodes whose value is known, each with the part of the network between it and those known before it.
func cuts(g *graph.Graph, values map[string]tensor.Tensor, visit func(*cut, *graph.Node) error) error {
	g, err := graph.InferShapes(g)
	if err != nil {
		return err
	}
	producers := g.Producers()
	for _, n := range g.Nodes {
		if _, known := values[n.Outputs[0]]; !known {
			continue
		}
		c := &cut{g: g, producers: producers, values: values, seen: map[string]bool{}}
		if err := c.back(n.Outputs[0]); err != nil {
			return err
		}
		if err := visit(c, n); err != nil {
			return fmt.Errorf("%v: %w", n, err)
		}
	}
	return nil
}

// cut is the part of a network between one value and those known before it.
type cut struct {
	g         *graph.Graph
	producers map[string]*graph.Node
	values    map[string]tensor.Tensor
	seen      map[string]bool
	nodes     []*graph.Node
	inputs    []string
}

func (c *cut) back(name string) error {
	n := c.producers[name]
	if n == nil || slices.Contains(c.nodes, n) {
		return nil
	}
	for _, in := range n.Inputs {
		if in == "" || c.seen[in] || c.g.Values[in].Const != nil {
			continue
		}
		c.seen[in] = true
		// What does not begin with a batch follows from constants, and cannot be an input, unless all is one example.
		if _, known := c.values[in]; known && (c.g.Whole() || len(c.g.Values[in].Shape) == 0 || c.g.Values[in].Shape[0] == graph.Batch) {
			c.inputs = append(c.inputs, in)
			continue
		}
		if c.producers[in] == nil {
			return fmt.Errorf("the input %q is not among the values", in)
		}
		if err := c.back(in); err != nil {
			return err
		}
	}
	c.nodes = append(c.nodes, n)
	return nil
}

func (c *cut) compare(name string, theirs tensor.Tensor, evaluate Evaluator) (Layer, error) {
	l := Layer{Value: name, Elements: theirs.Elements(), Op: c.nodes[len(c.nodes)-1].Op}
	for _, n := range slices.Backward(c.nodes) {
		l.Op = n.Op
		if n.Op != graph.Relu && n.Op != graph.Clip {
			break
		}
	}
	l.Exact = l.Op == graph.Conv || l.Op == graph.Gemm || l.Op == graph.MatMul
	ours, err := evaluate(c.part(name), c.known(), name)
	if err != nil {
		return l, err
	}
	if ours.DType != theirs.DType || !ours.Shape.Equal(theirs.Shape) {
		return l, fmt.Errorf("theirs is %v %v, ours %v %v", theirs.DType, theirs.Shape, ours.DType, ours.Shape)
	}
	var reals []float32
	codes := map[byte]bool{}
	for i := range ours.Data {
		d := step(ours, i) - step(theirs, i)
		if d == 0 {
			continue
		}
		if reals == nil {
			if reals, err = c.reals(name); err != nil {
				return l, err
			}
		}
		if reals[i] != reals[i] { // ONNX does not say what a NaN's code is
			continue
		}
		l.Differ++
		codes[theirs.Data[i]] = true
		l.Steps = max(l.Steps, d, -d)
		q := c.g.Values[name].Quant
		away := float64(step(theirs, i)-int(q.ZeroPointOf(0))) - float64(reals[i])/float64(q.Scale[0])
		l.Tie = max(l.Tie, math.Abs(math.Abs(away)-0.5)) // at a tie their code too is half a step from the real
	}
	l.Codes = len(codes)
	return l, nil
}

func step(t tensor.Tensor, i int) int {
	if t.DType == tensor.Int8 {
		return int(int8(t.Data[i]))
	}
	return int(t.Data[i])
}

// part returns the cut as a network of its own.
func (c *cut) part(output string) *graph.Graph {
	part := graph.New(c.g.Name)
	part.Requant = c.g.Requant
	part.Inputs, part.Outputs, part.Nodes = c.inputs, []string{output}, c.nodes
	for _, name := range c.inputs {
		part.Values[name] = c.g.Values[name]
	}
	for _, n := range c.nodes {
		for _, v := range slices.Concat(n.Inputs, n.Outputs) {
			if v != "" {
				part.Values[v] = c.g.Values[v]
			}
		}
	}
	return part
}

// known returns the values that the cut begins with.
func (c *cut) known() map[string]tensor.Tensor {
	inputs := map[string]tensor.Tensor{}
	for _, name := range c.inputs {
		inputs[name] = c.values[name]
	}
	return inputs
}

// reals computes a value before it is rounded: the same nodes on the reals that the codes stand for.
func (c *cut) reals(name string) ([]float32, error) {
	const suffix = " in reals"
	part := graph.New(c.g.Name)
	part.Inputs = c.inputs
	named := map[string]string{} // reals of codes
	real := func(in string) string {
		v := c.g.Values[in]
		switch {
		case named[in] != "":
			return named[in]
		case v == nil:
			return in
		}
		part.Values[in] = v
		if v.Quant == nil {
			return in
		}
		named[in] = part.AddNode(graph.DequantizeLinear, in+suffix, in+suffix, nil, in)
		return named[in]
	}
	for _, in := range c.inputs {
		real(in)
	}
	for _, n := range c.nodes {
		in := make([]string, len(n.Inputs))
		for i, name := range n.Inputs {
			in[i] = real(name)
		}
		out := n.Outputs[0]
		switch {
		case n.Op == graph.QuantizeLinear && out == name, n.Op == graph.DequantizeLinear:
			named[out] = in[0]
		case n.Op == graph.QuantizeLinear:
			part.Values[out] = c.g.Values[out]
			part.AddNode(n.Op, n.Name, out, nil, in...)
		default:
			named[out] = part.AddNode(n.Op, n.Name, out+suffix, n.Attrs, in...)
		}
	}
	part.Outputs = []string{named[name]}
	part.Requant = quant.ONNX
	t, err := Reference(part, c.known(), named[name])
	if err != nil {
		return nil, err
	}
	return t.Float32s()
}
