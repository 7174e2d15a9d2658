package engine

// maxRank is the most dimensions of a value, without the batch.
const maxRank = 8

// loopNest is a walk over the elements of a value and those of its operands that go with them. Each of up to three sides
// has for every dimension a list of offsets; the element at an index lies at the sum of the offsets there. A list may
// go forward, backward, stand still (broadcasting) or bounce (reflection), and takes no more memory than the dimension
// is long.
type loopNest struct {
	dims    []int      // lengths, the innermost last; at least one
	offsets [3][][]int // of each side, for each dimension
	unit    [3]bool    // the innermost offsets of the side are 0, 1, 2, …
	pitch   [3]int     // distance between the rows of the second innermost dimension, -1 where it varies
}

// newLoopNest walks over a value of the given shape, the dimensions in the order by, with a step for each side and
// dimension.
func newLoopNest(shape, by []int, steps ...[]int) *loopNest {
	offsets := make([][][]int, len(steps))
	for side := range steps {
		offsets[side] = make([][]int, len(shape))
		for d, n := range shape {
			offsets[side][d] = progression(0, steps[side][d], n)
		}
	}
	return newLoopNestOf(shape, by, offsets...)
}

// newLoopNestOf is newLoopNest with lists of offsets.
func newLoopNestOf(shape, by []int, offsets ...[][]int) *loopNest {
	n := &loopNest{}
	for _, d := range by {
		n.dims = append(n.dims, shape[d])
		for side := range offsets {
			n.offsets[side] = append(n.offsets[side], offsets[side][d])
		}
	}
	if len(by) == 0 { // a single element
		n.dims = []int{1}
		for side := range offsets {
			n.offsets[side] = [][]int{{0}}
		}
	}
	for side := range offsets {
		n.unit[side] = true
		for i, at := range n.inner(side) {
			n.unit[side] = n.unit[side] && at == n.inner(side)[0]+i
		}
		n.pitch[side] = n.pitchOf(side)
	}
	return n
}

// progression returns start, start+step, … with n numbers.
func progression(start, step, n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = start + i*step
	}
	return list
}

// inner returns the offsets of a side along the innermost dimension.
func (n *loopNest) inner(side int) []int { return n.offsets[side][len(n.dims)-1] }

func (n *loopNest) pitchOf(side int) int {
	d := len(n.dims) - 2
	if d < 0 {
		return -1
	}
	at := n.offsets[side][d]
	pitch := 0
	if len(at) > 1 {
		pitch = at[1] - at[0]
	}
	for i, offset := range at {
		if offset != at[0]+i*pitch {
			return -1
		}
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
				at[side] += n.offsets[side][d][index[d]]
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
	return progression(0, 1, len(p.shape))
}
