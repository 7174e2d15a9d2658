package arith_test

import (
	"math"
	"testing"

	"linquant/internal/arith"
)

// Of infinities there is a logarithm of the sum of exponentials, though the largest cannot be taken off.
func TestLogSumExpOfInfinities(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		x    []float32
		want float32
	}{
		{[]float32{-inf, -inf}, -inf},
		{[]float32{-inf, 3, -inf}, 3},
		{[]float32{1, inf}, inf},
		{[]float32{-inf, inf}, inf},
	} {
		if got := arith.LogSumExp(c.x); got != c.want {
			t.Errorf("of %v it is %v, want %v", c.x, got, c.want)
		}
	}
}
