package arith

import "math"

// The functions here give the same bits on every processor: they use additions, multiplications, divisions and square
// roots of float64, no product fused with a sum. Their errors are far below half a unit in the last place of a float32,
// to which callers round once. Conversions such as float64(a*b) keep a product from being fused with a sum.

// Log returns the natural logarithm with an error below 2 units in the last place of a float64: −Inf for 0, NaN below.
//
// x = 2**k·m with m in [√½, √2); log m = 2·artanh s with s = (m − 1)/(m + 1), |s| ≤ 0.1716, by its series to s**21,
// whose remainder is below 1e-18 of it.
func Log(x float64) float64 {
	switch {
	case x != x || x < 0:
		return math.NaN()
	case x == 0:
		return math.Inf(-1)
	case x > math.MaxFloat64:
		return x
	}
	m, k := math.Frexp(x) // m in [½, 1)
	if m < math.Sqrt2/2 {
		m, k = 2*m, k-1
	}
	s := (m - 1) / (m + 1)
	z := float64(s * s)
	p := 1.0 / 21
	for i := range artanhSeries {
		p = float64(p*z) + artanhSeries[i]
	}
	// log m = 2s + 2s·z·p, of which the second part is small.
	tail := float64(float64(2*s*z) * p)
	return float64(float64(k)*ln2Hi) + (float64(2*s) + (tail + float64(float64(k)*ln2Lo)))
}

// The coefficients of series, from the highest power on. They are read and never written.
var (
	artanhSeries = [...]float64{1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3}
	expm1Series  = [...]float64{
		1.0 / 1307674368000, 1.0 / 87178291200, 1.0 / 6227020800, 1.0 / 479001600, 1.0 / 39916800, 1.0 / 3628800,
		1.0 / 362880, 1.0 / 40320, 1.0 / 5040, 1.0 / 720, 1.0 / 120, 1.0 / 24, 1.0 / 6, 1.0 / 2, 1,
	}
)

// Log1p returns log(1 + x) for x ≥ 0 without losing what 1 + x rounds away (Kahan).
func Log1p(x float64) float64 {
	w := 1 + x
	if w == 1 || w > math.MaxFloat64 {
		return x
	}
	return float64(Log(w)*x) / (w - 1)
}

// Expm1 returns e**x − 1 with a relative error below 1e-14.
func Expm1(x float64) float64 {
	if !(math.Abs(x) < 0.35) {
		return Exp(x) - 1
	}
	p := 0.0
	for i := range expm1Series {
		p = float64(p*x) + expm1Series[i]
	}
	return float64(p * x)
}

// Tanh returns the hyperbolic tangent with a relative error below 1e-14.
func Tanh(x float64) float64 {
	t := Expm1(-2 * math.Abs(x))
	return math.Copysign(-t/(t+2), x)
}

// Softplus returns log(1 + e**x).
func Softplus(x float64) float64 { return max(x, 0) + Log1p(Exp(-math.Abs(x))) }

// Sigmoid returns 1 / (1 + e**−x).
func Sigmoid(x float64) float64 { return 1 / (1 + Exp(-x)) }
