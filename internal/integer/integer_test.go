package integer_test

import (
	"math"
	"testing"

	"linquant/internal/integer"
	"linquant/quant"
)

// An average has the multiplier Sx/n/Sy: of float64 by the fixed conventions, rounded twice by the others, which shows
// where a sum lies halfway between two codes.
func TestAverage(t *testing.T) {
	one := quant.TensorParams(quant.Int(8), 1, 0)
	for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble} {
		for n := 1; n < 300; n++ {
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
			for acc := int32(-2 * n); acc <= int32(2*n); acc++ {
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
