package engine

import "linquant/graph"

// pick lowers Gather, Expand and Tile: elements at lists of indices, dimension by dimension.
func (s *lowerer) pick() error {
	if s.n.Input(1) != "" {
		return s.reference()
	}
	in, out := s.g.Values[s.n.Inputs[0]].Shape, s.g.Values[s.n.Outputs[0]].Shape
	from, to, added := s.in[0].strides(), s.out.strides(), len(out)-len(in)
	sides := [2][]offsets{make([]offsets, len(to)), make([]offsets, len(to))}
	for d, n := range s.out.shape {
		if err := s.table(8 * int64(n)); err != nil {
			return s.errorf("%w", err)
		}
		sides[0][d], sides[1][d] = progression(0, 0, n), progression(0, to[d], n)
	}
	if s.dry {
		return s.emitCopy(s.in[0], sides)
	}
	for d, list := range graph.PicksOf(s.n, in, out)[1:] {
		if d >= added {
			sides[0][d] = s.listed(len(list), func(i int) int { return list[i] * from[d-added] })
		}
	}
	return s.emitCopy(s.in[0], sides)
}
