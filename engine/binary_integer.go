package engine

import (
	"linquant/graph"
	"linquant/quant"
)

// integerBinary lowers Add and Mul of codes. Where the sum of reals decides, each operand has a table of what its codes
// stand for; the fixed-point sum has a table of all pairs.
func (s *site) integerBinary() error {
	p, err := s.pair()
	if err != nil {
		return err
	}
	a, b, out := p.operands[0].quant, p.operands[1].quant, s.out.quant
	lo, hi := s.clampCodes()
	if s.n.Op == graph.Mul || s.g.Requant == quant.ONNX || s.g.Requant == quant.Torch {
		s.weights += 2 * 256 * 4
		q := clampedQuantizer(out, lo, hi)
		s.emitPair(&realPair{p, s.out, realsTable(a), realsTable(b), q, s.n.Op == graph.Mul}, p)
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
	a, b *[256]float32
	q    quantizer
	mul  bool
}

func (k *realPair) run(s *state) {
	a, b, dst := s.codesOf(k.operands[0]), s.codesOf(k.operands[1]), s.codesOf(k.out)
	switch {
	case k.nest != nil:
		k.runNest(dst, a, b)
	case k.mul:
		b, dst = b[:len(a)], dst[:len(a)]
		for i, u := range a {
			dst[i] = k.q.code(float32(k.a[u] * k.b[b[i]]))
		}
	default:
		b, dst = b[:len(a)], dst[:len(a)]
		for i, u := range a {
			dst[i] = k.q.code(k.a[u] + k.b[b[i]])
		}
	}
}

func (k *realPair) runNest(dst, a, b []byte) {
	ia, ib, to := k.nest.inner(0), k.nest.inner(1), k.nest.inner(2)
	k.nest.rows(func(at [3]int) {
		for i, t := range to {
			x, y := k.a[a[at[0]+ia[i]]], k.b[b[at[1]+ib[i]]]
			if k.mul {
				x = float32(x * y)
			} else {
				x += y
			}
			dst[at[2]+t] = k.q.code(x)
		}
	})
}

// pairLookup looks pairs of codes up.
type pairLookup struct {
	*pair
	out   *place
	table *[256][256]byte
}

func (k *pairLookup) run(s *state) {
	a, b, dst := s.codesOf(k.operands[0]), s.codesOf(k.operands[1]), s.codesOf(k.out)
	if k.nest == nil {
		b, dst = b[:len(a)], dst[:len(a)]
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
