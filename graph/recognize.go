package graph

import (
	"math"
	"slices"
)

// Recognize finds operators that exporters spell out in pieces, because the opset had no name for them, and makes one
// node of each:
//
//	Clip(x + 3, 0, 6) / 6                                    HardSigmoid
//	x · HardSigmoid(x), with alpha 1/6 and beta 1/2          HardSwish
//	x · Sigmoid(x), x · Tanh(Softplus(x))                    Swish, Mish
//	x · (1 + Erf(x/√2)) / 2, and its form with Tanh          Gelu
//	(x − mean) / √(variance + epsilon) · scale + bias        LayerNormalization
//
// A network runs faster so; and in integers it loses less, since one table or one float node takes the place of a chain
// that would round to codes at every step. The operands may come in any order, and the constants may be multiplied or
// divided by. The new node has the name and the output of the last one of the pieces. Others stay if somebody else
// reads what they compute. Shapes must have been inferred and constants folded; the network computes the same up to
// rounding. Nodes on codes, which round in between, are no pieces. It changes the graph itself.
func (g *Graph) Recognize() {
	p := pieces{g, map[string]*Node{}}
	for _, n := range g.Nodes {
		if g.Values[n.Outputs[0]].Quant != nil {
			continue
		}
		p.producers[n.Outputs[0]] = n
		p.recognize(n, func(*Operator) bool { return true })
	}
	g.Prune()
}

// recognizer returns the node that stands for the pieces of which n is the last, nil where n is not.
type recognizer = func(p pieces, n *Node) *Node

// recognize makes n the operator that it completes, one of the wanted.
func (p pieces) recognize(n *Node, wanted func(*Operator) bool) {
	for _, o := range rows {
		for _, whole := range o.spelled {
			if !wanted(o) {
				continue
			}
			if r := whole(p, n); r != nil {
				n.Op, n.Inputs, n.Attrs = r.Op, r.Inputs, r.Attrs
				return
			}
		}
	}
}

// pieces looks for nodes among those that compute values.
type pieces struct {
	g         *Graph
	producers map[string]*Node
}

// made returns the node that computes a value if it has that operator, nil otherwise.
func (p pieces) made(name string, op Op) *Node {
	if n := p.producers[name]; n != nil && n.Op == op {
		return n
	}
	return nil
}

// scalar returns a constant of one element.
func (p pieces) scalar(name string) (float64, bool) {
	v := p.g.Values[name]
	if !isReal(v) || v.Const.Elements() != 1 {
		return 0, false
	}
	x, ok := floats(v)
	if !ok {
		return 0, false
	}
	return float64(x[0]), true
}

// plus returns what a node adds the constant to; "" where it does not.
func (p pieces) plus(n *Node, constant float64) string {
	if n == nil || n.Op != Add {
		return ""
	}
	for i, in := range n.Inputs {
		if c, ok := p.scalar(in); ok && isNear(c, constant) {
			return n.Inputs[1-i]
		}
	}
	return ""
}

// times returns what a node multiplies by the constant, or divides by its reciprocal; "" where it does not.
func (p pieces) times(n *Node, constant float64) string {
	switch {
	case n == nil:
	case n.Op == Mul:
		for i, in := range n.Inputs {
			if c, ok := p.scalar(in); ok && isNear(c, constant) {
				return n.Inputs[1-i]
			}
		}
	case n.Op == Div:
		if c, ok := p.scalar(n.Inputs[1]); ok && isNear(c, 1/constant) {
			return n.Inputs[0]
		}
	}
	return ""
}

// isNear allows for constants that were written with few digits, such as 0.7071.
func isNear(a, b float64) bool { return math.Abs(a-b) <= 1e-4*math.Abs(b) }

// relu6 returns x where the value is Clip(x + 3, 0, 6), or the same as a Relu and a Clip; "" otherwise.
func (p pieces) relu6(name string) string {
	n := p.made(name, Clip)
	if n == nil || n.Float("max") != 6 {
		return ""
	}
	in, least := n.Inputs[0], n.Float("min")
	if relu := p.made(in, Relu); relu != nil {
		in, least = relu.Inputs[0], max(least, 0)
	}
	if least != 0 {
		return ""
	}
	return p.plus(p.producers[in], 3)
}

// hardSigmoid recognizes Clip(x + 3, 0, 6) / 6.
func (p pieces) hardSigmoid(n *Node) *Node {
	if x := p.relu6(p.times(n, 1.0/6)); x != "" {
		return &Node{Op: HardSigmoid, Inputs: []string{x}, Attrs: Attrs{"alpha": float32(1.0 / 6), "beta": float32(0.5)}}
	}
	return nil
}

