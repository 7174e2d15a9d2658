package ptq

import (
	"context"
	"errors"

	"linquant/calib"
	"linquant/graph"
	"linquant/quant"
)

// plan says which values become codes and which of them share parameters.
type plan struct {
	ctx       context.Context // of the call that quantizes; nobody asks it for points
	g         *graph.Graph
	cfg       Config
	settings  map[*graph.Node]*setting
	roles     map[*graph.Node]graph.Role
	reasons   map[*graph.Node]string // of islands
	producers map[string]*graph.Node
	consumers map[string][]*graph.Node
	groups    map[string]*group // of every activation that is codes somewhere
	restored  []float32         // what the codes of a weight stand for; of the last one
	watcher   *watcher          // of examples; nil before a method watches something
	room      room              // of the layer whose codes are chosen
	layers    int               // with weights that become codes
	chosen    int               // of them, whose codes are chosen
	coded     []Activation      // those whose parameters are known beforehand
	finished  *finished         // layers of Config.Resume; nil where there is none, and before the examples are read
}

// group is a set of activations with the same parameters.
type group struct {
	joined *group // the group that this one became part of

	// point is the value whose range is the group's. Along a chain of values that only the next node reads, each
	// keeps no more than what the next one needs, so the range is that of the last: the output of a convolution is
	// clamped where the Relu after it clamps. A value that several nodes read ends the chain.
	point string
	open  string // the end of the chain, while it can grow; else ""

	bits, rank int
}

func (g *group) root() *group {
	for g.joined != nil {
		g = g.joined
	}
	return g
}

// newPlan checks the graph and the configuration and decides.
func newPlan(g *graph.Graph, cfg Config) (*plan, error) {
	if err := check(g); err != nil {
		return nil, err
	}
	cfg, err := cfg.complete()
	if err != nil {
		return nil, err
	}
	p := &plan{g: g, cfg: cfg, producers: g.Producers(), consumers: g.Consumers(), groups: make(map[string]*group, len(g.Values))}
	if p.settings, err = settings(g, cfg, hasWeight); err != nil {
		return nil, err
	}
	p.chooseMethod()
	p.findRoles()
	for _, n := range g.Nodes {
		if p.roles[n] != island {
			p.share(n)
		}
	}
	p.chooseBits()
	p.reduceRange(func(n *graph.Node) int {
		if g := p.group(n.Input(0)); g != nil {
			return g.bits
		}
		return 0
	})
	return p, nil
}

// share puts what an integer node reads and computes into groups.
func (p *plan) share(n *graph.Node) {
	out := n.Outputs[0]
	for _, in := range n.Inputs {
		if p.isActivation(in) && p.groups[in] == nil {
			p.groups[in] = &group{point: in, open: in} // a graph's input, or computed in floating point
		}
	}
	switch p.roles[n] {
	case pass:
		in := p.group(n.Input(0))
		if p.ends(in, n.Input(0)) {
			in.point, in.open = out, out
		}
		p.groups[out] = in
	case clamp:
		if in := p.group(n.Input(0)); p.ends(in, n.Input(0)) {
			in.point, in.open = out, out
			p.groups[out] = in
			return
		}
		p.groups[out] = &group{point: out, open: out}
	case join:
		joint := &group{point: out, open: out}
		p.groups[out] = joint
		for _, in := range n.Inputs {
			if !p.isActivation(in) {
				continue
			}
			if ig := p.group(in); p.ends(ig, in) {
				ig.joined = joint
			}
		}
	default:
		p.groups[out] = &group{point: out, open: out}
	}
}

// ends reports whether the value is the end of its group's chain and only one node reads it.
func (p *plan) ends(g *group, value string) bool {
	return g.open == value && len(p.consumers[value]) == 1 && !p.g.IsOutput(value)
}

