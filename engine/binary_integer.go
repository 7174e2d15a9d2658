package engine

import (
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/quant"
)

// integerBinary lowers Add and Mul of codes. Where the sum of reals decides it is computed; the fixed-point sum has a
// table of all pairs.
func (s *site) integerBinary() error {
	p, err := s.pair()
	if err != nil {
		return err
	}
	a, b, out := p.operands[0].quant, p.operands[1].quant, s.out.quant
	lo, hi := s.clampCodes()
	if s.n.Op == graph.Mul || s.g.Requant == quant.ONNX || s.g.Requant == quant.Torch {
		q := clampedQuantizer(out, lo, hi)
		s.emitPair(&realPair{p, s.out, elementwise.Pair{
			ZeroA: p.operands[0].zero(), ScaleA: a.Scale[0], ZeroB: p.operands[1].zero(), ScaleB: b.Scale[0],
			Scale: q.Scale, Lo: q.Lo, Hi: q.Hi, Offset: q.Offset, Mul: s.n.Op == graph.Mul,
		}, s.tier}, p)
		return nil
	}
	adder, err := graph.NewAdder(s.g.Requant, *a, *b, *out)
	if err != nil {
		return s.errorf("%w", err)
	}
	k := &pairLookup{pair: p, out: s.out, table: new([256][256]byte)}
	s.later(func() error {
		for u := range k.table {
			for v := range k.table[u] {
				code := adder.Code(int32(u)-int32(flipOf(a.Type)), int32(v)-int32(flipOf(b.Type)))
				k.table[u][v] = byte(clampTo(code, lo, hi)) ^ flipOf(out.Type)
			}
		}
		return nil
	})
	s.weights += 256 * 256
	s.emitPair(k, p)
	return nil
}

// realPair adds or multiplies what the codes stand for.
type realPair struct {
	*pair
	out  *place
	op   elementwise.Pair
	tier cpu.Tier
}

func (k *realPair) run(s *state) { whole(k, s) }

func (k *realPair) part(s *state, _ *scratch, lo, hi int) {
	a, b, dst := s.codesOf(k.operands[0]), s.codesOf(k.operands[1]), s.codesOf(k.out)
	if k.nest != nil {
		k.runNest(dst, a, b)
		return
	}
	k.op.Apply(dst[lo:hi], a[lo:hi], b[lo:hi], k.tier)
}

func (k *realPair) runNest(dst, a, b []byte) {
	ia, ib, to := k.nest.inner(0), k.nest.inner(1), k.nest.inner(2)
	if n := len(to); k.nest.unit == [3]bool{true, true, true} && n > 1 {
		k.nest.rows(func(at [3]int) {
			k.op.Apply(dst[at[2]+to[0]:][:n], a[at[0]+ia[0]:][:n], b[at[1]+ib[0]:][:n], k.tier)
		})
		return
	}
	k.nest.rows(func(at [3]int) {
		for i, t := range to {
			dst[at[2]+t] = k.op.Code(a[at[0]+ia[i]], b[at[1]+ib[i]])
		}
	})
}

// pairLookup looks pairs of codes up.
type pairLookup struct {
	*pair
	out   *place
	table *[256][256]byte
}

func (k *pairLookup) run(s *state) { whole(k, s) }

func (k *pairLookup) part(s *state, _ *scratch, lo, hi int) {
	a, b, dst := s.codesOf(k.operands[0]), s.codesOf(k.operands[1]), s.codesOf(k.out)
	if k.nest == nil {
		a, b, dst = a[lo:hi], b[lo:hi], dst[lo:hi]
		for i, u := range a {
			dst[i] = k.table[u][b[i]]
		}
		return
	}
	ia, ib, to := k.nest.inner(0), k.nest.inner(1), k.nest.inner(2)
	k.nest.rows(func(at [3]int) {
		for i, t := range to {
			dst[at[2]+t] = k.table[a[at[0]+ia[i]]][b[at[1]+ib[i]]]
		}
	})
}
