package engine

import (
	"linquant/quant"
	"linquant/tensor"
)

// order says where the elements of a value lie in memory: element [c, p] of a matrix [channels, plane] at p·channels+c.
// A value of shape [channels, height, width] that lies channels last has plane = height·width; one that lies row-major
// has one channel.
type order struct{ channels, plane int }

// rowMajor is the order of n elements that lie as they are counted.
func rowMajor(n int) order { return order{1, n} }

// channelsLast is the order of a picture of that shape (of one example), which has n elements; values of other than three
// dimensions are row-major.
func channelsLast(shape tensor.Shape, n int) order {
	if len(shape) != 3 || n == 0 || shape[0] == 1 || n == shape[0] {
		return rowMajor(n)
	}
	return order{shape[0], n / shape[0]}
}

// at returns where the element that is counted i-th, row-major and channels first, lies.
func (o order) at(i int) int { return i%o.plane*o.channels + i/o.plane }

// place is where a value lies while the program runs: in a buffer of the arena, in the caller's input, or, for a
// constant, in its own memory.
type place struct {
	name  string
	shape tensor.Shape // of one example
	n     int          // elements
	order order

	// wide is 0, or how many codes a pixel takes: those after its channels mean nothing.
	wide int

	// first is the channel of its buffer that is the value's first: others than 0 where it is a view of some channels.
	first int

	// steps are the strides where neither order says how the value lies: a view of another, for products alone (viewed).
	steps []int
	at    int // where such a view begins

	quant *quant.Params // nil for floats
	kind  tensor.DType  // of floats that stand for integers or booleans, once the value is shown
	flip  byte          // 0x80 where the codes are signed and stored plus 128

	buffer *buffer
	input  int       // index of the graph input in whose memory the value lies, -1 for none
	codes  []byte    // a constant's
	floats []float32 // a constant's
}

// buffer is memory of the arena that one value, or several that lie alike, need for a part of the program.
//
// A buffer may be a part of another, its host: some channels of each pixel of that.
type buffer struct {
	n           int // elements: bytes or floats
	float       bool
	first, last int // steps that write and read it first and last
	offset      int // in the arena of its kind

	host *buffer // nil for memory of its own
	at   int     // its first channel in the host
	row  int     // elements of a pixel, where views or parts of it have fewer; 0 where there are none

	renamed bool // values of other shapes lie in it, whose elements must stay together
}

// root returns the buffer of whose memory b is a part, which may be b itself, and the channel of it with which b begins.
func (b *buffer) root() (root *buffer, at int) {
	for b.host != nil {
		at += b.at
		b = b.host
	}
	return b, at
}

// row returns how many elements lie between pixels of a value that lies channels last among the channels of a larger one; 0 where pixels follow
// each other.
func (p *place) row() int {
	if b := p.buffer; b != nil && (b.host != nil || p.first > 0 || p.n < b.n) {
		root, _ := b.root()
		return root.row
	}
	return 0
}

// rowOr is row, and own for pixels that follow each other.
func (p *place) rowOr(own int) int {
	if row := p.row(); row > 0 {
		return row
	}
	return own
}

// span returns where the value begins in its buffer and how many elements on it ends.
func (p *place) span() (at, n int) {
	if row := p.row(); row > 0 {
		return p.first, (p.order.plane-1)*row + p.order.channels
	}
	return p.at, p.buffer.n - p.at
}

// zero returns the zero point as it is stored.
func (p *place) zero() int32 { return p.quant.ZeroPointOf(0) + int32(p.flip) }

// isConst reports whether the value is a constant.
func (p *place) isConst() bool { return p.codes != nil || p.floats != nil }

// flipOf returns what a code's byte is exclusive-ored with to be stored.
func flipOf(t quant.Type) byte {
	if t.Unsigned {
		return 0
	}
	return 0x80
}

// strides returns the distance in memory between neighbours in each dimension of the value's shape.
func (p *place) strides() []int {
	if p.steps != nil {
		return p.steps
	}
	s := make([]int, len(p.shape))
	if p.order.channels > 1 && len(p.shape) == 3 {
		pixel := p.rowOr(p.shape[0])
		s[0], s[1], s[2] = 1, p.shape[2]*pixel, pixel
		return s
	}
	next := 1
	for i := len(s) - 1; i >= 0; i-- {
		s[i] = next
		next *= p.shape[i]
	}
	return s
}
