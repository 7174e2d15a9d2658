package engine

import (
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/gemm"
	"linquant/quant"
)

// A depthwise convolution has one input channel for each output channel: there is no matrix to multiply with. What lies
// in the padding stands for 0 and adds nothing, so that windows at the edges have fewer taps.

// emitDepthwise appends a depthwise convolution on codes.
func (s *lowerer) emitDepthwise(l layer, w *codedWeight, bias []int32, requant *quant.Requantizer, macs int64) error {
	channels := len(bias)
	runs, err := s.windowRuns(l.window, channels)
	if err != nil {
		return s.errorf("%w", err)
	}
	in, tier := s.in[0], s.tier
	product := &elementwise.Depthwise{Bias: bias, Zero: in.zero(), Requant: requant, Flip: s.out.flip}
	s.later(func() error {
		if err := checkAccumulators(w.codes, w.zero, len(bias), in.quant, 0); err != nil {
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
		product.Weight = tapsFirst(wide, channels, l.depth)
		product.Pack(l.depth, channels, l.window.Out[1]*l.window.Stride[1]*channels, tier)
		return nil
	})
	if c := s.g.Requant; c == quant.Fixed || c == quant.FixedDouble {
		s.emitLayer(s.staged(runs, in, l.out, product), in, macs, need{sums: stagedSums})
		return nil
	}
	s.emitLayer(&depthwiseKernel{runs, in, l.out, product, tier}, in, macs, need{sums: channels})
	return nil
}

// depthwiseKernel computes a depthwise convolution on codes line by line.
type depthwiseKernel struct {
	*windowRuns
	in, out *place
	product *elementwise.Depthwise
	tier    cpu.Tier
}

func (k *depthwiseKernel) part(s *state, w *scratch, lo, hi int) {
	src, dst := s.codesOf(k.in), s.codesOf(k.out)
	w.line.Reset()
	for oy := lo; oy < hi; oy++ {
		k.line(oy, &w.run, func(r *run) {
			k.product.Add(&w.line, dst[r.to:], src[r.from:], &r.Windows, w.sums, k.tier)
		})
		k.product.Flush(&w.line, k.tier)
	}
}

// stagedKernel is depthwiseKernel for the conventions that round in integers, whose output stages package gemm has.
type stagedKernel struct {
	*windowRuns
	in, out *place
	product *elementwise.Depthwise // whose Bias the sums have
	stage   gemm.Stage             // with none
	tier    cpu.Tier
}

const (
	stagedPixels = 64 // whose sums are there at once
	stagedSums   = stagedPixels * elementwise.SumChannels
)

func (s *lowerer) staged(runs *windowRuns, in, out *place, product *elementwise.Depthwise) *stagedKernel {
	stage := gemm.Stage{Bias: make([]int32, len(product.Bias)), Requant: product.Requant, Flip: product.Flip}
	return &stagedKernel{runs, in, out, product, stage, s.tier}
}

func (k *stagedKernel) part(s *state, w *scratch, lo, hi int) {
	src, dst := s.codesOf(k.in), s.codesOf(k.out)
	for oy := lo; oy < hi; oy++ {
		k.line(oy, &w.run, func(r *run) { k.run(dst[r.to:], src[r.from:], &r.Windows, w.sums) })
	}
}

// run makes the codes of neighbouring windows, some channels of some of them at a time. The last channels are as many as the others, of which some are
// there already.
func (k *stagedKernel) run(dst, src []byte, w *elementwise.Windows, sums []int32) {
	some, channels := *w, w.Channels
	for first := 0; first < w.Pixels; first += stagedPixels {
		some.Pixels = min(stagedPixels, w.Pixels-first)
		n := min(elementwise.SumChannels, channels)
		for c := 0; c < channels; c += n {
			j := min(c, channels-n)
			k.product.Sums(sums, src[first*w.Step:], &some, j, n, k.tier)
			k.stage.Panel(dst[first*channels+j:], channels, sums, some.Pixels, j, n, k.tier)
		}
	}
}
