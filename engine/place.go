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

	// steps are the strides where neither order says how the value lies: a view of another, for products alone (viewed).
	steps []int

	quant *quant.Params // nil for floats
	kind  tensor.DType  // of floats that stand for integers or booleans, once the value is shown
	flip  byte          // 0x80 where the codes are signed and stored plus 128

	buffer *buffer
	input  int       // index of the graph input in whose memory the value lies, -1 for none
	codes  []byte    // a constant's
	floats []float32 // a constant's
}

// buffer is memory of the arena that one value, or several that lie alike, need for a part of the program.
type buffer struct {
	n           int // elements: bytes or floats
	float       bool
	first, last int // steps that write and read it first and last
	offset      int // in the arena of its kind
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
		s[0], s[1], s[2] = 1, p.shape[2]*p.shape[0], p.shape[0]
		return s
	}
	next := 1
	for i := len(s) - 1; i >= 0; i-- {
		s[i] = next
		next *= p.shape[i]
	}
	return s
}
