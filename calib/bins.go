package calib

import (
	"math"

	"linquant/internal/cpu"
)

const (
	// block is how many bins are found before they are counted.
	block = 512

	// spares are bins beyond the histogram's, where zeros are counted, neighbours in different ones, and forgotten: half
	// of what a Relu leaves is 0, and each count in a bin would wait for the one before it.
	spares = 16
)

// addWith is add with the kernels of a tier, which find the bins; counting them is one number at a time in all.
func (h *histogram) addWith(tier cpu.Tier, x []float32) {
	var found [block]uint16
	perWidth, counts := power(-h.exponent), h.counts
	for len(x) > 0 {
		n, zeros := findBins(tier, found[:], x[:min(len(x), block)], perWidth, h.base)
		if n == 0 {
			break
		}
		for _, bin := range found[:n] {
			counts[bin]++
		}
		if zeros > 0 {
			counts[-h.base] += int64(zeros)
			h.zeros += int64(zeros)
		}
		x = x[n:]
	}
	h.addGeneric(x)
}

// addGeneric is add in plain Go, the reference for findBins.
func (h *histogram) addGeneric(x []float32) {
	perWidth, base, counts := power(-h.exponent), h.base, h.counts
	zeros := uint32(0) // of a chunk at most
	for _, v := range x {
		// Half of what a Relu leaves is 0, at random: a branch would be mispredicted. Without its sign, 0 is the only
		// number whose bits less 1 have the highest one.
		zeros += (math.Float32bits(v)<<1>>1 - 1) >> 31
		counts[uint32(binOf(v, perWidth)-base)%bins]++
	}
	h.zeros += int64(zeros)
}
