package engine

import (
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/integer"
)

func (s *lowerer) maxPool() error {
	g, err := s.geometry()
	if err != nil {
		return err
	}
	s.emit(s.n, &maxPool{s.in[0], s.out, newWindowRuns(g, 0), s.tier}, step{in: s.in, out: []*place{s.out}})
	s.finish()
	return nil
}

// maxPool takes the largest element of each window; stored codes are ordered as codes are.
type maxPool struct {
	in, out *place
	*windowRuns
	tier cpu.Tier
}

func (k *maxPool) part(s *state, _ *scratch, lo, hi int) {
	if k.in.quant == nil {
		src, dst := s.floatsOf(k.in), s.floatsOf(k.out)
		runs := k.between(lo, hi)
		for i := range runs {
			elementwise.MaxReals(dst[runs[i].to:], src[runs[i].from:], &runs[i].Windows, k.tier)
		}
		return
	}
	src, dst := s.codesOf(k.in), s.codesOf(k.out)
	runs := k.between(lo, hi)
	for i := range runs {
		elementwise.MaxCodes(dst[runs[i].to:], src[runs[i].from:], &runs[i].Windows, k.tier)
	}
}

func (s *lowerer) floatAverage() error {
	g, err := s.geometry()
	if err != nil {
		return err
	}
	s.emit(s.n, &floatAverage{s.in[0], s.out, newWindowRuns(g, 0), s.tier}, step{in: s.in, out: []*place{s.out}})
	s.finish()
	return nil
}

type floatAverage struct {
	in, out *place
	*windowRuns
	tier cpu.Tier
}

func (k *floatAverage) part(s *state, _ *scratch, lo, hi int) {
	src, dst := s.floatsOf(k.in), s.floatsOf(k.out)
	runs := k.between(lo, hi)
	for i := range runs {
		r := &runs[i]
		elementwise.MeanReals(dst[r.to:], src[r.from:], &r.Windows, float32(r.counted), k.tier)
	}
}

// integerAverage sums codes less the zero point, and requantizes the sum by a multiplier for the number of elements: a
// depthwise convolution whose weights are 1.
func (s *lowerer) integerAverage() error {
	g, err := s.geometry()
	if err != nil {
		return err
	}
	lo, hi := s.clampCodes()
	k := &integerAverage{in: s.in[0], out: s.out, windowRuns: newWindowRuns(g, 0), tier: s.tier}
	k.products = map[int]*elementwise.Depthwise{}
	ones := make([]elementwise.Weight, g.channels)
	for c := range ones {
		ones[c] = elementwise.NewWeight(1)
	}
	for _, r := range k.runs {
		if k.products[r.counted] != nil {
			continue
		}
		requant, err := integer.Average(s.g.Requant, *s.in[0].quant, *s.out.quant, r.counted)
		if err != nil {
			return s.errorf("%w", err)
		}
		requant.Lo, requant.Hi = lo, hi
		k.products[r.counted] = &elementwise.Depthwise{
			Weight: ones, Bias: make([]int32, g.channels), Zero: s.in[0].zero(), Requant: requant, Flip: s.out.flip,
		}
	}
	s.emit(s.n, k, step{
		Step: Step{Op: string(s.n.Op) + s.fusedOps}, in: s.in, out: []*place{s.out}, need: need{sums: g.channels},
	})
	s.finish()
	return nil
}

type integerAverage struct {
	in, out *place
	*windowRuns
	products map[int]*elementwise.Depthwise // by the number of elements
	tier     cpu.Tier
}

func (k *integerAverage) part(s *state, w *scratch, lo, hi int) {
	src, dst := s.codesOf(k.in), s.codesOf(k.out)
	runs := k.between(lo, hi)
	for i := range runs {
		r := &runs[i]
		k.products[r.counted].Codes(dst[r.to:], src[r.from:], &r.Windows, w.sums, k.tier)
	}
}
