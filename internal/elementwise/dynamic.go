package elementwise

import (
	"linquant/internal/cpu"
	"linquant/internal/kernel"
)

// Extremes returns the smallest and the largest element, or 0 where that is further out; two NaNs where an element is no finite
// number.
func Extremes(x []float32, tier cpu.Tier) (lo, hi float32) {
	k, done := kernelsOf(tier), 0
	if k.extremes.Has() && len(x) >= 8 {
		done = len(x) &^ 7
		lo, hi = k.extremes.Get()(&x[0], done)
	}
	for _, v := range x[done:] {
		if v >= lo && v <= hi {
			continue
		}
		if v-v != 0 { // NaN, or infinite
			return v - v, v - v
		}
		lo, hi = min(lo, v), max(hi, v)
	}
	return lo, hi
}

// Scaled makes reals of sums of products:
//
//	clamp(float32(sum − Zero[j]·row)·Scale[j] + Bias[j], Lo, Hi)
//
// every step rounded to float32, where row is the sum of what the weights are multiplied with. A NaN stays one. It is read
// only. Where weights have no zero points, package gemm makes reals of sums as it stores them, and Zero is nil.
type Scaled struct {
	Scale, Bias []float32 // as many as there are sums
	Zero        []int32
	Lo, Hi      float32
}

// Reals fills dst with the reals of sums, as many, of one row: see Scaled. There are zero points.
func (s *Scaled) Reals(dst []float32, sums []int32, row int32, tier cpu.Tier) {
	n := len(dst)
	sums, scale, bias, zero := sums[:n], s.Scale[:n], s.Bias[:n], s.Zero[:n]
	k, done := kernelsOf(tier), 0
	if k.scaled.Has() && n >= 8 {
		done = n &^ 7
		k.scaled.Get()(&dst[0], &sums[0], &scale[0], &bias[0], &zero[0], row, done, s.Lo, s.Hi)
	}
	for j := done; j < n; j++ {
		dst[j] = clamp(float32(float32(sums[j]-zero[j]*row)*scale[j])+bias[j], s.Lo, s.Hi)
	}
}

// CentredReals fills dst with the codes of q less Offset, as reals. They are equally many as src.
func (q *Quantizer) CentredReals(dst, src []float32, tier cpu.Tier) {
	src = src[:len(dst)]
	k, done := kernelsOf(tier), 0
	if k.centred.Has() && len(dst) >= 8 {
		done = len(dst) &^ 7
		k.centred.Get()(&dst[0], &src[0], done, kernel.NoEscape(q))
	}
	for i := done; i < len(src); i++ {
		v := src[i] / q.Scale
		if v != v {
			v = 0
		}
		v = min(max(v, q.Lo), q.Hi)
		dst[i] = v + magic - magic
	}
}

// Dequantize fills dst[i] = float32(codes[i] − zero)·scale, equally many. The zero point is as it is stored.
func Dequantize(dst []float32, codes []byte, zero int32, scale float32, tier cpu.Tier) {
	codes = codes[:len(dst)]
	k, done := kernelsOf(tier), 0
	if k.dequantize.Has() && len(dst) >= 8 {
		done = len(dst) &^ 7
		k.dequantize.Get()(&dst[0], &codes[0], done, zero, scale)
	}
	for i := done; i < len(dst); i++ {
		dst[i] = float32(int32(codes[i])-zero) * scale
	}
}

// From returns what makes reals of the sums from number j on.
func (s *Scaled) From(j int) Scaled {
	part := *s
	part.Scale, part.Bias, part.Zero = s.Scale[j:], s.Bias[j:], s.Zero[j:]
	return part
}
