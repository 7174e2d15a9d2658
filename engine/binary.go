package engine

import (
	"slices"

	"linquant/graph"
	"linquant/internal/elementwise"
)

// pair is the two operands of an Add, Mul or the like.
type pair struct {
	operands [2]*place
	loops    *loopNest // the operands and the output; nil where all three lie alike
}

// units are elements where all lie alike.
func (p *pair) units() (n, grain int) {
	if p.loops != nil {
		return 1, 1
	}
	return p.operands[0].n, elementGrain
}

// pair resolves the operands and how they are broadcast.
func (s *lowerer) pair() (*pair, error) {
	var p pair
	steps := [3][]int{2: s.out.strides()}
	alike := true
	for i := range p.operands {
		p.operands[i] = s.in[i]
		if s.in[i] == nil {
			var err error
			if p.operands[i], err = s.constantPlace(i); err != nil {
				return nil, err
			}
		}
		o := p.operands[i]
		if len(o.shape) > len(s.out.shape) {
			return nil, s.errorf("%q has %d dimensions an example and the output %d: reshape it",
				o.name, len(o.shape), len(s.out.shape))
		}
		alike = alike && o.shape.Equal(s.out.shape) && o.order == s.out.order
		steps[i] = broadcastSteps(o, len(s.out.shape))
	}
	if !alike {
		var err error
		if p.loops, err = s.loopNest(s.out.shape, s.out.walk(), steps[:]...); err != nil {
			return nil, s.errorf("%w", err)
		}
	}
	return &p, nil
}

// broadcastSteps returns the strides of a value that is broadcast to so many dimensions.
func broadcastSteps(p *place, rank int) []int {
	steps, own := make([]int, rank), p.strides()
	skip := rank - len(own)
	for d, n := range p.shape {
		if n != 1 {
			steps[skip+d] = own[d]
		}
	}
	return steps
}

// constantPlace returns constant input i as an operand: codes where the output is codes, reals else. A first dimension
// that stands for the batch is left away.
func (s *lowerer) constantPlace(i int) (*place, error) {
	v, err := s.constant(i)
	if err != nil {
		return nil, err
	}
	shape := v.Const.Shape
	if len(shape) == 1+len(s.out.shape) && !(s.n.Op == graph.MatMul && len(shape) <= 2) {
		if shape[0] != 1 {
			return nil, s.errorf("constant %q is %v: its first dimension, the batch, must be 1", v.Name, shape)
		}
		shape = shape[1:]
	}
	p := &place{name: v.Name, shape: shape, n: v.Const.Elements(), input: -1}
	p.order = rowMajor(p.n)
	if s.out.quant == nil {
		reals, err := s.realsOf(v)
		if err != nil {
			return nil, s.errorf("constant %q: %w", v.Name, err)
		}
		p.floats = share(&s.packs, s.key(i, 0, 1, "reals"), func() []float32 {
			s.weights += 4 * int64(p.n)
			return slices.Clone(reals)
		})
		return p, nil
	}
	p.quant, p.flip = v.Quant, flipOf(v.Quant.Type)
	p.codes = share(&s.packs, s.key(i, 0, 1, "codes"), func() []byte {
		codes := make([]byte, p.n)
		for i, b := range v.Const.Data {
			codes[i] = b ^ p.flip
		}
		s.weights += int64(p.n)
		return codes
	})
	return p, nil
}

// emitPair appends a step of two operands. It can write over one that lies as the output does.
func (s *lowerer) emitPair(k kernel, p *pair) {
	var in []*place
	for _, o := range p.operands {
		if !o.isConst() {
			in = append(in, o)
		}
	}
	s.emit(s.n, k, step{
		Step: Step{Op: string(s.n.Op) + s.fusedOps}, in: in, out: []*place{s.out}, inPlace: p.loops == nil,
	})
	s.finish()
}

func (s *lowerer) floatBinary() error {
	p, err := s.pair()
	if err != nil {
		return err
	}
	f, ok := graph.Binary(s.n.Op)
	if !ok {
		return s.errorf("the operator has no definition for a pair of values: replace the node")
	}
	if fused, err := s.scores(p); fused || err != nil {
		return err
	}
	for i, o := range p.operands {
		if o.isConst() && o.n == 1 {
			s.binaryWithNumber(p, 1-i, f)
			return nil
		}
	}
	k := &floatBinary{pair: p, out: s.out, f: f, many: s.onSlices(f)}
	k.lo, k.hi = s.clampFloats()
	k.out = s.out // of the last node that was folded
	s.emitPair(k, p)
	return nil
}

