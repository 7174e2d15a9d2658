package engine

import "linquant/graph"

func (s *site) softmax() error {
	axis := graph.AxisOf(s.n, 1+len(s.out.shape)) - 1
	if axis < 0 {
		return s.errorf("axis 0 is the batch: use axis 1")
	}
	k := &softmax{from: s.in[0], to: s.out, n: s.out.shape[axis], stride: s.out.strides()[axis]}
	s.emit(s.n, k, step{in: s.in, out: []*place{s.out}, need: need{floats: k.n}})
	s.finish()
	return nil
}

// softmax works on rows of n elements, stride apart.
type softmax struct {
	from, to  *place
	n, stride int
}

func (k *softmax) run(s *state) {
	src, dst, row := s.floatsOf(k.from), s.floatsOf(k.to), s.scratch.floats[:k.n]
	for block := 0; block < len(src); block += k.n * k.stride {
		for at := block; at < block+k.stride; at++ {
			for i := range row {
				row[i] = src[at+i*k.stride]
			}
			graph.SoftmaxRow(row, row)
			for i, v := range row {
				dst[at+i*k.stride] = v
			}
		}
	}
}
