package integer

import "math"

// Dynamic returns the parameters with which a dynamic layer quantizes an example whose elements reach from lo to hi,
// as ONNX's DynamicQuantizeLinear: 0 is part of the range, and
//
//	scale     = (hi − lo) / 255
//	zeroPoint = RNE(clamp(0 − lo/scale, 0, 255))
//
// every step rounded to float32. Codes are uint8, those of quant.Quantize. Where the scale would be 0, because every
// element is 0 or next to it, it is 1 as in ONNX Runtime. A range that leaves float32 has an infinite one, and one that is NaN
// has NaN for a scale; the layer makes NaNs of both. The scale may be subnormal.
func Dynamic(lo, hi float32) (scale float32, zeroPoint int32) {
	if lo != lo || hi != hi {
		return float32(math.NaN()), 0
	}
	lo, hi = min(lo, 0), max(hi, 0)
	scale = (hi - lo) / 255
	if scale == 0 {
		return 1, 0
	}
	if scale > math.MaxFloat32 {
		return scale, 0
	}
	return scale, int32(math.RoundToEven(float64(min(max(0-lo/scale, 0), 255))))
}

// Centred fills dst with the codes of an example less their zero point, and returns the scale. Where an element is NaN or
// infinite there is no range, and the scale is NaN, as it is in ONNX, whose least and greatest element a NaN is.
func Centred(dst []int32, x []float32) float32 {
	lo, hi := float32(0), float32(0)
	for _, v := range x {
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
		if v-v != 0 {
			lo, hi = v-v, v-v
		}
	}
	scale, zero := Dynamic(lo, hi)
	for i, v := range x {
		dst[i] = Nearest(v/scale, zero, 0, 255) - zero
	}
	return scale
}
