package engine

import (
	"slices"

	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/quant"
)

// integerBinary lowers an operator on pairs of codes. With one number it is a table of that operand; sums and products
// are computed as reals; for the rest there is a table of all pairs.
func (s *lowerer) integerBinary() error {
	p, err := s.pair()
	if err != nil {
		return err
	}
	a, b, out := p.operands[0].quant, p.operands[1].quant, s.out.quant
	value := func(i int) *graph.Value { return s.g.Values[s.n.Inputs[i]] }
	code, err := graph.PairCode(s.n, s.g.Requant, value(0), value(1), s.g.Values[s.n.Outputs[0]])
	if err != nil {
		return s.errorf("%w", err)
	}
	for i, o := range p.operands {
		if o.isConst() && o.n == 1 {
			s.pairWithNumber(p, 1-i, code)
			return nil
		}
	}
	lo, hi := s.clampCodes()
	if real, ok := s.realPair(p, lo, hi); ok {
		if rows := real.channelwise(); rows != nil {
			s.emitMulRows(rows)
			return nil
		}
		s.emitPair(real, p)
		return nil
	}
	if graph.SameParams(a, b) && graph.SameParams(a, out) && (s.n.Op == graph.Max || s.n.Op == graph.Min) {
		s.emitPair(&extreme{p, s.out, s.n.Op == graph.Max, byte(lo + int32(s.out.flip)), byte(hi + int32(s.out.flip))}, p)
		return nil
	}
	if err := s.table(256 * 256); err != nil {
		return s.errorf("%w", err)
	}
	k := &pairLookup{pair: p, out: s.out, table: new([256][256]byte)}
	s.later(func() error {
		for u := range k.table {
			for v := range k.table[u] {
				code := code(int32(u)-int32(flipOf(a.Type)), int32(v)-int32(flipOf(b.Type)))
				k.table[u][v] = byte(clampTo(code, lo, hi)) ^ flipOf(out.Type)
			}
		}
		return nil
	})
	s.emitPair(k, p)
	return nil
}

// pairWithNumber lowers a pair of operand i and a constant of one element to a table.
func (s *lowerer) pairWithNumber(p *pair, i int, code func(qa, qb int32) int32) {
	lo, hi := s.clampCodes()
	x, number := p.operands[i], p.operands[1-i]
	n := int32(number.codes[0]) - int32(number.flip)
	table := new([256]byte)
	for u := range table {
		pair := [2]int32{int32(u) - int32(x.flip), n}
		table[u] = byte(clampTo(code(pair[i], pair[1-i]), lo, hi)) ^ s.out.flip
	}
	s.weights += 256
	s.emit(s.n, &lookup{x, s.out, table, s.tier}, step{
		Step: Step{Op: string(s.n.Op) + s.fusedOps}, in: []*place{x}, out: []*place{s.out}, inPlace: true,
	})
	s.finish()
}

// realPair returns the sum, difference or product of what the codes stand for. ok is false where it is none of these, or
// the convention computes a sum in integers, or it rounds as ONNX Runtime's own operators.
func (s *lowerer) realPair(p *pair, lo, hi int32) (k *realPair, ok bool) {
	if graph.IsQLinear(s.n) {
		return nil, false
	}
	a, b := p.operands[0], p.operands[1]
	scale := b.quant.Scale[0]
	switch s.n.Op {
	case graph.Add:
		if s.g.Requant != quant.ONNX && s.g.Requant != quant.Torch {
			return nil, false
		}
	case graph.Sub:
		scale = -scale // the sum with what is negated, which is exact
	case graph.Mul:
	default:
		return nil, false
	}
	q := clampedQuantizer(s.out.quant, lo, hi)
	return &realPair{p, s.out, elementwise.Pair{
		ZeroA: a.zero(), ScaleA: a.quant.Scale[0], ZeroB: b.zero(), ScaleB: scale,
		Scale: q.Scale, Lo: q.Lo, Hi: q.Hi, Offset: q.Offset, Mul: s.n.Op == graph.Mul,
	}, s.tier}, true
}

// realPair adds or multiplies what the codes stand for.
type realPair struct {
	*pair
	out  *place
	op   elementwise.Pair
	tier cpu.Tier
}

func (k *realPair) part(s *state, _ *scratch, lo, hi int) {
	a, b, dst := s.codesOf(k.operands[0]), s.codesOf(k.operands[1]), s.codesOf(k.out)
	if k.loops != nil {
		k.runLoops(dst, a, b)
		return
	}
	k.op.Apply(dst[lo:hi], a[lo:hi], b[lo:hi], k.tier)
}

