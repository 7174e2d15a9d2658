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
	tier := s.tier
	normalize := func(_ int, dst, x []float32) { elementwise.Softmax(dst, x, tier) }
	if s.n.Op == graph.LogSoftmax {
		normalize = func(_ int, dst, x []float32) { arith.LogSoftmax(dst, x) }
	}
	r, err := s.rowsOfAxis(s.in[0], axis)
	if err != nil {
		return s.errorf("%w", err)
	}
	s.emitRows(r, normalize)
	return nil
}

// longestRows is how long the rows of codes are that a Softmax takes.
const longestRows = 1 << 14

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
	if axis < 0 || s.out.shape[axis] > longestRows {
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
	if err != nil {
		return s.errorf("%w", err)
	}
	k := &codesSoftmax{from: from, to: s.out, rows: r, tier: s.tier}
	s.emit(s.n, k, step{in: s.in, out: []*place{s.out}, need: need{codes: k.scratch(), floats: k.scratch()}})
	s.finish()
	return nil
}

// codesSoftmax is a Softmax of what codes stand for.
type codesSoftmax struct {
	from, to *place
	*rows
	tier cpu.Tier
}

func (k *codesSoftmax) part(s *state, w *scratch, lo, hi int) {
	src, dst, n := s.codesOf(k.from), s.floatsOf(k.to), len(k.inner)
	if k.together {
		for _, at := range k.outer[lo:hi] {
			k.of(dst[at:][:n], src[at:][:n])
		}
		return
	}
	for first := lo; first < hi; first += k.block {
		count := min(k.block, hi-first)
		gather(k.rows, w.codes, src, first, count)
		for i := range count {
			k.of(w.floats[i*n:][:n], w.codes[i*n:][:n])
		}
		k.scatter(dst, w.floats, first, count)
	}
}

// of does one row.
func (k *codesSoftmax) of(dst []float32, row []byte) {
	elementwise.Dequantize(dst, row, k.from.zero(), k.from.quant.Scale[0], k.tier)
	elementwise.Softmax(dst, dst, k.tier)
}