// binaryWithNumber lowers a pair of operand i and a constant of one element.
func (s *lowerer) binaryWithNumber(p *pair, i int, f func(a, b float32) float32) {
	k := &withNumber{from: p.operands[i], first: i == 0, many: s.onSlices(f)}
	s.weights += 4 * numberRow
	if !s.dry {
		k.number = slices.Repeat(p.operands[1-i].floats[:1], numberRow)
	}
	k.lo, k.hi = s.clampFloats()
	k.to = s.out
	s.emit(s.n, k, step{
		Step: Step{Op: string(s.n.Op) + s.fusedOps}, in: []*place{k.from}, out: []*place{k.to}, inPlace: true,
	})
	s.finish()
}

// numberRow is how often a number stands in the row that withNumber has of it.
const numberRow = 256

// withNumber computes an operator on each element and a number, of which it has a row.
type withNumber struct {
	from, to *place
	first    bool // the element is the first operand
	number   []float32
	many     func(dst, a, b []float32, lo, hi float32)
	lo, hi   float32
}

func (k *withNumber) units() (n, grain int) { return k.to.n, elementGrain }

func (k *withNumber) part(s *state, _ *scratch, lo, hi int) {
	src, dst := s.floatsOf(k.from)[lo:hi], s.floatsOf(k.to)[lo:hi]
	for len(dst) > 0 {
		n := min(len(dst), len(k.number))
		a, b := src[:n], k.number[:n]
		if !k.first {
			a, b = b, a
		}
		k.many(dst[:n], a, b, k.lo, k.hi)
		src, dst = src[n:], dst[n:]
	}
}

// onSlices returns the operator on slices of one length, with a clamp.
func (s *lowerer) onSlices(f func(a, b float32) float32) func(dst, a, b []float32, lo, hi float32) {
	tier := s.tier
	switch s.n.Op {
	case graph.Add:
		return func(dst, a, b []float32, lo, hi float32) { elementwise.AddReals(dst, a, b, lo, hi, tier) }
	case graph.Mul:
		return func(dst, a, b []float32, lo, hi float32) { elementwise.MulReals(dst, a, b, lo, hi, tier) }
	case graph.Sub:
		return func(dst, a, b []float32, lo, hi float32) { elementwise.SubReals(dst, a, b, lo, hi, tier) }
	case graph.Div:
		return func(dst, a, b []float32, lo, hi float32) { elementwise.DivReals(dst, a, b, lo, hi, tier) }
	}
	return func(dst, a, b []float32, lo, hi float32) {
		a, b = a[:len(dst)], b[:len(dst)]
		for i := range dst {
			dst[i] = clampTo(f(a[i], b[i]), lo, hi)
		}
	}
}

// floatBinary computes an operator on pairs of elements.
type floatBinary struct {
	*pair
	out    *place
	f      func(a, b float32) float32
	many   func(dst, a, b []float32, lo, hi float32)
	lo, hi float32
}

func (k *floatBinary) part(s *state, _ *scratch, lo, hi int) {
	a, b, dst := s.floatsOf(k.operands[0]), s.floatsOf(k.operands[1]), s.floatsOf(k.out)
	if k.loops != nil {
		k.runLoops(dst, a, b)
		return
	}
	k.many(dst[lo:hi], a[lo:hi], b[lo:hi], k.lo, k.hi)
}

func (k *floatBinary) runLoops(dst, a, b []float32) {
	ia, ib, to := k.loops.inner[0], k.loops.inner[1], k.loops.inner[2]
	if n := len(to); k.loops.unit == [3]bool{true, true, true} && n > 1 {
		k.loops.rows(func(at [3]int) {
			k.many(dst[at[2]+int(to[0]):][:n], a[at[0]+int(ia[0]):][:n], b[at[1]+int(ib[0]):][:n], k.lo, k.hi)
		})
		return
	}
	k.loops.rows(func(at [3]int) {
		for i, t := range to {
			dst[at[2]+int(t)] = clampTo(k.f(a[at[0]+int(ia[i])], b[at[1]+int(ib[i])]), k.lo, k.hi)
		}
	})
}
