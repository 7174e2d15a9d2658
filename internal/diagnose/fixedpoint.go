package diagnose

import "math"

// mantissa writes m as m0·2^-(31+shift), m0 in [2^30, 2^31) with so many significant bits.
func mantissa(m float64, bits int) (m0 int64, shift int) {
	fraction, exponent := math.Frexp(m)
	m0 = int64(math.Round(fraction*float64(int64(1)<<bits))) << (31 - bits)
	if m0 == 1<<31 {
		return 1 << 30, -exponent - 1
	}
	return m0, -exponent
}

// fixedOnce multiplies by m as an integer with so many bits and rounds once, half away from zero: QNNPACK's precise
// requantization.
func fixedOnce(acc int64, m float64, bits int) int64 {
	m0, shift := mantissa(m, bits)
	return towardsZero(acc, func(a int64) int64 { return shiftRight(a*m0, 31+shift) })
}

// fixedTwice multiplies by m as gemmlowp's description of it, a high multiplication that rounds half up and then a
// shift that rounds half away from zero: QNNPACK's q31.
func fixedTwice(acc int64, m float64, bits int) int64 {
	m0, shift := mantissa(m, bits)
	high := (acc*m0 + 1<<30) >> 31
	return towardsZero(high, func(a int64) int64 { return shiftRight(a, shift) })
}

// fixedFloor multiplies by m as an integer and drops what is below the point.
func fixedFloor(acc int64, m float64, bits int) int64 {
	m0, shift := mantissa(m, bits)
	if shift > 31 || shift < -31 {
		return 0
	}
	return (acc * m0) >> (31 + shift)
}

// towardsZero applies f to the magnitude.
func towardsZero(a int64, f func(int64) int64) int64 {
	if a < 0 {
		return -f(-a)
	}
	return f(a)
}

// shiftRight divides a, which is not negative, by 2^n and rounds half up; a negative n multiplies.
func shiftRight(a int64, n int) int64 {
	switch {
	case n > 62:
		return 0
	case n > 0:
		return (a + 1<<(n-1)) >> n
	case n < -31:
		return math.MaxInt32
	}
	return min(a<<-n, math.MaxInt32)
}