// hardSwish recognizes x · HardSigmoid(x), and x · Clip(x + 3, 0, 6) divided last.
func (p pieces) hardSwish(n *Node) *Node {
	found := p.gated(n, func(gate *Node, x string) bool {
		return gate.Op == HardSigmoid && gate.Inputs[0] == x && isNear(float64(gate.Float("alpha")), 1.0/6) && gate.Float("beta") == 0.5
	})
	if product := p.made(p.times(n, 1.0/6), Mul); found == "" && product != nil {
		for i, in := range product.Inputs {
			if x := product.Inputs[1-i]; p.relu6(in) == x {
				found = x
			}
		}
	}
	return function(HardSwish, found)
}

// swish recognizes x · Sigmoid(x).
func (p pieces) swish(n *Node) *Node {
	return function(Swish, p.gated(n, func(gate *Node, x string) bool { return gate.Op == Sigmoid && gate.Inputs[0] == x }))
}

// mish recognizes x · Tanh(Softplus(x)).
func (p pieces) mish(n *Node) *Node {
	return function(Mish, p.gated(n, func(gate *Node, x string) bool {
		s := p.made(gate.Inputs[0], Softplus)
		return gate.Op == Tanh && s != nil && s.Inputs[0] == x
	}))
}

// gated returns x where the node is the product of x and a gate of x; "" otherwise.
func (p pieces) gated(n *Node, is func(gate *Node, x string) bool) string {
	if n.Op != Mul {
		return ""
	}
	for i, name := range n.Inputs {
		if gate, x := p.producers[name], n.Inputs[1-i]; gate != nil && is(gate, x) {
			return x
		}
	}
	return ""
}

// function returns a node without attributes that computes a function of x, nil where x is "".
func function(op Op, x string) *Node {
	if x == "" {
		return nil
	}
	return &Node{Op: op, Inputs: []string{x}, Attrs: Attrs{}}
}

// gelu recognizes the product of x, half and what geluGate recognizes, in any order.
func (p pieces) gelu(n *Node) *Node {
	if n.Op != Mul && n.Op != Div {
		return nil
	}
	found := func(x, gate string) *Node {
		if approximate := p.geluGate(gate, x); approximate != "" {
			return &Node{Op: Gelu, Inputs: []string{x}, Attrs: Attrs{"approximate": approximate}}
		}
		return nil
	}
	if product := p.made(p.times(n, 0.5), Mul); product != nil { // (x · gate) · ½
		for i, gate := range product.Inputs {
			if r := found(product.Inputs[1-i], gate); r != nil {
				return r
			}
		}
	}
	if n.Op != Mul {
		return nil
	}
	for i, one := range n.Inputs {
		other := n.Inputs[1-i]
		if x := p.times(p.producers[one], 0.5); x != "" { // (x · ½) · gate
			if r := found(x, other); r != nil {
				return r
			}
		}
		if gate := p.times(p.producers[other], 0.5); gate != "" { // x · (gate · ½)
			if r := found(one, gate); r != nil {
				return r
			}
		}
	}
	return nil
}

// geluGate returns "none" where the value is 1 + Erf(x/√2), "tanh" where it is 1 + Tanh(√(2/π)·(x + 0.044715·x³)),
// and "" otherwise.
func (p pieces) geluGate(name, x string) string {
	inner := p.producers[p.plus(p.producers[name], 1)]
	switch {
	case inner == nil:
	case inner.Op == Erf:
		if p.times(p.producers[inner.Inputs[0]], math.Sqrt2/2) == x {
			return "none"
		}
	case inner.Op == Tanh:
		sum := p.made(p.times(p.producers[inner.Inputs[0]], math.Sqrt(2/math.Pi)), Add)
		if sum == nil {
			return ""
		}
		for i, in := range sum.Inputs {
			if sum.Inputs[1-i] == x && p.cubes(p.times(p.producers[in], 0.044715), x) {
				return "tanh"
			}
		}
	}
	return ""
}

// cubes reports whether a value is x³, as a power or as x·x·x.
func (p pieces) cubes(name, x string) bool {
	return p.isPower(name, x, 3, func(other string) bool { return p.squares(other, x) })
}

// squares reports whether a value is x², as a power or as x·x.
func (p pieces) squares(name, x string) bool {
	return p.isPower(name, x, 2, func(other string) bool { return other == x })
}

// isPower reports whether a value is a power of x, or the product of x and a factor.
func (p pieces) isPower(name, x string, exponent float64, factor func(string) bool) bool {
	n := p.producers[name]
	switch {
	case n == nil:
		return false
	case n.Op == Pow:
		c, ok := p.scalar(n.Inputs[1])
		return ok && c == exponent && n.Inputs[0] == x
	case n.Op == Mul:
		i := slices.Index(n.Inputs, x)
		return i >= 0 && factor(n.Inputs[1-i])
	}
	return false
}
