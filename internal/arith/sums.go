package arith

import "math"

// Sum returns the sum of every fourth element and of those beside them, added up: four chains take a quarter of the
// time of one.
func Sum(x []float32) float64 {
	var s [4]float64
	for ; len(x) >= 4; x = x[4:] {
		s[0] += float64(x[0])
		s[1] += float64(x[1])
		s[2] += float64(x[2])
		s[3] += float64(x[3])
	}
	for i, v := range x {
		s[i] += float64(v)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// SumOfSquares is Sum for the squares of the elements less mean.
func SumOfSquares(x []float32, mean float64) float64 {
	var s [4]float64
	for ; len(x) >= 4; x = x[4:] {
		a, b, c, d := float64(x[0])-mean, float64(x[1])-mean, float64(x[2])-mean, float64(x[3])-mean
		s[0] += float64(a * a)
		s[1] += float64(b * b)
		s[2] += float64(c * c)
		s[3] += float64(d * d)
	}
	for i, v := range x {
		d := float64(v) - mean
		s[i] += float64(d * d)
	}
	return (s[0] + s[1]) + (s[2] + s[3])
}

// Min returns the smallest element, a NaN if there is one.
func Min(x []float32) float32 {
	least := x[0]
	for _, v := range x[1:] {
		least = min(least, v)
	}
	return least
}

// SumOfMagnitudes returns Σ |x|, computed in float64 and rounded once.
func SumOfMagnitudes(x []float32) float32 {
	sum := 0.0
	for _, v := range x {
		sum += math.Abs(float64(v))
	}
	return float32(sum)
}

// Length returns √Σ x², computed in float64 and rounded once.
func Length(x []float32) float32 { return float32(math.Sqrt(SumOfSquares(x, 0))) }

// LogSumExp returns log Σ exp(x), computed in float64 less the largest for range and rounded once.
func LogSumExp(x []float32) float32 {
	most, sum := expSum(x)
	if math.IsInf(float64(most), 0) {
		return most
	}
	return float32(float64(most) + Log(sum))
}

// Product returns the product of the elements, computed in float64 and rounded once.
func Product(x []float32) float32 {
	p := 1.0
	for _, v := range x {
		p *= float64(v)
	}
	return float32(p)
}
