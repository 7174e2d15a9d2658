package graph

import (
	"math"

	"linquant/tensor"
)

// evalUnary applies a function of one real to every element: on codes by dequantizing, the function and quantizing,
// except that a Relu or Clip whose output has its input's parameters clamps the codes, and Identity hands them on.
func (s site) evalUnary(c call, f func(float32) float32) (array, error) {
	x, shape, out := c.in[0], c.shape, c.out
	if out.Quant == nil {
		return array{shape: shape, real: apply(x.real, f)}, nil
	}
	if SameParams(x.quant, out.Quant) {
		switch of(s.n).Role {
		case RolePass:
			return x, nil
		case RoleClamp:
			lo, hi := ClampBounds(s.n, *out.Quant)
			return array{shape, nil, apply(x.code, func(q int32) int32 { return min(max(q, lo), hi) }), out.Quant}, nil
		}
	}
	reals, err := x.reals()
	if err != nil {
		return array{}, s.errorf("%w", err)
	}
	return quantized(shape, apply(reals, f), out.Quant)
}

func apply[T number](x []T, f func(T) T) []T {
	y := make([]T, len(x))
	for i := range x {
		y[i] = f(x[i])
	}
	return y
}

// broadcastSteps returns the steps of gather that read a value of shape from as one of the shape to.
func broadcastSteps(from, to tensor.Shape) [][]int {
	steps, stride := make([][]int, len(to)), strides(from)
	for d := range to {
		steps[d] = make([]int, to[d])
		if at := d - (len(to) - len(from)); at >= 0 && from[at] != 1 {
			for i := range steps[d] {
				steps[d][i] = i * stride[at]
			}
		}
	}
	return steps
}

// evalPair computes Add and the other operators on pairs of elements.
func (s site) evalPair(c call, f func(a, b float32) float32) (array, error) {
	a, b, shape, out := c.in[0], c.in[1], c.shape, c.out
	indexA, indexB := gather(shape, broadcastSteps(a.shape, shape)), gather(shape, broadcastSteps(b.shape, shape))
	if out.Quant == nil {
		x, y := take(a.real, indexA, 0), take(b.real, indexB, 0)
		for i := range x {
			x[i] = f(x[i], y[i])
		}
		return array{shape: shape, real: x}, nil
	}
	code, err := PairCode(s.n, s.g.Requant, s.value(0), s.value(1), out)
	if err != nil {
		return array{}, s.errorf("%w", err)
	}
	x, y := take(a.code, indexA, 0), take(b.code, indexB, 0)
	for i := range x {
		x[i] = code(x[i], y[i])
	}
	return array{shape: shape, code: x, quant: out.Quant}, nil
}

// evalBatchNorm computes (x − mean)·scale/√(var + ε) + shift.
func (s site) evalBatchNorm(c call) (array, error) {
	in, epsilon := c.in, s.n.Float("epsilon")
	x, scale, shift, mean, variance := in[0], in[1].real, in[2].real, in[3].real, in[4].real
	plane := perExample(x.shape[2:])
	y := make([]float32, len(x.real))
	for i, v := range x.real {
		k := i / plane % x.shape[1]
		factor := float64(scale[k]) / math.Sqrt(float64(variance[k])+float64(epsilon))
		y[i] = float32(float64((float64(v)-float64(mean[k]))*factor) + float64(shift[k]))
	}
	return array{shape: x.shape, real: y}, nil
}

func (s site) evalQuantize(c call) (array, error) {
	return quantized(c.shape, c.in[0].real, c.out.Quant)
}

func (s site) evalDequantize(c call) (array, error) {
	x, err := c.in[0].reals()
	return array{shape: c.shape, real: x}, err
}
