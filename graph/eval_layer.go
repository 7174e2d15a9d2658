package graph

import (
	"context"

	"linquant/internal/ended"
	"linquant/tensor"
)

// product is a Conv, Gemm or MatMul with its shapes: it calls visit for every element of the output, in order, with the
// element's channel, and hands it the pairs of operands whose products it sums.
type product interface {
	each(ctx context.Context, visit func(out, channel int, pairs func(pair func(x, w int)))) error
}

// evalLayer computes a Conv, Gemm or MatMul: sums of products, a bias, and for codes the output stage.
func (s site) evalLayer(c call) (array, error) {
	ctx, in, shape, out := c.ctx, c.in, c.shape, c.out
	if IsDynamic(s.n) {
		return s.evalDynamic(ctx, in, shape)
	}
	x, w, bias := in[0], in[1], in[2]
	p, err := s.product(x.shape, w.shape, shape)
	if err != nil {
		return array{}, err
	}
	if out.Quant != nil {
		return s.integerLayer(ctx, p, in, shape, out)
	}
	y := make([]float32, perExample(shape))
	alpha, beta := 1.0, 1.0
	var biasAt func(i, channel int) int
	if s.n.Op == Gemm {
		alpha, beta = float64(s.n.Float("alpha")), float64(s.n.Float("beta"))
		if bias.real != nil {
			index := gather(shape, broadcastSteps(bias.shape, shape))
			biasAt = func(i, _ int) int { return index[i] }
		}
	} else if bias.real != nil {
		biasAt = func(_, channel int) int { return channel }
	}
	err = p.each(ctx, func(i, channel int, pairs func(func(x, w int))) {
		sum := 0.0
		pairs(func(at, k int) { sum += float64(x.real[at]) * float64(w.real[k]) }) // each product is exact
		sum = float64(alpha * sum)
		if biasAt != nil {
			sum += float64(beta * float64(bias.real[biasAt(i, channel)]))
		}
		y[i] = float32(sum)
	})
	return array{shape: shape, real: y}, err
}

// integerLayer is evalLayer on codes.
func (s site) integerLayer(ctx context.Context, p product, in []array, shape tensor.Shape, out *Value) (array, error) {
	stage, err := Stage(s.g, s.n)
	if err != nil {
		return array{}, err
	}
	x, w, bias := in[0], in[1], in[2]
	zx := x.quant.ZeroPointOf(0)
	y := make([]int32, perExample(shape))
	err = p.each(ctx, func(i, channel int, pairs func(func(x, w int))) {
		scale := min(channel, stage.Channels()-1)
		zw, acc := w.quant.ZeroPointOf(min(channel, len(w.quant.Scale)-1)), int64(0)
		pairs(func(at, k int) { acc += int64(x.code[at]-zx) * int64(w.code[k]-zw) })
		if bias.code != nil {
			acc += int64(bias.code[channel])
		}
		y[i] = stage.Code(int32(acc), scale) // Wrapping says where it does not fit
	})
	return array{shape: shape, code: y, quant: out.Quant}, err
}

func (s site) product(x, w, out tensor.Shape) (product, error) {
	switch s.n.Op {
	case Conv:
		window, err := WindowOf(s.g, s.n, x[2], x[3])
		return convolution{window, x, w, out}, err
	case Gemm:
		m := matrices{out: out, depth: x[1], a: [2]int{x[1], 1}, b: [2]int{w[1], 1}}
		if s.n.Int("transA") != 0 {
			m.a, m.depth = [2]int{1, x[1]}, x[0]
		}
		if s.n.Int("transB") != 0 {
			m.b = [2]int{1, w[1]}
		}
		m.stackA, m.stackB = []int{0}, []int{0}
		return m, nil
	}
	return newMatMul(x, w, out), nil
}

// convolution sums over a group's channels and the kernel positions that lie in the input. Padding is real 0, so it
// adds nothing to a sum of reals, or of codes less their zero point.
type convolution struct {
	Window
	x, w, out tensor.Shape
}

func (c convolution) each(ctx context.Context, visit func(out, channel int, pairs func(pair func(x, w int)))) error {
	channels, height, width := c.x[1], c.x[2], c.x[3]
	inGroup, outGroup := c.w[1], c.out[1]/c.Group
	i := 0
	for n := range c.out[0] {
		for o := range c.out[1] {
			if err := ended.Err(ctx); err != nil {
				return err
			}
			first := n*channels + o/outGroup*inGroup
			for y := range c.out[2] {
				for x := range c.out[3] {
					visit(i, o, func(pair func(x, w int)) {
						for ch := range inGroup {
							for ky := range c.Kernel[0] {
								row := y*c.Stride[0] + ky*c.Dilation[0] - c.Pad[0]
								if row < 0 || row >= height {
									continue
								}
								for kx := range c.Kernel[1] {
									column := x*c.Stride[1] + kx*c.Dilation[1] - c.Pad[1]
									if column < 0 || column >= width {
										continue
									}
									at, k := ((first+ch)*height+row)*width+column, ((o*inGroup+ch)*c.Kernel[0]+ky)*c.Kernel[1]+kx
									pair(at, k)
								}
							}
						}
					})
					i++
				}
			}
		}
	}
	return nil
}

// matrices is a stack of products of matrices: element (i, k) of a matrix of A lies a[0]·i + a[1]·k from its start, and
// (k, j) of B b[0]·k + b[1]·j.
type matrices struct {
	out            tensor.Shape // rows and columns last
	depth          int
	a, b           [2]int
	stackA, stackB []int // where the matrices of each product start
}

// newMatMul returns numpy's matmul: a vector is a row on the left and a column on the right, and stacks broadcast.
func newMatMul(x, w, out tensor.Shape) matrices {
	row, column := len(x) == 1, len(w) == 1
	if row {
		x = tensor.Shape{1, x[0]}
	}
	if column {
		w = tensor.Shape{w[0], 1}
	}
	full := append(tensor.Shape{}, out...) // with the dimensions that vectors lose
	if row {
		at := len(full)
		if !column {
			at--
		}
		full = append(full[:at], append(tensor.Shape{1}, full[at:]...)...)
	}
	if column {
		full = append(full, 1)
	}
	stack := full[:len(full)-2]
	k, n := x[len(x)-1], w[len(w)-1]
	starts := func(s tensor.Shape) []int {
		index := gather(stack, broadcastSteps(s[:len(s)-2], stack))
		for i := range index {
			index[i] *= s[len(s)-2] * s[len(s)-1]
		}
		return index
	}
	return matrices{out: full, depth: k, a: [2]int{k, 1}, b: [2]int{n, 1}, stackA: starts(x), stackB: starts(w)}
}

func (m matrices) each(ctx context.Context, visit func(out, channel int, pairs func(pair func(x, w int)))) error {
	rows, columns := m.out[len(m.out)-2], m.out[len(m.out)-1]
	out := 0
	for s := range m.stackA {
		for i := range rows {
			if err := ended.Err(ctx); err != nil {
				return err
			}
			for j := range columns {
				visit(out, j, func(pair func(x, w int)) {
					for k := range m.depth {
						pair(m.stackA[s]+i*m.a[0]+k*m.a[1], m.stackB[s]+k*m.b[0]+j*m.b[1])
					}
				})
				out++
			}
		}
	}
	return nil
}
