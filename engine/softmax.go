package engine

import (
	"linquant/graph"
	"linquant/internal/arith"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
)

// softmax lowers Softmax and LogSoftmax.
func (s *lowerer) softmax() error {
	axis := graph.AxisOf(s.n, 1+len(s.out.shape)) - 1
	if axis < 0 {
		return s.errorf("axis 0 is the batch: use axis 1")
	}
	if s.in[0].quant != nil { // fromCodes has looked at it
		return s.softmaxOfCodes(axis)
	}
	normalize := arith.Softmax
	if s.n.Op == graph.LogSoftmax {
		normalize = arith.LogSoftmax
	}
	r, err := s.rowsOfAxis(s.in[0], axis)
	if err != nil {
		return s.errorf("%w", err)
	}
	s.emitRows(r, func(_ int, dst, x []float32) { normalize(dst, x) })
	return nil
}

// The exponentials that a Softmax of dequantized codes needs, of each code less the largest of its row, are few: a table
// of them for every largest code takes the place of most of its work, and gives the same bits.

const (
	leastRows   = 32   // that a table is worth
	longestRows = 1024 // elements
)

// fromCodes reports whether the node is a DequantizeLinear for a Softmax alone, which then reads the codes; it makes
// the output stand for them.
func (s *lowerer) fromCodes() bool {
	if s.n.Op != graph.DequantizeLinear || !s.hidden(s.value) {
		return false
	}
	next, rank := s.consumers[s.value][0], len(s.out.shape)
	if next.Op != graph.Softmax || rank == 0 {
		return false
	}
	axis := graph.AxisOf(next, 1+rank) - 1
	if axis < 0 || s.out.shape[axis] > longestRows || s.out.n/s.out.shape[axis] < leastRows {
		return false
	}
	p := *s.in[0]
	p.name, p.shape = s.value, s.out.shape
	s.out = &p
	return true
}

func (s *lowerer) softmaxOfCodes(axis int) error {
	from := s.in[0]
	r, err := s.rowsOfAxis(from, axis)
	if err == nil {
		err = s.table(256 * 257 / 2 * 8)
	}
	if err != nil {
		return s.errorf("%w", err)
	}
	k := &codesSoftmax{from: from, to: s.out, rows: r, table: make([][]float64, 256), tier: s.tier}
	s.later(func() error {
		reals := realsTable(from.quant)
		for most := range k.table {
			k.table[most] = make([]float64, most+1)
			for u := range k.table[most] {
				k.table[most][u] = arith.Exp(float64(reals[u]) - float64(reals[most]))
			}
		}
		return nil
	})
	s.emit(s.n, k, step{in: s.in, out: []*place{s.out}, need: need{codes: k.scratch(), floats: k.scratch()}})
	s.finish()
	return nil
}

// codesSoftmax is a Softmax of what codes stand for.
type codesSoftmax struct {
	from, to *place
	*rows
	table [][]float64 // by the largest stored code of a row, then by the code
	tier  cpu.Tier
}

func (k *codesSoftmax) part(s *state, w *scratch, lo, hi int) {
	src, dst, n := s.codesOf(k.from), s.floatsOf(k.to), len(k.inner)
	var room [longestRows]float64
	e := room[:n]
	if k.together {
		for _, at := range k.outer[lo:hi] {
			k.of(dst[at:][:n], src[at:][:n], e)
		}
		return
	}
	for first := lo; first < hi; first += k.block {
		count := min(k.block, hi-first)
		gather(k.rows, w.codes, src, first, count)
		for i := range count {
			k.of(w.floats[i*n:][:n], w.codes[i*n:][:n], e)
		}
		k.scatter(dst, w.floats, first, count)
	}
}

// of does one row; e is as long.
func (k *codesSoftmax) of(dst []float32, row []byte, e []float64) {
	table := k.table[elementwise.MostCode(row)]
	sum := elementwise.SumLookup(e[:len(row)], row, table, k.tier)
	elementwise.Divide(dst, e, sum, k.tier)
}
