package engine

import (
	"slices"
	"sync"

	"linquant/graph"
	"linquant/internal/gemm"
	"linquant/tensor"
)

// matrix is what a Gemm or MatMul with a constant weight multiplies: rows × depth by depth × channels.
type matrix struct {
	rows, depth, channels int
	weight                *graph.Value
	channelsFirst         bool  // the weight is [channels, depth], not [depth, channels]
	order                 order // of the depth in memory
	slices                int   // that the channels are packed in
}

// matrix returns the geometry of the node. ok is false where the second operand is no constant matrix.
func (s *lowerer) matrix() (m matrix, ok bool) {
	v := s.g.Values[s.n.Inputs[1]]
	if s.in[0] == nil || v.Const == nil || len(v.Const.Shape) > 2 {
		return m, false
	}
	m.weight = v
	shape := v.Const.Shape
	if len(shape) == 1 {
		shape = tensor.Shape{shape[0], 1}
	}
	m.depth, m.channels = shape[0], shape[1]
	if s.n.Op == graph.Gemm && s.n.Int("transB") != 0 {
		m.depth, m.channels, m.channelsFirst = shape[1], shape[0], true
	}
	m.rows = s.in[0].n / m.depth
	m.slices = channelSlices(m.rows, m.depth, m.channels, s.threads)
	m.order = rowMajor(m.depth)
	if m.rows == 1 {
		m.order = s.in[0].order // the weight's rows move, not the codes
	}
	return m, true
}

// form is how a matrix that is multiplied by alpha is packed.
func (m matrix) form(alpha float32) any {
	type form struct {
		depth, channels int
		channelsFirst   bool
		order           order
		alpha           float32
	}
	return form{m.depth, m.channels, m.channelsFirst, m.order, alpha}
}

// transposed returns the weight as [channels, depth], the depth in the order in which the input lies.
func transposed[T int8 | float32](w []T, m matrix) []T {
	dst := make([]T, len(w))
	if m.channelsFirst && m.order.channels == 1 {
		copy(dst, w)
		return dst
	}
	at := make([]int, m.depth)
	for k := range at {
		at[k] = m.order.at(k)
	}
	for n := range m.channels {
		row := dst[n*m.depth:][:m.depth]
		if m.channelsFirst {
			for k, v := range w[n*m.depth:][:m.depth] {
				row[at[k]] = v
			}
			continue
		}
		for k, to := range at {
			row[to] = w[k*m.channels+n]
		}
	}
	return dst
}

// linearLayer makes the frame of a fully connected layer. With several rows the input must lie row-major, and so does
// what comes out.
func (s *lowerer) linearLayer(m matrix) (layer, error) {
	in, out := s.in[0], s.out
	if m.rows > 1 {
		var err error
		if in, err = s.asRowMajor(in); err != nil {
			return layer{}, err
		}
		if out.order.channels > 1 {
			out = like(out, out.quant)
			out.order = rowMajor(out.n)
		}
	}
	return layer{
		in: in, out: out, rows: m.rows, lda: m.depth, ldd: m.channels, depth: m.depth, row: m.depth,
		groups: m.slices, sliced: m.slices, byGroup: m.slices > 1, atOnce: groupRows,
	}, nil
}

// emitLinear appends a fully connected layer, and what brings its output to where s.out lies.
func (s *lowerer) emitLinear(k kernel, l *layer, m matrix, scratch need) error {
	s.emit(s.n, k, step{
		Step: Step{Op: string(s.n.Op) + s.fusedOps, MACs: int64(m.rows) * int64(m.depth) * int64(m.channels)},
		in:   []*place{l.in}, out: []*place{l.out}, need: scratch,
	})
	if l.out.order != s.out.order {
		if err := s.emitMove(l.out, s.out); err != nil {
			return err
		}
	}
	s.finish()
	return nil
}

