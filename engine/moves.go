package engine

import (
	"slices"

	"linquant/graph"
	"linquant/tensor"
)

func (s *lowerer) transpose() error {
	if done, err := s.rearranged(); done || err != nil {
		return err
	}
	perm, err := graph.PermOf(s.n, 1+len(s.in[0].shape))
	if err != nil {
		return err
	}
	from, step := s.in[0].strides(), make([]int, len(s.out.shape))
	for d, p := range perm[1:] {
		step[d] = from[p-1]
	}
	if s.viewed(s.n, step) {
		s.out = s.in[0].renamed(s.out)
		s.out.steps = step
		s.finish()
		return nil
	}
	n, err := s.loopNest(s.out.shape, s.out.walk(), step, s.out.strides())
	if err != nil {
		return s.errorf("%w", err)
	}
	s.emitParts(&move{to: s.out, parts: []part{{s.in[0], n, nil}}})
	s.finish()
	return nil
}

// viewed reports whether what a Transpose gives, with these strides, can be read where it lies: by a product of two
// computed operands, of which the first has rows that lie together, or by another Transpose.
func (s *lowerer) viewed(n *graph.Node, step []int) bool {
	name := n.Outputs[0]
	if !s.hidden(name) || s.in[0].input >= 0 {
		return false
	}
	next := s.consumers[name][0]
	if next.Op == graph.Transpose {
		return true
	}
	if next.Op != graph.MatMul || next.Inputs[0] == next.Inputs[1] {
		return false
	}
	other := s.g.Values[next.Inputs[0]]
	if next.Inputs[0] == name {
		other = s.g.Values[next.Inputs[1]]
	}
	if rank := len(step); rank < 2 || next.Inputs[0] == name && step[rank-1] != 1 {
		return false
	}
	return other.Const == nil
}

// multiplied makes the output of a Slice a view, and reports whether it can be one: where Reshapes and Transposes alone, of which each can be
// a view too, lie between it and a product of two computed operands.
func (s *lowerer) multiplied(spans []graph.Span) bool {
	in := s.in[0]
	if in.buffer == nil || in.row() > 0 || in.wide > 0 || s.out.order.channels > 1 {
		return false
	}
	p := *in
	p.name, p.shape, p.n, p.order, p.steps = s.value, s.out.shape, s.out.n, s.out.order, nil
	for d, step := range in.strides() {
		p.at += spans[1+d].Start * step
		p.steps = append(p.steps, spans[1+d].Step*step)
		if spans[1+d].Step < 0 {
			return false
		}
	}
	name, steps, shape := s.value, p.steps, p.shape
	for range mostRearrangements {
		next := s.reader(name)
		if next == nil {
			return false
		}
		row, _ := graph.Lookup(next.Op)
		switch {
		case next.Op == graph.Transpose:
			l := &lowerer{compiler: s.compiler, n: next, in: []*place{&p}}
			perm, err := graph.PermOf(next, 1+len(steps))
			if err != nil {
				return false
			}
			turned := make([]int, len(steps))
			for d, from := range perm[1:] {
				turned[d] = steps[from-1]
			}
			if s.g.Values[next.Outputs[0]].Shape == nil || !l.viewed(next, turned) {
				return false
			}
			steps, shape = turned, s.g.Values[next.Outputs[0]].Shape[1:]
		case row.Class == graph.ClassReshape:
			to := s.g.Values[next.Outputs[0]].Shape[1:]
			ok := false
			if steps, ok = reshapedSteps(shape, steps, to); !ok {
				return false
			}
			shape = to
		case next.Op == graph.MatMul && !graph.IsDynamic(next):
			first := next.Inputs[0] == name
			if next.Inputs[0] == next.Inputs[1] || len(steps) < 2 || first && steps[len(steps)-1] != 1 ||
				s.g.Values[next.Inputs[0]].Const != nil || s.g.Values[next.Inputs[1]].Const != nil {
				return false
			}
			in.buffer.renamed = true
			s.out = &p
			s.finish()
			return true
		default:
			return false
		}
		name = next.Outputs[0]
	}
	return false
}

// reshapedSteps returns the strides of a view of that shape as another shape. ok is false where it has none.
func reshapedSteps(shape tensor.Shape, steps []int, to tensor.Shape) (turned []int, ok bool) {
	var axes []axis
	for d, n := range shape {
		if n == 1 {
			continue
		}
		if last := len(axes) - 1; last >= 0 && axes[last].from == n*steps[d] { // rows that follow each other
			axes[last] = axis{n: axes[last].n * n, from: steps[d]}
			continue
		}
		axes = append(axes, axis{n: n, from: steps[d]})
	}
	groups, ok := regrouped(axes, to)
	if !ok {
		return nil, false
	}
	for _, g := range groups {
		switch len(g) {
		case 0:
			turned = append(turned, 0)
		case 1:
			turned = append(turned, g[0].from)
		default:
			return nil, false
		}
	}
	return turned, true
}

