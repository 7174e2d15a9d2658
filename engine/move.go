package engine

import (
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
)

// move copies elements from place to place. What nothing is copied to holds a constant.
type move struct {
	undivided
	to        *place
	parts     []part
	fill      bool // before anything is copied
	fillCode  byte
	fillFloat float32
	tier      cpu.Tier
}

// part is what one operand gives to a move.
type part struct {
	from  *place
	loops *loopNest  // its sides are the operand and the result
	table *[256]byte // what the codes become, nil for themselves
}

func (k *move) part(s *state, _ *scratch, _, _ int) {
	if k.to.quant == nil {
		dst := s.floatsOf(k.to)
		if k.fill {
			fill(dst, k.fillFloat)
		}
		for i := range k.parts {
			copyLoops(dst, s.floatsOf(k.parts[i].from), k.parts[i].loops, k.tier)
		}
		return
	}
	dst := s.codesOf(k.to)
	if k.fill {
		fill(dst, k.fillCode)
	}
	for i := range k.parts {
		p := &k.parts[i]
		if p.table == nil {
			copyLoops(dst, s.codesOf(p.from), p.loops, k.tier)
		} else {
			lookUpLoops(dst, s.codesOf(p.from), p.loops, p.table, k.tier)
		}
	}
}

func copyLoops[T byte | float32](dst, src []T, n *loopNest, tier cpu.Tier) {
	if n.transposed {
		copyColumns(dst, src, n, tier)
		return
	}
	from, to := n.inner[0], n.inner[1]
	last := len(n.dims) - 1
	if n.unit[0] && n.unit[1] {
		if n.pitch[0] >= 0 && n.pitch[1] >= 0 {
			copyRows(dst, src, n, tier)
			return
		}
		from, to, length := n.first(0, last), n.first(1, last), n.dims[last]
		n.rows(func(at [3]int) { copy(dst[at[1]+to:][:length], src[at[0]+from:]) })
		return
	}
	n.rows(func(at [3]int) {
		for i, t := range to {
			dst[at[1]+int(t)] = src[at[0]+int(from[i])]
		}
	})
}

// copyRows is copyLoops where rows lie together, and at equal distances.
func copyRows[T byte | float32](dst, src []T, n *loopNest, tier cpu.Tier) {
	d := len(n.dims) - 2
	rows := elementwise.Gather{
		Pixels: n.dims[d], Lines: 1, Length: n.dims[d+1], SrcStep: n.pitch[0], DstStep: n.pitch[1],
	}
	from, to := n.first(0, d)+n.first(0, d+1), n.first(1, d)+n.first(1, d+1)
	n.walk(d, func(at [3]int) { elementwise.Copy(dst[at[1]+to:], src[at[0]+from:], &rows, tier) })
}

// copyColumns is copyLoops where columns become rows.
func copyColumns[T byte | float32](dst, src []T, n *loopNest, tier cpu.Tier) {
	d := len(n.dims) - 2
	t := elementwise.Transposed{
		Rows: n.dims[d+1], Columns: n.dims[d], SrcStep: n.offsets[0][d+1].step, DstStep: n.pitch[1],
	}
	from, to := n.first(0, d)+n.first(0, d+1), n.first(1, d)+n.first(1, d+1)
	if d > 0 && n.offsets[0][d-1].forward() && n.offsets[1][d-1].forward() {
		d--
		t.Matrices, t.SrcNext, t.DstNext = n.dims[d], n.offsets[0][d].step, n.offsets[1][d].step
		from, to = from+n.first(0, d), to+n.first(1, d)
	}
	n.walk(d, func(at [3]int) { elementwise.Transpose(dst[at[1]+to:], src[at[0]+from:], &t, tier) })
}

// lookUpLoops is copyLoops through a table.
func lookUpLoops(dst, src []byte, n *loopNest, table *[256]byte, tier cpu.Tier) {
	last := len(n.dims) - 1
	switch {
	case !n.unit[0] || !n.unit[1]:
		from, to := n.inner[0], n.inner[1]
		n.rows(func(at [3]int) {
			for i, t := range to {
				dst[at[1]+int(t)] = table[src[at[0]+int(from[i])]]
			}
		})
	case n.pitch[0] >= 0 && n.pitch[1] >= 0:
		d := last - 1
		rows := elementwise.Rows{Rows: n.dims[d], Length: n.dims[last], SrcStep: n.pitch[0], DstStep: n.pitch[1]}
		from, to := n.first(0, d)+n.first(0, last), n.first(1, d)+n.first(1, last)
		n.walk(d, func(at [3]int) { rows.Lookup(dst[at[1]+to:], src[at[0]+from:], table, tier) })
	default:
		from, to, length := n.first(0, last), n.first(1, last), n.dims[last]
		n.rows(func(at [3]int) {
			elementwise.Lookup(dst[at[1]+to:][:length], src[at[0]+from:][:length], table, tier)
		})
	}
}

// emitCopy appends the step that copies elements of an operand to all of the output, and makes that known. sides are the
// offsets of both.
func (s *lowerer) emitCopy(from *place, sides [2][]offsets) error {
	loops, err := s.loopNestOf(s.out.shape, s.out.walk(), sides[:]...)
	if err != nil {
		return s.errorf("%w", err)
	}
	s.emitParts(&move{to: s.out, parts: []part{{from, loops, nil}}})
	s.finish()
	return nil
}

// emitMove appends the step that brings a value from one order to another. One of them is row-major.
func (s *lowerer) emitMove(from, to *place) error {
	// As a matrix [channels, plane] of the one that has channels.
	o := from.order
	if o.channels == 1 {
		o = to.order
	}
	apart, inOrder := []int{1, o.channels}, []int{o.plane, 1}
	by := []int{0, 1}
	if from.order.channels == 1 {
		by, apart, inOrder = []int{1, 0}, inOrder, apart
	}
	n, err := s.loopNest([]int{o.channels, o.plane}, by, apart, inOrder)
	if err != nil {
		return s.errorf("%w", err)
	}
	s.emitParts(&move{to: to, parts: []part{{from: from, loops: n}}})
	return nil
}

func (s *lowerer) emitParts(k *move) {
	k.tier = s.tier
	var in []*place
	for _, p := range k.parts {
		if !p.from.isConst() {
			in = append(in, p.from)
		}
	}
	s.emit(s.n, k, step{in: in, out: []*place{k.to}})
}

// asRowMajor returns a place where p's elements lie as they are counted.
func (s *lowerer) asRowMajor(p *place) (*place, error) {
	if p.order.channels == 1 {
		return p, nil
	}
	to := like(p, p.quant)
	to.order = rowMajor(p.n)
	return to, s.emitMove(p, to)
}
