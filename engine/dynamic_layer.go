package engine

import (
	"math"
	"sync"

	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/gemm"
)

// dynamic lowers a layer that quantizes its input while it runs.
func (s *lowerer) dynamicLayer() error {
	if s.in[0] == nil {
		return s.errorf("input %q is a constant and the graph is not folded: apply graph.Fold", s.n.Inputs[0])
	}
	if s.n.Op == graph.Conv {
		return s.dynamicConv()
	}
	return s.dynamicLinear()
}

// finishOf returns what makes reals of the sums of a layer with so many channels, and the scales of its weight. What
// follows and can be part of it becomes so.
func (s *lowerer) finishOf(w *codedWeight, channels int) (f elementwise.Scaled, scale []float32, err error) {
	f = elementwise.Scaled{Bias: make([]float32, channels), Zero: w.zero}
	scale = make([]float32, channels)
	var bias []float32
	if s.n.Input(2) != "" {
		if bias, _, err = s.reals(2); err != nil {
			return f, nil, err
		}
	} else if s.n.Op == graph.MatMul {
		if bias, err = s.addedBias(channels); err != nil {
			return f, nil, err
		}
	}
	for c := range scale {
		scale[c] = w.params.Scale[min(c, len(w.params.Scale)-1)]
		f.Bias[c] = float32(math.Copysign(0, -1)) // which changes nothing
		if bias != nil {
			f.Bias[c] = bias[c]
		}
	}
	f.Lo, f.Hi = s.clampFloats()
	s.weights += int64(len(w.codes)) + 12*int64(channels)
	return f, scale, nil
}

func (s *lowerer) dynamicConv() error {
	from := s.in[0]
	g, err := s.geometry()
	if err != nil {
		return err
	}
	channels := s.out.shape[0]
	w, err := s.weightCodes(channels)
	if err != nil {
		return err
	}
	taps := g.Kernel[0] * g.Kernel[1]
	if g.Group == g.channels && g.Group == channels && g.Group > 1 && taps*255*255 <= exactReals {
		return s.dynamicDepthwise(g, w)
	}
	q := s.dynamicInput(s.n, from, false)
	s.in[0] = q.codes
	l, err := s.convLayer(1)
	if err != nil {
		return err
	}
	f, scale, err := s.finishOf(w, channels)
	if err != nil {
		return err
	}
	l.out = s.out
	k := s.newDynamicLayer(l, q, f, scale, channels/l.groups)
	n, tier := channels/l.groups, s.tier
	for i := range k.matrices {
		s.later(func() error {
			codes := w.codes[i*n*l.depth:][:n*l.depth]
			k.matrices[i] = share(&s.packs, s.key(1, i, l.groups, dynamicForm{l.inGroup, l.depth, k.row, k.finish.Zero != nil}), func() dynamicGroup {
				return k.pack(channelsInnermost(codes, l.inGroup, l.depth), n, tier)
			})
			k.matrices[i].inAt, k.matrices[i].at = i/l.sliced*l.inGroup, i*n
			return nil
		})
	}
	s.emitDynamic(k, &k.layer, int64(l.rows)*int64(channels)*int64(l.depth))
	s.finish()
	return nil
}

func (s *lowerer) dynamicLinear() error {
	m, ok := s.matrix()
	if !ok {
		return s.errorf("weight %q is no constant matrix", s.n.Inputs[1])
	}
	w, err := s.weightCodes(m.channels)
	if err != nil {
		return err
	}
	if m.rows > 1 {
		if s.in[0], err = s.asRowMajor(s.in[0]); err != nil {
			return err
		}
	}
	q := s.dynamicInput(s.n, s.in[0], false)
	s.in[0] = q.codes
	f, scale, err := s.finishOf(w, m.channels)
	if err != nil {
		return err
	}
	l, err := s.linearLayer(m)
	if err != nil {
		return err
	}
	k := s.newDynamicLayer(l, q, f, scale, m.channels/m.slices)
	tier := s.tier
	s.later(func() error {
		codes, n := sync.OnceValue(func() []int8 { return transposed(w.codes, m) }), m.channels/m.slices
		for i := range k.matrices {
			k.matrices[i] = share(&s.packs, s.key(1, i, m.slices, [2]any{m.form(1), k.finish.Zero != nil}), func() dynamicGroup {
				return k.pack(codes()[i*n*m.depth:][:n*m.depth], n, tier)
			})
			k.matrices[i].at = i * n
		}
		return nil
	})
	s.emitDynamic(k, &k.layer, int64(m.rows)*int64(m.depth)*int64(m.channels))
	if k.out.order != s.out.order {
		if err := s.emitMove(k.out, s.out); err != nil {
			return err
		}
	}
	s.finish()
	return nil
}

