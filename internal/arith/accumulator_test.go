package arith_test

import (
	"math"
	"testing"

	"linquant/internal/arith"
)

// The interval is exact: a bias that takes an end to the last int32 fits, and one more does not.
func TestReach(t *testing.T) {
	negative, positive := arith.Signs([]int8{-128, 127, 0, 3, -2}, 1)
	if negative != -129-1-3 || positive != 126+2 {
		t.Errorf("the signs sum to %d and %d", negative, positive)
	}
	if n, p := arith.Signs([]uint8{0, 255, 7}, 7); n != -7 || p != 248 {
		t.Errorf("the signs of unsigned codes sum to %d and %d", n, p)
	}
	const lo, hi = -3, 252 // of an input with zero point 3
	least, most := int64(-133*252+128*-3), int64(128*252+-133*-3)
	for _, c := range []struct {
		bias int64
		fits bool
	}{
		{0, true},
		{math.MaxInt32 - most, true},
		{math.MaxInt32 - most + 1, false},
		{math.MinInt32 - least, true},
		{math.MinInt32 - least - 1, false},
	} {
		l, m, fits := arith.Reach(negative, positive, lo, hi, c.bias)
		if l != least+c.bias || m != most+c.bias || fits != c.fits {
			t.Errorf("with the bias %d it reaches [%d, %d], which fits: %v", c.bias, l, m, fits)
		}
	}
}
