package arith

import "math"

// erfStep is the distance of the points around which erf is expanded, erfEnd where it is 1 to the last bit.
const (
	erfStep   = 1.0 / 8
	erfEnd    = 6
	erfDegree = 9
)

// erfSeries has the coefficients of erf's Taylor series around every multiple of erfStep up to erfEnd. It is read and
// never written.
var erfSeries = newErfSeries()

func newErfSeries() (table [erfEnd/erfStep + 1][erfDegree + 1]float64) {
	for i := range table {
		c := float64(i) * erfStep
		slope := 2 / math.Sqrt(math.Pi) * Exp(-float64(c*c))
		// erf c = slope·(c + 2c³/3 + 4c⁵/15 + …), all of one sign.
		sum, term := 0.0, c
		for n := 3.0; term > 1e-17*sum; n += 2 {
			sum += term
			term = float64(term*2*c) * c / n
		}
		table[i][0] = float64(slope * sum)
		// The derivatives of e**−c² are it times Hermite's polynomials: H₁ = 2c, H(n+1) = 2c·H(n) − 2n·H(n−1). With
		// h(n) = (−1)ⁿ·H(n)/n!, coefficient n+1 of the series is slope·h(n)/(n+1).
		before, h := 0.0, 1.0
		for n := range erfDegree {
			table[i][n+1] = float64(slope*h) / float64(n+1)
			before, h = h, (float64(-2*c*h)-float64(2*before))/float64(n+1)
		}
	}
	return table
}

// Erf returns the error function, the same bits on every processor, with an error below 1e-14 and, for |x| ≤ 1/16, a
// relative error below 1e-13. It is the Taylor series around the nearest multiple of 1/8.
func Erf(x float64) float64 {
	a := math.Abs(x)
	if !(a < erfEnd) {
		return math.Copysign(min(a, 1), x) // a NaN stays one
	}
	i := math.RoundToEven(a / erfStep)
	r := a - float64(i*erfStep)
	c := &erfSeries[int(i)]
	p := c[erfDegree]
	for n := erfDegree - 1; n >= 0; n-- {
		p = float64(p*r) + c[n]
	}
	return math.Copysign(p, x)
}
