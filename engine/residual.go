package engine

import (
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/quant"
)

// An Add that alone reads the codes of a convolution becomes part of it, and so does the Relu after it: a block of rows
// is added to while it is in the cache, in place. Its codes are those that the convolution has alone, so no bit changes.
// Windows make their rows in an order of their own, some of them twice: layers with windows leave the Add a step.

// residual is such an Add.
type residual struct {
	out, other *place
	second     bool // the convolution is the second operand
	op         elementwise.Pair
	tier       cpu.Tier
}

// residualBytes is how much of the output is computed at a time.
const residualBytes = 16 << 10

// residual makes the Add that follows the node part of it, nil where there is none or its other operand is not there
// yet. s.out is that of the sum then.
func (s *lowerer) residual() *residual {
	if s.g.Requant != quant.ONNX && s.g.Requant != quant.Torch || !s.hidden(s.value) {
		return nil
	}
	next := s.consumers[s.value][0]
	if next.Op != graph.Add || graph.IsQLinear(next) || len(next.Inputs) != 2 || next.Inputs[0] == next.Inputs[1] {
		return nil
	}
	k := &residual{second: next.Inputs[1] == s.value, tier: s.tier}
	p := &pair{operands: [2]*place{s.out, s.places[next.Inputs[1]]}}
	k.other = p.operands[1]
	if k.second {
		k.other = s.places[next.Inputs[0]]
		p.operands = [2]*place{k.other, s.out}
	}
	v := s.g.Values[next.Outputs[0]]
	if k.other == nil || k.other.quant == nil || k.other.buffer == nil || v.Quant == nil {
		return nil
	}
	out, err := s.place(v)
	if err != nil { // which the node itself reports
		return nil
	}
	for _, o := range p.operands {
		if !o.shape.Equal(out.shape) || o.order != out.order || o.row() > 0 {
			return nil
		}
	}
	values := [2]*graph.Value{s.g.Values[next.Inputs[0]], s.g.Values[next.Inputs[1]]}
	if _, err := graph.PairCode(next, s.g.Requant, values[0], values[1], v); err != nil {
		return nil
	}
	sum := &lowerer{compiler: s.compiler, n: next, out: out, value: next.Outputs[0]}
	lo, hi := sum.clampCodes()
	real, ok := sum.realPair(p, lo, hi)
	if !ok {
		return nil
	}
	k.op, k.out = real.op, sum.out
	s.folded[next] = true
	s.value, s.out = sum.value, sum.out
	s.fusedOps += "+" + string(next.Op) + sum.fusedOps
	return k
}

// apply adds to rows row ≤ r < endRow, ldd apart, of channels c ≤ j < end.
func (k *residual) apply(s *state, ldd, row, endRow, c, end int) {
	y, other := s.codesOf(k.out), s.codesOf(k.other)
	add := func(at, n int) {
		a, b := y[at:][:n], other[at:][:n]
		if k.second {
			a, b = b, a
		}
		k.op.Apply(y[at:][:n], a, b, k.tier)
	}
	if end-c == ldd {
		add(row*ldd, (endRow-row)*ldd)
		return
	}
	for ; row < endRow; row++ {
		add(row*ldd+c, end-c)
	}
}

// emitResidual is emitLayer for a layer with a residual, which may be nil.
func (s *lowerer) emitResidual(k kernel, r *residual, in *place, macs int64, scratch need) {
	s.emitLayer(k, in, macs, scratch)
	if r != nil {
		last := &s.steps[len(s.steps)-1]
		last.in = append(last.in, r.other)
		s.uses(r.other)
	}
}
