package graph

import "math"

// Exp returns e**x, the same bits on every processor (math.Exp is written in assembly for some), with a relative error
// below 1e-15. It is 0 below about −745.13, infinite above 709.78, and NaN for NaN.
//
// x = k·ln 2 + r with |r| ≤ ln 2 / 2; e**r is its Taylor series to degree 13, whose remainder is below 5e-18; the
// result is scaled by 2**k. ln 2 comes in two parts, the first so short that k times it is exact (Cody & Waite 1980).
func Exp(x float64) float64 {
	const (
		log2e = 1.4426950408889634
		ln2Hi = 6.93147180369123816490e-01 // ln 2 to 33 bits
		ln2Lo = 1.90821492927058770002e-10 // the rest
	)
	switch {
	case x != x:
		return x
	case x > 710:
		return math.Inf(1)
	case x < -746:
		return 0
	}
	k := math.RoundToEven(x * log2e)
	r := (x - float64(k*ln2Hi)) - float64(k*ln2Lo)
	p := 1.0 / 6227020800
	for _, c := range [...]float64{
		1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800, 1.0 / 362880, 1.0 / 40320, 1.0 / 5040,
		1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1, 1,
	} {
		p = float64(p*r) + c // the conversion keeps the product from being fused with the sum
	}
	// Two factors, because 2**k alone is no normal number at both ends of the range.
	half := int(k) / 2
	return p * powerOfTwo(half) * powerOfTwo(int(k)-half)
}

// powerOfTwo returns 2**k for k in [−1022, 1023].
func powerOfTwo(k int) float64 { return math.Float64frombits(uint64(1023+k) << 52) }
