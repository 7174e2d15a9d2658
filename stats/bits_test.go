package stats

import (
	"math"
	"testing"
)

// The results must be these bits on every processor, with and without fused multiply-add.
func TestSameBitsEverywhere(t *testing.T) {
	x, y := make([]float32, 3*blockSize+5), make([]float32, 3*blockSize+5)
	state := uint32(1)
	next := func() float32 { // Numerical Recipes' linear congruential generator, as a number in [-1, 1)
		state = state*1664525 + 1013904223
		return float32(int32(state)>>8) / (1 << 23)
	}
	for i := range x {
		x[i] = next()
		y[i] = x[i] + next()/64
	}
	s, e := Summarize(x), compare(t, x, y)
	for _, c := range []struct {
		name string
		got  float64
		want uint64
	}{
		{"mean", s.Mean, 0x3f8768c8e77a7128},
		{"standard deviation", s.Std, 0x3fe26b822866f0dd},
		{"mean squared error", e.MSE(), 0x3f150a44dff683e0},
		{"cosine", e.Cosine(), 0x3fefff02295b10d8},
	} {
		if got := math.Float64bits(c.got); got != c.want {
			t.Errorf("%s is %v, bits %#x, want %#x", c.name, c.got, got, c.want)
		}
	}
}
