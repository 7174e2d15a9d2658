package quant

import (
	"fmt"
	"math"
	"slices"

	"linquant/internal/cpu"
)

// infinity has the bits of the least magnitude that is not finite.
const infinity = 0x7f800000

// extent is what the kernels find out about a run of floats.
type extent struct {
	lo, hi float32
	top    uint32 // the largest bits of a magnitude, which are ordered as magnitudes are, NaN above infinity above all
}

// Extremes returns the smallest and the largest element; of zeros, the positive one. An empty tensor, a NaN or an
// infinity is an error that gives its index.
func Extremes(x []float32) (lo, hi float32, err error) {
	if len(x) == 0 {
		return 0, 0, fmt.Errorf("an empty tensor has no range")
	}
	lo, hi, finite := extremes(vectors{tier: cpu.Chosen()}, x)
	if !finite {
		return 0, 0, notFinite(x)
	}
	return lo, hi, nil
}

// AbsMax returns the largest magnitude; 0 for an empty tensor. A NaN or an infinity is an error that gives its index.
func AbsMax(x []float32) (float32, error) {
	top := magnitude(vectors{tier: cpu.Chosen()}, x)
	if top >= infinity {
		return 0, notFinite(x)
	}
	return math.Float32frombits(top), nil
}

// notFinite names the first NaN or infinity of x, which has one.
func notFinite(x []float32) error {
	i := slices.IndexFunc(x, func(v float32) bool { return float32(v-v) != 0 })
	return fmt.Errorf("element %d is %v: a range needs finite values", i, x[i])
}

// extremes returns the extremes of x, which is not empty, and whether all of it is finite.
func extremes(v vectors, x []float32) (lo, hi float32, finite bool) {
	e, done := v.begin(x)
	if done == len(x) {
		return e.lo + 0, e.hi + 0, e.top < infinity // the sum turns a negative 0 into a positive one
	}
	lo, hi, finite = extremesGeneric(x[done:])
	if done > 0 {
		lo, hi, finite = min(lo, e.lo), max(hi, e.hi), finite && e.top < infinity
	}
	return lo + 0, hi + 0, finite
}

// begin returns what the kernels find about the beginning of x, and how many elements that is, possibly none. If there
// are NaNs only top tells.
func (v vectors) begin(x []float32) (all extent, done int) {
	for len(x)-done >= vectorRun && v.kernels() {
		e, n := v.extremes(x[done:min(done+atATime, len(x))])
		if done > 0 {
			e = extent{min(e.lo, all.lo), max(e.hi, all.hi), max(e.top, all.top)}
		}
		all, done = e, done+n
	}
	return all, done
}

// extremesGeneric is extremes in plain Go.
//
// It compares integers that are ordered as the floats are: the bits, and below 0 the bits of the magnitude inverted.
// Infinities and NaNs are then the outermost, and show in the result.
func extremesGeneric(x []float32) (lo, hi float32, finite bool) {
	least, most := int32(math.MaxInt32), int32(math.MinInt32)
	for _, v := range x {
		k := ordered(math.Float32bits(v))
		least, most = min(least, k), max(most, k)
	}
	finite = least > ^infinity && most < infinity
	lo, hi = math.Float32frombits(uint32(ordered(uint32(least)))), math.Float32frombits(uint32(ordered(uint32(most))))
	return lo + 0, hi + 0, finite
}

// ordered is its own inverse.
func ordered(bits uint32) int32 {
	b := int32(bits)
	return b ^ int32(uint32(b>>31)>>1)
}

// magnitude returns the bits of the largest magnitude, 0 for an empty x; see extent.top.
func magnitude(v vectors, x []float32) uint32 {
	e, done := v.begin(x)
	return max(e.top, magnitudeGeneric(x[done:]))
}

// magnitudeGeneric is magnitude in plain Go.
func magnitudeGeneric(x []float32) uint32 {
	const magnitude = 1<<31 - 1
	var a, b, c, d uint32
	rest := x
	for ; len(rest) >= 4; rest = rest[4:] {
		a = max(a, math.Float32bits(rest[0])&magnitude)
		b = max(b, math.Float32bits(rest[1])&magnitude)
		c = max(c, math.Float32bits(rest[2])&magnitude)
		d = max(d, math.Float32bits(rest[3])&magnitude)
	}
	for _, v := range rest {
		a = max(a, math.Float32bits(v)&magnitude)
	}
	return max(a, b, c, d)
}
