package engine

import "linquant/graph"

// rename lowers what leaves the elements as they are counted: Reshape, Flatten, Identity and the like. It takes no step
// where they can stay where they are.
func (s *lowerer) rename() error {
	if rearranges(s.n) {
		if done, err := s.rearranged(); done || err != nil {
			return err
		}
	}
	from := s.in[0]
	if from.steps != nil {
		steps, ok := reshapedSteps(from.shape, from.steps, s.out.shape)
		if !ok {
			return s.errorf("%q has no strides as %v: this is a fault of linquant, please report it", from.name, s.out.shape)
		}
		order := s.out.order
		s.out = from.renamed(s.out)
		s.out.order, s.out.steps = order, steps
		s.finish()
		return nil
	}
	if from.order == s.out.order || s.onlyMultiplied(s.value) {
		s.out = from.renamed(s.out)
	} else {
		var err error
		if from, err = s.asRowMajor(from); err != nil {
			return err
		}
		if s.out.order.channels > 1 {
			if err := s.emitMove(from, s.out); err != nil {
				return err
			}
		} else {
			from.name = s.value
			from.shape = s.out.shape
			s.out = from
		}
	}
	s.finish()
	return nil
}

// onlyMultiplied reports whether only layers whose weights can be packed in any order read the value, a vector.
func (s *lowerer) onlyMultiplied(name string) bool {
	if len(s.out.shape) != 1 {
		return false
	}
	for _, n := range s.consumers[name] {
		if n.Op != graph.Gemm && n.Op != graph.MatMul || n.Inputs[0] != name || n.Inputs[1] == name {
			return false
		}
		if w := s.g.Values[n.Inputs[1]]; w.Const == nil || len(w.Const.Shape) > 2 {
			return false
		}
	}
	return true
}

// renamed returns a place for a value whose elements lie as p's do; of the place to it has the name and the shape.
func (p *place) renamed(to *place) *place {
	r := *p
	r.name, r.shape = to.name, to.shape
	if r.buffer != nil && !r.shape.Equal(p.shape) {
		r.buffer.renamed = true
	}
	return &r
}