func (k *realPair) runLoops(dst, a, b []byte) {
	ia, ib, to := k.loops.inner[0], k.loops.inner[1], k.loops.inner[2]
	if n := len(to); k.loops.unit == [3]bool{true, true, true} && n > 1 {
		k.loops.rows(func(at [3]int) {
			k.op.Apply(dst[at[2]+int(to[0]):][:n], a[at[0]+int(ia[0]):][:n], b[at[1]+int(ib[0]):][:n], k.tier)
		})
		return
	}
	k.loops.rows(func(at [3]int) {
		for i, t := range to {
			dst[at[2]+int(t)] = k.op.Code(a[at[0]+int(ia[i])], b[at[1]+int(ib[i])])
		}
	})
}

// channelwise returns the product of a value with a number for each channel of its pixels, or the like of another order; nil where
// it is something else.
func (k *realPair) channelwise() *mulRows {
	if k.loops == nil || !k.op.Mul {
		return nil
	}
	walk := k.out.walk()
	inner := walk[len(walk)-1]
	for i, x := range k.operands {
		by := k.operands[1-i]
		steps := broadcastSteps(by, len(k.out.shape))
		for d, step := range steps {
			if d == inner {
				steps[d] = step - 1
			}
		}
		if !x.shape.Equal(k.out.shape) || x.order != k.out.order || !slices.Equal(x.strides(), k.out.strides()) ||
			by.n == 0 || by.n != k.out.shape[inner] || slices.ContainsFunc(steps, func(step int) bool { return step != 0 }) {
			continue
		}
		op := k.op
		if i == 1 {
			op.ZeroA, op.ScaleA, op.ZeroB, op.ScaleB = op.ZeroB, op.ScaleB, op.ZeroA, op.ScaleA
		}
		return &mulRows{x, by, k.out, op, k.tier}
	}
	return nil
}

// mulRows multiplies what the codes of rows stand for by numbers that all rows have in common.
type mulRows struct {
	x, by, out *place
	op         elementwise.Pair
	tier       cpu.Tier
}

func (s *lowerer) emitMulRows(k *mulRows) {
	var in []*place
	for _, o := range []*place{k.x, k.by} {
		if !o.isConst() {
			in = append(in, o)
		}
	}
	s.emit(s.n, k, step{
		Step: Step{Op: string(s.n.Op) + s.fusedOps}, in: in, out: []*place{s.out}, need: need{floats: k.by.n},
	})
	s.finish()
}

func (k *mulRows) units() (n, grain int) { return k.out.n / k.by.n, 1 }

func (k *mulRows) part(s *state, w *scratch, lo, hi int) {
	n := k.by.n
	a, dst := s.codesOf(k.x)[lo*n:hi*n], s.codesOf(k.out)[lo*n:hi*n]
	k.op.MulRows(dst, a, s.codesOf(k.by)[:n], w.floats, k.tier)
}

// pairLookup looks pairs of codes up.
type pairLookup struct {
	*pair
	out   *place
	table *[256][256]byte
}

func (k *pairLookup) part(s *state, _ *scratch, lo, hi int) {
	a, b, dst := s.codesOf(k.operands[0]), s.codesOf(k.operands[1]), s.codesOf(k.out)
	if k.loops == nil {
		a, b, dst = a[lo:hi], b[lo:hi], dst[lo:hi]
		for i, u := range a {
			dst[i] = k.table[u][b[i]]
		}
		return
	}
	ia, ib, to := k.loops.inner[0], k.loops.inner[1], k.loops.inner[2]
	k.loops.rows(func(at [3]int) {
		for i, t := range to {
			dst[at[2]+int(t)] = k.table[a[at[0]+int(ia[i])]][b[at[1]+int(ib[i])]]
		}
	})
}

// extreme takes the larger or smaller code of two with the same parameters: stored codes are ordered as reals are.
type extreme struct {
	*pair
	out    *place
	larger bool
	lo, hi byte
}

func (k *extreme) part(s *state, _ *scratch, lo, hi int) {
	a, b, dst := s.codesOf(k.operands[0]), s.codesOf(k.operands[1]), s.codesOf(k.out)
	if k.loops == nil {
		a, b, dst = a[lo:hi], b[lo:hi], dst[lo:hi]
		for i, u := range a {
			dst[i] = k.of(u, b[i])
		}
		return
	}
	ia, ib, to := k.loops.inner[0], k.loops.inner[1], k.loops.inner[2]
	k.loops.rows(func(at [3]int) {
		for i, t := range to {
			dst[at[2]+int(t)] = k.of(a[at[0]+int(ia[i])], b[at[1]+int(ib[i])])
		}
	})
}

func (k *extreme) of(u, v byte) byte {
	if k.larger == (v > u) {
		u = v
	}
	return min(max(u, k.lo), k.hi)
}
