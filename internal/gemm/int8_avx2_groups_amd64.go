//go:build !purego

package gemm

import (
	"cmp"
	"slices"
)

// VPMADDUBSW adds two products of an unsigned and a signed byte in 16 bits and saturates. A group is up to three steps
// of 4 k whose sums are added in 16 bits: channel by channel the first two k of all its steps, and the last two. The sum of
// the products is exact for any bytes where neither the positive weights in it nor the negative ones add up to more than
// mostWeight. (The sum of the two products of a single step then is too.)
const mostWeight = 128 // 255·128 ≤ 32767, 255·-128 ≥ -32768

// orders are those in which the four k of a step can be taken: of each the first two are added, and the last two.
// Together they are all ways to pair them.
var orders = [3][4]int{{0, 1, 2, 3}, {0, 2, 1, 3}, {0, 3, 1, 2}}

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

// take adds 4 weights of a channel, taken in this order, and returns the largest of their sums.
func (l *loads) take(channel int, codes []int8, order *[4]int) (most int) {
	_ = codes[3]
	a, b := int(codes[order[0]&3]), int(codes[order[1]&3])
	c, d := int(codes[order[2]&3]), int(codes[order[3]&3])
	firstUp, lastUp := max(a, 0)+max(b, 0), max(c, 0)+max(d, 0)
	firstDown, lastDown := firstUp-a-b, lastUp-c-d
	l[channel] += uint64(firstUp) | uint64(firstDown)<<16 | uint64(lastUp)<<32 | uint64(lastDown)<<48
	return max(firstUp, firstDown, lastUp, lastDown)
}

// grouping divides the steps of a run into groups, those that are alone, and those that are wide.
type grouping struct {
	trios  [][3]int
	duos   [][2]int
	turned []turnedSteps // two of another order
	solos  []turnedSteps // and one of any
	wides  []int         // must be widened

	loads []loads // of all steps
	most  []int   // their largest ones
	order []int   // of orders
	light []int   // steps that may be in a group
	heavy []int   // those that may not in the order of the row
}

type turnedSteps struct {
	steps [2]int
	order int
}

const (
	groupSpan   = 2048 // the steps of a group are within so many, to bound the time that it takes to find them
	groupTrials = 128  // and so many are tried
)

// divide groups the whole steps of depth k from the first on of w [channels, k].
func (g *grouping) divide(w []int8, k, first, depth int) {
	g.trios, g.duos, g.turned, g.solos, g.wides = g.trios[:0], g.duos[:0], g.turned[:0], g.solos[:0], g.wides[:0]
	g.measure(w, k, first, depth)
	for span := 0; span < depth/4; span += groupSpan {
		g.span(w, k, first, span, min(span+groupSpan, depth/4))
	}
	// In the order of the row, so that it is read more or less in order.
	slices.SortFunc(g.trios, func(a, b [3]int) int { return a[0] - b[0] })
	slices.SortFunc(g.duos, func(a, b [2]int) int { return a[0] - b[0] })
	byPlace := func(a, b turnedSteps) int { return cmp.Compare(a.steps[0], b.steps[0]) }
	slices.SortFunc(g.turned, byPlace)
	slices.SortFunc(g.solos, byPlace)
	slices.Sort(g.wides)
}

// measure fills g.loads and g.most, in the order of the row.
func (g *grouping) measure(w []int8, k, first, depth int) {
	steps := depth / 4
	g.loads = slices.Grow(g.loads[:0], steps)[:steps]
	g.most = slices.Grow(g.most[:0], steps)[:steps]
	g.order = slices.Grow(g.order[:0], steps)[:steps]
	clear(g.loads)
	clear(g.most)
	clear(g.order)
	for c := range len(w) / k {
		row := w[c*k+first:][:depth]
		for step := range steps {
			g.most[step] = max(g.most[step], g.loads[step].take(c, row[4*step:][:4], &orders[0]))
		}
	}
}

// turn gives a step the order in which its sums are smallest, if one of the others is better than that of the row.
func (g *grouping) turn(w []int8, k, first, step int) {
	for order := 1; order < len(orders); order++ {
		var l loads
		most := 0
		for c := range len(w) / k {
			most = max(most, l.take(c, w[c*k+first+4*step:][:4], &orders[order]))
		}
		if most < g.most[step] {
			g.loads[step], g.most[step], g.order[step] = l, most, order
		}
	}
}

// span makes groups of steps lo ≤ s < hi.
func (g *grouping) span(w []int8, k, first, lo, hi int) {
	g.light, g.heavy = g.light[:0], g.heavy[:0]
	for s := lo; s < hi; s++ {
		if g.most[s] <= mostWeight {
			g.light = append(g.light, s)
		} else {
			g.turn(w, k, first, s)
			g.heavy = append(g.heavy, s)
		}
	}
	for left := g.heaviestFirst(g.light); len(left) > 0; {
		s := left[0]
		left = left[1:]
		sum := g.loads[s]
		second := g.partner(&sum, &left, false)
		if second < 0 {
			g.solos = append(g.solos, turnedSteps{steps: [2]int{s}})
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
	for order := 1; order < len(orders); order++ {
		g.light = g.light[:0]
		for _, s := range g.heavy {
			if g.most[s] <= mostWeight && g.order[s] == order {
				g.light = append(g.light, s)
			}
		}
		for left := g.heaviestFirst(g.light); len(left) > 0; {
			s := left[0]
			left = left[1:]
			sum := g.loads[s]
			if second := g.partner(&sum, &left, false); second >= 0 {
				g.turned = append(g.turned, turnedSteps{[2]int{min(s, second), max(s, second)}, order})
			} else {
				g.solos = append(g.solos, turnedSteps{[2]int{s}, order})
			}
		}
	}
	for _, s := range g.heavy {
		if g.most[s] > mostWeight {
			g.wides = append(g.wides, s)
		}
	}
}

// heaviestFirst sorts steps of which none is heavier than mostWeight: the heaviest are served first, while there is choice.
func (g *grouping) heaviestFirst(steps []int) []int {
	var from [mostWeight + 1]int // how many steps are heavier, and so where those begin that are not
	for _, s := range steps {
		if most := g.most[s]; most > 0 {
			from[most-1]++
		}
	}
	for most := mostWeight - 1; most > 0; most-- {
		from[most-1] += from[most]
	}
	sorted := make([]int, len(steps))
	for _, s := range steps {
		sorted[from[g.most[s]]] = s
		from[g.most[s]]++
	}
	return sorted
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
