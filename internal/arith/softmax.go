package arith

import "math"

// Softmax fills dst with exp(x[i]) / Σ exp(x[j]) in float64, less the maximum for range, summed as four sums of every
// fourth element and rounded once: the same bits on every processor. dst and x have the same length and may be the same slice.
func Softmax(dst, x []float32) {
	most := Max(x)
	var kept [256]float64 // so that short rows need every exponential once
	if len(x) > len(kept) {
		_, sum := expSum(x)
		for i, v := range x {
			dst[i] = float32(Exp(float64(v)-float64(most)) / sum)
		}
		return
	}
	for i, v := range x {
		kept[i] = Exp(float64(v) - float64(most))
	}
	SoftmaxOf(dst, kept[:len(x)])
}

// SoftmaxOf fills dst with e[i] / Σ e[j], for who has the exponentials already: of each element less the largest, as Exp
// gives them.
func SoftmaxOf(dst []float32, e []float64) {
	var s [4]float64
	rest := e
	for ; len(rest) >= 4; rest = rest[4:] {
		s[0] += rest[0]
		s[1] += rest[1]
		s[2] += rest[2]
		s[3] += rest[3]
	}
	for i, v := range rest {
		s[i] += v
	}
	sum := (s[0] + s[1]) + (s[2] + s[3])
	dst = dst[:len(e)]
	for i, v := range e {
		dst[i] = float32(v / sum)
	}
}

// LogSoftmax fills dst with x[i] − log Σ exp(x[j]), computed as Softmax does.
func LogSoftmax(dst, x []float32) {
	most, sum := expSum(x)
	log := Log(sum)
	for i, v := range x {
		dst[i] = float32((float64(v) - float64(most)) - log)
	}
}

// expSum returns the largest element and Σ exp(x[j] − largest).
func expSum(x []float32) (most float32, sum float64) {
	most = Max(x)
	var s [4]float64
	for i, v := range x {
		s[i%4] += Exp(float64(v) - float64(most))
	}
	return most, (s[0] + s[1]) + (s[2] + s[3])
}

// Max returns the largest element, a NaN if there is one.
func Max(x []float32) float32 {
	most := float32(math.Inf(-1))
	for _, v := range x {
		most = max(most, v)
	}
	return most
}
