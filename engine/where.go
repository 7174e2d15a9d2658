package engine

// where chooses between two operands, element by element, by a mask that is known.
type where struct {
	undivided
	operands [2]*place
	out      *place
	mask     []bool    // of the output's elements as they lie: the first operand
	loops    *loopNest // its sides are the operands and the output
}

func (s *lowerer) where() error {
	if s.in[0] != nil {
		return s.reference()
	}
	k := &where{out: s.out}
	var in []*place
	steps := [3][]int{2: s.out.strides()}
	for i := range k.operands {
		k.operands[i] = s.in[1+i]
		if k.operands[i] == nil {
			var err error
			if k.operands[i], err = s.constantPlace(1 + i); err != nil {
				return err
			}
		} else {
			in = append(in, k.operands[i])
		}
		steps[i] = broadcastSteps(k.operands[i], len(s.out.shape))
	}
	var err error
	if k.loops, err = s.loopNest(s.out.shape, s.out.walk(), steps[:]...); err != nil {
		return s.errorf("%w", err)
	}
	if err := s.choose(k); err != nil {
		return s.errorf("%w", err)
	}
	s.emit(s.n, k, step{in: in, out: []*place{s.out}})
	s.finish()
	return nil
}

// choose makes the mask.
func (s *lowerer) choose(k *where) error {
	condition, err := s.constantPlace(0)
	if err != nil {
		return err
	}
	if err := s.table(int64(s.out.n)); err != nil || s.dry {
		return err
	}
	k.mask = make([]bool, s.out.n)
	none := make([]int, len(s.out.shape)) // a third side: loops of three have all lists
	chosen, err := s.loopNest(s.out.shape, s.out.walk(), broadcastSteps(condition, len(s.out.shape)), s.out.strides(), none)
	if err != nil {
		return err
	}
	from, to := chosen.inner[0], chosen.inner[1]
	chosen.rows(func(at [3]int) {
		for i, t := range to {
			k.mask[at[1]+int(t)] = condition.floats[at[0]+int(from[i])] != 0
		}
	})
	return nil
}

func (k *where) part(s *state, _ *scratch, _, _ int) {
	a, b, dst := s.floatsOf(k.operands[0]), s.floatsOf(k.operands[1]), s.floatsOf(k.out)
	fromA, fromB, to := k.loops.inner[0], k.loops.inner[1], k.loops.inner[2]
	k.loops.rows(func(at [3]int) {
		for i, t := range to {
			if o := at[2] + int(t); k.mask[o] {
				dst[o] = a[at[0]+int(fromA[i])]
			} else {
				dst[o] = b[at[1]+int(fromB[i])]
			}
		}
	})
}
