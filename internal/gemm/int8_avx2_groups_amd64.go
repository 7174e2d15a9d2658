//go:build !purego

package gemm

import "slices"

// VPMADDUBSW adds two products of an unsigned and a signed byte in 16 bits and saturates. A group is two or three steps
// of 4 k whose sums are added in 16 bits: channel by channel k = 0 and 1 of all its steps, and k = 2 and 3. The sum of
// the products is exact for any bytes where neither the positive weights in it nor the negative ones add up to more than
// mostWeight. (The sum of the two products of a single step then is too.)
const mostWeight = 128 // 255·128 ≤ 32767, 255·-128 ≥ -32768

// loads are the sums of the positive weights and of the magnitudes of the negative ones of some steps, in the two halves
// of each of 8 channels: 32 sums, 4 in each word. Those of a single step are up to 256.
type loads [avx2Width]uint64

// fits reports whether steps with these loads may be in one group. Sums above mostWeight have bit 8 or 9 set once 127 is
// added.
func (l *loads) fits(other *loads) bool {
	const bias, beyond = 0x007f007f007f007f, 0x0300030003000300
	for i, x := range l {
		if (x+other[i]+bias)&beyond != 0 {
			return false
		}
	}
	return true
}

func (l *loads) add(other *loads) {
	for i, x := range other {
		l[i] += x
	}
}

// grouping divides the steps of a run into groups, those that are alone, and those that are wide.
type grouping struct {
	trios [][3]int
	duos  [][2]int
	solos []int
	wides []int // must be widened

	loads []loads // of all steps
	most  []int   // their largest ones
	light []int   // steps that may be in a group
}

const (
	groupSpan   = 2048 // the steps of a group are within so many, to bound the time that it takes to find them
	groupTrials = 128  // and so many are tried
)

// divide groups the whole steps of depth k from the first on of w [channels, k].
func (g *grouping) divide(w []int8, k, first, depth int) {
	g.trios, g.duos, g.solos, g.wides = g.trios[:0], g.duos[:0], g.solos[:0], g.wides[:0]
	g.measure(w, k, first, depth)
	for span := 0; span < depth/4; span += groupSpan {
		g.pair(span, min(span+groupSpan, depth/4))
	}
	// In the order of the row, so that it is read more or less in order.
	slices.SortFunc(g.trios, func(a, b [3]int) int { return a[0] - b[0] })
	slices.SortFunc(g.duos, func(a, b [2]int) int { return a[0] - b[0] })
	slices.Sort(g.solos)
	slices.Sort(g.wides)
}

// measure fills g.loads and g.most.
func (g *grouping) measure(w []int8, k, first, depth int) {
	steps := depth / 4
	g.loads = slices.Grow(g.loads[:0], steps)[:steps]
	g.most = slices.Grow(g.most[:0], steps)[:steps]
	clear(g.loads)
	clear(g.most)
	for c := range len(w) / k {
		row := w[c*k+first:][:depth]
		for step := range steps {
			codes := row[4*step:][:4]
			var word uint64
			for half := range 2 {
				x, y := int(codes[2*half]), int(codes[2*half+1])
				up, down := max(x, 0)+max(y, 0), -min(x, 0)-min(y, 0)
				g.most[step] = max(g.most[step], up, down)
				word |= (uint64(up) | uint64(down)<<16) << (32 * half)
			}
			g.loads[step][c] = word
		}
	}
}

// pair makes groups of steps first ≤ s < end: the heaviest are served first, while there is choice, with the heaviest
// that fits.
func (g *grouping) pair(first, end int) {
	var from [mostWeight + 1]int // how many steps are heavier, and so where in g.light those begin that are not
	light := 0
	for s := first; s < end; s++ {
		most := g.most[s]
		if most > mostWeight {
			g.wides = append(g.wides, s)
			continue
		}
		light++
		if most > 0 {
			from[most-1]++
		}
	}
	for most := mostWeight - 1; most > 0; most-- {
		from[most-1] += from[most]
	}
	g.light = slices.Grow(g.light[:0], light)[:light]
	for s := first; s < end; s++ {
		if most := g.most[s]; most <= mostWeight {
			g.light[from[most]] = s
			from[most]++
		}
	}
	for left := g.light; len(left) > 0; {
		s := left[0]
		left = left[1:]
		sum := g.loads[s]
		second := g.partner(&sum, &left, false)
		if second < 0 {
			g.solos = append(g.solos, s)
			continue
		}
		third := g.partner(&sum, &left, true)
		if third < 0 {
			g.duos = append(g.duos, [2]int{min(s, second), max(s, second)})
			continue
		}
		trio := [3]int{s, second, third}
		slices.Sort(trio[:])
		g.trios = append(g.trios, trio)
	}
}

// partner takes a step that fits out of left, the first such or the last, and adds its loads; -1 if there is none.
func (g *grouping) partner(sum *loads, left *[]int, last bool) int {
	steps := *left
	for trial := range min(len(steps), groupTrials) {
		i := trial
		if last {
			i = len(steps) - 1 - trial
		}
		if s := steps[i]; sum.fits(&g.loads[s]) {
			sum.add(&g.loads[s])
			*left = slices.Delete(steps, i, i+1)
			return s
		}
	}
	return -1
}
