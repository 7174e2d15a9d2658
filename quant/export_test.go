package quant

// FixedPoint shows the tests how a multiplier is stored: m0·2^-(31+shift).
func FixedPoint(multiplier float64) (m0 int32, shift int) {
	f := newFixedPoint(multiplier)
	return f.m0, f.shift
}
