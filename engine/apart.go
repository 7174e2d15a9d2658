package engine

import (
	"slices"

	"linquant/graph"
)

// The channels of a value need not follow those of the pixel before: a value can be some of the channels of a larger one. So a Slice of channels is
// no step where what reads it takes rows at any distance, and neither is a Concat whose parts were written by layers that write such rows: their
// outputs become parts of the whole when it comes to it. Whoever reads otherwise gets a copy (together).

// takesApart reports whether node n reads the value, which lies channels last, wherever its pixels are.
func (c *compiler) takesApart(n *graph.Node, name string) bool {
	switch n.Op {
	case graph.Slice, graph.Concat:
		return true
	case graph.Conv:
		x, w := c.g.Values[name], c.g.Values[n.Inputs[1]]
		if n.Inputs[0] != name || w.Const == nil || graph.IsDynamic(n) || n.Int("group") != 1 || len(x.Shape) != 4 {
			return false
		}
		window, err := graph.WindowOf(c.g, n, x.Shape[2], x.Shape[3])
		g := geometry{Window: window}
		return err == nil && g.pointwise()
	}
	return false
}

// together returns a place of the value from which node n can read it: p, or a copy, which others then read too.
func (c *compiler) together(n *graph.Node, name string, p *place) (*place, error) {
	if p.row() == 0 || c.takesApart(n, name) {
		return p, nil
	}
	to := like(p, p.quant)
	s := &lowerer{compiler: c, n: n}
	loops, err := c.inside(p, to, func(int) int { return 0 })
	if err != nil {
		return nil, s.errorf("%w", err)
	}
	k := &move{to: to, parts: []part{{p, loops, nil}}, tier: c.tier}
	s.emit(n, k, step{Step: Step{Op: "Copy"}, in: []*place{p}, out: []*place{to}})
	c.places[name] = to
	return to, nil
}

// view makes the output a view of channels of the input, and reports whether it can be one: all pixels of neighbouring channels of what lies channels last,
// and somebody reads it there.
func (s *lowerer) view(spans []graph.Span) bool {
	in := s.in[0]
	channels := spans[1]
	if in.buffer == nil || in.steps != nil || in.order.channels == 1 || in.wide > 0 || len(in.shape) != 3 || channels.Step != 1 ||
		s.out.order != (order{channels.Count, in.order.plane}) || s.out.order.channels == 1 {
		return false
	}
	for d, span := range spans[2:] {
		if span.Start != 0 || span.Step != 1 || span.Count != in.shape[1+d] {
			return false
		}
	}
	taken := func(n *graph.Node) bool { return s.takesApart(n, s.value) }
	if !slices.ContainsFunc(s.consumers[s.value], taken) {
		return false
	}
	if root, _ := in.buffer.root(); root.row == 0 {
		root.row = in.order.channels
	}
	p := *in
	p.name, p.shape, p.n, p.order, p.first = s.value, s.out.shape, s.out.n, s.out.order, in.first+channels.Start
	s.out = &p
	s.finish()
	return true
}

// spreader is a kernel that can do with pixels apart.
type spreader interface {
	// spreads reports whether the kernel can take a value that it reads or writes from so many elements a pixel.
	spreads(c *compiler, p *place, row int) bool
	// spread tells the kernel that this is so from now on.
	spread(c *compiler)
}

// joins makes a part of a Concat of channels, from channel at on, a part of the output where it is, and reports whether that can be.
func (s *lowerer) joins(part *place, at int) bool {
	whole := s.out
	if whole.order.channels == 1 || len(whole.shape) != 3 || part.order != channelsLast(part.shape, part.n) {
		return false
	}
	return (part.quant == nil || graph.SameParams(part.quant, whole.quant)) && s.spread(part, whole, at)
}

// use is a place that a step reads or writes.
type use struct {
	step  int
	place *place
}

// mostUsers bounds the work for each part of a Concat.
const mostUsers = 1 << 12

// uses notes that the last step reads or writes places.
func (c *compiler) uses(places ...*place) {
	if c.dry {
		return
	}
	for _, p := range places {
		if p.buffer != nil {
			root, _ := p.buffer.root()
			c.users[root] = append(c.users[root], use{len(c.steps) - 1, p})
		}
	}
}

// spread makes a value a part of another, from channel at on, and reports whether all steps so far that read and write it can do with that.
func (c *compiler) spread(p, whole *place, at int) bool {
	b := p.buffer
	if c.dry || b == nil || b.renamed || b.host != nil || p.first > 0 || p.n != b.n || p.wide > 0 || p.steps != nil ||
		p.order.channels == 1 || p.order.plane != whole.order.plane {
		return false
	}
	users := c.users[b]
	if len(users) > mostUsers {
		return false
	}
	for _, u := range users {
		if k, ok := c.steps[u.step].kernel.(spreader); !ok || !k.spreads(c, u.place, whole.order.channels) {
			return false
		}
	}
	whole.buffer.row = whole.order.channels
	b.host, b.at = whole.buffer, at
	for _, u := range users {
		c.steps[u.step].kernel.(spreader).spread(c)
	}
	root, _ := whole.buffer.root()
	c.users[root] = append(c.users[root], users...)
	delete(c.users, b)
	return true
}

// spreads: rows are multiplied where they lie, and stored as far apart as they are wanted, but for those that are added to.
func (k *integerLayer) spreads(_ *compiler, p *place, _ int) bool {
	return k.sum == nil && k.layer.spreads(p)
}

func (k *floatLayer) spreads(_ *compiler, p *place, _ int) bool { return k.layer.spreads(p) }

func (l *layer) spreads(p *place) bool {
	switch p {
	case l.out:
		return p.order.channels == l.ldd
	case l.in:
		return l.panel == nil && p.order.channels == l.lda
	}
	return false
}

func (k *integerLayer) spread(*compiler) {}
func (k *floatLayer) spread(*compiler)   {}

// spreads: what is written has its distance in the plan.
func (k *codeWindows) spreads(c *compiler, p *place, row int) bool {
	if p != k.out || k.several > 0 {
		return false
	}
	plan := k.plan
	plan.ldd = row
	return c.plans[plan] != nil || c.plannable(plan.taps())
}

func (k *codeWindows) spread(c *compiler) {
	k.plan.ldd = k.out.row()
	k.windows = c.plan(k.plan)
}
