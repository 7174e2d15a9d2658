package graph

import (
	"linquant/internal/integer"
	"linquant/tensor"
)

// window returns the window of a pooling node, which may be the whole picture.
func (s site) window(x tensor.Shape) (Window, error) {
	if s.n.Op == GlobalAveragePool || s.n.Op == GlobalMaxPool {
		return Window{Kernel: [2]int{x[2], x[3]}, Stride: [2]int{1, 1}, Dilation: [2]int{1, 1}, Out: [2]int{1, 1}}, nil
	}
	return WindowOf(s.g, s.n, x[2], x[3])
}

// evalMaxPool takes the largest element of each window. Codes of one scale are in the order of the reals.
func (s site) evalMaxPool(c call) (array, error) {
	x, shape := c.in[0], c.shape
	w, err := s.window(x.shape)
	if err != nil {
		return array{}, err
	}
	y := array{shape: shape, quant: x.quant}
	if x.quant != nil {
		y.code = maxima(x.code, w, x.shape, shape)
	} else {
		y.real = maxima(x.real, w, x.shape, shape)
	}
	return y, nil
}

func maxima[T number](x []T, w Window, in, shape tensor.Shape) []T {
	y := make([]T, perExample(shape))
	for i := range y {
		empty := true
		w.visit(in, shape, i, func(at int) {
			if empty {
				y[i], empty = x[at], false
			}
			y[i] = max(y[i], x[at])
		})
	}
	return y
}

// evalAverage computes AveragePool and GlobalAveragePool.
func (s site) evalAverage(c call) (array, error) {
	x, shape, out := c.in[0], c.shape, c.out
	height, width := x.shape[2], x.shape[3]
	w, err := s.window(x.shape)
	if err != nil {
		return array{}, err
	}
	counted := func(i int) int { return w.Count(height, width, i/w.Out[1]%w.Out[0], i%w.Out[1]) }
	if out.Quant == nil {
		y := make([]float32, perExample(shape))
		for i := range y {
			sum := 0.0
			w.visit(x.shape, shape, i, func(at int) { sum += float64(x.real[at]) })
			y[i] = float32(sum / float64(counted(i)))
		}
		return array{shape: shape, real: y}, nil
	}
	y, zero := make([]int32, perExample(shape)), x.quant.ZeroPointOf(0)
	if s.n.Op == AveragePool && IsQLinear(s.n) {
		mean := integer.QLinearAverage(*out.Quant)
		for i := range y {
			sum := float32(0)
			w.visit(x.shape, shape, i, func(at int) { sum += integer.Real(x.code[at], x.quant) })
			y[i] = mean(sum, counted(i))
		}
		return array{shape: shape, code: y, quant: out.Quant}, nil
	}
	for i := range y {
		stage, err := AverageStage(s.n, s.g.Requant, *x.quant, *out.Quant, counted(i))
		if err != nil {
			return array{}, s.errorf("%w", err)
		}
		acc := int32(0)
		w.visit(x.shape, shape, i, func(at int) { acc += x.code[at] - zero })
		y[i] = stage.Code(acc, 0)
	}
	return array{shape: shape, code: y, quant: out.Quant}, nil
}

// visit calls element with the index of every element of the input in the window of output element i.
func (w *Window) visit(in, out tensor.Shape, i int, element func(at int)) {
	x, y, plane := i%out[3], i/out[3]%out[2], i/(out[3]*out[2])
	for ky := range w.Kernel[0] {
		row := y*w.Stride[0] + ky*w.Dilation[0] - w.Pad[0]
		if row < 0 || row >= in[2] {
			continue
		}
		for kx := range w.Kernel[1] {
			column := x*w.Stride[1] + kx*w.Dilation[1] - w.Pad[1]
			if column >= 0 && column < in[3] {
				element((plane*in[2]+row)*in[3] + column)
			}
		}
	}
}
