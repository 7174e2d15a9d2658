package tensor

import (
	"fmt"
	"math"
	"math/bits"
	"slices"
	"strconv"
	"strings"
)

// Shape is the length of each dimension, outermost first. The empty shape is a scalar's.
type Shape []int

// Elements returns the number of elements, the product of the dimensions, 1 for a scalar. A negative dimension or a
// product that does not fit an int is an error, so that a caller can allocate by the result.
func (s Shape) Elements() (int, error) {
	n, zero := uint(1), false
	for _, d := range s {
		if d < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension", s)
		}
		zero = zero || d == 0
	}
	if zero {
		return 0, nil
	}
	for _, d := range s {
		hi, lo := bits.Mul(n, uint(d))
		if hi != 0 || lo > math.MaxInt {
			return 0, fmt.Errorf("shape %v has more elements than this machine can address", s)
		}
		n = lo
	}
	return int(n), nil
}

// Equal reports whether both shapes have the same dimensions.
func (s Shape) Equal(t Shape) bool { return slices.Equal(s, t) }

// String formats the shape as "[64, 3, 3, 3]"; a scalar's is "[]".
func (s Shape) String() string {
	var b strings.Builder
	b.WriteByte('[')
	for i, d := range s {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(strconv.Itoa(d))
	}
	b.WriteByte(']')
	return b.String()
}
