package engine

import (
	"cmp"
	"slices"

	"linquant/graph"
	"linquant/tensor"
)

// Exporters write what brings elements into another order as Reshapes with Transposes between them: the shuffle of
// channels, pixels that become channels, pictures that become rows. Of pictures, which lie channels last, each of these
// alone would bring all elements into row-major order and back. Together they are one move, or none.

// axis is a factor of a dimension: n elements, so far apart in the value that is rearranged, and in what it becomes.
type axis struct{ n, from, to int }

// rearranged lowers as much as it can of the chain of Reshapes and Transposes that begins at the node, and reports whether that
// is anything: what begins or ends channels last, and is more than one node or moves nothing.
func (s *lowerer) rearranged() (done bool, err error) {
	for chain := s.rearrangements(); len(chain) > 0; chain = chain[:len(chain)-1] {
		out, err := s.place(s.g.Values[chain[len(chain)-1].Outputs[0]])
		if err != nil || s.in[0].order.channels == 1 && out.order.channels == 1 {
			continue // nodes report errors themselves
		}
		axes, ok := s.axesOf(chain, out)
		if moves := len(axes) > 1 || len(axes) == 1 && axes[0].from != axes[0].to; ok && (!moves || len(chain) > 1) {
			return true, s.rearrange(chain, out, axes, moves)
		}
	}
	return false, nil
}

// rearrange lowers the nodes of a chain.
func (s *lowerer) rearrange(chain []*graph.Node, out *place, axes []axis, moves bool) error {
	s.value = out.name
	for _, n := range chain[1:] {
		s.fusedOps += "+" + string(n.Op)
		s.folded[n] = true
	}
	if !moves {
		s.out = s.in[0].renamed(out)
		s.out.order, s.out.steps = out.order, nil
		s.finish()
		return nil
	}
	s.out = out
	var shape, from, to []int
	for _, a := range axes {
		shape, from, to = append(shape, a.n), append(from, a.from), append(to, a.to)
	}
	n, err := s.loopNest(shape, counted(len(shape)), from, to)
	if err != nil {
		return s.errorf("%w", err)
	}
	s.emitParts(&move{to: out, parts: []part{{s.in[0], n, nil}}})
	s.steps[len(s.steps)-1].Op += s.fusedOps
	s.finish()
	return nil
}

// mostRearrangements bounds the nodes of a chain: all are looked at for each that its steps begin with.
const mostRearrangements = 16

// rearrangements returns the node and those after it that only bring elements into another order, each of which alone reads
// the one before.
func (s *lowerer) rearrangements() []*graph.Node {
	chain := []*graph.Node{s.n}
	for len(chain) < mostRearrangements {
		value := chain[len(chain)-1].Outputs[0]
		if !s.hidden(value) || !rearranges(s.consumers[value][0]) {
			break
		}
		chain = append(chain, s.consumers[value][0])
	}
	return chain
}

// rearranges reports whether the node leaves its elements as they are, in another order or shape.
func rearranges(n *graph.Node) bool {
	row, ok := graph.Lookup(n.Op)
	return ok && (row.Class == graph.ClassReshape || n.Op == graph.Transpose)
}

// axesOf returns the axes that the chain has between its input and out, the innermost of out last, and as few as there can be. ok is
// false where none of it is a Transpose, or a Reshape cuts dimensions so that what comes out has no strides.
func (s *lowerer) axesOf(chain []*graph.Node, out *place) (axes []axis, ok bool) {
	in := s.in[0]
	strides := in.strides()
	for d, n := range in.shape {
		axes = append(axes, axis{n: n, from: strides[d]})
	}
	for _, n := range chain {
		if n.Op != graph.Transpose {
			continue // what it makes is regrouped where that matters
		}
		groups, fits := regrouped(axes, s.g.Values[n.Inputs[0]].Shape[1:])
		perm, err := graph.PermOf(n, 1+len(groups))
		if !fits || err != nil {
			return nil, false
		}
		axes, ok = nil, true
		for _, p := range perm[1:] {
			axes = append(axes, groups[p-1]...)
		}
	}
	groups, fits := regrouped(axes, out.shape)
	if !ok || !fits {
		return nil, false
	}
	axes = nil
	for d, to := range out.strides() {
		for _, a := range slices.Backward(groups[d]) {
			a.to = to
			to *= a.n
			axes = append(axes, a)
		}
	}
	axes = slices.DeleteFunc(axes, func(a axis) bool { return a.n == 1 })
	slices.SortStableFunc(axes, func(a, b axis) int { return cmp.Compare(b.to, a.to) })
	axes = joined(axes)
	return axes, len(axes) <= maxRank
}

// regrouped cuts the axes so that each dimension of a shape is a group of them. ok is false where one would have to be
// cut at what is no factor of it.
func regrouped(axes []axis, shape tensor.Shape) (groups [][]axis, ok bool) {
	rest := slices.Clone(axes)
	for _, n := range shape {
		var group []axis
		for n > 1 {
			if len(rest) == 0 {
				return nil, false
			}
			a := rest[0]
			switch {
			case n%a.n == 0:
				rest = rest[1:]
			case a.n%n == 0:
				rest[0].n = a.n / n
				a.n, a.from = n, a.from*(a.n/n)
			default:
				return nil, false
			}
			n /= a.n
			group = append(group, a)
		}
		groups = append(groups, group)
	}
	return groups, true
}

// joined makes one axis of those that follow each other on both sides.
func joined(axes []axis) []axis {
	var list []axis
	for _, a := range axes {
		if last := len(list) - 1; last >= 0 && list[last].from == a.n*a.from && list[last].to == a.n*a.to {
			a.n *= list[last].n
			list[last] = a
			continue
		}
		list = append(list, a)
	}
	return list
}
