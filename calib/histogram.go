package calib

import (
	"math"

	"linquant/internal/cpu"
)

// bins is the number of bins of a histogram. Between half of them and all are in use, but for data with fewer different
// numbers.
const bins = 2048

// histogram counts numbers in bins of a width that is a power of two, on a grid that starts at 0. Bin k of the grid
// holds [k·width, (k+1)·width) for k ≥ 0 and, mirrored, (k·width, (k+1)·width] below.
//
// The width is the least that lets all numbers so far fall into 2048 successive bins. When it doubles, bins 2k and 2k+1
// of the grid become bin k exactly. So the counts are those that the final grid would have given from the start: they
// depend on the numbers alone, not on their order.
type histogram struct {
	exponent int   // bins are 2^exponent wide
	base     int32 // bin of the grid that counts[0] stands for
	used     bool
	zeros    int64 // how many numbers were exactly 0; bin 0 counts them too
	counts   *[bins + spares]int64
}

func newHistogram() *histogram { return &histogram{counts: new([bins + spares]int64)} }

const (
	// leastExponent keeps 1/width and width normal float32 numbers.
	leastExponent = -126

	// precision is how many bits of its magnitude the bin of a number tells at most: as many as the number has. So bins
	// of the grid are numbers below 2^24, and their edges have no more bits than float32 holds.
	precision = 24
)

// binOf returns the bin of the grid that holds x, given 1/width. The product is exact unless it is far below 1, where
// only its sign matters.
func binOf(x, perWidth float32) int32 {
	x += 0 // a negative 0 becomes a positive one
	return int32(x*perWidth) + int32(math.Float32bits(x))>>31
}

// power returns 2^e, which must be a normal float32.
func power(e int) float32 { return math.Float32frombits(uint32(127+e) << 23) }

// cover makes the bins wide enough for the extremes of all numbers so far.
func (h *histogram) cover(e extremes) {
	exponent := h.exponent
	if !h.used {
		exponent = leastExponent
	}
	if m := max(-e.lo, e.hi); m > 0 {
		_, power := math.Frexp(float64(m)) // m < 2^power
		exponent = max(exponent, power-precision)
	}
	first, last := binOf(e.lo, power(-exponent)), binOf(e.hi, power(-exponent))
	for last-first >= bins {
		exponent, first, last = exponent+1, first>>1, last>>1
	}
	switch {
	case !h.used:
		h.exponent, h.base, h.used = exponent, first, true
	case exponent != h.exponent || first < h.base || last >= h.base+bins:
		h.move(exponent, first)
	}
}

// move changes the grid to a coarser one (or keeps it) and the bin that counts[0] stands for.
func (h *histogram) move(exponent int, base int32) {
	old := *h.counts
	*h.counts = [bins + spares]int64{}
	for i, n := range old[:bins] {
		if n != 0 {
			h.counts[(h.base+int32(i))>>(exponent-h.exponent)-base] += n
		}
	}
	h.exponent, h.base = exponent, base
}

// merge counts what another histogram has counted, all of which is covered.
func (h *histogram) merge(from *histogram) {
	shift := h.exponent - from.exponent
	for i, n := range from.counts[:bins] {
		if n != 0 {
			h.counts[(from.base+int32(i))>>shift-h.base] += n
		}
	}
	h.zeros += from.zeros
}

// between returns the counts from the bin of the least to that of the greatest number.
func (h *histogram) between(e extremes) []int64 {
	perWidth := power(-h.exponent)
	return h.counts[binOf(e.lo, perWidth)-h.base : binOf(e.hi, perWidth)-h.base+1]
}

// add counts numbers that the histogram covers.
func (h *histogram) add(x []float32) { h.addWith(cpu.Chosen(), x) }

// spread is a histogram as the methods look at it: where numbers lie, from the least to the greatest.
type spread struct {
	edges []float64 // the bins', one more than there are; the first and last are the extremes
	first int32     // bin of the grid that the first is, of which the others follow
	width float64   // of the grid
	mass  []int64   // of each bin, without the numbers that are exactly 0
	zeros int64
}

// spread returns the distribution of the numbers, whose extremes are e.
func (h *histogram) spread(e extremes) spread {
	perWidth, width := power(-h.exponent), float64(power(h.exponent))
	first, last := binOf(e.lo, perWidth), binOf(e.hi, perWidth)
	s := spread{
		edges: make([]float64, last-first+2), mass: make([]int64, last-first+1), zeros: h.zeros, first: first, width: width,
	}
	copy(s.mass, h.counts[first-h.base:bins])
	for i := range s.edges {
		s.edges[i] = float64(first+int32(i)) * width
	}
	s.edges[0], s.edges[len(s.edges)-1] = float64(e.lo), float64(e.hi)
	if first <= 0 && last >= 0 {
		s.mass[-first] -= h.zeros
	}
	return s
}

// lo and hi are the extremes.
func (s *spread) lo() float32 { return float32(s.edges[0]) }
func (s *spread) hi() float32 { return float32(s.edges[len(s.mass)]) }
