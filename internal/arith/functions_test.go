package arith_test

import (
	"math"
	"testing"

	"linquant/internal/arith"
)

// vectorFunctions has every function of functions.go, and what it is in float64.
var vectorFunctions = []struct {
	name string
	ours func(float32) float32
	math func(float64) float64
}{
	{"Exp", arith.Exp32, math.Exp},
	{"Sigmoid", arith.Sigmoid32, func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }},
	{"Swish", func(x float32) float32 { return arith.Swish32(x, 1) }, func(x float64) float64 { return x / (1 + math.Exp(-x)) }},
	{"Swish of 1.5", func(x float32) float32 { return arith.Swish32(x, 1.5) }, func(x float64) float64 { return x / (1 + math.Exp(-1.5*x)) }},
	{"Tanh", arith.Tanh32, math.Tanh},
	{"Erf", arith.Erf32, math.Erf},
	{"Gelu", arith.Gelu32, func(x float64) float64 {
		if math.IsInf(x, -1) {
			return math.Copysign(0, -1) // what it tends to
		}
		return 0.5 * x * math.Erfc(-x/math.Sqrt2)
	}},
	{"GeluTanh", arith.GeluTanh32, func(x float64) float64 {
		return x / (1 + math.Exp(-2*math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
	}},
}

// Functions are within 0.501 units in the last place of what package math gives in float64, for numbers of both signs and all
// sizes and more of those where they are curved.
func TestVectorFunctions(t *testing.T) {
	step := uint32(4999)
	if testing.Short() {
		step = 49999
	}
	for _, f := range vectorFunctions {
		worst := 0.0
		check := func(x float32) {
			got, want := f.ours(x), f.math(float64(x))
			rounded := float32(want)
			if got == rounded && math.Signbit(float64(got)) == math.Signbit(want) || got != got && want != want {
				return
			}
			size := float32(math.Abs(float64(rounded)))
			unit := float64(math.Nextafter32(size, math.MaxFloat32) - size)
			if d := math.Abs(float64(got)-want) / unit; !(d <= 0.501) {
				t.Fatalf("%s(%g) = %g, want %g: off by %g units in the last place", f.name, x, got, want, d)
			} else {
				worst = max(worst, d)
			}
		}
		for bits := uint32(0); bits <= 0x7f800000; bits += step {
			check(math.Float32frombits(bits))
			check(-math.Float32frombits(bits))
		}
		for i := range 40000 {
			check(float32(i-20000) / 1024)
		}
		inf := float32(math.Inf(1))
		for _, x := range []float32{0, float32(math.Copysign(0, -1)), inf, -inf, float32(math.NaN()), math.MaxFloat32, -math.MaxFloat32} {
			check(x)
		}
		t.Logf("%s: %.6f units where the result is not the nearest number", f.name, worst)
	}
}

// The bits of many values, so that a processor on which they differ fails.
func TestVectorFunctionsBits(t *testing.T) {
	h := uint64(14695981039346656037) // FNV-1a
	for _, f := range vectorFunctions {
		for i := range 5000 {
			b := math.Float32bits(f.ours(float32(i-2500) / 237))
			for range 4 {
				h = (h ^ uint64(b&255)) * 1099511628211
				b >>= 8
			}
		}
	}
	if want := uint64(0x985ed1d80c09f25); h != want {
		t.Errorf("the hash is %#x, want %#x", h, want)
	}
}
