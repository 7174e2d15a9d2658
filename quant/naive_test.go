package quant_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"linquant/quant"
)

// naive is the definition of a code, one element at a time and without tricks.
func naive(x, scale float32, zeroPoint int32, t quant.Type) int32 {
	quotient := x / scale
	if math.IsNaN(float64(quotient)) {
		return zeroPoint
	}
	lo, hi := t.Range()
	return int32(max(float64(lo), min(float64(hi), math.RoundToEven(float64(quotient))+float64(zeroPoint))))
}

// drawType returns one of the element types.
func drawType(t *rapid.T) quant.Type {
	return quant.Type{Bits: rapid.IntRange(2, 8).Draw(t, "bits"), Unsigned: rapid.Bool().Draw(t, "unsigned")}
}

func drawZeroPoint(t *rapid.T, typ quant.Type) int32 {
	lo, hi := typ.Range()
	return rapid.Int32Range(lo, hi).Draw(t, "zero point")
}

// anyFloats are float32 values of any bits: NaN, infinities and subnormals too.
var anyFloats = rapid.Custom(func(t *rapid.T) float32 { return math.Float32frombits(rapid.Uint32().Draw(t, "bits")) })

// FuzzQuantize compares the codes of any float, under any usable scale, with the definition.
func FuzzQuantize(f *testing.F) {
	f.Add(uint32(0x3f000000), uint32(0x3f800000), uint8(8), false, int32(3))  // a tie
	f.Add(uint32(0x7fc00000), uint32(0x3f800000), uint8(4), true, int32(9))   // NaN
	f.Add(uint32(0xff800000), uint32(0x00800000), uint8(2), false, int32(-2)) // -Inf by the least scale
	f.Add(uint32(0x4f000000), uint32(0x3f800000), uint8(32), false, int32(-1))
	f.Fuzz(func(t *testing.T, xBits, scaleBits uint32, width uint8, unsigned bool, zeroPoint int32) {
		typ := quant.Type{Bits: int(width), Unsigned: unsigned}
		x, scale := math.Float32frombits(xBits), math.Float32frombits(scaleBits)
		p := quant.TensorParams(typ, float64(scale), zeroPoint)
		lo, hi := typ.Range()
		usable := typ.Check() == nil && zeroPoint >= lo && zeroPoint <= hi &&
			scale >= 0x1p-126 && !math.IsInf(float64(scale), 0)

		var wide [1]int32
		err := quant.Quantize(wide[:], []float32{x}, nil, p)
		if (err == nil) != usable {
			t.Fatalf("scale %g, zero point %d, %v: error %v", scale, zeroPoint, typ, err)
		}
		if err != nil {
			return
		}
		want := naive(x, scale, zeroPoint, typ)
		if wide[0] != want {
			t.Errorf("%g/%g + %d in %v is %d as int32, want %d", x, scale, zeroPoint, typ, wide[0], want)
		}
		if typ.Bits <= 8 {
			got := narrowCode(t, x, p)
			if got != want {
				t.Errorf("%g/%g + %d in %v is %d, want %d", x, scale, zeroPoint, typ, got, want)
			}
		}
	})
}

// narrowCode returns the code of one value by way of 8-bit storage.
func narrowCode(t *testing.T, x float32, p quant.Params) int32 {
	t.Helper()
	if !p.Type.Unsigned {
		return int32(quantize(t, []float32{x}, p)[0])
	}
	var q [1]uint8
	if err := quant.Quantize(q[:], []float32{x}, nil, p); err != nil {
		t.Fatal(err)
	}
	return int32(q[0])
}
