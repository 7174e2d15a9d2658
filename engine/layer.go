package engine

import (
	"linquant/internal/gemm"
)

// layer is the frame of a convolution or fully connected layer: where the rows that weights are multiplied with come
// from, and where the outputs go. Groups of channels share it.
type layer struct {
	in, out *place
	rows    int // output pixels, or rows of a matrix
	lda     int // distance between rows in memory, where they are multiplied where they lie
	ldd     int
	depth   int // products of one output

	window  *geometry // nil where rows are multiplied where they lie
	block   int       // rows of a panel
	inGroup int       // input channels of one group
}

// integerLayer computes on codes.
type integerLayer struct {
	layer
	groups []integerGroup
	zero   byte // the input's zero point as it is stored, which is what padding holds
}

type integerGroup struct {
	weight   *gemm.Int8
	stage    gemm.Stage
	inAt, at int // first input channel, first output channel
}

func (k *integerLayer) run(s *state) {
	x, y := s.codesOf(k.in), s.codesOf(k.out)
	for i := range k.groups {
		g := &k.groups[i]
		if k.window == nil {
			g.weight.Mul(y[g.at:], k.ldd, x[g.inAt:], k.lda, k.rows, &g.stage)
			continue
		}
		for first := 0; first < k.rows; first += k.block {
			rows := min(k.block, k.rows-first)
			panel := s.scratch.codes[:rows*k.depth]
			fillPanel(panel, x, k.window, g.inAt, k.inGroup, first, rows, k.zero)
			g.weight.Mul(y[first*k.ldd+g.at:], k.ldd, panel, k.depth, rows, &g.stage)
		}
	}
}

// floatLayer computes on reals.
type floatLayer struct {
	layer
	groups []floatGroup
	lo, hi float32
}

type floatGroup struct {
	weight   *gemm.Float32
	bias     []float32
	inAt, at int
}

func (k *floatLayer) run(s *state) {
	x, y := s.floatsOf(k.in), s.floatsOf(k.out)
	for i := range k.groups {
		g := &k.groups[i]
		if k.window == nil {
			g.weight.Mul(y[g.at:], k.ldd, x[g.inAt:], k.lda, k.rows, g.bias, k.lo, k.hi)
			continue
		}
		for first := 0; first < k.rows; first += k.block {
			rows := min(k.block, k.rows-first)
			panel := s.scratch.floats[:rows*k.depth]
			fillPanel(panel, x, k.window, g.inAt, k.inGroup, first, rows, 0)
			g.weight.Mul(y[first*k.ldd+g.at:], k.ldd, panel, k.depth, rows, g.bias, k.lo, k.hi)
		}
	}
}
