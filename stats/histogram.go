package stats

import (
	"fmt"
	"math"
)

// Histogram counts values in bins of equal width. Bin i holds the values in [Lo+i·Width, Lo+(i+1)·Width); the last bin
// holds its upper edge too.
type Histogram struct {
	Lo     float64 // lower edge of the first bin
	Width  float64 // of each bin, in the unit of the values
	Counts []int64 // one per bin
}

// Total returns the number of values counted.
func (h Histogram) Total() int64 {
	var total int64
	for _, c := range h.Counts {
		total += c
	}
	return total
}

// Density returns counts/(total·Width) per bin, which integrates to 1 over the bins; zeros where nothing was counted.
func (h Histogram) Density() []float64 {
	density := make([]float64, len(h.Counts))
	total := h.Total()
	if total == 0 {
		return density
	}
	for i, c := range h.Counts {
		density[i] = float64(c) / float64(total) / h.Width
	}
	return density
}

// maxBins is the most bins that Floats makes: the edges of so many are still distinct float64 values between any two
// neighbouring float32 values.
const maxBins = 1 << 20

// Floats counts the finite values of x in bins of equal width from their minimum to their maximum; NaNs and infinities
// are left out. Every value is in the bin whose edges, as float64, hold it: the counts are those of
// numpy.histogram(x.astype(float64), bins). As there, values that are all equal to v are given the range v ± 0.5, and
// no values at all the range 0 to 1. (Beyond |v| = 2^23, where float32 itself has no halves, the range is v ±
// |v|·2^-24.)
//
// A number of bins outside 1 to 1,048,576 is an error.
func Floats(x []float32, bins int) (Histogram, error) {
	if bins < 1 || bins > maxBins {
		return Histogram{}, fmt.Errorf("a histogram of %d bins: the number of bins is 1 to %d", bins, maxBins)
	}
	least, most, ok := finiteRange(x)
	lo, hi := float64(least), float64(most)
	switch {
	case !ok:
		lo, hi = 0, 1
	case lo == hi:
		half := max(0.5, math.Abs(lo)*0x1p-24)
		lo, hi = lo-half, hi+half
	}
	h := Histogram{Lo: lo, Width: (hi - lo) / float64(bins), Counts: make([]int64, bins)}
	if ok {
		h.count(x, least, most, hi)
	}
	return h, nil
}

// finiteRange returns the least and greatest finite values of x; ok is false where it has none.
func finiteRange(x []float32) (lo, hi float32, ok bool) {
	lo, hi = math.MaxFloat32, -math.MaxFloat32
	for _, v := range x {
		// No NaN passes either comparison with the bounds so far, and no infinity one with the finite range.
		if v < lo && v >= -math.MaxFloat32 {
			lo = v
		}
		if v > hi && v <= math.MaxFloat32 {
			hi = v
		}
	}
	return lo, hi, lo <= hi
}

// count adds the values of x from least to most, which are finite, to the bins up to hi.
func (h *Histogram) count(x []float32, least, most float32, hi float64) {
	bins := len(h.Counts)
	edges := make([]float64, bins+1)
	for i := range edges {
		edges[i] = h.Lo + float64(float64(i)*h.Width)
	}
	// The last bin is closed, and rounding must not put its edge below the greatest value.
	edges[bins] = math.Inf(1)
	perUnit := float64(bins) / (hi - h.Lo)
	for _, v := range x {
		if !(v >= least && v <= most) { // NaN or infinite
			continue
		}
		w := float64(v)
		// The multiplication lands in the right bin or, at an edge, in a neighbour of it.
		i := min(int((w-h.Lo)*perUnit), bins-1)
		if w < edges[i] {
			i--
		} else if w >= edges[i+1] {
			i++
		}
		h.Counts[i]++
	}
}

// Codes counts integer codes in one bin per code from lo to hi, so that bin i holds the code lo+i: Lo is lo − 0.5 and
// Width 1. Codes outside lo to hi are left out. The range is first cut to what Q can hold; an empty one has no bins.
func Codes[Q int8 | uint8](q []Q, lo, hi int) Histogram {
	least, most := 0, math.MaxUint8
	if Q(0)-1 < 0 {
		least, most = math.MinInt8, math.MaxInt8
	}
	lo, hi = max(lo, least), min(hi, most)
	h := Histogram{Lo: float64(lo) - 0.5, Width: 1}
	if lo > hi {
		return h
	}

	// Neighbouring codes are often equal, and an increment waits for the last one of the same counter: so four tables.
	var counts [4][256]int
	for len(q) >= 4 {
		counts[0][uint8(q[0])]++
		counts[1][uint8(q[1])]++
		counts[2][uint8(q[2])]++
		counts[3][uint8(q[3])]++
		q = q[4:]
	}
	for _, c := range q {
		counts[0][uint8(c)]++
	}
	h.Counts = make([]int64, hi-lo+1)
	for i := range h.Counts {
		code := uint8(lo + i)
		for t := range counts {
			h.Counts[i] += int64(counts[t][code])
		}
	}
	return h
}
