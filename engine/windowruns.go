package engine

import "linquant/internal/elementwise"

// windowRuns is the windows of all output pixels, in runs of neighbours whose windows have the same form: at the edges of the
// picture windows lose taps to the padding.
type windowRuns struct {
	runs  []run
	lines []int // the runs of output line y are runs[lines[y]:lines[y+1]]
}

type run struct {
	elementwise.Windows
	from, to int // where the first tap of the first window lies, and the first output element
	counted  int // elements that an average divides by
}

// newWindowRuns lists the windows over all channels. The weights of a tap begin stride after those of the tap before it.
func newWindowRuns(g *geometry, stride int) *windowRuns {
	type form struct{ ylo, yhi, xlo, xhi int }
	forms := map[form]elementwise.Windows{}
	s := &windowRuns{lines: []int{0}}
	for oy := range g.Out[0] {
		ylo, yhi := g.Span(0, oy, g.height)
		var last form
		for ox := range g.Out[1] {
			xlo, xhi := g.Span(1, ox, g.width)
			f, n := form{ylo, yhi, xlo, xhi}, g.Count(g.height, g.width, oy, ox)
			if ox > 0 && f == last && s.runs[len(s.runs)-1].counted == n {
				s.runs[len(s.runs)-1].Pixels++
				continue
			}
			last = f
			w, ok := forms[f]
			if !ok {
				w = elementwise.Windows{Channels: g.channels, Step: g.Stride[1] * g.channels}
				for ky := ylo; ky < yhi; ky++ {
					for kx := xlo; kx < xhi; kx++ {
						w.Taps = append(w.Taps, ((ky-ylo)*g.Dilation[0]*g.width+(kx-xlo)*g.Dilation[1])*g.channels)
						w.Weights = append(w.Weights, (ky*g.Kernel[1]+kx)*stride)
					}
				}
				forms[f] = w
			}
			w.Pixels = 1
			s.runs = append(s.runs, run{Windows: w, to: (oy*g.Out[1] + ox) * g.channels, counted: n})
			if len(w.Taps) == 0 { // all padding
				continue
			}
			y, x := oy*g.Stride[0]+ylo*g.Dilation[0]-g.Pad[0], ox*g.Stride[1]+xlo*g.Dilation[1]-g.Pad[1]
			s.runs[len(s.runs)-1].from = (y*g.width + x) * g.channels
		}
		s.lines = append(s.lines, len(s.runs))
	}
	return s
}

// units are lines of the output.
func (s *windowRuns) units() (n, least int) { return len(s.lines) - 1, 1 }

// between returns the runs of lines lo ≤ y < hi.
func (s *windowRuns) between(lo, hi int) []run { return s.runs[s.lines[lo]:s.lines[hi]] }

// windowKernel computes an output run by run.
type windowKernel[T byte | float32] struct {
	*windowRuns
	in, out  *place
	elements func(s *state, p *place) []T // codesOf or floatsOf
	compute  func(dst, src []T, r *run, w *scratch)
}

func (k *windowKernel[T]) part(s *state, w *scratch, lo, hi int) {
	src, dst := k.elements(s, k.in), k.elements(s, k.out)
	runs := k.between(lo, hi)
	for i := range runs {
		r := &runs[i]
		k.compute(dst[r.to:], src[r.from:], r, w)
	}
}
