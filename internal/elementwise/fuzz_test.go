package elementwise_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/elementwise"
)

// usable reports whether x can be a scale.
func usable(x float32) bool { return x > 0 && x <= math.MaxFloat32 }

// FuzzPair gives every tier pairs of codes, which must become what the definition says.
func FuzzPair(f *testing.F) {
	many := bytes.Repeat([]byte{255, 1, 0, 128, 127}, 60)
	f.Add(float32(0.02), float32(0.03), float32(0.04), byte(128), byte(3), byte(0), false, []byte("a code beside another"))
	f.Add(float32(1), float32(1), float32(2), byte(0), byte(0), byte(128), false, many)
	f.Add(float32(1e30), float32(1e30), float32(1e-30), byte(1), byte(2), byte(3), true, many)
	f.Fuzz(func(t *testing.T, scaleA, scaleB, scale float32, zeroA, zeroB, zero byte, mul bool, data []byte) {
		if !usable(scaleA) || !usable(scaleB) || !usable(scale) {
			return
		}
		q := elementwise.Quantizer{Scale: scale, Lo: -float32(zero), Hi: 255 - float32(zero), Offset: int32(zero)}
		p := elementwise.Pair{
			ZeroA: int32(zeroA), ZeroB: int32(zeroB), ScaleA: scaleA, ScaleB: scaleB,
			Scale: q.Scale, Lo: q.Lo, Hi: q.Hi, Offset: q.Offset, Mul: mul,
		}
		a, b := data[:len(data)/2], data[len(data)/2:][:len(data)/2]
		for _, tier := range cpu.Available() {
			dst := newGuarded[byte](len(a), 0x5a)
			p.Apply(dst.x, a, b, tier)
			for i, got := range dst.x {
				x, y := real(a[i], p.ZeroA, scaleA), real(b[i], p.ZeroB, scaleB)
				sum := x + y
				if mul {
					sum = float32(x * y)
				}
				if want := code(sum, q); got != want {
					t.Fatalf("%v: %+v: %d and %d: %d, want %d", tier, p, a[i], b[i], got, want)
				}
			}
			dst.check(t)
		}
	})
}

// FuzzReals gives every tier reals, any bits: their codes and clamped sums must be what the definitions say.
func FuzzReals(f *testing.F) {
	f.Add(float32(0.1), byte(7), float32(0), float32(6), []byte("four bytes are a real"))
	odd := bytes.Repeat([]byte{0, 0, 128, 127, 1, 0, 192, 255}, 20)
	f.Add(float32(1e-38), byte(255), float32(-1), float32(math.Inf(1)), odd)
	f.Fuzz(func(t *testing.T, scale float32, zero byte, lo, hi float32, data []byte) {
		if !usable(scale) || lo != lo || hi != hi {
			return
		}
		x := make([]float32, len(data)/4)
		for i := range x {
			x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		q := elementwise.Quantizer{Scale: scale, Lo: -float32(zero), Hi: 255 - float32(zero), Offset: int32(zero)}
		want := make([]float32, len(x))
		for i, v := range x {
			if want[i] = v + x[len(x)-1-i]; want[i] < lo {
				want[i] = lo
			}
			if want[i] > hi {
				want[i] = hi
			}
		}
		backwards := make([]float32, len(x))
		for i, v := range x {
			backwards[len(x)-1-i] = v
		}
		for _, tier := range cpu.Available() {
			codes, sums := newGuarded[byte](len(x), 0x5a), newGuarded[float32](len(x), 12345)
			q.Codes(codes.x, x, tier)
			for i, got := range codes.x {
				if want := code(x[i], q); got != want {
					t.Fatalf("%v: %+v: %g: %d, want %d", tier, q, x[i], got, want)
				}
			}
			elementwise.AddReals(sums.x, x, backwards, lo, hi, tier)
			if err := sameBits(sums.x, want); err != nil {
				t.Fatalf("%v, clamped to [%g, %g]: %v", tier, lo, hi, err)
			}
			codes.check(t)
			sums.check(t)
		}
	})
}
