package engine

import "linquant/graph"

// pick lowers Gather, Expand and Tile: elements at lists of indices, dimension by dimension.
func (s *lowerer) pick() error {
	in, out := s.g.Values[s.n.Inputs[0]].Shape, s.g.Values[s.n.Outputs[0]].Shape
	picks, added := graph.PicksOf(s.n, in, out)[1:], len(out)-len(in)
	from, to := s.in[0].strides(), s.out.strides()
	offsets := [2][][]int{make([][]int, len(picks)), make([][]int, len(picks))}
	for d, list := range picks {
		for i := range list {
			if d >= added {
				list[i] *= from[d-added]
			}
		}
		offsets[0][d], offsets[1][d] = list, progression(0, to[d], len(list))
	}
	s.emitParts(&move{to: s.out, parts: []part{{s.in[0], newLoopNestOf(s.out.shape, s.out.walk(), offsets[:]...), nil}}})
	s.finish()
	return nil
}
