package integer_test

import (
	"math"
	"testing"

	"linquant/internal/integer"
	"linquant/quant"
)

// An average has the multiplier Sx/n/Sy: of float64 by the fixed conventions, rounded twice by the others, which shows
// where a sum lies next to the middle between two codes.
func TestAverage(t *testing.T) {
	one := quant.TensorParams(quant.Int(8), 1, 0)
	for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble} {
		for _, n := range []int{1, 2, 3, 4, 6, 7, 9, 22, 49, 64, 82, 100, 2026, 2059} {
			m := 1 / float64(n)
			if c == quant.ONNX || c == quant.Torch {
				m = float64(float32(m))
			}
			want, err := quant.NewRequantizer(c, []float64{m}, one)
			if err != nil {
				t.Fatal(err)
			}
			got, err := integer.Average(c, one, one, n)
			if err != nil {
				t.Fatal(err)
			}
			for acc := int32(-129 * n); acc <= int32(129*n); acc++ {
				if g, w := got.Code(acc, 0), want.Code(acc, 0); g != w {
					t.Fatalf("%v: %d over %d codes is %d, want %d", c, acc, n, g, w)
				}
			}
		}
	}
}

// An int32 holds the sum of 8421504 codes less a zero point, up to 255 each, and of no more.
func TestAverageOfMany(t *testing.T) {
	one := quant.TensorParams(quant.Uint(8), 1, 0)
	for n, ok := range map[int]bool{0: false, 1: true, 8421504: true, 8421505: false} {
		if _, err := integer.Average(quant.ONNX, one, one, n); (err == nil) != ok {
			t.Errorf("an average over %d codes: %v", n, err)
		}
	}
}

// Operands have 8 bits at most, as tables and sums of codes take them.
func TestCheckOperand(t *testing.T) {
	for _, bits := range []int{2, 4, 8, 16, 32} {
		p := quant.Params{Type: quant.Int(bits), Scale: []float32{1}}
		if err := integer.CheckOperand(p); (err == nil) != (bits <= 8) {
			t.Errorf("%d bits: %v", bits, err)
		}
	}
}

// A range that leaves float32 has an infinite scale, and the zero point 0 that has no meaning then.
func TestDynamicInfinite(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, r := range [][2]float32{{-inf, 1}, {-1, inf}, {-inf, inf}, {-math.MaxFloat32, math.MaxFloat32}} {
		if scale, zero := integer.Dynamic(r[0], r[1]); scale != inf || zero != 0 {
			t.Errorf("%v: scale %g and zero point %d, want an infinite one and 0", r, scale, zero)
		}
	}
}

// Sums of the fixed conventions are those of TensorFlow Lite's Add (reference_ops, quantization_util.cc and gemmlowp's
// fixedpoint.h), written here as it stands there, for all pairs of codes.
func TestAdderIsTensorFlowLites(t *testing.T) {
	for _, c := range []struct{ a, b, out quant.Params }{
		{quant.TensorParams(quant.Uint(8), 0.5, 0), quant.TensorParams(quant.Uint(8), 0.5, 0), quant.TensorParams(quant.Uint(8), 1, 0)},
		{quant.TensorParams(quant.Int(8), 0.0371, -3), quant.TensorParams(quant.Int(8), 0.0127, 11), quant.TensorParams(quant.Int(8), 0.0401, 5)},
		{quant.TensorParams(quant.Uint(8), 0.001, 255), quant.TensorParams(quant.Int(8), 0.9, 0), quant.TensorParams(quant.Int(8), 0.7, -128)},
		{quant.TensorParams(quant.Int(8), 1, 0), quant.TensorParams(quant.Int(8), 0.75, 0), quant.TensorParams(quant.Int(8), 3.5, 0)},
	} {
		s, err := integer.NewAdder(quant.FixedDouble, c.a, c.b, c.out)
		if err != nil {
			t.Fatal(err)
		}
		common := 2 * max(float64(c.a.Scale[0]), float64(c.b.Scale[0]))
		toA, toB := tfliteMultiplier(float64(c.a.Scale[0])/common), tfliteMultiplier(float64(c.b.Scale[0])/common)
		toOut := tfliteMultiplier(common / (1 << 20 * float64(c.out.Scale[0])))
		lo, hi := c.out.Type.Range()
		aLo, aHi := c.a.Type.Range()
		bLo, bHi := c.b.Type.Range()
		for qa := aLo; qa <= aHi; qa++ {
			for qb := bLo; qb <= bHi; qb++ {
				sum := toA((qa-c.a.ZeroPointOf(0))<<20) + toB((qb-c.b.ZeroPointOf(0))<<20)
				want := min(max(toOut(sum)+c.out.ZeroPointOf(0), lo), hi)
				if got := s.Code(qa, qb); got != want {
					t.Fatalf("%v + %v: of %d and %d it is %d, want %d", c.a, c.b, qa, qb, got, want)
				}
			}
		}
	}
}

// tfliteMultiplier returns MultiplyByQuantizedMultiplierSmallerThanOneExp with what QuantizeMultiplier makes of m.
func tfliteMultiplier(m float64) func(x int32) int32 {
	q, exponent := math.Frexp(m)
	multiplier := int64(math.Round(q * (1 << 31)))
	if multiplier == 1<<31 {
		multiplier, exponent = multiplier/2, exponent+1
	}
	return func(x int32) int32 {
		product, nudge := int64(x)*multiplier, int64(1<<30)
		if product < 0 {
			nudge = 1 - 1<<30
		}
		high := int32((product + nudge) / (1 << 31)) // SaturatingRoundingDoublingHighMul: / cuts off, as in C
		if exponent == 0 {
			return high
		}
		mask := int32(1)<<-exponent - 1 // RoundingDivideByPOT
		threshold := mask >> 1
		if high < 0 {
			threshold++
		}
		rounded := high >> -exponent
		if high&mask > threshold {
			rounded++
		}
		return rounded
	}
}
