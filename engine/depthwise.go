package engine

import (
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/quant"
)

// A depthwise convolution has one input channel for each output channel: there is no matrix to multiply with. What lies
// in the padding stands for 0 and adds nothing, so that windows at the edges have fewer taps.

type integerDepthwise struct {
	in, out *place
	*windowRuns
	product elementwise.Depthwise
	tier    cpu.Tier
}

// emitDepthwise appends a depthwise convolution on codes.
func (s *lowerer) emitDepthwise(l layer, w *codedWeight, bias []int32, requant *quant.Requantizer, macs int64) {
	channels := len(bias)
	k := &integerDepthwise{in: s.in[0], out: l.out, windowRuns: newWindowRuns(l.window, channels), tier: s.tier}
	k.product = elementwise.Depthwise{Bias: bias, Zero: s.in[0].zero(), Requant: requant, Flip: s.out.flip}
	s.later(func() error {
		if err := checkAccumulators(w.codes, w.zero, bias, k.in.quant, 0); err != nil {
			return s.errorf("%w", err)
		}
		wide := make([]elementwise.Weight, len(w.codes))
		for i, code := range w.codes {
			zero := int16(0)
			if w.zero != nil {
				zero = int16(w.zero[i/l.depth])
			}
			wide[i] = elementwise.NewWeight(int16(code) - zero)
		}
		k.product.Weight = tapsFirst(wide, channels, l.depth)
		k.product.Pack(l.depth, channels, l.window.Out[1]*l.window.Stride[1]*channels, k.tier)
		return nil
	})
	s.emitLayer(k, s.in[0], macs, need{sums: channels})
}

func (k *integerDepthwise) part(s *state, w *scratch, lo, hi int) {
	x, y := s.codesOf(k.in), s.codesOf(k.out)
	runs := k.between(lo, hi)
	for i := range runs {
		r := &runs[i]
		k.product.Codes(y[r.to:], x[r.from:], &r.Windows, w.sums, k.tier)
	}
}

type floatDepthwise struct {
	in, out *place
	*windowRuns
	weight []float32 // [taps, channels]
	bias   []float32
	lo, hi float32
	tier   cpu.Tier
}

func (k *floatDepthwise) part(s *state, _ *scratch, lo, hi int) {
	x, y := s.floatsOf(k.in), s.floatsOf(k.out)
	runs := k.between(lo, hi)
	for i := range runs {
		r := &runs[i]
		elementwise.DepthwiseReals(y[r.to:], x[r.from:], k.weight, k.bias, k.lo, k.hi, &r.Windows, k.tier)
	}
}