// dynamicForm is how the weight of a convolution that quantizes its input is packed.
type dynamicForm struct {
	inGroup, depth, row int
	zero                bool
}

// newDynamicLayer makes the kernel but for its weights.
func (s *lowerer) newDynamicLayer(
	l layer, q *quantizedInput, f elementwise.Scaled, scale []float32, channels int,
) *dynamicLayer {
	k := &dynamicLayer{
		layer: l, extremes: q.extremes, matrices: make([]dynamicGroup, l.groups), channels: channels, scale: scale,
		finish: f, tier: s.tier,
	}
	if l.panel == nil {
		k.block = l.rows
	}
	if f.Zero != nil {
		const room = 32 << 10 // sums that stay in the cache
		k.block = min(k.block, max(room/k.width()&^(rowGrain-1), rowGrain))
	}
	return k
}

// pack packs the rows of n channels, and a row of ones behind them where their sums are needed.
func (k *dynamicLayer) pack(codes []int8, n int, tier cpu.Tier) dynamicGroup {
	if k.finish.Zero != nil {
		all := make([]int8, 0, len(codes)+k.depth)
		all = append(all, codes...)
		for range k.depth {
			all = append(all, 1)
		}
		codes, n = all, n+1
	}
	g := dynamicGroup{sums: gemm.TapSums(codes, k.depth)}
	g.weight = gemm.PackInt8(widened(codes, k.depth, k.row), n, k.row, tier)
	return g
}

// emitDynamic appends the step of a dynamic layer.
func (s *lowerer) emitDynamic(k *dynamicLayer, l *layer, macs int64) {
	s.emit(s.n, k, step{
		Step: Step{Op: "Dynamic" + string(s.n.Op) + s.fusedOps, Kind: Integer, MACs: macs},
		in:   []*place{l.in, k.extremes}, out: []*place{l.out}, need: k.need(),
	})
}

// exactReals is the magnitude up to which reals hold every integer.
const exactReals = 1 << 24

// dynamicDepthwise convolves every channel for itself. The codes less their zero points are multiplied as reals, which
// hold the sums exactly.
type dynamicDepthwise struct {
	in, extremes, out *place
	*windowRuns
	channels int
	weight   []float32 // codes less zero points, [taps, channels]
	scale    []float32 // of the weight, for each channel
	finish   elementwise.Scaled
	tier     cpu.Tier
}

func (s *lowerer) dynamicDepthwise(g *geometry, w *codedWeight) error {
	channels, taps := g.channels, g.Kernel[0]*g.Kernel[1]
	runs, err := s.windowRuns(g, channels)
	if err != nil {
		return s.errorf("%w", err)
	}
	q := s.dynamicInput(s.n, s.in[0], true)
	f, scale, err := s.finishOf(w, channels)
	if err != nil {
		return err
	}
	centred := make([]float32, len(w.codes))
	for i, code := range w.codes {
		centred[i] = float32(code)
		if w.zero != nil {
			centred[i] -= float32(w.zero[i/taps])
		}
	}
	s.weights += 3 * int64(len(w.codes))
	k := &dynamicDepthwise{
		in: q.reals, extremes: q.extremes, out: s.out, windowRuns: runs, channels: channels,
		weight: tapsFirst(centred, channels, taps), scale: scale, finish: f, tier: s.tier,
	}
	s.emit(s.n, k, step{
		Step: Step{Op: "Dynamic" + string(s.n.Op) + s.fusedOps, Kind: Integer, MACs: int64(s.out.n) * int64(taps)},
		in:   []*place{q.reals, q.extremes}, out: []*place{s.out}, need: need{floats: channels},
	})
	s.finish()
	return nil
}

func (k *dynamicDepthwise) part(s *state, w *scratch, lo, hi int) {
	x, y := s.floatsOf(k.in), s.floatsOf(k.out)
	scale, _ := s.dynamicParams(k.extremes)
	scales := w.floats[:k.channels]
	for c, v := range k.scale {
		scales[c] = float32(scale * v)
	}
	none := float32(math.Inf(1))
	one := func(r *run) {
		elementwise.DepthwiseReals(y[r.to:], x[r.from:], k.weight, nil, -none, none, &r.Windows, k.tier)
		for p := range r.Pixels {
			row := y[r.to+p*k.channels:][:k.channels]
			elementwise.MulReals(row, row, scales, -none, none, k.tier)
			elementwise.AddReals(row, row, k.finish.Bias, k.finish.Lo, k.finish.Hi, k.tier)
		}
	}
	for oy := lo; oy < hi; oy++ {
		k.line(oy, &w.run, one)
	}
}
