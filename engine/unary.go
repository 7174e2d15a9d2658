package engine

import (
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/integer"
	"linquant/quant"
)

// codesTable returns for every stored code with the parameters from what f makes of it: the stored code with the
// parameters to.
func codesTable(from, to *quant.Params, f func(float32) float32) (*[256]byte, error) {
	codes, err := integer.Table(f, *from, *to)
	if err != nil {
		return nil, err
	}
	var table [256]byte
	for u := range table {
		table[u] = codes[byte(u)^flipOf(from.Type)] ^ flipOf(to.Type)
	}
	return &table, nil
}

// integerUnary looks codes up in a table of 256.
func (s *lowerer) integerUnary() error {
	from, to := s.in[0].quant, s.out.quant
	var table *[256]byte
	if clamps := s.n.Op == graph.Relu || s.n.Op == graph.Clip; clamps && graph.SameParams(from, to) {
		table = new([256]byte)
		lo, hi := graph.ClampBounds(s.n, *to)
		for u := range table {
			code := int32(u) - int32(s.out.flip)
			table[u] = byte(clampTo(code, lo, hi) + int32(s.out.flip))
		}
	} else {
		f, ok := graph.Unary(s.n)
		if !ok {
			return s.errorf("the operator has no definition for a single value: replace the node")
		}
		var err error
		if table, err = codesTable(from, to, f); err != nil {
			return s.errorf("%w", err)
		}
	}
	s.weights += 256
	s.emit(s.n, &lookup{s.in[0], s.out, table, s.tier}, step{in: s.in, out: []*place{s.out}, inPlace: true})
	s.finish()
	return nil
}

type lookup struct {
	from, to *place
	table    *[256]byte
	tier     cpu.Tier
}

func (k *lookup) units() (n, grain int) { return k.to.n, elementGrain }

func (k *lookup) part(s *state, _ *scratch, lo, hi int) {
	elementwise.Lookup(s.codesOf(k.to)[lo:hi], s.codesOf(k.from)[lo:hi], k.table, k.tier)
}

func (s *lowerer) floatUnary() error {
	var k kernel
	if s.n.Op == graph.Relu || s.n.Op == graph.Clip {
		lo, hi := bounds(s.n)
		k = &clip{s.in[0], s.out, lo, hi, s.tier}
	} else {
		f, ok := graph.Unary(s.n)
		if !ok {
			return s.errorf("the operator has no definition for a single value: replace the node")
		}
		k = &apply{s.in[0], s.out, onSlice(s.n, f, s.tier)}
	}
	s.emit(s.n, k, step{in: s.in, out: []*place{s.out}, inPlace: true})
	s.finish()
	return nil
}

type clip struct {
	from, to *place
	lo, hi   float32
	tier     cpu.Tier
}

func (k *clip) units() (n, grain int) { return k.to.n, elementGrain }

func (k *clip) part(s *state, _ *scratch, lo, hi int) {
	elementwise.ClampReals(s.floatsOf(k.to)[lo:hi], s.floatsOf(k.from)[lo:hi], k.lo, k.hi, k.tier)
}

type apply struct {
	from, to *place
	f        func(dst, src []float32)
}

func (k *apply) units() (n, grain int) { return k.to.n, elementGrain }

func (k *apply) part(s *state, _ *scratch, lo, hi int) {
	k.f(s.floatsOf(k.to)[lo:hi], s.floatsOf(k.from)[lo:hi])
}
