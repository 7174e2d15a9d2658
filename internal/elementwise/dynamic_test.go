package elementwise_test

import (
	"fmt"
	"math"
	"testing"

	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/testing/kerneltest"
)

var lengths = []int{0, 1, 7, 8, 9, 31, 32, 33, 40, 63, 64, 100, 257}

// The range of a block is that of its numbers and 0, in every tier; with an element that is no finite number there is none.
func TestExtremes(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		s := newSource(7)
		for range 20 {
			for _, n := range lengths {
				x := s.reals(n)
				if s.IntN(2) == 0 {
					for i, v := range x {
						if v-v != 0 {
							x[i] = 0
						}
					}
				}
				lo, hi, finite := 0.0, 0.0, true
				for _, v := range x {
					lo, hi = math.Min(lo, float64(v)), math.Max(hi, float64(v))
					finite = finite && v-v == 0
				}
				gotLo, gotHi := elementwise.Extremes(x, tier)
				if !finite {
					if gotLo == gotLo || gotHi == gotHi {
						t.Fatalf("%v reach from %g to %g, not NaN", x, gotLo, gotHi)
					}
					continue
				}
				if float64(gotLo) != lo || float64(gotHi) != hi || math.Signbit(float64(gotHi)) || gotLo == 0 && math.Signbit(float64(gotLo)) {
					t.Fatalf("%v reach from %g to %g, not %g to %g", x, lo, hi, gotLo, gotHi)
				}
			}
		}
	})
}

// Sums become the reals of the definition.
func TestScaled(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		s := newSource(8)
		for _, n := range lengths {
			f := elementwise.Scaled{
				Scale: s.reals(n), Bias: s.reals(n), Zero: make([]int32, n), Lo: float32(math.Inf(-1)), Hi: float32(math.Inf(1)),
			}
			if s.IntN(2) == 0 {
				f.Lo, f.Hi = 0, 6
			}
			sums, row, want := make([]int32, n), int32(s.Uint32()>>16), make([]float32, n)
			for j := range sums {
				sums[j] = int32(s.Uint32()) >> (s.IntN(4) * 8)
				if s.IntN(4) > 0 { // else 0
					f.Zero[j] = int32(s.IntN(511)) - 255
				}
				sum := int64(sums[j]) - int64(f.Zero[j])*int64(row)
				// Products of floats are exact in float64, and rounding a sum of two of them there first does no harm
				// to speak of: it is rounded again as the definition rounds it.
				product := float32(float64(float32(int32(sum))) * float64(f.Scale[j]))
				v := float32(float64(product) + float64(f.Bias[j]))
				if v < f.Lo {
					v = f.Lo
				}
				if v > f.Hi {
					v = f.Hi
				}
				want[j] = v
			}
			dst := newGuarded[float32](n, 12345)
			f.Reals(dst.x, sums, row, tier)
			dst.check(t)
			if err := sameBits(dst.x, want); err != nil {
				t.Fatalf("%d: %v", n, err)
			}
			part, rest := f.From(n/3), make([]float32, n-n/3)
			part.Reals(rest, sums[n/3:], row, tier)
			if err := sameBits(rest, want[n/3:]); err != nil {
				t.Fatalf("%d from %d on: %v", n, n/3, err)
			}
		}
	})
}

// Codes less their zero point are those of Codes.
func TestCentredReals(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		s := newSource(9)
		for _, n := range lengths {
			for _, zero := range []int32{0, 1, 100, 255} {
				for _, scale := range []float32{0.25, 0.0371, 1e-42, float32(math.Inf(1))} {
					q := elementwise.Quantizer{Scale: scale, Lo: float32(-zero), Hi: float32(255 - zero), Offset: zero}
					x, codes, want := s.reals(n), make([]byte, n), make([]float32, n)
					q.Codes(codes, x, cpu.Generic)
					for i, c := range codes {
						want[i] = float32(int32(c) - zero)
					}
					dst := newGuarded[float32](n, 12345)
					q.CentredReals(dst.x, x, tier)
					dst.check(t)
					if err := sameBits(dst.x, want); err != nil {
						t.Fatal(fmt.Sprintf("%d, scale %g, zero point %d: ", n, scale, zero), err)
					}
				}
			}
		}
	})
}

func BenchmarkDynamic(b *testing.B) {
	s := newSource(10)
	const n = 4096
	x, dst, sums := s.reals(n), make([]float32, n), make([]int32, n)
	f := elementwise.Scaled{Scale: s.reals(n), Bias: s.reals(n), Zero: make([]int32, n), Lo: 0, Hi: 6}
	q := elementwise.Quantizer{Scale: 0.1, Hi: 255}
	for _, tier := range cpu.Available() {
		for name, run := range map[string]func(){
			"extremes": func() { elementwise.Extremes(x, tier) },
			"scaled":   func() { f.Reals(dst, sums, 3, tier) },
			"centred":  func() { q.CentredReals(dst, x, tier) },
		} {
			b.Run(tier.String()+"/"+name, func(b *testing.B) {
				b.SetBytes(4 * n)
				for b.Loop() {
					run()
				}
			})
		}
	}
}
