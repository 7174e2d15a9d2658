package engine

import (
	"linquant/internal/elementwise"
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

	window  *geometry // of a convolution
	panel   *panel    // makes rows of windows; nil where rows are multiplied where they lie
	block   int       // rows of a panel at a time
	atOnce  int       // rows of a group of examples that the weight is multiplied with at once
	row     int       // elements of a row of a panel, depth or a few more
	inGroup int       // input channels of one group of the convolution

	groups  int  // matrices that the weight is packed as: for each group of the convolution, one for each slice
	sliced  int  // slices of a group's output channels
	byGroup bool // workers share the groups, else the rows
}

// rowGrain is a number of rows that fills the tiles of every kernel.
const rowGrain = 16

func (l *layer) units() (n, least int) {
	if l.byGroup {
		return l.groups, 1
	}
	return l.rows, rowGrain
}

// span returns the groups and the rows of units lo ≤ u < hi.
func (l *layer) span(lo, hi int) (group, endGroup, row, endRow int) {
	if l.byGroup {
		return lo, hi, 0, l.rows
	}
	return 0, l.groups, lo, hi
}

// channelSlices returns into how many slices the channels of a matrix are packed, so that workers can share a layer
// whose weights are larger than what they are multiplied with: each then reads only its part of the weights.
// Every slice makes the rows of the panel again, so there are no more slices than workers.
func channelSlices(rows, depth, channels, threads int) int {
	if threads == 1 || channels <= rows || int64(rows)*int64(depth)*int64(channels) < leastSliced {
		return 1
	}
	n := 1
	for n < threads && channels%(2*n*sliceGrain) == 0 {
		n *= 2
	}
	return n
}

const (
	sliceGrain  = 32      // the width of the widest panel of weights
	leastSliced = 1 << 17 // products that are worth sharing
)

// integerLayer computes on codes.
type integerLayer struct {
	layer
	matrices []integerGroup
	sum      *residual // nil for none
}

type integerGroup struct {
	weight   *gemm.Int8
	stage    gemm.Stage
	inAt, at int // first input channel, first output channel
}

func (k *integerLayer) part(s *state, w *scratch, lo, hi int) {
	x, y := s.codesOf(k.in), s.codesOf(k.out)
	group, endGroup, row, endRow := k.span(lo, hi)
	lda, ldd := k.in.rowOr(k.lda), k.out.rowOr(k.ldd)
	block := k.block
	if k.panel == nil {
		block = k.direct(endRow - row)
	}
	for first := row; first < endRow; first += block {
		rows, filled := min(block, endRow-first), -1
		for i := group; i < endGroup; i++ {
			g := &k.matrices[i]
			if k.panel == nil {
				g.weight.Mul(y[first*ldd+g.at:], ldd, x[first*lda+g.inAt:], lda, rows, &g.stage)
				continue
			}
			panel := w.codes[:rows*k.row]
			if g.inAt != filled { // slices of one group see the same
				k.panel.fill(panel, x, g.inAt, first, rows)
				filled = g.inAt
			}
			g.weight.Mul(y[first*ldd+g.at:], ldd, panel, k.row, rows, &g.stage)
		}
		if k.sum != nil {
			n := k.ldd / k.groups
			k.sum.apply(s, k.ldd, first, first+rows, group*n, endGroup*n)
		}
	}
}

// direct returns how many of so many rows, which are multiplied where they lie, are computed at a time.
func (k *integerLayer) direct(rows int) int {
	if k.sum == nil {
		return rows
	}
	return max(residualBytes/k.ldd, groupRows) &^ (rowGrain - 1)
}

// floatLayer computes on reals.
type floatLayer struct {
	layer
	matrices []floatGroup
	lo, hi   float32
}

type floatGroup struct {
	weight   *gemm.Float32
	bias     []float32
	inAt, at int
}

func (k *floatLayer) part(s *state, w *scratch, lo, hi int) {
	x, y := s.floatsOf(k.in), s.floatsOf(k.out)
	group, endGroup, row, endRow := k.span(lo, hi)
	lda, ldd := k.in.rowOr(k.lda), k.out.rowOr(k.ldd)
	if k.panel == nil {
		for i := group; i < endGroup; i++ {
			g := &k.matrices[i]
			g.weight.Mul(y[row*ldd+g.at:], ldd, x[row*lda+g.inAt:], lda, endRow-row, g.bias, k.lo, k.hi)
		}
		return
	}
	for first := row; first < endRow; first += k.block {
		rows, filled := min(k.block, endRow-first), -1
		panel := w.floats[:rows*k.row]
		for i := group; i < endGroup; i++ {
			g := &k.matrices[i]
			if g.inAt != filled {
				k.panel.fill(elementwise.Bytes(panel), elementwise.Bytes(x), 4*g.inAt, first, rows)
				filled = g.inAt
			}
			g.weight.Mul(y[first*ldd+g.at:], ldd, panel, k.row, rows, g.bias, k.lo, k.hi)
		}
	}
}
