package engine

import (
	"fmt"

	"linquant/internal/elementwise"
)

// windowRuns is the windows of all output pixels, in runs of neighbours whose windows have the same form: at the edges of
// the picture windows lose taps to the padding. What is kept are the columns of such runs, and of each form that windows
// have across, the taps of all rows that a window can have: those of fewer rows are the first of them. So there is no more
// of them than columns, whatever the height.
type windowRuns struct {
	*geometry
	columns []columns
	forms   []columnForm // of each of columns; those that are alike share their lists
	zeros   []int        // where the weights of all taps begin at 0
}

// columnForm has the taps of windows with so many columns, row after row.
type columnForm struct {
	taps    []int // of as many rows as a window can have in the picture
	weights []int // of all rows of the kernel; nil where there are none
}

type run struct {
	elementwise.Windows
	from, to int // where the first tap of the first window lies, and the first output element
	counted  int // elements that an average divides by
}

// noWeights is the stride of windows whose taps are not multiplied.
const noWeights = -1

// windowRuns lists the windows over all channels. The weights of a tap begin stride after those of the tap before it.
func (c *compiler) windowRuns(g *geometry, stride int) (*windowRuns, error) {
	s := &windowRuns{geometry: g}
	var err error
	if s.columns, err = c.columnsOf(g); err != nil || c.dry {
		return s, err
	}
	rows := 0 // that a window has at most in the picture
	if d := g.Dilation[0]; g.height > 0 {
		rows = min(g.Kernel[0], (g.height+d-1)/d)
	}
	taps, weights := map[int][]int{}, map[[2]int][]int{}
	s.forms = make([]columnForm, len(s.columns))
	for i, col := range s.columns {
		n, at, f := col.hi-col.lo, [2]int{col.lo, col.hi}, &s.forms[i]
		var ok bool
		if f.taps, ok = taps[n]; !ok {
			if err := c.table(8 * int64(rows) * int64(n)); err != nil {
				return nil, err
			}
			f.taps = make([]int, 0, rows*n)
			for ky := range rows {
				for kx := range n {
					f.taps = append(f.taps, (ky*g.Dilation[0]*g.width+kx*g.Dilation[1])*g.channels)
				}
			}
			taps[n] = f.taps
		}
		if stride == 0 && len(f.taps) > len(s.zeros) {
			if err := c.table(8 * int64(len(f.taps)-len(s.zeros))); err != nil {
				return nil, err
			}
			s.zeros = make([]int, len(f.taps))
		}
		if stride <= 0 {
			continue
		}
		if f.weights, ok = weights[at]; !ok {
			if err := c.table(8 * int64(g.Kernel[0]) * int64(n)); err != nil {
				return nil, err
			}
			f.weights = make([]int, 0, g.Kernel[0]*n)
			for ky := range g.Kernel[0] {
				for kx := col.lo; kx < col.hi; kx++ {
					f.weights = append(f.weights, (ky*g.Kernel[1]+kx)*stride)
				}
			}
			weights[at] = f.weights
		}
	}
	return s, nil
}

// units are lines of the output.
func (s *windowRuns) units() (n, least int) { return s.Out[0], 1 }

// line calls visit for the runs of an output line, with memory that it may change.
func (s *windowRuns) line(oy int, r *run, visit func(r *run)) {
	ylo, yhi := s.Span(0, oy, s.height)
	for i := range s.columns {
		c, f := &s.columns[i], &s.forms[i]
		n := c.hi - c.lo
		*r = run{to: (oy*s.Out[1] + c.first) * s.channels, counted: s.Count(s.height, s.width, oy, c.first)}
		r.Channels, r.Pixels, r.Step = s.channels, c.end-c.first, s.Stride[1]*s.channels
		if n *= yhi - ylo; n > 0 { // not all padding
			r.Taps = f.taps[:n:n]
			switch {
			case s.zeros != nil:
				r.Weights = s.zeros[:n:n]
			case f.weights != nil:
				r.Weights = f.weights[ylo*(c.hi-c.lo):][:n:n]
			}
			y, x := oy*s.Stride[0]+ylo*s.Dilation[0]-s.Pad[0], c.first*s.Stride[1]+c.lo*s.Dilation[1]-s.Pad[1]
			r.from = (y*s.width + x) * s.channels
		}
		visit(r)
	}
}

// mostCounts bounds the numbers of elements that windows of one average have.
const mostCounts = 1 << 12

// counts returns the numbers of elements that averages divide by.
func (s *windowRuns) counts() ([]int, error) {
	seen, list := map[int]bool{}, []int(nil)
	down, across := map[int]bool{}, map[int]bool{}
	for oy := range s.Out[0] {
		down[s.CountAlong(0, oy, s.height)] = true
	}
	for _, c := range s.columns {
		across[s.CountAlong(1, c.first, s.width)] = true
	}
	if int64(len(down))*int64(len(across)) > mostCounts {
		return nil, fmt.Errorf("its windows have %d×%d different numbers of elements, more than %d in all: use smaller pads", len(down),
			len(across), mostCounts)
	}
	for y := range down {
		for x := range across {
			if n := y * x; !seen[n] {
				seen[n] = true
				list = append(list, n)
			}
		}
	}
	return list, nil
}

// windowKernel computes an output run by run.
type windowKernel[T byte | float32] struct {
	*windowRuns
	in, out  *place
	elements func(s *state, p *place) []T // codesOf or floatsOf
	compute  func(dst, src []T, r *run, w *scratch)
}

func (k *windowKernel[T]) part(s *state, w *scratch, lo, hi int) {
	src, dst := k.elements(s, k.in), k.elements(s, k.out)
	for oy := lo; oy < hi; oy++ {
		k.line(oy, &w.run, func(r *run) { k.compute(dst[r.to:], src[r.from:], r, w) })
	}
}
