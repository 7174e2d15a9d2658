package engine

import "math"

// batchNorm lowers a batch normalization that no layer took in: a factor and an offset for each channel.
func (s *lowerer) batchNorm() error {
	var v [4][]float32 // scale, bias, mean, variance
	for i := range v {
		var err error
		if v[i], _, err = s.reals(1 + i); err != nil {
			return err
		}
	}
	if s.in[0] == nil {
		return s.errorf("input %q is a constant and its parameters are not", s.n.Inputs[0])
	}
	if err := s.table(8 * int64(len(v[0]))); err != nil {
		return s.errorf("%w", err)
	}
	epsilon := s.n.Float("epsilon")
	k := &batchNorm{from: s.in[0], to: s.out, factor: make([]float32, len(v[0])), offset: make([]float32, len(v[0]))}
	for c := range k.factor {
		factor := float64(v[0][c]) / math.Sqrt(float64(v[3][c])+float64(epsilon))
		k.factor[c] = float32(factor)
		k.offset[c] = float32(float64(v[1][c]) - float64(float64(v[2][c])*factor))
	}
	k.inner = s.out.n / len(k.factor) // elements of one channel that lie together
	if s.out.order.channels > 1 {
		k.inner = 1
	}
	s.emit(s.n, k, step{in: s.in[:1], out: []*place{s.out}, inPlace: true})
	s.finish()
	return nil
}

type batchNorm struct {
	undivided
	from, to       *place
	factor, offset []float32
	inner          int
}

func (k *batchNorm) part(s *state, _ *scratch, _, _ int) {
	src, dst := s.floatsOf(k.from), s.floatsOf(k.to)
	for at := 0; at < len(src); {
		for c, f := range k.factor {
			for range k.inner {
				dst[at] = float32(src[at]*f) + k.offset[c]
				at++
			}
		}
	}
}
