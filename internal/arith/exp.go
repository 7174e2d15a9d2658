package arith

import "math"

// expSteps is how many parts a factor of two is cut into by Exp.
const expSteps = 32

// Exp returns e**x, the same bits on every processor (math.Exp is written in assembly for some), with a relative error
// below 1e-15. It is 0 below about −745.13, infinite above 709.78, and NaN for NaN.
//
// x = k·ln 2/32 + r with |r| ≤ ln 2/64; e**r is its Taylor series to degree 6, whose remainder is below 4e-18; the
// result is that times 2**(k mod 32 / 32), which is in a table, scaled by a power of two. ln 2 comes in two parts, the
// first so short that k times it is exact (Cody & Waite 1980).
func Exp(x float64) float64 {
	switch {
	case x != x:
		return x
	case x > 710:
		return math.Inf(1)
	case x < -746:
		return 0
	}
	k := math.RoundToEven(x * (expSteps * log2e))
	r := (x - float64(k*(ln2Hi/expSteps))) - float64(k*(ln2Lo/expSteps))
	p := 1.0 / 720
	p = float64(p*r) + 1.0/120 // the conversion keeps the product from being fused with the sum
	p = float64(p*r) + 1.0/24
	p = float64(p*r) + 1.0/6
	p = float64(p*r) + 1.0/2
	p = float64(p*r) + 1
	n := int(k)
	t := expTable[n&(expSteps-1)]
	p = t + float64(t*float64(p*r))
	n >>= 5
	if n > -1022 && n < 1024 {
		return p * powerOfTwo(n)
	}
	// Two factors, because 2**n alone is no normal number at both ends of the range.
	return p * powerOfTwo(n/2) * powerOfTwo(n-n/2)
}

const (
	log2e = 1.4426950408889634
	ln2Hi = 6.93147180369123816490e-01 // ln 2 to 33 bits
	ln2Lo = 1.90821492927058770002e-10 // the rest
)

// expTable has 2**(i/32). It is read and never written.
var expTable = newExpTable()

// newExpTable computes each entry by the Taylor series to degree 18, of which the rest is below 1e-19.
func newExpTable() (table [expSteps]float64) {
	for i := range table {
		r, p := float64(i)/expSteps*math.Ln2, 1.0
		for n := 18.0; n >= 1; n-- { // 1 + r·(1 + r/2·(1 + r/3·(1 + …)))
			p = 1 + float64(p*r)/n
		}
		table[i] = p
	}
	return table
}

// powerOfTwo returns 2**k for k in [−1022, 1023].
func powerOfTwo(k int) float64 { return math.Float64frombits(uint64(1023+k) << 52) }
