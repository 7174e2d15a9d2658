package graph

import (
	"math"

	"linquant/tensor"
)

// SoftmaxRow fills dst with exp(x[i]) / Σ exp(x[j]) in float64, less the maximum for range, summed as four sums of every
// fourth element and rounded once: the same bits on every processor. dst and x have the same length and may be the same slice.
func SoftmaxRow(dst, x []float32) {
	most := maxOf(x)
	var kept [256]float64 // so that short rows need every exponential once
	if len(x) > len(kept) {
		_, sum := expSum(x)
		for i, v := range x {
			dst[i] = float32(Exp(float64(v)-float64(most)) / sum)
		}
		return
	}
	for i, v := range x {
		kept[i] = Exp(float64(v) - float64(most))
	}
	SoftmaxOf(dst, kept[:len(x)])
}

// SoftmaxOf fills dst with e[i] / Σ e[j], for who has the exponentials already: of each element less the largest, as Exp
// gives them.
func SoftmaxOf(dst []float32, e []float64) {
	var s [4]float64
	rest := e
	for ; len(rest) >= 4; rest = rest[4:] {
		s[0] += rest[0]
		s[1] += rest[1]
		s[2] += rest[2]
		s[3] += rest[3]
	}
	for i, v := range rest {
		s[i] += v
	}
	sum := (s[0] + s[1]) + (s[2] + s[3])
	dst = dst[:len(e)]
	for i, v := range e {
		dst[i] = float32(v / sum)
	}
}

// LogSoftmaxRow fills dst with x[i] − log Σ exp(x[j]), computed as SoftmaxRow does.
func LogSoftmaxRow(dst, x []float32) {
	most, sum := expSum(x)
	log := log(sum)
	for i, v := range x {
		dst[i] = float32((float64(v) - float64(most)) - log)
	}
}

// expSum returns the largest element and Σ exp(x[j] − largest).
func expSum(x []float32) (most float32, sum float64) {
	most = maxOf(x)
	var s [4]float64
	for i, v := range x {
		s[i%4] += Exp(float64(v) - float64(most))
	}
	return most, (s[0] + s[1]) + (s[2] + s[3])
}

// maxOf returns the largest element, a NaN if there is one.
func maxOf(x []float32) float32 {
	most := float32(math.Inf(-1))
	for _, v := range x {
		most = max(most, v)
	}
	return most
}

// evalSoftmax computes a Softmax or LogSoftmax.
func (s site) evalSoftmax(c call) (array, error) {
	x, axis, normalize := c.in[0], AxisOf(s.n, len(c.shape)), SoftmaxRow
	if s.n.Op == LogSoftmax {
		normalize = LogSoftmaxRow
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
