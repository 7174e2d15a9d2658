package engine

import (
	"linquant/graph"
	"linquant/quant"
)

func (s *site) maxPool() error {
	g, err := s.geometry()
	if err != nil {
		return err
	}
	s.emit(s.n, &maxPool{s.in[0], s.out, g}, step{in: s.in, out: []*place{s.out}})
	s.finish()
	return nil
}

// maxPool takes the largest element of each window; stored codes are ordered as codes are.
type maxPool struct {
	in, out *place
	window  *geometry
}

func (k *maxPool) run(s *state) {
	if k.in.quant == nil {
		maxima(s.floatsOf(k.out), s.floatsOf(k.in), k.window)
	} else {
		maxima(s.codesOf(k.out), s.codesOf(k.in), k.window)
	}
}

func maxima[T byte | float32](dst, src []T, g *geometry) {
	for p := range g.pixels() {
		out := dst[p*g.channels:][:g.channels]
		first := true
		g.each(p, func(at int) {
			pixel := src[at:][:len(out)]
			if first {
				copy(out, pixel)
				first = false
				return
			}
			for c, v := range pixel {
				if v > out[c] {
					out[c] = v
				}
			}
		})
	}
}

// each calls visit with the offset of every input pixel that output pixel p sees.
func (g *geometry) each(p int, visit func(at int)) {
	oy, ox := p/g.Out[1], p%g.Out[1]
	ylo, yhi := g.Span(0, oy, g.height)
	xlo, xhi := g.Span(1, ox, g.width)
	for ky := ylo; ky < yhi; ky++ {
		line := (oy*g.Stride[0] + ky*g.Dilation[0] - g.Pad[0]) * g.width
		for kx := xlo; kx < xhi; kx++ {
			visit((line + ox*g.Stride[1] + kx*g.Dilation[1] - g.Pad[1]) * g.channels)
		}
	}
}

// counted returns how many elements the average at output pixel p divides by.
func (g *geometry) counted(p int) int {
	return g.Count(g.height, g.width, p/g.Out[1], p%g.Out[1])
}

func (s *site) floatAverage() error {
	g, err := s.geometry()
	if err != nil {
		return err
	}
	s.emit(s.n, &floatAverage{s.in[0], s.out, g}, step{in: s.in, out: []*place{s.out}})
	s.finish()
	return nil
}

type floatAverage struct {
	in, out *place
	window  *geometry
}

func (k *floatAverage) run(s *state) {
	src, dst, g := s.floatsOf(k.in), s.floatsOf(k.out), k.window
	for p := range g.pixels() {
		out := dst[p*g.channels:][:g.channels]
		clear(out)
		g.each(p, func(at int) {
			for c, v := range src[at:][:len(out)] {
				out[c] += v
			}
		})
		n := float32(g.counted(p))
		for c := range out {
			out[c] /= n
		}
	}
}

// integerAverage sums codes less the zero point, and requantizes the sum by a multiplier for the number of elements.
func (s *site) integerAverage() error {
	g, err := s.geometry()
	if err != nil {
		return err
	}
	lo, hi := s.clampCodes()
	k := &integerAverage{in: s.in[0], out: s.out, window: g, requant: map[int]*quant.Requantizer{}}
	for p := range g.pixels() {
		n := g.counted(p)
		if k.requant[n] != nil {
			continue
		}
		r, err := graph.PoolStage(s.g.Requant, *s.in[0].quant, *s.out.quant, n)
		if err != nil {
			return s.errorf("%w", err)
		}
		r.Lo, r.Hi = lo, hi
		k.requant[n] = r
	}
	s.emit(s.n, k, step{
		Step: Step{Op: string(s.n.Op) + s.fusedOps}, in: s.in, out: []*place{s.out}, need: need{sums: g.channels},
	})
	s.finish()
	return nil
}

type integerAverage struct {
	in, out *place
	window  *geometry
	requant map[int]*quant.Requantizer // by the number of elements
}

func (k *integerAverage) run(s *state) {
	src, dst, g := s.codesOf(k.in), s.codesOf(k.out), k.window
	sums, zero := s.scratch.sums[:g.channels], k.in.zero()
	for p := range g.pixels() {
		clear(sums)
		g.each(p, func(at int) {
			for c, u := range src[at:][:len(sums)] {
				sums[c] += int32(u) - zero
			}
		})
		r := k.requant[g.counted(p)]
		for c, sum := range sums {
			dst[p*g.channels+c] = byte(r.Code(sum, 0)) ^ k.out.flip
		}
	}
}
