package engine

import (
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/gemm"
	"linquant/internal/integer"
	"linquant/quant"
	"linquant/tensor"
)

// A dynamic layer quantizes its input while it runs. Its input becomes codes in two steps, which layers that read the
// same value share: the range of each block of elements, then the codes by the range of all. Then rows of codes are
// multiplied as in other integer layers, and the sums become reals.

// extremesBlock is how many elements' range is found at once.
const extremesBlock = 4096

// quantizedInput is what an input is for dynamic layers: codes, or, for depthwise convolutions, the codes less their
// zero point as reals. Both come with the ranges of blocks of the input.
type quantizedInput struct{ codes, reals, extremes *place }

// dynamicInput emits the steps that quantize a value of reals, once for all layers that read it where it lies so.
func (c *compiler) dynamicInput(n *graph.Node, from *place, reals bool) *quantizedInput {
	key := dynamicKey{from.name, from.order}
	q := c.dynamic[key]
	if q == nil {
		blocks := (from.n + extremesBlock - 1) / extremesBlock
		q = &quantizedInput{extremes: &place{
			name: from.name, shape: tensor.Shape{blocks, 2}, n: 2 * blocks, order: rowMajor(2 * blocks), input: -1,
			buffer: &buffer{n: 2 * blocks, float: true},
		}}
		if c.dynamic == nil {
			c.dynamic = map[dynamicKey]*quantizedInput{}
		}
		c.dynamic[key] = q
		c.emit(n, &extremesStep{from, q.extremes, c.tier}, step{
			Step: Step{Op: "Range"}, in: []*place{from}, out: []*place{q.extremes},
		})
	}
	k := &dynamicQuantizeStep{from: from, extremes: q.extremes, tier: c.tier}
	switch {
	case reals && q.reals == nil:
		q.reals = like(from, nil)
		k.to = q.reals
	case !reals && q.codes == nil:
		q.codes = like(from, &quant.Params{Type: quant.Uint(8), Scale: []float32{1}})
		k.to = q.codes
	default:
		return q
	}
	c.emit(n, k, step{
		Step: Step{Op: "DynamicQuantizeLinear"}, in: []*place{from, q.extremes}, out: []*place{k.to},
	})
	return q
}

// dynamicKey is a value as it lies in memory.
type dynamicKey struct {
	name  string
	order order
}

// extremesStep finds the range of each block.
type extremesStep struct {
	from, to *place
	tier     cpu.Tier
}

func (k *extremesStep) units() (n, grain int) { return k.to.n / 2, 1 }

func (k *extremesStep) part(s *state, _ *scratch, lo, hi int) {
	x, to := s.floatsOf(k.from), s.floatsOf(k.to)
	for b := lo; b < hi; b++ {
		to[2*b], to[2*b+1] = elementwise.Extremes(x[b*extremesBlock:min((b+1)*extremesBlock, len(x))], k.tier)
	}
}

// dynamicParams returns the scale and zero point of an example by the ranges of its blocks; a NaN where an element is no finite
// number (integer.Centred).
func (s *state) dynamicParams(extremes *place) (scale float32, zero int32) {
	lo, hi := float32(0), float32(0)
	x := s.floatsOf(extremes)
	for b := 0; b < len(x); b += 2 {
		lo, hi = min(lo, x[b]), max(hi, x[b+1]) // NaN stays
	}
	return integer.Dynamic(lo, hi)
}

// dynamicQuantizeStep makes codes, or codes less their zero point as reals.
type dynamicQuantizeStep struct {
	from, extremes, to *place
	tier               cpu.Tier
}

func (k *dynamicQuantizeStep) units() (n, grain int) { return k.to.n, elementGrain }

func (k *dynamicQuantizeStep) part(s *state, _ *scratch, lo, hi int) {
	scale, zero := s.dynamicParams(k.extremes)
	q := elementwise.Quantizer{Scale: scale, Lo: float32(-zero), Hi: float32(255 - zero), Offset: zero}
	src := s.floatsOf(k.from)[lo:hi]
	if k.to.quant != nil {
		q.Codes(s.codesOf(k.to)[lo:hi], src, k.tier)
		return
	}
	q.CentredReals(s.floatsOf(k.to)[lo:hi], src, k.tier)
}

// dynamicLayer multiplies codes and makes reals.
type dynamicLayer struct {
	layer
	extremes *place
	matrices []dynamicGroup
	channels int       // of a matrix
	scale    []float32 // of the weight, for each channel
	finish   elementwise.Scaled
	tier     cpu.Tier
}

type dynamicGroup struct {
	weight   *gemm.Int8 // with a last channel of ones where the weight has zero points: it sums the row
	sums     []int32    // of the weights of each channel, those of ones included
	inAt, at int        // first input channel, first output channel
}

// width is how many sums a row of a matrix has.
func (k *dynamicLayer) width() int {
	if k.finish.Zero != nil {
		return k.channels + 1
	}
	return k.channels
}

// need returns the scratch: a panel and a row of padding; scales; biases, and a block of sums where those of rows are needed first.
func (k *dynamicLayer) need() need {
	n := need{floats: len(k.scale), sums: k.groups * k.width()}
	if k.finish.Zero != nil {
		n.sums += k.block * k.width()
	}
	if k.panel != nil {
		n.codes = (k.block + 1) * k.row
	}
	return n
}

func (k *dynamicLayer) part(s *state, w *scratch, lo, hi int) {
	x, y := s.codesOf(k.in), s.floatsOf(k.out)
	scale, zero := s.dynamicParams(k.extremes)
	group, endGroup, row, endRow := k.span(lo, hi)
	width := k.width()
	finish := k.finish
	finish.Scale = w.floats[:len(k.scale)]
	bias, sums := w.sums[:k.groups*width], w.sums[k.groups*width:]
	for i := group; i < endGroup; i++ {
		g := &k.matrices[i]
		for j, v := range k.scale[g.at:][:k.channels] {
			finish.Scale[g.at+j] = float32(scale * v)
		}
		for j, v := range g.sums {
			bias[i*width+j] = -zero * v
		}
	}
	var p panel
	if k.panel != nil {
		p = *k.panel
		p.padding = w.codes[k.block*k.row:][:k.row]
		fill(p.padding, byte(zero))
	}
	for first := row; first < endRow; first += k.block {
		rows, filled := min(k.block, endRow-first), -1
		for i := group; i < endGroup; i++ {
			g := &k.matrices[i]
			from, lda := w.codes, k.row
			if k.panel == nil {
				from, lda = x[first*k.lda+g.inAt:], k.lda
			} else if g.inAt != filled {
				p.fill(from[:rows*k.row], x, g.inAt, first, rows)
				filled = g.inAt
			}
			to, start := y[first*k.ldd+g.at:], bias[i*width:][:width]
			if k.finish.Zero == nil {
				stage := gemm.RealStage{
					Start: start, Scale: finish.Scale[g.at:][:width], Bias: finish.Bias[g.at:][:width], Lo: finish.Lo, Hi: finish.Hi,
				}
				g.weight.MulReals(to, k.ldd, from, lda, rows, &stage)
				continue
			}
			g.weight.MulInt32(sums, width, from, lda, rows, start)
			k.reals(to, sums, rows, finish.From(g.at))
		}
	}
}

// reals makes reals of the sums of some rows, the last of which is that of the row.
func (k *dynamicLayer) reals(y []float32, sums []int32, rows int, f elementwise.Scaled) {
	width := k.width()
	for r := range rows {
		row := sums[r*width:][:width]
		f.Reals(y[r*k.ldd:][:k.channels], row, row[k.channels], k.tier)
	}
}
