package ptq

import (
	"math"
	"slices"

	"linquant/graph"
)

// Some nodes have a form in integers and lose by it: the codes would be made for nobody, or for a few numbers that stand
// for infinity. These stay in floating point.

// leaveFloats makes islands of the nodes that do not gain by integers.
func (p *plan) leaveFloats() {
	p.leaveMasked()
	p.leaveUnread()
}

// leaveUnread leaves functions of elements whose output only nodes in floating point read: to quantize it would only
// lose what those could use. A mask before a Softmax is one. What moves or clamps elements between such nodes stays with
// them, and with an integer layer before it where there is one.
func (p *plan) leaveUnread() {
	floats := map[*graph.Node]bool{}
	for _, n := range slices.Backward(p.g.Nodes) {
		readers := p.consumers[n.Outputs[0]]
		if (p.elementwise(n) || p.moves(n)) && len(readers) > 0 && !p.g.IsOutput(n.Outputs[0]) {
			floats[n] = !slices.ContainsFunc(readers, func(r *graph.Node) bool { return p.roles[r] != island && !floats[r] })
		}
	}
	for _, n := range p.g.Nodes {
		if !floats[n] || p.roles[n] == island || !p.elementwise(n) && !p.afterIslands(n) {
			continue
		}
		p.roles[n], p.reasons[n] = island, "only nodes in floating point read what it computes"
	}
}

// elementwise reports whether the node computes a function of elements, with parameters of its own.
func (p *plan) elementwise(n *graph.Node) bool {
	row, ok := graph.Lookup(n.Op)
	return ok && p.roles[n] == own && (row.Class == graph.ClassUnary || row.Class == graph.ClassBinary)
}

// moves reports whether the node moves or clamps the elements of others.
func (p *plan) moves(n *graph.Node) bool {
	return p.roles[n] == pass || p.roles[n] == clamp || p.roles[n] == join
}

// afterIslands reports whether the node moves or clamps what islands compute.
func (p *plan) afterIslands(n *graph.Node) bool {
	return p.moves(n) && !slices.ContainsFunc(n.Inputs, func(in string) bool {
		from := p.producers[in]
		return p.isActivation(in) && (from == nil || p.roles[from] != island)
	})
}

// leaveMasked leaves nodes that bring in numbers that stand for infinity, such as the −10000 of a mask, and what follows
// them up to where they are no more: a Softmax, or a layer. They would set the scale of all other elements.
func (p *plan) leaveMasked() {
	masked := map[string]bool{}
	for _, n := range p.g.Nodes {
		if p.roles[n] == layer || p.roles[n] == island && n.Op != graph.Where {
			continue
		}
		var reason string
		for _, in := range n.Inputs {
			switch {
			case masked[in]:
				reason = "it reads a value with numbers that stand for infinity, as masks have them"
			case bringsIn[n.Op] && isSentinel(p.g.Value(in)):
				reason = "a constant that it reads has numbers that stand for infinity, as masks have them"
			}
		}
		if n.Op == graph.Pad && standsForInfinity(n.Float("value")) {
			reason = "it pads with a number that stands for infinity"
		}
		if reason == "" {
			continue
		}
		masked[n.Outputs[0]] = !boundsAll(n)
		if p.roles[n] != island {
			p.roles[n], p.reasons[n] = island, reason
		}
	}
}

// bringsIn are the operators whose results have the numbers that they read.
var bringsIn = map[graph.Op]bool{
	graph.Add: true, graph.Sub: true, graph.Max: true, graph.Min: true, graph.Where: true, graph.Concat: true,
}

// infinity is the least magnitude that stands for infinity: −10000 is the smallest number that masks use.
const infinity = 1e4

// isSentinel reports whether a constant of reals has an element that stands for infinity.
func isSentinel(v *graph.Value) bool {
	if v == nil || v.Const == nil || !v.Const.DType.IsFloat() {
		return false
	}
	x, err := v.Const.Float32s()
	return err == nil && slices.ContainsFunc(x, standsForInfinity)
}

func standsForInfinity(x float32) bool { return !(math.Abs(float64(x)) < infinity) }

// boundsAll reports whether the node makes no number that stands for infinity, whatever it reads.
func boundsAll(n *graph.Node) bool {
	switch n.Op {
	case graph.Clip:
		return n.Float("min") > -infinity && n.Float("max") < infinity
	case graph.Sigmoid, graph.HardSigmoid, graph.Tanh, graph.Erf, graph.Softsign:
		return true
	}
	return false
}
