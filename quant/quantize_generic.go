package quant

import "math"

// magic is 1.5 × 2^23. Adding it to a float32 of magnitude at most 2^22 leaves no bits for a fraction, so the addition
// rounds to an integer, ties to even, and the integer stands in the low bits of the sum.
const (
	magic     = 0x1.8p23
	magicBits = 0x4b400000
)

// quantizeGeneric is quantizeRun in plain Go, the reference for the faster kernels.
//
// Clamping before the rounding gives what clamping after it would, because the bounds are integers and rounding is
// monotone.
func quantizeGeneric[Q Code](dst []Q, src []float32, scale float32, zeroPoint, qmin, qmax int32) {
	if qmax > 255 {
		quantizeWide(dst, src, scale, zeroPoint, qmin, qmax)
		return
	}
	lo, hi := float32(qmin-zeroPoint), float32(qmax-zeroPoint)
	offset := zeroPoint - magicBits
	dst = dst[:len(src)]
	for i, x := range src {
		v := x / scale
		if v < lo {
			v = lo
		}
		if v > hi {
			v = hi
		}
		if v != v {
			v = 0
		}
		dst[i] = Q(int32(math.Float32bits(v+magic)) + offset)
	}
}

// quantizeWide is quantizeGeneric for codes of 32 bits, whose bounds no float32 holds.
func quantizeWide[Q Code](dst []Q, src []float32, scale float32, zeroPoint, qmin, qmax int32) {
	for i, x := range src {
		v := float64(x / scale)
		if v != v {
			v = 0
		}
		v = math.RoundToEven(v) + float64(zeroPoint)
		dst[i] = Q(int32(min(max(v, float64(qmin)), float64(qmax))))
	}
}

// dequantizeGeneric is dequantizeRun in plain Go.
func dequantizeGeneric[Q Code](dst []float32, src []Q, scale float32, zeroPoint int32) {
	dst = dst[:len(src)]
	for i, q := range src {
		dst[i] = float32(int64(q)-int64(zeroPoint)) * scale
	}
}
