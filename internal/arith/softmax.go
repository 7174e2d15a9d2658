package arith

import "math"

// Softmax fills dst with exp(x[i]) / Σ exp(x[j]) in float64, less the maximum for range, summed as four sums of every
// fourth element, multiplied by the inverse of the sum and rounded once: the same bits on every processor. dst and x have the
// same length and may be the same slice.
func Softmax(dst, x []float32) {
	most := float64(Max(x))
	var s [4]float64
	for i, v := range x {
		s[i%4] += ExpBelow(v, most)
	}
	scale := 1 / ((s[0] + s[1]) + (s[2] + s[3]))
	for i, v := range x {
		dst[i] = float32(ExpBelow(v, most) * scale)
	}
}

// ExpBelow returns e**(x − most), which is small, but more than 0, where that is below ExpLeast.
func ExpBelow(x float32, most float64) float64 {
	return expOf(limit(float64(x)-most, ExpLeast, ExpMost))
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
