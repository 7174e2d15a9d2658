package engine

import (
	"slices"

	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/gemm"
)

// geometry resolves the window of a convolution or pooling.
func (s *lowerer) geometry() (*geometry, error) {
	x := s.in[0].shape
	if s.n.Op == graph.GlobalAveragePool || s.n.Op == graph.GlobalMaxPool {
		g := &geometry{height: x[1], width: x[2], channels: x[0]}
		g.Kernel, g.Stride, g.Dilation, g.Group, g.Out = [2]int{x[1], x[2]}, [2]int{1, 1}, [2]int{1, 1}, 1, [2]int{1, 1}
		return g, nil
	}
	w, err := graph.WindowOf(s.g, s.n, x[1], x[2])
	if err != nil {
		return nil, err
	}
	return &geometry{Window: w, height: x[1], width: x[2], channels: x[0]}, nil
}

// convLayer makes the frame of a convolution.
func (s *lowerer) convLayer(elementSize int) (layer, error) {
	if s.in[0] == nil {
		return layer{}, s.errorf("input %q is a constant, and the weight is not: exchange them", s.n.Inputs[0])
	}
	g, err := s.geometry()
	if err != nil {
		return layer{}, err
	}
	l := layer{
		in: s.in[0], out: s.out, rows: g.pixels(), lda: g.channels, ldd: s.out.shape[0],
		inGroup: g.channels / g.Group, window: g,
	}
	l.depth = g.Kernel[0] * g.Kernel[1] * l.inGroup
	l.row = l.depth
	if !g.pointwise() {
		if elementSize == 1 {
			l.row = (l.depth + 3) &^ 3 // the kernels multiply four codes at once
		}
		zero := byte(0)
		if elementSize == 1 {
			zero = byte(s.in[0].zero())
		}
		if l.panel, err = s.panel(g, l.row, l.inGroup, elementSize, zero); err != nil {
			return layer{}, s.errorf("%w", err)
		}
		l.block = panelRows(l.row*elementSize, l.rows)
	}
	l.atOnce = s.rowsAtOnce(&l, elementSize)
	n := channelSlices(l.rows, l.depth, l.ldd/g.Group, s.threads)
	l.byGroup = n > 1 || g.Group > 1 && l.rows < partsPerWorker*s.threads*rowGrain
	l.groups = n * g.Group
	l.sliced = n
	return l, nil
}

// isDepthwise reports whether every channel is convolved for itself.
func (l *layer) isDepthwise() bool {
	return l.inGroup == 1 && l.window.Group > 1 && l.ldd == l.window.Group
}

// emitLayer appends the step of a layer whose output is s.out, which may have moved to that of a folded Relu.
func (s *lowerer) emitLayer(k kernel, in *place, macs int64, scratch need) {
	s.emit(s.n, k, step{
		Step: Step{Op: string(s.n.Op) + s.fusedOps, MACs: macs}, in: []*place{in}, out: []*place{s.out}, need: scratch,
	})
	s.finish()
}

func (s *lowerer) integerConv() error {
	l, err := s.convLayer(1)
	if err != nil {
		return err
	}
	channels := s.out.shape[0]
	w, err := s.weightCodes(channels)
	if err != nil {
		return err
	}
	bias, err := s.biasCodes(channels)
	if err != nil {
		return err
	}
	inLines := s.readsPadded(&l, w)
	windows := !inLines && !l.isDepthwise() && s.readsCodeWindows(&l, w)
	switch {
	case l.isDepthwise() || inLines:
		l.groups = 1
	case windows:
		l.groups = l.window.Group
	}
	requant, err := s.requantizers(w, channels, l.groups)
	if err != nil {
		return err
	}
	l.out = s.out
	macs := int64(l.rows) * int64(channels) * int64(l.depth)
	s.weights += int64(len(w.codes)) + 8*int64(channels)
	if l.isDepthwise() {
		return s.emitDepthwise(l, w, bias, requant[0], macs)
	}
	if inLines {
		k := s.paddedConv(&l, w, bias, requant[0])
		s.emitLayer(k, s.in[0], macs, k.need())
		return nil
	}
	if windows {
		k := s.codeWindows(&l, w, bias, requant)
		s.emitLayer(k, s.in[0], macs, k.need())
		return nil
	}
	n, tier, in, flip := channels/l.groups, s.tier, s.in[0], s.out.flip
	k := &integerLayer{layer: l, matrices: make([]integerGroup, l.groups), sum: s.residual()}
	k.out = s.out
	scratch := need{codes: l.scratch(1)}
	for i := range k.matrices {
		s.later(func() error {
			codes := w.codes[i*n*l.depth:][:n*l.depth]
			group := integerGroup{inAt: i / l.sliced * l.inGroup, at: i * n}
			group.stage = gemm.Stage{Requant: requant[i], Flip: flip}
			if w.zero != nil {
				group.stage.WeightZero, group.stage.InputZero = w.zero[i*n:][:n], in.zero()
			}
			if err := checkAccumulators(codes, group.stage.WeightZero, n, in.quant, i*n); err != nil {
				return s.errorf("%w", err)
			}
			group.stage.Bias = foldBias(bias[i*n:][:n], codes, in.zero())
			group.weight = share(&s.packs, s.key(1, i, l.groups, [3]int{l.inGroup, l.depth, l.row}), func() *gemm.Int8 {
				return gemm.PackInt8(widened(channelsInnermost(codes, l.inGroup, l.depth), l.depth, l.row), n, l.row, tier)
			})
			k.matrices[i] = group
			return nil
		})
	}
	s.emitResidual(k, k.sum, in, macs, scratch)
	return nil
}