// chooseBits gives every group its bits: those of the last override that matches a node which computes one of its
// values, else 8 beside the layers that KeepEdges keeps, else the configuration's.
func (p *plan) chooseBits() {
	for _, g := range p.groups {
		g.root().bits = p.cfg.ActBits
	}
	if p.cfg.ActBits < 8 {
		p.keepSummands()
	}
	if first, last := edges(p.g); p.cfg.KeepEdges && first != nil {
		for _, value := range []string{first.Input(0), first.Outputs[0], last.Input(0), last.Outputs[0]} {
			if g := p.group(value); g != nil {
				g.bits = 8
			}
		}
	}
	for _, n := range p.g.Nodes {
		s := p.settings[n]
		for _, out := range n.Outputs {
			if g := p.group(out); g != nil && s.actRank > g.rank {
				g.bits, g.rank = s.actBits, s.actRank
			}
		}
	}
}

// keepSummands gives 8 bits to what is added up and no layer reads.
func (p *plan) keepSummands() {
	read := map[*group]bool{}
	for _, n := range p.g.Nodes {
		if p.roles[n] == layer {
			read[p.group(n.Input(0))] = true
		}
	}
	for _, n := range p.g.Nodes {
		if n.Op != graph.Add || p.roles[n] == island {
			continue
		}
		if len(n.Inputs) != 2 || !p.isActivation(n.Inputs[0]) || !p.isActivation(n.Inputs[1]) {
			continue
		}
		for _, in := range n.Inputs {
			if g := p.group(in); g != nil && !read[g] {
				g.bits = 8
			}
		}
	}
}

// chooseMethod fills in the way to quantize weights where the configuration leaves it open.
func (p *plan) chooseMethod() {
	for _, n := range p.g.Nodes {
		if p.quantizes(n) {
			p.layers++
			if p.cfg.WeightMethod == nil && p.settings[n].weightBits < 8 && p.cfg.Examples.given() {
				p.cfg.WeightMethod = Reconstruct{Threads: p.cfg.Examples.Threads}
			}
		}
	}
	if p.cfg.WeightMethod == nil {
		p.cfg.WeightMethod = AbsMax{}
	}
}

// quantizes reports whether the node is a layer whose weight becomes codes.
func (p *plan) quantizes(n *graph.Node) bool {
	return hasWeight(p.g, n) && graph.NoLayer(p.g, n) == "" && !p.settings[n].float
}

// group returns the group of an activation, nil where it is never codes.
func (p *plan) group(value string) *group {
	if g := p.groups[value]; g != nil {
		return g.root()
	}
	return nil
}

// isActivation reports whether the name is that of a value that depends on an input.
func (p *plan) isActivation(name string) bool {
	v := p.g.Value(name)
	return v != nil && v.Const == nil
}

// activations lists the values that depend on an input, in the order in which they are computed.
func (p *plan) activations() []string {
	var list []string
	for _, in := range p.g.Inputs {
		if p.isActivation(in) {
			list = append(list, in)
		}
	}
	for _, n := range p.g.Nodes {
		for _, out := range n.Outputs {
			if p.isActivation(out) {
				list = append(list, out)
			}
		}
	}
	return list
}

// points lists the values whose ranges are needed, in the order in which they are computed.
func (p *plan) points() []calib.Point {
	var list []calib.Point
	for _, value := range p.activations() {
		if g := p.group(value); g != nil && g.point == value {
			list = append(list, calib.Point{Value: value, Scheme: p.scheme(g)})
		}
	}
	return list
}

// scheme returns that of a group's values.
func (p *plan) scheme(g *group) calib.Scheme {
	return calib.Scheme{Type: quant.Type{Bits: g.bits, Unsigned: !p.cfg.ActSigned}, Symmetric: p.cfg.ActSymmetric}
}

// check returns an error unless the graph is a float network that the rest of the package can take for granted.
func check(g *graph.Graph) error {
	if g == nil {
		return errors.New("there is no network to quantize")
	}
	if g.Quantized() {
		return ErrQuantized
	}
	return graph.Check(g)
}
