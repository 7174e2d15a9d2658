package engine

import (
	"linquant/graph"
	"linquant/internal/elementwise"
	"linquant/internal/integer"
)

func (s *lowerer) maxPool() error {
	tier := s.tier
	if s.in[0].quant == nil {
		return emitPool(s, (*state).floatsOf, func(dst, src []float32, r *run, _ *scratch) {
			elementwise.MaxReals(dst, src, &r.Windows, tier)
		})
	}
	return emitPool(s, (*state).codesOf, func(dst, src []byte, r *run, _ *scratch) { // stored codes are ordered as codes are
		elementwise.MaxCodes(dst, src, &r.Windows, tier)
	})
}

func (s *lowerer) floatAverage() error {
	tier := s.tier
	return emitPool(s, (*state).floatsOf, func(dst, src []float32, r *run, _ *scratch) {
		elementwise.MeanReals(dst, src, &r.Windows, float32(r.counted), tier)
	})
}

// emitPool appends what computes each run of windows so.
func emitPool[T byte | float32](s *lowerer, elements func(*state, *place) []T, compute func([]T, []T, *run, *scratch)) error {
	g, err := s.geometry()
	if err != nil {
		return err
	}
	runs, err := s.windowRuns(g, noWeights)
	if err != nil {
		return s.errorf("%w", err)
	}
	k := &windowKernel[T]{runs, s.in[0], s.out, elements, compute}
	s.emit(s.n, k, step{in: s.in, out: []*place{s.out}})
	s.finish()
	return nil
}

// integerAverage sums codes less the zero point, and requantizes the sum by a multiplier for the number of elements: a
// depthwise convolution whose weights are 1.
func (s *lowerer) integerAverage() error {
	g, err := s.geometry()
	if err != nil {
		return err
	}
	lo, hi := s.clampCodes()
	if s.n.Op == graph.AveragePool && graph.IsQLinear(s.n) {
		return s.qlinearAverage(g, lo, hi)
	}
	runs, err := s.windowRuns(g, 0)
	if err != nil {
		return s.errorf("%w", err)
	}
	counts, err := runs.counts()
	if err != nil {
		return s.errorf("%w", err)
	}
	tier := s.tier
	products := map[int]*elementwise.Depthwise{} // by the number of elements
	ones, bias := make([]elementwise.Weight, g.channels), make([]int32, g.channels)
	for c := range ones {
		ones[c] = elementwise.NewWeight(1)
	}
	for _, n := range counts {
		requant, err := graph.AverageStage(s.n, s.g.Requant, *s.in[0].quant, *s.out.quant, n)
		if err != nil {
			return s.errorf("%w", err)
		}
		requant.Lo, requant.Hi = lo, hi
		products[n] = &elementwise.Depthwise{
			Weight: ones, Bias: bias, Zero: s.in[0].zero(), Requant: requant, Flip: s.out.flip,
		}
	}
	k := &windowKernel[byte]{runs, s.in[0], s.out, (*state).codesOf, func(dst, src []byte, r *run, w *scratch) {
		products[r.counted].Codes(dst, src, &r.Windows, w.sums, tier)
	}}
	s.emit(s.n, k, step{
		Step: Step{Op: string(s.n.Op) + s.fusedOps}, in: s.in, out: []*place{s.out}, need: need{sums: g.channels},
	})
	s.finish()
	return nil
}

// qlinearAverage sums reals in the order in which they lie, as graph.IsQLinear says of AveragePool.
func (s *lowerer) qlinearAverage(g *geometry, lo, hi int32) error {
	runs, err := s.windowRuns(g, noWeights)
	if err != nil {
		return s.errorf("%w", err)
	}
	reals, mean, flip := realsTable(s.in[0].quant), integer.QLinearAverage(*s.out.quant), s.out.flip
	s.weights += 256 * 4
	k := &windowKernel[byte]{runs, s.in[0], s.out, (*state).codesOf, func(dst, src []byte, r *run, w *scratch) {
		sums := w.floats[:r.Channels]
		for p := range r.Pixels {
			clear(sums)
			for _, at := range r.Taps {
				for c, u := range src[p*r.Step+at:][:r.Channels] {
					sums[c] += reals[u]
				}
			}
			for c, sum := range sums {
				dst[p*r.Channels+c] = byte(clampTo(mean(sum, r.counted), lo, hi)) ^ flip
			}
		}
	}}
	s.emit(s.n, k, step{
		Step: Step{Op: string(s.n.Op) + s.fusedOps}, in: s.in, out: []*place{s.out}, need: need{floats: g.channels},
	})
	s.finish()
	return nil
}