func (s *lowerer) integerLinear() error {
	m, ok := s.matrix()
	if !ok {
		return s.product()
	}
	w, err := s.weightCodes(m.channels)
	if err != nil {
		return err
	}
	bias, err := s.biasCodes(m.channels)
	if err != nil {
		return err
	}
	requant, err := s.requantizers(w, m.channels, m.slices)
	if err != nil {
		return err
	}
	l, err := s.linearLayer(m)
	if err != nil {
		return err
	}
	k := &integerLayer{layer: l, matrices: make([]integerGroup, m.slices)}
	s.weights += int64(len(w.codes)) + 8*int64(m.channels)
	in, flip, tier := l.in, s.out.flip, s.tier
	s.later(func() error {
		codes := transposed(w.codes, m)
		if err := checkAccumulators(codes, w.zero, len(bias), in.quant, 0); err != nil {
			return s.errorf("%w", err)
		}
		bias := foldBias(bias, codes, in.zero())
		n := m.channels / m.slices
		for i := range k.matrices {
			stage := gemm.Stage{Bias: bias[i*n:][:n], Requant: requant[i], Flip: flip}
			if w.zero != nil {
				stage.WeightZero, stage.InputZero = w.zero[i*n:][:n], in.zero()
			}
			weight := share(&s.packs, s.key(1, i, m.slices, m.form(1)), func() *gemm.Int8 {
				return gemm.PackInt8(codes[i*n*m.depth:][:n*m.depth], n, m.depth, tier)
			})
			k.matrices[i] = integerGroup{weight: weight, stage: stage, at: i * n}
		}
		return nil
	})
	return s.emitLinear(k, &l, m, need{codes: l.scratch(1)})
}

func (s *lowerer) floatLinear() error {
	m, ok := s.matrix()
	if !ok {
		return s.product()
	}
	w, _, err := s.reals(1)
	if err != nil {
		return err
	}
	bias, err := s.floatBias(m)
	if err == nil && s.n.Op == graph.MatMul {
		if bias, err = s.addedBias(m.channels); bias != nil {
			bias = slices.Clone(bias) // which may be those of the file
		}
	}
	if err != nil {
		return err
	}
	lo, hi := s.clampFloats()
	l, err := s.linearLayer(m)
	if err != nil {
		return err
	}
	k := &floatLayer{layer: l, matrices: make([]floatGroup, m.slices), lo: lo, hi: hi}
	s.weights += 4 * int64(len(w))
	alpha, tier := float32(1), s.tier
	if s.n.Op == graph.Gemm {
		alpha = s.n.Float("alpha")
	}
	s.later(func() error {
		scaled := sync.OnceValue(func() []float32 {
			w := transposed(w, m)
			if alpha != 1 {
				for i := range w {
					w[i] *= alpha
				}
			}
			return w
		})
		n := m.channels / m.slices
		for i := range k.matrices {
			g := floatGroup{at: i * n}
			g.weight = share(&s.packs, s.key(1, i, m.slices, m.form(alpha)), func() *gemm.Float32 {
				return gemm.PackFloat32(scaled()[i*n*m.depth:][:n*m.depth], n, m.depth, tier)
			})
			if bias != nil {
				g.bias = bias[i*n:][:n]
			}
			k.matrices[i] = g
		}
		return nil
	})
	return s.emitLinear(k, &l, m, need{floats: l.scratch(4)})
}

// floatBias returns the C of a Gemm for each channel, times beta; nil where there is none.
func (s *lowerer) floatBias(m matrix) ([]float32, error) {
	if s.n.Op != graph.Gemm || s.n.Input(2) == "" {
		return nil, nil
	}
	c, shape, err := s.reals(2)
	if err != nil {
		return nil, err
	}
	if len(c) != 1 && (len(c) != m.channels || shape[len(shape)-1] != m.channels) {
		return nil, s.errorf("C %q is %v, not one element for each of %d channels: add it with an Add",
			s.n.Inputs[2], shape, m.channels)
	}
	if err := s.table(4 * int64(m.channels)); err != nil {
		return nil, s.errorf("%w", err)
	}
	beta := s.n.Float("beta")
	bias := make([]float32, m.channels)
	for j := range bias {
		bias[j] = c[min(j, len(c)-1)] * beta
	}
	return bias, nil
}
