package calib

import "math"

// log returns the natural logarithm of a positive finite number, within 2 units in the last place. math.Log is not the
// same on every processor; this is.
//
// With x = m·2^e, √½ ≤ m < √2, and t = (m−1)/(m+1): log m = 2·artanh t = 2·(t + t³/3 + t⁵/5 + …), and |t| ≤ 0.172, so
// that the terms up to t²¹ suffice.
func log(x float64) float64 {
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m, e = 2*m, e-1
	}
	t := (m - 1) / (m + 1)
	square := float64(t * t)
	series := 0.0
	for _, c := range artanh {
		series = float64((series + c) * square)
	}
	// e·ln2 in two parts, the first of which is exact: its last bits are 0.
	const high, low = 6.93147180369123816490e-01, 1.90821492927058770002e-10
	return float64(float64(e)*high) + (2*t + (float64(2*t*series) + float64(float64(e)*low)))
}

// artanh has the coefficients of the terms from t²¹ to t³.
var artanh = [...]float64{1.0 / 21, 1.0 / 19, 1.0 / 17, 1.0 / 15, 1.0 / 13, 1.0 / 11, 1.0 / 9, 1.0 / 7, 1.0 / 5, 1.0 / 3}
