package quant

import (
	"math"
	"unsafe"

	"linquant/internal/cpu"
)

// Where the channels are the last dimension every run is one element. What follows goes along rows instead, with one
// scale and one zero point an element; zeroPoint may be nil.

// columns reports whether consecutive elements belong to the consecutive channels of a row.
func (s split) columns() bool { return s.inner == 1 && s.groups == 1 && s.channels > 1 }

// quantizeColumns fills dst with the codes of src, rows with one channel an element.
func quantizeColumns[Q Code](tier cpu.Tier, dst []Q, src []float32, scale []float32, zeroPoint []int32, qmin, qmax int32) {
	p := quantizer{lo: float32(qmin), hi: float32(qmax)}
	for ; len(src) > 0; dst, src = dst[len(scale):], src[len(scale):] {
		done := 0
		if unsafe.Sizeof(Q(0)) == 1 && len(scale) >= vectorRun {
			done = quantizeRow(tier, bytesOf(dst), src[:len(scale)], scale, zeroPoint, &p)
		}
		for c := done; c < len(scale); c++ {
			quantizeGeneric(dst[c:c+1], src[c:c+1], scale[c], at(zeroPoint, c), qmin, qmax)
		}
	}
}

// dequantizeColumns fills dst with the real values of src, rows with one channel an element.
func dequantizeColumns[Q Code](tier cpu.Tier, dst []float32, src []Q, scale []float32, zeroPoint []int32) {
	var p dequantizer
	p.before, p.flip = unsign(0, ^Q(0) < 0)
	for ; len(src) > 0; dst, src = dst[len(scale):], src[len(scale):] {
		done := 0
		if unsafe.Sizeof(Q(0)) == 1 && len(scale) >= vectorRun {
			done = dequantizeRow(tier, dst, bytesOf(src[:len(scale)]), scale, zeroPoint, &p)
		}
		for c := done; c < len(scale); c++ {
			dst[c] = float32(int64(src[c])-int64(at(zeroPoint, c))) * scale[c]
		}
	}
}

// at returns element i, or 0 for nil.
func at(zeroPoint []int32, i int) int32 {
	if zeroPoint == nil {
		return 0
	}
	return zeroPoint[i]
}

// magnitudeColumns sets top to the largest magnitudes of the columns of x, or returns false where one is not finite.
func magnitudeColumns(top, x []float32) bool {
	const magnitude = 1<<31 - 1
	for c := range top {
		top[c] = 0
	}
	finite := true
	for ; len(x) > 0; x = x[len(top):] {
		for c, v := range x[:len(top)] {
			m := math.Float32bits(v) & magnitude
			finite = finite && m < infinity
			top[c] = math.Float32frombits(max(math.Float32bits(top[c]), m))
		}
	}
	return finite
}
