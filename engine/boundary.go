package engine

import (
	"fmt"

	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/quant"
	"linquant/tensor"
)

// input makes the place of a graph input: the caller's memory for reals, codes quantized from it where the input is
// codes.
func (c *compiler) input(i int, name string) error {
	v := c.g.Values[name]
	p, err := c.place(v)
	if err != nil {
		return fmt.Errorf("input: %w", err)
	}
	c.inputs = append(c.inputs, IO{Name: name, Shape: p.shape, Whole: c.isWhole(name), DType: c.typeOf(name), Quant: v.Quant, elements: p.n})
	given := like(p, nil)
	given.buffer, given.input, given.order = nil, i, rowMajor(p.n)
	if v.Quant == nil {
		p = given
	} else {
		c.quantize(&graph.Node{Op: graph.QuantizeLinear, Name: name}, given, p)
	}
	c.places[name] = p
	if c.keep[name] {
		c.keepPlace(name, p)
	}
	return nil
}

// isWhole reports whether an example of the value has all its dimensions.
func (c *compiler) isWhole(name string) bool {
	v := c.whole[name]
	return v != nil && len(graph.ExampleShape(v.Shape)) == len(v.Shape)
}

// typeOf returns the type of a value's elements as a caller has them.
func (c *compiler) typeOf(name string) tensor.DType {
	if v := c.g.Values[name]; v.Quant == nil && graph.Counts(v.DType) {
		return v.DType
	}
	return tensor.Float32
}

// loaded returns the place of a value as node n can read it. Only what lies in the caller's memory can lie otherwise than
// between steps; it is copied the first time that a node needs that.
func (c *compiler) loaded(n *graph.Node, p *place) *place {
	o := c.layout[p.name]
	if l, _ := loweringOf(n.Op); p.input < 0 || p.order == o || n.Op == graph.QuantizeLinear || l.reads == anyOrder {
		return p
	}
	to := like(p, nil)
	to.order = o
	c.emit(n, &load{from: p, to: to}, step{Step: Step{Op: "Load"}, in: []*place{p}, out: []*place{to}})
	c.places[p.name] = to
	return to
}

// load brings an input, channels first, to channels last.
type load struct {
	undivided
	from, to *place
}

func (k *load) part(s *state, _ *scratch, _, _ int) {
	src, dst := s.floatsOf(k.from), s.floatsOf(k.to)
	channels, plane := k.to.order.channels, k.to.order.plane
	for c := range channels {
		for p, x := range src[c*plane : (c+1)*plane] {
			dst[p*channels+c] = x
		}
	}
}

// output emits the step that gives the caller a graph output.
func (c *compiler) output(i int, name string) error {
	p := c.places[name]
	if p == nil {
		return fmt.Errorf("output %q does not depend on an input: leave it out", name)
	}
	c.outputs = append(c.outputs, IO{Name: name, Shape: p.shape, Whole: c.isWhole(name), DType: c.typeOf(name), Quant: p.quant, elements: p.n})
	k := &store{from: p, to: i}
	if p.quant != nil {
		k.table = realsTable(p.quant)
	}
	c.emit(&graph.Node{Op: "Store", Name: name}, k, step{in: []*place{p}, out: []*place{p}})
	return nil
}

// store gives a value to the caller, channels first and as reals.
type store struct {
	undivided
	from  *place
	to    int
	table *[256]float32
}

func (k *store) part(s *state, _ *scratch, _, _ int) { k.from.export(s, s.out[k.to], k.table) }

// export fills dst with the value in the order in which it is counted. Codes become the reals of table.
func (p *place) export(s *state, dst []float32, table *[256]float32) {
	channels, plane := p.order.channels, p.order.plane
	pixel := p.rowOr(channels)
	if p.quant == nil {
		src := s.floatsOf(p)
		if channels == 1 {
			copy(dst, src)
			return
		}
		for c := range channels {
			row := dst[c*plane : (c+1)*plane]
			for i := range row {
				row[i] = src[i*pixel+c]
			}
		}
		return
	}
	src := s.codesOf(p)
	for c := range channels {
		row := dst[c*plane : (c+1)*plane]
		for i := range row {
			row[i] = table[src[i*pixel+c]]
		}
	}
}

