package arith

import "math"

// Pow returns x to the power of y, rounded once from float64: within 0.501 units in the last place of a float32, and the
// same bits on every processor. The special cases are C's: 1 where y is 0 or x is 1, NaN where x is negative and y no
// whole number, and so on. A square is x·x rounded.
func Pow(x, y float32) float32 {
	switch {
	case y == 2:
		return float32(x * x)
	case y == 1:
		return x
	case y == 0 || x == 1:
		return 1
	case x != x || y != y:
		return float32(math.NaN())
	}
	whole := math.Floor(float64(y)) == float64(y)
	odd := whole && math.Abs(float64(y)) < 1<<24 && math.Mod(float64(y), 2) != 0
	switch {
	case x == -1 && math.IsInf(float64(y), 0):
		return 1
	case x < 0 && !whole && !math.IsInf(float64(x), -1):
		return float32(math.NaN())
	}
	// |x| = 0 and ∞ have logarithms that lead to the right ends.
	magnitude := float32(Exp(float64(float64(y) * Log(math.Abs(float64(x))))))
	if odd && math.Signbit(float64(x)) {
		return -magnitude
	}
	return magnitude
}
