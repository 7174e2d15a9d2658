package diagnose

import (
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// products says how the products of a layer are summed. The zero value is as it should be. It is comparable: sums are
// computed once for each.
type products struct {
	zeroPad       bool // padding has the code 0 instead of the zero point
	pairs         pairOrder
	weights       weightForm
	noInputZero   bool // the zero point of the input is taken for 0
	noWeightZeros bool
}

// pairOrder is which products are added in pairs in 16 bits, with saturation: neighbours along the row of a picture's
// window, or along its channels.
type pairOrder uint8

const (
	noPairs pairOrder = iota
	channelsFirst
	channelsLast
)

// weightForm is what becomes of weights of 8 bits.
type weightForm uint8

const (
	whole   weightForm = iota
	clamped            // to [-64, 63]
	halved             // rounded to even numbers
)

// codes are the elements of a value, widened, with their parameters; or reals.
type codes struct {
	shape tensor.Shape
	code  []int32
	real  []float32
	quant *quant.Params
}

// matrix is a layer as a product of matrices: every output is the dot product of a row, which row makes of the input's
// codes, and a row of weights. For a convolution a row is what one output pixel sees of a group's channels.
type matrix struct {
	rows, columns, depth int
	row                  func(dst []int32, i int, padding int32)
	block                func(i int) int                   // which block of columns rows of weights the row meets
	weights              [][]int32                         // blocks × columns rows
	at                   func(i, j int) (out, channel int) // where the product of row i and column j goes
	last                 []int                             // positions of a row with the channels last
	inChannel            func(block, k int) int            // the input channel of position k
}

// matrixOf describes a Conv, Gemm or MatMul on x and w with an output of the given shape.
func matrixOf(g *graph.Graph, n *graph.Node, x, w codes, out tensor.Shape) (*matrix, error) {
	switch n.Op {
	case graph.Conv:
		window, err := graph.WindowOf(g, n, x.shape[2], x.shape[3])
		if err != nil {
			return nil, err
		}
		return convolution(window, x, w, out), nil
	case graph.Gemm:
		return gemm(n, x, w), nil
	}
	return matMul(x, w, out), nil
}

func convolution(win graph.Window, x, w codes, out tensor.Shape) *matrix {
	channels, height, width := x.shape[1], x.shape[2], x.shape[3]
	in, kh, kw := w.shape[1], w.shape[2], w.shape[3]
	pixels, perGroup := out[2]*out[3], out[1]/win.Group
	m := &matrix{
		rows: out[0] * win.Group * pixels, columns: perGroup, depth: in * kh * kw,
		weights:   rowsOf(w.code, in*kh*kw),
		block:     func(i int) int { return i / pixels % win.Group },
		inChannel: func(block, k int) int { return block*in + k/(kh*kw) },
	}
	m.at = func(i, j int) (int, int) {
		o := m.block(i)*perGroup + j
		return (i/(pixels*win.Group)*out[1]+o)*pixels + i%pixels, o
	}
	m.row = func(dst []int32, i int, padding int32) {
		first := i/(pixels*win.Group)*channels + m.block(i)*in
		top := i%pixels/out[3]*win.Stride[0] - win.Pad[0]
		left := i%out[3]*win.Stride[1] - win.Pad[1]
		k := 0
		for c := range in {
			for ky := range kh {
				row := top + ky*win.Dilation[0]
				base := ((first+c)*height + row) * width
				for kx := range kw {
					column := left + kx*win.Dilation[1]
					dst[k] = padding
					if row >= 0 && row < height && column >= 0 && column < width {
						dst[k] = x.code[base+column]
					}
					k++
				}
			}
		}
	}
	for p := range kh * kw {
		for c := range in {
			m.last = append(m.last, c*kh*kw+p)
		}
	}
	return m
}

// rowsOf cuts x into rows.
func rowsOf(x []int32, length int) [][]int32 {
	rows := make([][]int32, 0, len(x)/max(length, 1))
	for ; len(x) >= length && length > 0; x = x[length:] {
		rows = append(rows, x[:length])
	}
	return rows
}

func gemm(n *graph.Node, x, w codes) *matrix {
	m := &matrix{rows: x.shape[0], depth: x.shape[1]}
	if n.Int("transB") != 0 {
		m.weights = rowsOf(w.code, m.depth)
	} else {
		m.weights = transposed(w.code, m.depth, w.shape[1])
	}
	m.columns = len(m.weights)
	m.plain(x)
	return m
}

// plain makes rows of consecutive codes.
func (m *matrix) plain(x codes) {
	m.block = func(int) int { return 0 }
	m.at = func(i, j int) (int, int) { return i*m.columns + j, j }
	m.row = func(dst []int32, i int, _ int32) { copy(dst, x.code[i*m.depth:]) }
	m.inChannel = func(_, k int) int { return k }
}

// transposed returns the columns of a matrix.
func transposed(x []int32, rows, columns int) [][]int32 {
	out := make([][]int32, columns)
	for j := range out {
		out[j] = make([]int32, rows)
		for i := range rows {
			out[j][i] = x[i*columns+j]
		}
	}
	return out
}

// matMul is numpy's matmul: a vector is a row on the left and a column on the right, and stacks broadcast.
func matMul(x, w codes, out tensor.Shape) *matrix {
	xs, ws := x.shape, w.shape
	height := 1
	if len(xs) > 1 {
		height = xs[len(xs)-2]
	}
	m := &matrix{depth: xs[len(xs)-1], columns: 1}
	if len(ws) > 1 {
		m.columns = ws[len(ws)-1]
	}
	outputs := 1
	for _, d := range out {
		outputs *= d
	}
	m.rows = outputs / max(m.columns, 1)
	m.plain(x)
	left, right := stack(xs), stack(ws)
	full := broadcast(left, right)
	for at := 0; at+m.depth*m.columns <= len(w.code) && m.depth*m.columns > 0; at += m.depth * m.columns {
		m.weights = append(m.weights, transposed(w.code[at:], m.depth, m.columns)...)
	}
	m.block = func(i int) int { return source(i/height, full, right) }
	m.row = func(dst []int32, i int, _ int32) {
		copy(dst, x.code[(source(i/height, full, left)*height+i%height)*m.depth:])
	}
	return m
}

// stack returns the dimensions before the last two.
func stack(s tensor.Shape) tensor.Shape { return s[:max(len(s)-2, 0)] }

// broadcast returns the shape to which two shapes that go together broadcast.
func broadcast(a, b tensor.Shape) tensor.Shape {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := append(tensor.Shape{}, a...)
	for d := range b {
		if at := len(a) - len(b) + d; out[at] == 1 {
			out[at] = b[d]
		}
	}
	return out
}

// source returns the index in a value of shape from of element i of what it is broadcast to.
func source(i int, to, from tensor.Shape) int {
	at, stride := 0, 1
	for d := len(to) - 1; d >= 0; d-- {
		position := i % to[d]
		i /= to[d]
		if f := d - (len(to) - len(from)); f >= 0 {
			if from[f] != 1 {
				at += position * stride
			}
			stride *= from[f]
		}
	}
	return at
}