// boundary lowers QuantizeLinear and DequantizeLinear.
func (s *lowerer) boundary() error {
	switch {
	case s.n.Op == graph.QuantizeLinear:
		s.quantize(s.n, s.in[0], s.out)
	case s.tables(), s.fromCodes():
	default:
		s.dequantize(s.n, s.in[0], s.out)
	}
	s.finish()
	return nil
}

func (c *compiler) quantize(n *graph.Node, from, to *place) {
	k := &quantizeStep{from, to, newQuantizer(to.quant), c.tier}
	s := step{in: []*place{from}, out: []*place{to}}
	if from.order != to.order {
		s.need.codes = quantizeBlock
	}
	c.emit(n, k, s)
}

func (c *compiler) dequantize(n *graph.Node, from, to *place) {
	k := &dequantizeStep{from: from, to: to, tier: c.tier}
	c.emit(n, k, step{in: []*place{from}, out: []*place{to}})
}

// newQuantizer makes codes as they are stored, by the definition of quant.Quantize.
func newQuantizer(p *quant.Params) elementwise.Quantizer {
	lo, hi := p.Type.Range()
	return clampedQuantizer(p, lo, hi)
}

// clampedQuantizer makes codes in [lo, hi] only.
func clampedQuantizer(p *quant.Params, lo, hi int32) elementwise.Quantizer {
	z := p.ZeroPointOf(0)
	return elementwise.Quantizer{
		Scale: p.Scale[0], Lo: float32(lo - z), Hi: float32(hi - z), Offset: z + int32(flipOf(p.Type)),
	}
}

// realsTable returns what every stored code stands for.
func realsTable(p *quant.Params) *[256]float32 {
	var table [256]float32
	shift := p.ZeroPointOf(0) + int32(flipOf(p.Type))
	for u := range table {
		table[u] = float32(int32(u)-shift) * p.Scale[0]
	}
	return &table
}

type quantizeStep struct {
	from, to *place
	q        elementwise.Quantizer
	tier     cpu.Tier
}

// quantizeBlock is how many codes are made before they are spread over the pixels.
const quantizeBlock = 2048

// units are pixels where the layout changes, else elements.
func (k *quantizeStep) units() (n, grain int) {
	if k.from.order == k.to.order {
		return k.to.n, elementGrain
	}
	return k.to.order.plane, elementGrain
}

func (k *quantizeStep) part(s *state, w *scratch, lo, hi int) {
	if k.given(s, lo, hi) {
		return
	}
	src, dst := s.floatsOf(k.from), s.codesOf(k.to)
	if k.from.order == k.to.order {
		k.q.Codes(dst[lo:hi], src[lo:hi], k.tier)
		return
	}
	channels, plane := k.to.order.channels, k.to.order.plane // from the caller's channels first
	pixel := max(channels, k.to.wide)
	if channels == 3 && pixel <= 4 {
		k.q.Colours(dst[pixel*lo:pixel*hi], src[lo:hi], src[plane+lo:plane+hi], src[2*plane+lo:2*plane+hi], pixel, k.tier)
		return
	}
	for first := lo; first < hi; first += quantizeBlock {
		codes := w.codes[:min(quantizeBlock, hi-first)]
		for c := range channels {
			k.q.Codes(codes, src[c*plane+first:][:len(codes)], k.tier)
			at := first*pixel + c
			for _, u := range codes {
				dst[at] = u
				at += pixel
			}
		}
	}
}

type dequantizeStep struct {
	from, to *place
	tier     cpu.Tier
}

func (k *dequantizeStep) units() (n, grain int) { return k.to.n, elementGrain }

func (k *dequantizeStep) part(s *state, _ *scratch, lo, hi int) {
	elementwise.Dequantize(s.floatsOf(k.to)[lo:hi], s.codesOf(k.from)[lo:hi], k.from.zero(), k.from.quant.Scale[0], k.tier)
}
