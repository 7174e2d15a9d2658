package engine

import (
	"strings"

	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/tensor"
)

// A chain of functions of one value between a DequantizeLinear and a QuantizeLinear, such as the preparation of pixels,
// is a function of one code: a table of 256, or one for each channel where the chain has constants that differ by
// channel.

// chain is such nodes, and what they do.
type chain struct {
	nodes []*graph.Node // from the DequantizeLinear to the QuantizeLinear
	links []func(k int) func(float32) float32
	axis  int // of the example's shape, along which constants differ; -1: none does
	size  int // of that axis, 1 without
}

// tables lowers the chain that begins at the node, a DequantizeLinear, and reports whether there is one.
func (s *lowerer) tables() bool {
	c := chain{nodes: []*graph.Node{s.n}, axis: -1, size: 1}
	for {
		last := c.nodes[len(c.nodes)-1]
		value := last.Outputs[0]
		if !s.hidden(value) {
			return false
		}
		next := s.consumers[value][0]
		c.nodes = append(c.nodes, next)
		if next.Op == graph.QuantizeLinear {
			break
		}
		if !c.link(s, next, value) {
			return false
		}
	}
	last := c.nodes[len(c.nodes)-1]
	out := s.g.Values[last.Outputs[0]]
	to, err := s.place(out)
	if err != nil || !to.shape.Equal(s.in[0].shape) {
		return false
	}
	k := &tableStep{from: s.in[0], to: to, byChannel: c.axis == 0 && to.order.channels > 1, stride: 1, tier: s.tier}
	for i := c.axis + 1; c.axis >= 0 && i < len(to.shape); i++ {
		k.stride *= to.shape[i]
	}
	if !s.plannable(256*int64(c.size)*int64(len(c.links))) || s.table(256*int64(c.size)) != nil {
		return false // as nodes, one by one
	}
	for i := range c.size {
		table, err := codesTable(s.in[0].quant, to.quant, c.function(i))
		if err != nil {
			return false // a value that has no code; the nodes say so one by one
		}
		k.tables = append(k.tables, table)
	}
	var ops []string
	for _, n := range c.nodes {
		ops = append(ops, string(n.Op))
		s.folded[n] = true
	}
	s.emit(last, k, step{Step: Step{Op: strings.Join(ops, "+")}, in: s.in, out: []*place{to}, inPlace: true})
	s.out, s.value = to, out.Name
	return true
}

// link adds a node that reads the value, and reports whether it is a function of one value of an element.
func (c *chain) link(s *lowerer, n *graph.Node, value string) bool {
	if f, ok := graph.Unary(n); ok {
		c.links = append(c.links, func(int) func(float32) float32 { return f })
		return true
	}
	f, ok := graph.Binary(n.Op)
	if !ok || n.Inputs[0] == n.Inputs[1] || s.g.Values[n.Outputs[0]].Quant != nil {
		return false
	}
	first := n.Inputs[0] == value
	other := s.g.Values[n.Inputs[0]]
	if first {
		other = s.g.Values[n.Inputs[1]]
	}
	if other.Const == nil || other.Quant != nil {
		return false
	}
	numbers, err := s.realsOf(other)
	if err != nil || !c.along(other.Const.Shape, s.in[0].shape) {
		return false
	}
	c.links = append(c.links, func(k int) func(float32) float32 {
		number := numbers[min(k, len(numbers)-1)]
		if first {
			return func(x float32) float32 { return f(x, number) }
		}
		return func(x float32) float32 { return f(number, x) }
	})
	return true
}

// along reports whether a constant of that shape broadcasts to an example's value, which has the shape to, and differs
// along no other axis than the constants before it.
func (c *chain) along(shape, to tensor.Shape) bool {
	if len(shape) > len(to)+1 {
		return false
	}
	for i, d := range shape {
		axis := len(to) - len(shape) + i
		switch {
		case d == 1:
		case axis < 0 || d != to[axis] || c.axis >= 0 && c.axis != axis:
			return false
		default:
			c.axis, c.size = axis, d
		}
	}
	return true
}

// function returns what the chain does to an element of index k along the axis.
func (c *chain) function(k int) func(float32) float32 {
	links := make([]func(float32) float32, len(c.links))
	for i, link := range c.links {
		links[i] = link(k)
	}
	return func(x float32) float32 {
		for _, f := range links {
			x = f(x)
		}
		return x
	}
}

// tableStep looks codes up, those of a pixel in the table of their channel or of the pixel.
type tableStep struct {
	from, to  *place
	tables    []*[256]byte
	byChannel bool
	stride    int // pixels that share a table, where it is not the channel's
	tier      cpu.Tier
}

func (k *tableStep) units() (n, grain int) {
	return k.to.order.plane, max(1, elementGrain/k.to.order.channels)
}

func (k *tableStep) part(s *state, _ *scratch, lo, hi int) {
	channels := k.to.order.channels
	src, dst := s.codesOf(k.from)[lo*channels:hi*channels], s.codesOf(k.to)[lo*channels:hi*channels]
	switch {
	case len(k.tables) == 1:
		elementwise.Lookup(dst, src, k.tables[0], k.tier)
	case k.byChannel && channels == 3:
		r, g, b := k.tables[0], k.tables[1], k.tables[2]
		for len(src) >= 3 && len(dst) >= 3 {
			dst[0], dst[1], dst[2] = r[src[0]], g[src[1]], b[src[2]]
			src, dst = src[3:], dst[3:]
		}
	case k.byChannel:
		for ; len(src) > 0; src, dst = src[channels:], dst[channels:] {
			for c, table := range k.tables {
				dst[c] = table[src[c]]
			}
		}
	default:
		for p := lo; p < hi; p++ {
			at := (p - lo) * channels
			elementwise.Lookup(dst[at:at+channels], src[at:at+channels], k.tables[p/k.stride%len(k.tables)], k.tier)
		}
	}
}