func (s *lowerer) floatConv() error {
	l, err := s.convLayer(4)
	if err != nil {
		return err
	}
	w, _, err := s.reals(1)
	if err != nil {
		return err
	}
	channels := s.out.shape[0]
	var bias []float32
	if s.n.Input(2) != "" {
		if bias, _, err = s.reals(2); err != nil {
			return err
		}
		if err := s.table(4 * int64(len(bias))); err != nil {
			return s.errorf("%w", err)
		}
		bias = slices.Clone(bias)
	}
	lo, hi := s.clampFloats()
	l.out = s.out
	macs := int64(l.rows) * int64(channels) * int64(l.depth)
	s.weights += 4 * int64(len(w))
	if l.isDepthwise() {
		weight, tier := tapsFirst(w, channels, l.depth), s.tier // [taps, channels]
		compute := func(dst, src []float32, r *run, _ *scratch) {
			elementwise.DepthwiseReals(dst, src, weight, bias, lo, hi, &r.Windows, tier)
		}
		runs, err := s.windowRuns(l.window, channels)
		if err != nil {
			return s.errorf("%w", err)
		}
		k := &windowKernel[float32]{runs, l.in, l.out, (*state).floatsOf, compute}
		s.emitLayer(k, s.in[0], macs, need{})
		return nil
	}
	tier := s.tier
	if k := s.windows(&l, w, bias); k != nil {
		k.lo, k.hi = lo, hi
		s.later(func() error {
			k.weight = s.packReals(w, 0, &l, tier)
			return nil
		})
		s.emitLayer(k, s.in[0], macs, k.need())
		return nil
	}
	k := &floatLayer{layer: l, matrices: make([]floatGroup, l.groups), lo: lo, hi: hi}
	scratch := need{floats: l.scratch(4)}
	n := channels / l.groups
	for i := range k.matrices {
		s.later(func() error {
			group := floatGroup{inAt: i / l.sliced * l.inGroup, at: i * n}
			if bias != nil {
				group.bias = bias[i*n:][:n]
			}
			group.weight = s.packReals(w[i*n*l.depth:][:n*l.depth], i, &l, tier)
			k.matrices[i] = group
			return nil
		})
	}
	s.emitLayer(k, s.in[0], macs, scratch)
	return nil
}

// packReals packs a part of a convolution's weight.
func (s *lowerer) packReals(w []float32, part int, l *layer, tier cpu.Tier) *gemm.Float32 {
	n := len(w) / l.depth
	return share(&s.packs, s.key(1, part, l.ldd/n, [2]int{l.inGroup, l.depth}), func() *gemm.Float32 {
		return gemm.PackFloat32(channelsInnermost(w, l.inGroup, l.depth), n, l.depth, tier)
	})
}

// channelsInnermost reorders the rows of a weight [out, channels, taps] to [out, taps, channels], the order of a panel.
func channelsInnermost[T int8 | float32](w []T, channels, depth int) []T {
	taps := depth / channels
	if taps == 1 || channels == 1 {
		return w
	}
	dst := make([]T, len(w))
	for at := 0; at < len(w); at += depth {
		from, to := w[at:][:depth], dst[at:][:depth]
		for t := range taps {
			row := to[t*channels:][:channels]
			for c := range row {
				row[c] = from[c*taps+t]
			}
		}
	}
	return dst
}

// tapsFirst reorders the weight of a depthwise convolution, [channels, taps], to [taps, channels].
func tapsFirst[T elementwise.Weight | float32](w []T, channels, taps int) []T {
	dst := make([]T, len(w))
	for c := range channels {
		for t := range taps {
			dst[t*channels+c] = w[c*taps+t]
		}
	}
	return dst
}

// widened fills rows of depth elements up with zeros.
func widened(w []int8, depth, row int) []int8 {
	if depth == row {
		return w
	}
	dst := make([]int8, len(w)/depth*row)
	for i := range len(w) / depth {
		copy(dst[i*row:], w[i*depth:][:depth])
	}
	return dst
}
