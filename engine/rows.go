package engine

import (
	"slices"

	"linquant/graph"
	"linquant/internal/elementwise"
)

// rows cuts a value into rows, such as those that a Softmax normalizes: row r has the elements at outer[r] + inner[j], in
// the order in which they are counted.
type rows struct {
	outer, inner []int32
	together     bool // the elements of a row lie one after the other
	neighbours   bool // each row begins an element behind the one before it, but for some
	block        int  // rows that are copied at once, where they do not lie together
}

// rowsAlong returns the rows along some dimensions of one example's value.
func (c *compiler) rowsAlong(p *place, along []bool) (*rows, error) {
	r, length := &rows{outer: []int32{0}, inner: []int32{0}}, 1
	for d, n := range p.shape {
		if along[d] {
			length *= n
		}
	}
	if err := c.table(4 * int64(length+p.n/length)); err != nil || c.dry {
		return r.complete(), err
	}
	for d, step := range p.strides() {
		list := &r.outer
		if along[d] {
			list = &r.inner
		}
		*list = spread(*list, p.shape[d], step)
	}
	return r.complete(), nil
}

// rowsOfAxis returns the rows along one dimension, in the order in which they lie in memory.
func (c *compiler) rowsOfAxis(p *place, axis int) (*rows, error) {
	along := make([]bool, len(p.shape))
	along[axis] = true
	r, err := c.rowsAlong(p, along)
	return r.inMemory(), err
}

// spread returns the sums of every element of list with 0, step, 2·step, … (n of them).
func spread(list []int32, n, step int) []int32 {
	out := make([]int32, 0, len(list)*n)
	for _, at := range list {
		for i := range n {
			out = append(out, at+int32(i*step))
		}
	}
	return out
}

// rowsOf returns the rows of that many elements that are counted one after the other. They are whole dimensions, or
// groups of whole channels.
func (c *compiler) rowsOf(p *place, length int) (*rows, error) {
	if err := c.table(4 * int64(length+p.n/length)); err != nil || c.dry {
		return (&rows{outer: []int32{0}, inner: []int32{0}}).complete(), err
	}
	r := &rows{}
	for i := 0; i < p.n; i += length {
		r.outer = append(r.outer, int32(p.order.at(i)))
	}
	for i := range length {
		r.inner = append(r.inner, int32(p.order.at(i)))
	}
	return r.complete(), nil
}

func (r *rows) complete() *rows {
	const room = 1 << 14 // elements, which stay in the cache
	r.together = true
	for j, at := range r.inner {
		r.together = r.together && int(at) == j
	}
	run := 1 // rows that are neighbours
	for run < len(r.outer) && r.outer[run] == r.outer[run-1]+1 {
		run++
	}
	r.block = min(max(room/len(r.inner), 1), 16, len(r.outer))
	if r.neighbours = run > 1; r.neighbours {
		for r.block = min(r.block, run); run%r.block != 0; {
			r.block-- // blocks do not go beyond a run
		}
	}
	return r
}

// inMemory puts the rows in the order in which they lie in memory, for those who do not care which is which.
func (r *rows) inMemory() *rows {
	slices.Sort(r.outer)
	return r.complete()
}

// units are rows, and parts of them whole blocks.
func (r *rows) units() (n, grain int) {
	if r.together {
		return len(r.outer), max(elementGrain/len(r.inner), 1)
	}
	return len(r.outer), r.block
}

// scratch is the floats that a block takes.
func (r *rows) scratch() int {
	if r.together {
		return 0
	}
	return r.block * len(r.inner)
}

// each calls visit for rows lo ≤ r < hi with the elements of the row: those of src, or a copy in scratch, which is then
// written to where the row is in dst, unless that is nil.
func (r *rows) each(dst, src, scratch []float32, lo, hi int, visit func(row int, x []float32)) {
	length := len(r.inner)
	if r.together {
		for i := lo; i < hi; i++ {
			visit(i, src[r.outer[i]:][:length])
		}
		return
	}
	for first := lo; first < hi; first += r.block {
		n := min(r.block, hi-first)
		gather(r, scratch, src, first, n)
		for i := range n {
			visit(first+i, scratch[i*length:][:length])
		}
		if dst != nil {
			r.scatter(dst, scratch, first, n)
		}
	}
}

// run reports whether n rows from first on are neighbours in memory.
func (r *rows) run(first, n int) bool {
	return r.neighbours && int(r.outer[first+n-1]) == int(r.outer[first])+n-1
}

