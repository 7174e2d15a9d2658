package elementwise_test

import (
	"bytes"
	"math"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/testing/kerneltest"
)

func TestPair(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			q := drawQuantizer(t)
			p := elementwise.Pair{
				ZeroA: rapid.Int32Range(0, 255).Draw(t, "za"), ZeroB: rapid.Int32Range(0, 255).Draw(t, "zb"),
				ScaleA: drawScale(t), ScaleB: drawScale(t), Scale: q.Scale, Lo: q.Lo, Hi: q.Hi, Offset: q.Offset,
				Mul: rapid.Bool().Draw(t, "mul"),
			}
			n := rapid.IntRange(0, 100).Draw(t, "n")
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			a, b, dst := s.codes(n), s.codes(n), newGuarded[byte](n, 0x5a)
			want := make([]byte, n)
			for i := range want {
				x, y := real(a[i], p.ZeroA, p.ScaleA), real(b[i], p.ZeroB, p.ScaleB)
				if p.Mul {
					want[i] = code(float32(x*y), q)
				} else {
					want[i] = code(x+y, q)
				}
			}
			p.Apply(dst.x, a, b, tier)
			if !bytes.Equal(dst.x, want) {
				t.Fatalf("%v, want %v", dst.x, want)
			}
			dst.check(t)
			for i := range want {
				if got := p.Code(a[i], b[i]); got != want[i] {
					t.Fatalf("of %d and %d alone %d, want %d", a[i], b[i], got, want[i])
				}
			}
			p.Apply(b, a, b, tier) // over an operand
			if !bytes.Equal(b, want) {
				t.Fatalf("in place %v, want %v", b, want)
			}
		})
	})
}

// All pairs of codes at once, with scales at which many quotients are halves.
func TestPairTies(t *testing.T) {
	var a, b []byte
	for u := range 256 {
		for v := range 256 {
			a, b = append(a, byte(u)), append(b, byte(v))
		}
	}
	q := elementwise.Quantizer{Scale: 1, Lo: -128, Hi: 127, Offset: 128}
	p := elementwise.Pair{
		ZeroA: 128, ZeroB: 3, ScaleA: 0.5, ScaleB: 0.25, Scale: q.Scale, Lo: q.Lo, Hi: q.Hi, Offset: q.Offset,
	}
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		dst := make([]byte, len(a))
		p.Apply(dst, a, b, tier)
		for i, got := range dst {
			if want := code(real(a[i], 128, 0.5)+real(b[i], 3, 0.25), q); got != want {
				t.Fatalf("%d + %d: %d, want %d", a[i], b[i], got, want)
			}
		}
	})
}

// All pairs of codes with scales of layers, at which some quotients lie as near to a half as a float32 can.
func TestPairNear(t *testing.T) {
	var a, b []byte
	for u := range 256 {
		for v := range 256 {
			a, b = append(a, byte(u)), append(b, byte(v))
		}
	}
	rounds := 16
	if testing.Short() {
		rounds = 4
	}
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		next := newSource(1)
		for round := range rounds {
			scale := func() float32 { return (1 + next.Float32()) / 64 }
			q := elementwise.Quantizer{Scale: 2 * scale(), Lo: -100, Hi: 155, Offset: 100}
			p := elementwise.Pair{
				ZeroA: 120, ZeroB: 7, ScaleA: scale(), ScaleB: scale(), Scale: q.Scale, Lo: q.Lo, Hi: q.Hi, Offset: q.Offset,
			}
			switch round % 4 {
			case 0, 2: // (u-120)/q + 1/2, but for rounding
				p.ScaleA, p.ScaleB = p.Scale, p.Scale/14
			case 1: // a difference, and a Relu
				p.ScaleB, p.Lo = -p.ScaleB, 0
				q.Lo = 0
			case 3: // from few codes to all of them saturate
				p.Scale *= float32(math.Ldexp(1, round-8))
				q.Scale = p.Scale
			}
			dst := make([]byte, len(a))
			p.Apply(dst, a, b, tier)
			for i, got := range dst {
				if want := code(real(a[i], p.ZeroA, p.ScaleA)+real(b[i], p.ZeroB, p.ScaleB), q); got != want {
					t.Fatalf("%+v: %d + %d: %d, want %d", p, a[i], b[i], got, want)
				}
			}
		}
	})
}

// Infinities that cancel leave a NaN, which counts as 0; alone they are clamped.
func TestNotANumber(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	q := elementwise.Quantizer{Scale: 1, Lo: -100, Hi: 27, Offset: 128}
	p := elementwise.Pair{
		ZeroA: 0, ZeroB: 255, ScaleA: math.MaxFloat32, ScaleB: math.MaxFloat32, Scale: 1, Lo: -100, Hi: 27, Offset: 128,
	}
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for n := 1; n <= 33; n++ {
			src, a, b := make([]float32, n), make([]byte, n), make([]byte, n)
			want, sums := make([]byte, n), make([]byte, n)
			for i := range src {
				src[i], want[i] = []float32{nan, inf, -inf}[i%3], []byte{128, 155, 28}[i%3]
				// inf - inf, inf - 0, 0 - inf
				a[i], b[i], sums[i] = []byte{255, 255, 0}[i%3], []byte{0, 255, 0}[i%3], []byte{128, 155, 28}[i%3]
			}
			dst := make([]byte, n)
			if q.Codes(dst, src, tier); !bytes.Equal(dst, want) {
				t.Errorf("codes %v, want %v", dst, want)
			}
			if p.Apply(dst, a, b, tier); !bytes.Equal(dst, sums) {
				t.Errorf("sums %v, want %v", dst, sums)
			}
		}
	})
}

// Rows multiplied by a number for each channel are those that pairs are.
func TestPairRows(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			q := drawQuantizer(t)
			if rapid.Bool().Draw(t, "codes") { // bounds that a layer has
				q.Offset = rapid.Int32Range(0, 255).Draw(t, "offset")
				q.Lo, q.Hi = -float32(q.Offset), 255-float32(q.Offset)
			}
			p := elementwise.Pair{
				ZeroA: rapid.Int32Range(0, 255).Draw(t, "za"), ZeroB: rapid.Int32Range(0, 255).Draw(t, "zb"),
				ScaleA: drawScale(t), ScaleB: drawScale(t), Scale: q.Scale, Lo: q.Lo, Hi: q.Hi, Offset: q.Offset, Mul: true,
			}
			n, rows := rapid.SampledFrom([]int{1, 8, 31, 32, 33, 64, 72, 100}).Draw(t, "n"), rapid.IntRange(0, 5).Draw(t, "rows")
			if rapid.Bool().Draw(t, "halves") {
				p.ScaleA, p.ScaleB, p.Scale = 0.5, 0.25, 2
			}
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			a, b, dst := s.codes(n*rows), s.codes(n), newGuarded[byte](n*rows, 0x5a)
			p.MulRows(dst.x, a, b, make([]float32, n), tier)
			for i, got := range dst.x {
				if want := p.Code(a[i], b[i%n]); got != want {
					t.Fatalf("%d of %d is %d, want %d", i, n, got, want)
				}
			}
			dst.check(t)
		})
	})
}
