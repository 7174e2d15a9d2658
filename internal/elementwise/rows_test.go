package elementwise_test

import (
	"math"
	"testing"

	"linquant/internal/arith"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/testing/kerneltest"
)

// Rows of a LayerNormalization have the bits that the evaluator's have, at every length.
func TestRows(t *testing.T) {
	s := newSource(1)
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for n := 1; n < 80; n++ {
			dst, want := newGuarded[float32](n, 7), make([]float32, n)
			for _, center := range []bool{true, false} {
				x, scale, shift := make([]float32, n), make([]float32, n), make([]float32, n)
				for i := range x {
					x[i], scale[i], shift[i] = float32(s.NormFloat64())+3, s.Float32()-0.5, s.Float32()-0.5
				}
				norm := arith.Norm{Length: n, Repeat: 1, Groups: 1, Epsilon: 1e-5, Center: center}
				norm.Row(want, x, scale, shift)
				elementwise.Normalize(dst.x, x, scale, shift, float64(float32(1e-5)), center, tier)
				if err := sameBits(dst.x, want); err != nil {
					t.Fatalf("norm of %d: %v", n, err)
				}
				dst.check(t)
			}
		}
		x := []float32{float32(math.Inf(1)), 1, 2, 3, 4}
		elementwise.Normalize(x, x, x, x, 1, true, tier)
	})
}