func (s *lowerer) slice() error {
	spans, err := graph.SpansOf(s.n, s.g.Values[s.n.Inputs[0]].Shape)
	if err != nil {
		return err
	}
	if s.view(spans) || s.multiplied(spans) {
		return nil
	}
	from, to := s.in[0].strides(), s.out.strides()
	sides := [2][]offsets{make([]offsets, len(from)), make([]offsets, len(from))}
	for d, span := range spans[1:] {
		sides[0][d] = progression(span.Start*from[d], span.Step*from[d], span.Count)
		sides[1][d] = progression(0, to[d], span.Count)
	}
	return s.emitCopy(s.in[0], sides)
}

func (s *lowerer) concat() error {
	axis := graph.AxisOf(s.n, 1+len(s.out.shape)) - 1
	k, parts := &move{to: s.out}, make([]*place, len(s.in))
	at, copied := 0, []int(nil)
	for i, from := range s.in {
		parts[i] = from
		if from == nil { // a constant, which every example has
			var err error
			if parts[i], err = s.constantPlace(i); err != nil {
				return err
			}
		}
		if axis != 0 || !s.joins(parts[i], at) {
			copied = append(copied, i)
		}
		at += parts[i].shape[axis]
	}
	at = 0
	for i, from := range parts { // where they lie is known now: one may be a view of another
		if slices.Contains(copied, i) {
			p := part{from: from}
			var err error
			p.loops, err = s.inside(from, s.out, func(d int) int {
				if d == axis {
					return at
				}
				return 0
			})
			if err != nil {
				return s.errorf("%w", err)
			}
			if from.quant != nil && !graph.SameParams(from.quant, s.out.quant) {
				p.table, err = codesTable(from.quant, s.out.quant, func(x float32) float32 { return x })
				if err != nil {
					return s.errorf("%w", err)
				}
			}
			k.parts = append(k.parts, p)
		}
		at += from.shape[axis]
	}
	if len(k.parts) > 0 {
		s.emitParts(k)
	}
	s.finish()
	return nil
}

// inside walks over a value that becomes a part of a larger one, beginning at the given index of each dimension.
func (c *compiler) inside(part, whole *place, begin func(d int) int) (*loopNest, error) {
	from, to := part.strides(), whole.strides()
	var sides [2][]offsets
	for d, n := range part.shape {
		sides[0] = append(sides[0], progression(0, from[d], n))
		sides[1] = append(sides[1], progression(begin(d)*to[d], to[d], n))
	}
	return c.loopNestOf(part.shape, part.walk(), sides[:]...)
}

func (s *lowerer) pad() error {
	from := s.in[0]
	before := s.n.Ints("pads")[1:] // the batch's is 0
	mode := s.n.Str("mode")
	if mode == "constant" {
		k := &move{to: s.out, fill: true, fillFloat: s.n.Float("value")}
		if s.out.quant != nil {
			q := newQuantizer(s.out.quant)
			k.fillCode = q.Code(k.fillFloat)
		}
		loops, err := s.inside(from, s.out, func(d int) int { return before[d] })
		if err != nil {
			return s.errorf("%w", err)
		}
		k.parts = []part{{from, loops, nil}}
		s.emitParts(k)
		s.finish()
		return nil
	}
	stride, to := from.strides(), s.out.strides()
	var sides [2][]offsets
	for d, n := range s.out.shape {
		source := progression(0, stride[d], n)
		if n != from.shape[d] || before[d] != 0 {
			if err := s.table(4 * int64(n)); err != nil {
				return s.errorf("%w", err)
			}
			source = s.listed(n, func(i int) int { return inward(i-before[d], from.shape[d]-1, mode == "reflect") * stride[d] })
		}
		sides[0] = append(sides[0], source)
		sides[1] = append(sides[1], progression(0, to[d], n))
	}
	return s.emitCopy(from, sides)
}

// inward returns the index in [0, last] whose element stands at index i, which may lie outside: the nearest one, or its
// reflection.
func inward(i, last int, reflect bool) int {
	if !reflect {
		return min(max(i, 0), last)
	}
	if i < 0 {
		i = -i
	}
	if i > last {
		i = 2*last - i
	}
	return i
}
