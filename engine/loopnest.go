package engine

// maxRank is the most dimensions of a value, without the batch.
const maxRank = 8

// loopNest is a walk over the elements of a value and those of its operands that go with them. Each of up to three sides
// has for every dimension its offsets; the element at an index lies at the sum of the offsets there. They may go forward,
// backward, stand still (broadcasting) or bounce (reflection), and take no more memory than the dimension is long: only
// those that are no progression, or that are walked element by element, are a list.
type loopNest struct {
	dims       []int        // lengths, the innermost last; at least one
	offsets    [3][]offsets // of each side, for each dimension
	inner      [3][]int32   // the offsets of the innermost dimension; nil where all sides are unit and rows are long
	unit       [3]bool      // the innermost offsets of the side follow each other
	pitch      [3]int       // distance between the rows of the second innermost dimension, -1 where it varies
	transposed bool         // of two sides, the first has columns where the second has rows, in the two innermost dimensions
}

// offsets say where the elements along a dimension lie.
type offsets struct {
	start, step, n int
	list           []int32 // nil for a progression
}

// progression is start, start+step, … with n numbers.
func progression(start, step, n int) offsets { return offsets{start: start, step: step, n: n} }

// listed are the offsets at(0), at(1), … with n numbers.
func (c *compiler) listed(n int, at func(i int) int) offsets {
	if c.dry {
		return progression(0, 0, n)
	}
	o := offsets{n: n, list: make([]int32, n)}
	for i := range o.list {
		o.list[i] = int32(at(i))
	}
	return o
}

func (o *offsets) at(i int) int {
	if o.list != nil {
		return int(o.list[i])
	}
	return o.start + i*o.step
}

// follows reports whether every offset is step more than the one before it.
func (o *offsets) follows(step int) bool {
	if o.list == nil {
		return o.step == step || o.n == 1
	}
	for i, v := range o.list {
		if int(v) != o.at(0)+i*step {
			return false
		}
	}
	return true
}

// forward reports whether they are a progression that does not go back.
func (o *offsets) forward() bool { return o.list == nil && o.step >= 0 }

// shortRow is up to where the offsets of rows whose elements lie together are listed too.
const shortRow = 64

// loopNest walks over a value of the given shape, the dimensions in the order by, with a step for each side and
// dimension.
func (c *compiler) loopNest(shape, by []int, steps ...[]int) (*loopNest, error) {
	sides := make([][]offsets, len(steps))
	for side := range steps {
		sides[side] = make([]offsets, len(shape))
		for d, n := range shape {
			sides[side][d] = progression(0, steps[side][d], n)
		}
	}
	return c.loopNestOf(shape, by, sides...)
}

// loopNestOf is loopNest with the offsets of each dimension.
func (c *compiler) loopNestOf(shape, by []int, sides ...[]offsets) (*loopNest, error) {
	n := &loopNest{}
	for _, d := range by {
		n.dims = append(n.dims, shape[d])
		for side := range sides {
			n.offsets[side] = append(n.offsets[side], sides[side][d])
		}
	}
	if len(by) == 0 { // a single element
		n.dims = []int{1}
		for side := range sides {
			n.offsets[side] = []offsets{progression(0, 0, 1)}
		}
	}
	last := len(n.dims) - 1
	apart := len(sides) > 2
	for side := range sides {
		n.unit[side] = n.offsets[side][last].follows(1)
		n.pitch[side] = n.pitchOf(side)
		apart = apart || !n.unit[side]
	}
	length := n.dims[last]
	if !apart && length > shortRow {
		return n, nil
	}
	n.transposed = n.transposes(len(sides))
	if err := c.table(4 * int64(length) * int64(len(sides))); err != nil || c.dry {
		return n, err
	}
	for side := range sides {
		o := &n.offsets[side][last]
		if n.inner[side] = o.list; o.list == nil {
			n.inner[side] = c.listed(length, o.at).list
		}
	}
	return n, nil
}

// transposes reports whether the innermost dimensions are a matrix, whose rows are the first side's columns.
func (n *loopNest) transposes(sides int) bool {
	d := len(n.dims) - 2
	if sides != 2 || d < 0 || n.dims[d] == 1 || n.dims[d+1] == 1 || !n.unit[1] || n.pitch[0] != 1 || n.pitch[1] < 0 {
		return false
	}
	inner := &n.offsets[0][d+1]
	return inner.list == nil && inner.step > 1
}

// first returns the first offset of a side along dimension d.
func (n *loopNest) first(side, d int) int { return n.offsets[side][d].at(0) }

func (n *loopNest) pitchOf(side int) int {
	d := len(n.dims) - 2
	if d < 0 {
		return -1
	}
	o := &n.offsets[side][d]
	pitch := 0
	if o.n > 1 {
		pitch = o.at(1) - o.at(0)
	}
	if !o.follows(pitch) {
		return -1
	}
	return max(pitch, -1)
}

// rows calls visit for every row of innermost elements with the offsets of the sides, to which those of inner add.
func (n *loopNest) rows(visit func(at [3]int)) { n.walk(len(n.dims)-1, visit) }

// each calls visit for every element with the offsets of the sides.
func (n *loopNest) each(visit func(at [3]int)) { n.walk(len(n.dims), visit) }

// walk calls visit for every index of the outer dimensions with the sums of their offsets.
func (n *loopNest) walk(outer int, visit func(at [3]int)) {
	var index [maxRank]int
	for {
		var at [3]int
		for side := range at {
			if n.offsets[side] == nil {
				break
			}
			for d := range outer {
				at[side] += n.offsets[side][d].at(index[d])
			}
		}
		visit(at)
		d := outer - 1
		for ; d >= 0; d-- {
			if index[d]++; index[d] < n.dims[d] {
				break
			}
			index[d] = 0
		}
		if d < 0 {
			return
		}
	}
}

// walk is the order of the dimensions in which a value lies in memory, the innermost last.
func (p *place) walk() []int {
	if p.order.channels > 1 && len(p.shape) == 3 {
		return []int{1, 2, 0}
	}
	return counted(len(p.shape))
}

// counted returns 0, 1, … n−1.
func counted(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
