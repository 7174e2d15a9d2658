package elementwise_test

import (
	"fmt"
	"math"
	"testing"

	"linquant/internal/arith"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/testing/kerneltest"
)

// functionCases has the definition of every function.
var functionCases = []struct {
	name  string
	f     elementwise.Function
	alpha float32
	want  func(x float32) float32
}{
	{"exp", elementwise.Exp, 0, arith.Exp32},
	{"sigmoid", elementwise.Sigmoid, 0, arith.Sigmoid32},
	{"swish", elementwise.Swish, 1, func(x float32) float32 { return arith.Swish32(x, 1) }},
	{"swish(1.702)", elementwise.Swish, 1.702, func(x float32) float32 { return arith.Swish32(x, 1.702) }},
	{"swish(-3)", elementwise.Swish, -3, func(x float32) float32 { return arith.Swish32(x, -3) }},
	{"tanh", elementwise.Tanh, 0, arith.Tanh32},
	{"erf", elementwise.Erf, 0, arith.Erf32},
	{"gelu", elementwise.Gelu, 0, arith.Gelu32},
	{"gelu tanh", elementwise.GeluTanh, 0, arith.GeluTanh32},
}

// Functions have the bits of their definitions, for numbers of both signs and all sizes and at every length, in place too.
func TestFunctions(t *testing.T) {
	var x []float32
	for bits := uint64(0); bits < 1<<32; bits += 70001 {
		x = append(x, math.Float32frombits(uint32(bits)))
	}
	for i := range 20000 {
		x = append(x, float32(i-10000)/500)
	}
	inf := float32(math.Inf(1))
	x = append(x, 0, float32(math.Copysign(0, -1)), inf, -inf, float32(math.NaN()), math.MaxFloat32, -math.MaxFloat32)
	for _, c := range functionCases {
		want := make([]float32, len(x))
		for i, v := range x {
			want[i] = c.want(v)
		}
		kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
			got := make([]float32, len(x))
			c.f.Reals(got, x, c.alpha, tier)
			for i := range x {
				if err := sameBits(got[i:][:1], want[i:][:1]); err != nil {
					t.Fatalf("%s(%g): %v", c.name, x[i], err)
				}
			}
			for n := range 40 {
				dst := newGuarded[float32](n, 7)
				copy(dst.x, x[len(x)-n:])
				c.f.Reals(dst.x, dst.x, c.alpha, tier)
				if err := sameBits(dst.x, want[len(x)-n:]); err != nil {
					t.Fatalf("%s of the last %d in place: %v", c.name, n, err)
				}
				dst.check(t)
			}
		})
	}
}

// A Softmax has the bits of its definition at every length, with infinities and a NaN.
func TestSoftmax(t *testing.T) {
	s := newSource(1)
	inf := float32(math.Inf(1))
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		lengths := []int{256, 1000, 1023, 1024, 1025, 1030, 2047, 2048, 2051, 5000}
		for n := range 80 {
			lengths = append(lengths, n)
		}
		for _, n := range lengths {
			for odd, at := range []float32{0, 1e30, -1e30, inf, -inf, float32(math.NaN())} {
				x, want := make([]float32, n), make([]float32, n)
				for i := range x {
					x[i] = float32(s.NormFloat64()) * 20
				}
				if odd > 0 && n > 0 {
					x[s.IntN(n)] = at
				}
				if odd == 4 && n%2 == 0 { // all are masked
					for i := range x {
						x[i] = -inf
					}
				}
				arith.Softmax(want, x)
				dst := newGuarded[float32](n, 7)
				elementwise.Softmax(dst.x, x, tier)
				if err := sameBits(dst.x, want); err != nil {
					t.Fatalf("of %d with %g: %v", n, at, err)
				}
				dst.check(t)
				elementwise.Softmax(x, x, tier)
				if err := sameBits(x, want); err != nil {
					t.Fatalf("of %d with %g in place: %v", n, at, err)
				}
			}
		}
	})
}

// Reals of codes are those of the definition.
func TestDequantize(t *testing.T) {
	s := newSource(1)
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for n := range 80 {
			codes, want := s.codes(n), make([]float32, n)
			zero, scale := int32(s.IntN(256)), s.Float32()
			for i, u := range codes {
				want[i] = real(u, zero, scale)
			}
			dst := newGuarded[float32](n, 7)
			elementwise.Dequantize(dst.x, codes, zero, scale, tier)
			if err := sameBits(dst.x, want); err != nil {
				t.Fatalf("%d: %v", n, err)
			}
			dst.check(t)
		}
	})
}

func BenchmarkFunctions(b *testing.B) {
	x, dst := make([]float32, 4096), make([]float32, 4096)
	for i := range x {
		x[i] = float32(i-2048) / 512
	}
	for _, c := range functionCases {
		b.Run(c.name, func(b *testing.B) {
			each(b, 8*len(x), func(tier cpu.Tier) { c.f.Reals(dst, x, c.alpha, tier) })
		})
	}
	for _, n := range []int{16, 128, 1024, 4096} {
		b.Run(fmt.Sprintf("softmax/%d", n), func(b *testing.B) {
			each(b, 8*n, func(tier cpu.Tier) { elementwise.Softmax(dst[:n], x[:n], tier) })
		})
	}
}
