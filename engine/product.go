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
	k, err := s.newProduct()
	if err != nil {
		return err
	}
	p, packed := s.packed(k)
	if packed {
		if done, err := s.attention(p); done || err != nil {
			return err
		}
	}
	st := step{
		Step: Step{Op: string(s.n.Op) + s.fusedOps, MACs: k.macs()}, in: k.computed(), out: []*place{s.out},
	}
	if packed {
		st.need = p.need()
		s.emit(s.n, p, st)
	} else {
		s.emit(s.n, k, st)
	}
	s.finish()
	return nil
}

// newProduct returns the product of a node, whose output s.out then is.
func (s *lowerer) newProduct() (*product, error) {
	k := &product{to: s.out}
	for i := range k.operands {
		if k.operands[i] = s.in[i]; s.in[i] == nil {
			var err error
			if k.operands[i], err = s.constantPlace(i); err != nil {
				return nil, err
			}
		}
	}
	a, b := *k.operands[0], *k.operands[1]
	aSteps, bSteps, stack := a.strides(), b.strides(), s.out.shape
	out := s.transposedOutput()
	k.to = s.out
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
		return nil, s.errorf("operands of shapes %v and %v an example are no stacks of matrices: insert an Unsqueeze",
			a.shape, b.shape)
	}
	k.rows, k.depth, k.columns = a.shape[da], a.shape[da+1], b.shape[db+1]
	k.steps = [2][2]int{{aSteps[da], aSteps[da+1]}, {bSteps[db], bSteps[db+1]}}
	var err error
	k.loops, err = s.loopNest(stack, counted(len(stack)), leading(a.shape[:da], aSteps, len(stack)),
		leading(b.shape[:db], bSteps, len(stack)), out[:len(stack)])
	if err != nil {
		return nil, s.errorf("%w", err)
	}
	if s.out.quant != nil {
		if err := s.productStage(k); err != nil {
			return nil, err
		}
	}
	return k, nil
}

// transposedOutput returns the strides of the output. Where a Transpose alone reads it and leaves rows together, that is part of the node:
// what it makes is written where it belongs.
func (s *lowerer) transposedOutput() []int {
	own := s.out.strides()
	next := s.reader(s.value)
	if next == nil || next.Op != graph.Transpose || s.out.order.channels > 1 {
		return own
	}
	perm, err := graph.PermOf(next, 1+len(own))
	to, placed := s.place(s.g.Values[next.Outputs[0]])
	if err != nil || placed != nil || len(own) == 0 || to.order.channels > 1 || perm[len(own)] != len(own) {
		return own
	}
	steps := make([]int, len(own))
	for d, step := range to.strides() {
		steps[perm[1+d]-1] = step
	}
	s.fold(next)
	s.out = to
	return steps
}

// computed returns the operands that are no constants.
func (k *product) computed() (in []*place) {
	for _, p := range k.operands {
		if !p.isConst() {
			in = append(in, p)
		}
	}
	return in
}

func (k *product) macs() int64 { return int64(k.to.n) * int64(k.depth) }

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
