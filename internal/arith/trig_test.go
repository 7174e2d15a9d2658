package arith_test

import (
	"math"
	"testing"

	"linquant/internal/arith"
)

var trigonometric = []struct {
	name       string
	ours       func(float32) float32
	math       func(float64) float64
	from, upto float64 // where it is tried
}{
	{"Sin", arith.Sin, math.Sin, -1e6, 1e6},
	{"Cos", arith.Cos, math.Cos, -1e6, 1e6},
	{"Tan", arith.Tan, math.Tan, -1e6, 1e6},
	{"Asin", arith.Asin, math.Asin, -1, 1},
	{"Acos", arith.Acos, math.Acos, -1, 1},
	{"Atan", arith.Atan, math.Atan, -1e4, 1e4},
	{"Sinh", arith.Sinh, math.Sinh, -80, 80},
	{"Cosh", arith.Cosh, math.Cosh, -80, 80},
	{"Asinh", arith.Asinh, math.Asinh, -1e6, 1e6},
	{"Acosh", arith.Acosh, math.Acosh, 1, 1e6},
	{"Atanh", arith.Atanh, math.Atanh, -1, 1},
}

// The functions are those of package math, rounded to float32: near 0, where much cancels, over their whole domain, and where
// they have none.
func TestTrigonometric(t *testing.T) {
	special := []float64{
		0, math.Copysign(0, -1), 1e-30, 0.5, 1, -1, 1.5, -2, math.Pi / 4, math.Pi / 2, 3 * math.Pi, 1e20, -3e38, 16367173 * 0x1p72,
		math.Inf(1), math.Inf(-1), math.NaN(),
	}
	for _, f := range trigonometric {
		check := func(v float64) {
			x := float32(v)
			got, want := f.ours(x), f.math(float64(x))
			switch {
			case float32(want) == got && math.Signbit(want) == math.Signbit(float64(got)), want != want && got != got:
			case math.Abs(float64(got)-want) > 0.501*math.Abs(float64(math.Nextafter32(got, float32(math.Inf(1)))-got)):
				t.Errorf("%s(%g) = %g, want %g", f.name, x, got, want)
			}
		}
		for _, v := range special {
			check(v)
		}
		const n = 20000
		for i := range n + 1 {
			u := float64(i) / n
			check(f.from + (f.upto-f.from)*u)
			check(f.from + (f.upto-f.from)*u*u*u*u*u*u)
			check(math.Ldexp(1+u, -i%40))
		}
	}
}

// The bits of many values, so that a processor on which they differ fails.
func TestTrigonometricBits(t *testing.T) {
	h := uint64(14695981039346656037) // FNV-1a
	for _, f := range trigonometric {
		for i := range 5000 {
			v := f.from + (f.upto-f.from)*float64(i)/5000
			if v > 1e3 {
				v *= 1e30 // angles that take many bits of π
			}
			b := math.Float32bits(f.ours(float32(v)))
			for range 4 {
				h = (h ^ uint64(b&255)) * 1099511628211
				b >>= 8
			}
		}
	}
	if want := uint64(0x886265bdd40ad00b); h != want {
		t.Errorf("the hash is %#x, want %#x", h, want)
	}
}
