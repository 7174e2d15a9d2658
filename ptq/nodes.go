package ptq

import (
	"bytes"

	"linquant/graph"
	"linquant/quant"
)

// island copies a node that stays in floating point.
func (b *builder) island(n *graph.Node) {
	c := n.Clone()
	for i, in := range c.Inputs {
		switch {
		case isConst(b.g, in):
			b.out.Values[in] = b.g.Value(in).Clone()
		case in != "":
			c.Inputs[i] = b.reals[in]
		}
	}
	b.out.Nodes = append(b.out.Nodes, c)
	b.report.Float = append(b.report.Float, Island{Node: n.Label(), Op: n.Op, Reason: b.reasons[n]})
}

// integers copies a node that computes with codes, its constants quantized.
func (b *builder) integers(n *graph.Node) error {
	c := n.Clone()
	b.out.Nodes = append(b.out.Nodes, c)
	for i, in := range c.Inputs {
		if b.isActivation(in) {
			c.Inputs[i] = b.codes[in]
		}
	}
	output := b.params[b.group(n.Outputs[0])]
	switch b.roles[n] {
	case layer:
		return b.layer(c, n, output)
	case join:
		return b.operands(c, &output, output.Type)
	case own:
		return b.operands(c, nil, output.Type)
	}
	return nil
}

// layer gives the copy c of node n its integer weight and bias.
func (b *builder) layer(c, n *graph.Node, output Activation) error {
	l, err := b.integerLayer(n, b.params[b.group(n.Input(0))], output)
	if err != nil {
		return nodeError(n, err)
	}
	c.Inputs[1] = b.addConst(n.Input(1), l.weight)
	switch {
	case l.bias == nil:
	case n.Input(2) != "":
		c.Inputs[2] = b.addConst(n.Input(2), l.bias)
	default: // the method gave the layer one
		l.bias.Name = b.unique(n.Label() + "_bias")
		b.out.Values[l.bias.Name] = l.bias
		c.Inputs = append(c.Inputs[:2:2], l.bias.Name)
	}
	b.report.Layers = append(b.report.Layers, l.report)
	return nil
}

// operands gives the copy c of a node without weights its constant inputs as codes.
func (b *builder) operands(c *graph.Node, given *Activation, t quant.Type) error {
	for i, in := range c.Inputs {
		if !isConst(b.g, in) {
			continue
		}
		q, a, err := quantizeOperand(b.g.Value(in), t, b.cfg.ActSymmetric, given)
		if err != nil {
			return nodeError(c, err)
		}
		c.Inputs[i] = b.addConst(in, q)
		if given == nil {
			b.report.Activations = append(b.report.Activations, a)
		}
	}
	return nil
}

// addConst adds a constant of codes that stands for the constant of that name, and returns its name.
func (b *builder) addConst(name string, v *graph.Value) string {
	for _, old := range b.consts[name] {
		if sameCodes(old, v) {
			return old.Name // two nodes share it
		}
	}
	v.Name = b.claim(name)
	b.out.Values[v.Name] = v
	b.consts[name] = append(b.consts[name], v)
	return v.Name
}

// sameCodes reports whether two constants hold the same codes of the same parameters.
func sameCodes(a, b *graph.Value) bool {
	return graph.SameParams(a.Quant, b.Quant) && a.Const.Shape.Equal(b.Const.Shape) &&
		bytes.Equal(a.Const.Data, b.Const.Data)
}