// gather copies n rows from row first on to dst, one after the other.
func gather[T byte | float32](r *rows, dst, src []T, first, n int) {
	length := len(r.inner)
	if r.run(first, n) {
		src = src[r.outer[first]:]
		for j, at := range r.inner {
			for i, v := range src[at:][:n] {
				dst[i*length+j] = v
			}
		}
		return
	}
	for i := range n {
		from, row := src[r.outer[first+i]:], dst[i*length:][:length]
		for j, at := range r.inner {
			row[j] = from[at]
		}
	}
}

// scatter is the inverse of gather.
func (r *rows) scatter(dst, src []float32, first, n int) {
	length := len(r.inner)
	if r.run(first, n) {
		dst = dst[r.outer[first]:]
		for j, at := range r.inner {
			to := dst[at:][:n]
			for i := range to {
				to[i] = src[i*length+j]
			}
		}
		return
	}
	for i := range n {
		to, row := dst[r.outer[first+i]:], src[i*length:][:length]
		for j, at := range r.inner {
			to[at] = row[j]
		}
	}
}

// rowwise computes each row of a value from the same row of another, which lies alike.
type rowwise struct {
	from, to *place
	*rows
	of func(row int, dst, x []float32) // dst may be x
}

func (k *rowwise) part(s *state, w *scratch, lo, hi int) {
	src, dst := s.floatsOf(k.from), s.floatsOf(k.to)
	k.each(dst, src, w.floats, lo, hi, func(row int, x []float32) {
		y := x
		if k.together {
			y = dst[k.outer[row]:][:len(x)]
		}
		k.of(row, y, x)
	})
}

func (s *lowerer) emitRows(r *rows, of func(row int, dst, x []float32)) {
	s.emit(s.n, &rowwise{s.in[0], s.out, r, of}, step{
		in: s.in[:1], out: []*place{s.out}, need: need{floats: r.scratch()}, inPlace: true,
	})
	s.finish()
}

// norm lowers LayerNormalization and its relatives. Scale and shift must be constants.
func (s *lowerer) norm() error {
	shape := s.g.Values[s.n.Inputs[0]].Shape
	norm, err := graph.NormOf(s.n, shape)
	if err != nil {
		return err
	}
	if s.in[0] == nil {
		return s.errorf("input %q is a constant and its parameters are not", s.n.Inputs[0])
	}
	var weights [2][]float32
	for i := range weights {
		if s.n.Input(1+i) == "" {
			continue
		}
		w, own, err := s.reals(1 + i)
		if err != nil {
			return err
		}
		if err := s.table(12 * int64(norm.Length)); err != nil {
			return s.errorf("%w", err)
		}
		if !s.dry {
			weights[i] = slices.Clone(graph.NormWeights(s.n, w, own, shape)) // which may be those of the file
		}
	}
	part, tier := norm.Length/norm.Repeat, s.tier
	r, err := s.rowsOf(s.in[0], norm.Length)
	if err != nil {
		return s.errorf("%w", err)
	}
	if norm.Repeat == 1 {
		if weights[1] == nil {
			weights[1] = make([]float32, len(weights[0]))
		}
		s.emitRows(r, func(row int, dst, x []float32) {
			at := row % norm.Groups * part
			scale, shift := weights[0][at:][:part], weights[1][at:][:part]
			elementwise.Normalize(dst, x, scale, shift, float64(norm.Epsilon), norm.Center, tier)
		})
		return nil
	}
	s.emitRows(r, func(row int, dst, x []float32) {
		at := row % norm.Groups * part
		var shift []float32
		if weights[1] != nil {
			shift = weights[1][at:][:part]
		}
		norm.Row(dst, x, weights[0][at:][:part], shift)
	})
	return nil
}

// reduce lowers the Reduce operators.
func (s *lowerer) reduce() error {
	along, err := graph.ReducedDims(s.n, 1+len(s.in[0].shape))
	if err != nil {
		return err
	}
	of, _ := graph.Reduction(s.n.Op)
	r, err := s.rowsAlong(s.in[0], along[1:])
	if err != nil {
		return s.errorf("%w", err)
	}
	k := &reduction{s.in[0], s.out, r, of}
	s.emit(s.n, k, step{in: s.in, out: []*place{s.out}, need: need{floats: k.scratch()}})
	s.finish()
	return nil
}

// reduction computes one element of each row: the element of the output that is counted so.
type reduction struct {
	from, to *place
	*rows
	of func(x []float32) float32
}

func (k *reduction) part(s *state, w *scratch, lo, hi int) {
	dst, order := s.floatsOf(k.to), k.to.order
	k.each(nil, s.floatsOf(k.from), w.floats, lo, hi, func(row int, x []float32) { dst[order.at(row)] = k.of(x) })
}
