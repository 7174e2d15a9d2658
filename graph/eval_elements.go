package graph

import (
	"math"

	"linquant/quant"
	"linquant/tensor"
)

// evalUnary applies a function of one real to every element: on codes by dequantizing, the function and quantizing,
// except that a Relu or Clip whose output has its input's parameters clamps the codes, and Identity hands them on.
func (s site) evalUnary(x array, shape tensor.Shape, out *Value) (array, error) {
	f, ok := Unary(s.n)
	if !ok {
		return array{}, s.errorf("it cannot be evaluated")
	}
	if out.Quant == nil {
		return array{shape: shape, real: apply(x.real, f)}, nil
	}
	if SameParams(x.quant, out.Quant) {
		switch s.n.Op {
		case Identity, Dropout:
			return x, nil
		case Relu, Clip:
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

// evalPair computes Add and Mul.
func (s site) evalPair(a, b array, shape tensor.Shape, out *Value) (array, error) {
	indexA, indexB := gather(shape, broadcastSteps(a.shape, shape)), gather(shape, broadcastSteps(b.shape, shape))
	if out.Quant == nil {
		x, y := take(a.real, indexA, 0), take(b.real, indexB, 0)
		for i := range x {
			if s.n.Op == Add {
				x[i] += y[i]
			} else {
				x[i] *= y[i]
			}
		}
		return array{shape: shape, real: x}, nil
	}
	code, err := pairCode(s.n.Op, s.g.Requant, *a.quant, *b.quant, *out.Quant)
	if err != nil {
		return array{}, s.errorf("%w", err)
	}
	x, y := take(a.code, indexA, 0), take(b.code, indexB, 0)
	for i := range x {
		x[i] = code(x[i], y[i])
	}
	return array{shape: shape, code: x, quant: out.Quant}, nil
}

func pairCode(op Op, c quant.Convention, a, b, out quant.Params) (func(qa, qb int32) int32, error) {
	if op == Mul {
		p, err := NewProduct(a, b, out)
		if err != nil {
			return nil, err
		}
		return p.Code, nil
	}
	s, err := NewAdder(c, a, b, out)
	if err != nil {
		return nil, err
	}
	return s.Code, nil
}

// evalBatchNorm computes (x − mean)·scale/√(var + ε) + shift.
func evalBatchNorm(in []array, epsilon float32) array {
	x, scale, shift, mean, variance := in[0], in[1].real, in[2].real, in[3].real, in[4].real
	plane := perExample(x.shape[2:])
	y := make([]float32, len(x.real))
	for i, v := range x.real {
		c := i / plane % x.shape[1]
		factor := float64(scale[c]) / math.Sqrt(float64(variance[c])+float64(epsilon))
		y[i] = float32(float64((float64(v)-float64(mean[c]))*factor) + float64(shift[c]))
	}
	return array{shape: x.shape, real: y}
}

// evalSoftmax normalizes along one dimension.
func evalSoftmax(x array, axis int) array {
	inner, length := perExample(x.shape[axis+1:]), x.shape[axis]
	y, row := make([]float32, len(x.real)), make([]float32, length)
	for start := range len(x.real) / length {
		first := start/inner*inner*length + start%inner
		for i := range row {
			row[i] = x.real[first+i*inner]
		}
		SoftmaxRow(row, row)
		for i := range row {
			y[first+i*inner] = row[i]
		}
	}
	return array{shape: x.shape, real: y}
}
