package engine

import (
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// product lowers a MatMul whose second operand is no constant matrix, in integers or reals: stacks of matrices,
// [..., rows, depth] × [..., depth, columns], the stacks broadcast. Where rows lie together, the second operand of each
// matrix product is packed as weights are (packedProduct); what else there is is plain and not fast.
func (s *lowerer) product() error {
	k := &product{to: s.out}
	for i := range k.operands {
		if k.operands[i] = s.in[i]; s.in[i] == nil {
			var err error
			if k.operands[i], err = s.constantPlace(i); err != nil {
				return err
			}
		}
	}
	a, b := *k.operands[0], *k.operands[1]
	aSteps, bSteps, out := a.strides(), b.strides(), s.out.strides()
	stack := s.out.shape
	// A constant vector is a row on the left and a column on the right, which the result does not have.
	if b.isConst() && len(b.shape) == 1 {
		b.shape, bSteps = tensor.Shape{b.shape[0], 1}, []int{1, 0}
	} else {
		k.toStep[1] = out[len(stack)-1]
		stack = stack[:len(stack)-1]
	}
	if a.isConst() && len(a.shape) == 1 {
		a.shape, aSteps = tensor.Shape{1, a.shape[0]}, []int{0, 1}
	} else {
		k.toStep[0] = out[len(stack)-1]
		stack = stack[:len(stack)-1]
	}
	da, db := len(a.shape)-2, len(b.shape)-2 // dimensions of the stacks
	if da < 0 || db < 0 {
		return s.errorf("operands of shapes %v and %v an example are no stacks of matrices: insert an Unsqueeze",
			a.shape, b.shape)
	}
	k.rows, k.depth, k.columns = a.shape[da], a.shape[da+1], b.shape[db+1]
	k.steps = [2][2]int{{aSteps[da], aSteps[da+1]}, {bSteps[db], bSteps[db+1]}}
	var err error
	k.loops, err = s.loopNest(stack, counted(len(stack)), leading(a.shape[:da], aSteps, len(stack)),
		leading(b.shape[:db], bSteps, len(stack)), out[:len(stack)])
	if err != nil {
		return s.errorf("%w", err)
	}
	if s.out.quant != nil {
		if err := s.productStage(k); err != nil {
			return err
		}
	}
	var in []*place
	for _, p := range k.operands {
		if !p.isConst() {
			in = append(in, p)
		}
	}
	st := step{Step: Step{MACs: int64(s.out.n) * int64(k.depth)}, in: in, out: []*place{s.out}}
	if p, ok := s.packed(k); ok {
		st.need = p.need()
		s.emit(s.n, p, st)
	} else {
		s.emit(s.n, k, st)
	}
	s.finish()
	return nil
}

// leading returns the steps of a stack of matrices that is broadcast to so many dimensions.
func leading(shape tensor.Shape, steps []int, rank int) []int {
	own := make([]int, rank)
	for d, n := range shape {
		if n != 1 {
			own[rank-len(shape)+d] = steps[d]
		}
	}
	return own
}

// productStage fills in what a product of codes needs.
func (s *lowerer) productStage(k *product) error {
	var err error
	if k.stage, err = graph.Stage(s.g, s.n); err != nil {
		return err
	}
	a, b := k.operands[0], k.operands[1]
	k.zero = a.zero()
	for j := range k.columns {
		z := int32(b.flip)
		if zeros := b.quant.ZeroPoint; zeros != nil {
			z += zeros[min(j, len(zeros)-1)]
		}
		k.columnZeros = append(k.columnZeros, z)
	}
	return nil
}

type product struct {
	undivided
	operands             [2]*place
	to                   *place
	rows, depth, columns int
	steps                [2][2]int // of the operands' rows and columns
	toStep               [2]int
	loops                *loopNest // over the stack: both operands and the result

	stage       *quant.Requantizer // for codes
	zero        int32              // the first operand's zero point as it is stored
	columnZeros []int32            // the second's, for each column
}

func (k *product) part(s *state, _ *scratch, _, _ int) {
	k.loops.each(func(at [3]int) {
		if k.stage != nil {
			k.codes(s, at[0], at[1], at[2])
		} else {
			k.reals(s, at[0], at[1], at[2])
		}
	})
}

// reals multiplies the matrices at offsets a and b.
func (k *product) reals(s *state, a, b, to int) {
	x, y, dst := s.floatsOf(k.operands[0])[a:], s.floatsOf(k.operands[1])[b:], s.floatsOf(k.to)[to:]
	for i := range k.rows {
		for j := range k.columns {
			at, bt := i*k.steps[0][0], j*k.steps[1][1]
			sum := float32(0)
			for range k.depth {
				sum += float32(x[at] * y[bt])
				at, bt = at+k.steps[0][1], bt+k.steps[1][0]
			}
			dst[i*k.toStep[0]+j*k.toStep[1]] = sum
		}
	}
}

// codes is reals for codes.
func (k *product) codes(s *state, a, b, to int) {
	x, y, dst := s.codesOf(k.operands[0])[a:], s.codesOf(k.operands[1])[b:], s.codesOf(k.to)[to:]
	perColumn := min(k.stage.Channels()-1, 1)
	for i := range k.rows {
		for j, zero := range k.columnZeros {
			at, bt := i*k.steps[0][0], j*k.steps[1][1]
			sum := int32(0)
			for range k.depth {
				sum += (int32(x[at]) - k.zero) * (int32(y[bt]) - zero)
				at, bt = at+k.steps[0][1], bt+k.steps[1][0]
			}
			dst[i*k.toStep[0]+j*k.toStep[1]] = byte(k.stage.Code(sum, j*perColumn)) ^ k.to.flip
		}
	}
}
