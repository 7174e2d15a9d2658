package arith_test

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/arith"
	_ "linquant/internal/testing/seeds"
)

// bigExp returns e**x to 200 bits: the Taylor series of x/2^k, squared k times.
func bigExp(x float64) *big.Float {
	const halvings = 20
	num := func(v float64) *big.Float { return new(big.Float).SetPrec(300).SetFloat64(v) }
	r := num(x)
	r.SetMantExp(r, -halvings)
	sum, term := num(1), num(1)
	for i := 1; i < 40; i++ {
		term.Mul(term, r).Quo(term, num(float64(i)))
		sum.Add(sum, term)
	}
	for range halvings {
		sum.Mul(sum, sum)
	}
	return sum
}

func TestExp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.OneOf(rapid.Float64Range(-700, 709), rapid.Float64Range(-2, 2)).Draw(t, "x")
		got := new(big.Float).SetPrec(300).SetFloat64(arith.Exp(x))
		want := bigExp(x)
		quotient, _ := new(big.Float).Quo(got, want).Float64()
		if math.Abs(quotient-1) > 1e-15 {
			t.Fatalf("Exp(%g) = %g, off by %g", x, arith.Exp(x), quotient-1)
		}
	})
	for _, c := range []struct{ x, want float64 }{
		{0, 1},
		{math.Inf(1), math.Inf(1)},
		{math.Inf(-1), 0},
		{1000, math.Inf(1)},
		{-1000, 0},
		{709.7, 1.6549840276802644e308},
		{-745.1, 5e-324},
		{710, math.Inf(1)},
		{-746, 0},
		{-708.5, 2.006132305331306e-308},
	} {
		if got := arith.Exp(c.x); got != c.want && !(math.Abs(got/c.want-1) < 1e-15) {
			t.Errorf("Exp(%g) = %g, want %g", c.x, got, c.want)
		}
	}
	if v := arith.Exp(math.NaN()); v == v {
		t.Errorf("Exp(NaN) = %g", v)
	}
}

// The bits of a few values, so that a processor on which they differ fails.
func TestExpBits(t *testing.T) {
	for _, c := range []struct {
		x    float64
		bits uint64
	}{
		{1, 0x4005bf0a8b145769},
		{-0.5, 0x3fe368b2fc6f9609},
		{10.25, 0x40db9ea2aed2a0f2},
	} {
		if got := math.Float64bits(arith.Exp(c.x)); got != c.bits {
			t.Errorf("Exp(%g) has bits %#x, want %#x", c.x, got, c.bits)
		}
	}
	h := uint64(14695981039346656037) // FNV-1a over many values
	for i := range 20000 {
		bits := math.Float64bits(arith.Exp(float64(i-10000) / 64))
		for range 8 {
			h = (h ^ bits&255) * 1099511628211
			bits >>= 8
		}
	}
	if want := uint64(0x761d46b412d214e9); h != want {
		t.Errorf("20000 values have the hash %#x, want %#x", h, want)
	}
}

func TestSoftmaxOfLargeValues(t *testing.T) {
	x := []float32{1e30, 1e30, -1e30, 1e30}
	arith.Softmax(x, x)
	third := float32(1.0 / 3)
	if x[0] != third || x[1] != third || x[2] != 0 || x[3] != third {
		t.Errorf("got %v", x)
	}
}
