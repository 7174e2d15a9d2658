package engine

import "linquant/internal/elementwise"

// Where a layer has more weights than rows to multiply them with, reading the weights is what takes the time. A worker
// runs such layers on a few examples of a batch at once: the weights are read once for all of them. The steps before
// and after are run example by example, so that activations stay in the cache.

const (
	groupSize = 4  // examples
	groupRows = 64 // rows that a weight is multiplied with at once, where weights need not be read less often

	// heavy is the bytes of weights that do not stay in the cache while an example is computed.
	heavy = 256 << 10
)

// grouped is a kernel that can be run on several examples at once.
type grouped interface {
	kernel
	runGroup(examples []*state)
}

// group finds the steps that are run on groups, and the span from the first to the last of them.
func group(steps []step) (first, end int) {
	for i := range steps {
		if k, ok := steps[i].kernel.(interface{ heavy() grouped }); ok {
			if steps[i].grouped = k.heavy(); steps[i].grouped == nil {
				continue
			}
			if end == 0 {
				first = i
			}
			end = i + 1
		}
	}
	return first, end
}

// heavy returns the kernel where it pays to run it on groups.
func (k *integerLayer) heavy() grouped {
	if k.isHeavy(1) {
		return k
	}
	return nil
}

func (k *floatLayer) heavy() grouped {
	if k.isHeavy(4) {
		return k
	}
	return nil
}

func (l *layer) isHeavy(elementSize int) bool {
	return l.rows <= groupRows && l.groups == max(l.sliced, 1) && int64(l.row)*int64(l.ldd)*int64(elementSize) >= heavy
}

// scratch is the elements of scratch that a layer uses.
func (l *layer) scratch(elementSize int) int {
	if l.isHeavy(elementSize) {
		return max(l.block*l.row, l.atOnce*(l.row+l.ldd))
	}
	return l.block * l.row
}

// pieces calls visit for the parts of rows first ≤ r < first+n of a group of examples that lie in one example each:
// rows r, … of the group are rows at, … of the example.
func (l *layer) pieces(first, n int, visit func(r, example, at, rows int)) {
	for r := 0; r < n; {
		example, at := (first+r)/l.rows, (first+r)%l.rows
		rows := min(n-r, l.rows-at)
		visit(r, example, at, rows)
		r += rows
	}
}

func (k *integerLayer) runGroup(examples []*state) {
	w := &examples[0].scratch
	total := len(examples) * k.rows
	lda := k.in.rowOr(k.lda)
	for first := 0; first < total; first += k.atOnce {
		n := min(k.atOnce, total-first)
		rows, out := w.codes[:n*k.row], w.codes[k.atOnce*k.row:][:n*k.ldd]
		k.pieces(first, n, func(r, example, at, count int) {
			x := examples[example].codesOf(k.in)
			if k.panel != nil {
				k.panel.fill(rows[r*k.row:], x, 0, at, count)
				return
			}
			for i := range count {
				copy(rows[(r+i)*k.row:][:k.row], x[(at+i)*lda:])
			}
		})
		for i := range k.matrices {
			g := &k.matrices[i]
			g.weight.Mul(out[g.at:], k.ldd, rows, k.row, n, &g.stage)
		}
		k.pieces(first, n, func(r, example, at, count int) {
			storeRows(examples[example].codesOf(k.out), out[r*k.ldd:][:count*k.ldd], at, k.ldd, k.out.rowOr(k.ldd))
			if k.sum != nil {
				k.sum.apply(examples[example], k.ldd, at, at+count, 0, k.ldd)
			}
		})
	}
}

func (k *floatLayer) runGroup(examples []*state) {
	w := &examples[0].scratch
	total := len(examples) * k.rows
	lda := k.in.rowOr(k.lda)
	for first := 0; first < total; first += k.atOnce {
		n := min(k.atOnce, total-first)
		rows, out := w.floats[:n*k.row], w.floats[k.atOnce*k.row:][:n*k.ldd]
		k.pieces(first, n, func(r, example, at, count int) {
			x := examples[example].floatsOf(k.in)
			if k.panel != nil {
				k.panel.fill(elementwise.Bytes(rows[r*k.row:]), elementwise.Bytes(x), 0, at, count)
				return
			}
			for i := range count {
				copy(rows[(r+i)*k.row:][:k.row], x[(at+i)*lda:])
			}
		})
		for i := range k.matrices {
			g := &k.matrices[i]
			g.weight.Mul(out[g.at:], k.ldd, rows, k.row, n, g.bias, k.lo, k.hi)
		}
		k.pieces(first, n, func(r, example, at, count int) {
			storeRows(examples[example].floatsOf(k.out), out[r*k.ldd:][:count*k.ldd], at, k.ldd, k.out.rowOr(k.ldd))
		})
	}
}

// storeRows copies rows of n elements to rows at, … of dst, which begin step apart.
func storeRows[T byte | float32](dst, rows []T, at, n, step int) {
	if step == n {
		copy(dst[at*n:], rows)
		return
	}
	for ; len(rows) > 0; rows, at = rows[n:], at+1 {
		copy(dst[at*step:][:n], rows)
	}
}

// example returns the memory for example i of a group, which is made when it is first needed. All share the scratch.
func (s *state) example(i int) *state {
	for len(s.group) <= i {
		if len(s.group) == 0 {
			s.group = append(make([]*state, 0, groupSize), s)
			continue
		}
		s.group = append(s.group, &state{
			codes: make([]byte, len(s.codes)), floats: make([]float32, len(s.floats)), scratch: s.scratch,
			in: make([][]float32, len(s.in)), out: make([][]float32, len(s.out)),
		})
	}
	return s.group[i]
}

// runGroup runs the program on n examples from the first on. run is called for the steps that are run example by
// example.
func (p *Program) runGroup(s *state, first, n int, outputs, inputs [][]float32, run func(*state, *step) error) error {
	for i := range n {
		p.bind(s.example(i), first+i, outputs, inputs)
	}
	examples := s.group[:n]
	each := func(lo, hi int) error {
		for _, e := range examples {
			for k := lo; k < hi; k++ {
				if err := run(e, &p.steps[k]); err != nil {
					return err
				}
			}
		}
		return nil
	}
	if err := each(0, p.heavyFirst); err != nil {
		return err
	}
	for k := p.heavyFirst; k < p.heavyEnd; k++ {
		if g := p.steps[k].grouped; g != nil && n > 1 {
			if err := p.steps[k].computeGroup(examples); err != nil {
				return err
			}
		} else if err := each(k, k+1); err != nil {
			return err
		}
	}
	return each(p.heavyEnd, len(p.steps))
}

// groupOf returns how many of the examples that are left one of so many workers takes: few at the end, so that all are
// done at about the same time.
func (p *Program) groupOf(left, workers int) int {
	if p.heavyEnd == 0 || workers == 1 {
		return min(left, p.groupSize())
	}
	return min(left, max(1, min(p.groupSize(), left/(2*workers))))
}

func (p *Program) groupSize() int {
	if p.heavyEnd == 0 {
		return 1
	}
	return groupSize
}
