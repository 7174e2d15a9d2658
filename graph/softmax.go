package graph

import (
	"linquant/internal/arith"
	"linquant/tensor"
)

// evalSoftmax computes a Softmax or LogSoftmax.
func (s site) evalSoftmax(c call) (array, error) {
	x, axis, normalize := c.in[0], AxisOf(s.n, len(c.shape)), arith.Softmax
	if s.n.Op == LogSoftmax {
		normalize = arith.LogSoftmax
	}
	inner, length := perExample(x.shape[axis+1:]), x.shape[axis]
	y, row := make([]float32, len(x.real)), make([]float32, length)
	for start := range len(x.real) / length {
		first := start/inner*inner*length + start%inner
		for i := range row {
			row[i] = x.real[first+i*inner]
		}
		normalize(row, row)
		for i := range row {
			y[first+i*inner] = row[i]
		}
	}
	return array{shape: x.shape, real: y}, nil
}

func (s site) softmax() (tensor.Shape, error) {
	x := s.shape(0)
	axis, err := s.axis("axis", len(x))
	if err != nil {
		return nil, err
	}
	if axis == 0 && batched(x) {
		return nil, s.errorf("axis 0 of %s is the batch: it would mix examples; use axis 1", show(x))
	}
	return x, nil
}
