package elementwise_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	"linquant/internal/elementwise"
	"linquant/internal/testing/kerneltest"
	_ "linquant/internal/testing/seeds"
)

// guarded is memory of n elements between guards.
type guarded[T comparable] struct {
	x      []T
	intact func() error
}

func newGuarded[T comparable](n int, guard T) guarded[T] {
	x, intact := kerneltest.Guarded(n, 0, guard)
	return guarded[T]{x, intact}
}

func (g *guarded[T]) check(t interface{ Fatal(...any) }) {
	if err := g.intact(); err != nil {
		t.Fatal(err)
	}
}

type source struct{ *rand.Rand }

func newSource(seed uint64) source { return source{rand.New(rand.NewPCG(seed, 1))} }

func (s source) codes(n int) []byte {
	x := make([]byte, n)
	for i := range x {
		x[i] = byte(s.Uint32())
		if s.IntN(8) == 0 {
			x[i] = 255 * byte(s.IntN(2))
		}
	}
	return x
}

// reals are of all sizes, and some odd.
func (s source) reals(n int) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = (s.Float32() - 0.5) * float32(math.Ldexp(1, s.IntN(24)-8))
		if s.IntN(32) == 0 {
			x[i] = []float32{
				float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)),
				0, float32(math.Copysign(0, -1)), math.MaxFloat32, 1e-45,
			}[s.IntN(7)]
		}
	}
	return x
}

func sameBits(got, want []float32) error {
	for i := range want {
		g, w := got[i], want[i]
		if math.Float32bits(g) != math.Float32bits(w) && !(g != g && w != w) {
			return fmt.Errorf("element %d is %g, want %g", i, g, w)
		}
	}
	return nil
}

// real is a code's by the definition, in float32.
func real(u byte, zero int32, scale float32) float32 {
	return float32(float32(int32(u)-zero) * scale) // never fused with a sum
}

// code is a real's by the definition, in float64 after the division.
func code(x float32, q elementwise.Quantizer) byte {
	v := float64(x / q.Scale)
	if v != v {
		v = 0
	}
	v = min(max(math.RoundToEven(v), float64(q.Lo)), float64(q.Hi))
	return byte(int32(v) + q.Offset)
}

func drawQuantizer(t *rapid.T) elementwise.Quantizer {
	zero := rapid.Int32Range(0, 255).Draw(t, "zero")
	lo := rapid.Int32Range(0, 255).Draw(t, "lo")
	hi := rapid.Int32Range(lo, 255).Draw(t, "hi")
	scale := drawScale(t)
	return elementwise.Quantizer{Scale: scale, Lo: float32(lo - zero), Hi: float32(hi - zero), Offset: zero}
}

func drawScale(t *rapid.T) float32 {
	return rapid.OneOf(
		rapid.Float32Range(1e-3, 1e-1), rapid.SampledFrom([]float32{1, 0.5, 0x1p-126, 1e30, math.MaxFloat32}),
	).Draw(t, "scale")
}

// Colours are three times the codes of one, side by side.
func TestQuantizerColours(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			q := drawQuantizer(t)
			n, pixel := rapid.IntRange(0, 40).Draw(t, "n"), rapid.IntRange(3, 4).Draw(t, "pixel")
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			planes := [3][]float32{s.reals(n), s.reals(n), s.reals(n)}
			want := make([]byte, n*pixel)
			for c, plane := range planes {
				for i := range plane {
					switch s.IntN(8) {
					case 0:
						plane[i] = q.Scale * (float32(i) - 20.5) // halves
					case 1:
						plane[i] = float32(math.NaN())
					}
					want[i*pixel+c] = code(plane[i], q)
				}
			}
			dst := newGuarded[byte](n*pixel, 0x5a)
			q.Colours(dst.x, planes[0], planes[1], planes[2], pixel, tier)
			if !bytes.Equal(dst.x, want) {
				t.Fatalf("%v, want %v", dst.x, want)
			}
			dst.check(t)
		})
	})
}

func TestQuantizer(t *testing.T) {
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			q := drawQuantizer(t)
			n := rapid.IntRange(0, 100).Draw(t, "n")
			src := newSource(rapid.Uint64().Draw(t, "seed")).reals(n)
			for i := range src {
				if i%5 == 0 {
					src[i] = q.Scale * (float32(i) - 20.5) // halves
				}
			}
			dst := newGuarded[byte](n, 0x5a)
			q.Codes(dst.x, src, tier)
			for i, x := range src {
				if want := code(x, q); dst.x[i] != want || q.Code(x) != want {
					t.Fatalf("%g: %d and %d, want %d", x, dst.x[i], q.Code(x), want)
				}
			}
			dst.check(t)
		})
	})
}

func TestReals(t *testing.T) {
	clamp := func(v, lo, hi float32) float32 {
		switch {
		case v > hi || lo > hi && !(v != v):
			return hi
		case v < lo:
			return lo
		}
		return v
	}
	inf := float32(math.Inf(1))
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			lo := rapid.SampledFrom([]float32{-inf, 0, -1}).Draw(t, "lo")
			hi := rapid.SampledFrom([]float32{inf, 6, -2}).Draw(t, "hi")
			n := rapid.IntRange(0, 70).Draw(t, "n")
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			a, b := s.reals(n), s.reals(n)
			sum, product, clamped := make([]float32, n), make([]float32, n), make([]float32, n)
			difference, quotient := make([]float32, n), make([]float32, n)
			for i := range a {
				sum[i], product[i] = clamp(a[i]+b[i], lo, hi), clamp(float32(a[i]*b[i]), lo, hi)
				clamped[i] = clamp(a[i], lo, hi)
				difference[i], quotient[i] = clamp(a[i]-b[i], lo, hi), clamp(a[i]/b[i], lo, hi)
			}
			dst := newGuarded[float32](n, 12345)
			for name, c := range map[string]struct {
				run  func()
				want []float32
			}{
				"add":   {func() { elementwise.AddReals(dst.x, a, b, lo, hi, tier) }, sum},
				"mul":   {func() { elementwise.MulReals(dst.x, a, b, lo, hi, tier) }, product},
				"sub":   {func() { elementwise.SubReals(dst.x, a, b, lo, hi, tier) }, difference},
				"div":   {func() { elementwise.DivReals(dst.x, a, b, lo, hi, tier) }, quotient},
				"clamp": {func() { elementwise.ClampReals(dst.x, a, lo, hi, tier) }, clamped},
			} {
				c.run()
				if err := sameBits(dst.x, c.want); err != nil {
					t.Fatalf("%s to [%g, %g]: %v", name, lo, hi, err)
				}
				dst.check(t)
			}
		})
	})
}

// HardSigmoid and HardSwish, to the bit: infinities, NaN, zeros of both signs, what is at the two ends and beyond, and every
// length to the end of a page.
func TestGateReals(t *testing.T) {
	inf := float32(math.Inf(1))
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		for _, c := range [][2]float32{{1.0 / 6, 0.5}, {0.2, 0.5}, {1, 0}, {-1, float32(math.Copysign(0, -1))}, {inf, 0}, {0, 2}} {
			for _, swish := range []bool{false, true} {
				for n := range 40 {
					src, _ := kerneltest.Guarded(n, 0, float32(7))
					dst, intact := kerneltest.Guarded(n, 0, float32(7))
					for i := range src {
						special := []float32{-3, 3, 0, float32(math.Copysign(0, -1)), inf, -inf, float32(math.NaN()), -2.9999998, 2.9999998}
						src[i] = float32(i-20) / 3
						if i%3 == 1 {
							src[i] = special[(n+i/3)%len(special)]
						}
					}
					elementwise.GateReals(dst, src, c[0], c[1], swish, tier)
					if err := intact(); err != nil {
						t.Fatal(err)
					}
					for i, x := range src {
						want := max(0, min(1, float32(c[0]*x)+c[1]))
						if swish {
							want *= x
						}
						if math.Float32bits(dst[i]) != math.Float32bits(want) && (dst[i] == dst[i] || want == want) {
							t.Fatalf("%v of %g with %v: %g, want %g", swish, x, c, dst[i], want)
						}
					}
				}
			}
		}
	})
}

func TestPanics(t *testing.T) {
	b, f := make([]byte, 8), make([]float32, 8)
	best := cpu.Best()
	windows := func(pixels, step int, taps ...int) *elementwise.Windows {
		return &elementwise.Windows{Channels: 4, Pixels: pixels, Step: step, Taps: taps, Weights: make([]int, len(taps))}
	}
	far := windows(1, 0, 0)
	far.Weights[0] = 5
	for name, run := range map[string]func(){
		"tap too far":     func() { elementwise.MaxCodes(b, b, windows(1, 0, 5), best) },
		"tap before":      func() { elementwise.MaxReals(f, f, windows(1, 0, -1), best) },
		"step too far":    func() { elementwise.MaxCodes(b, b, windows(2, 5, 0), best) },
		"no taps":         func() { elementwise.MaxCodes(b, b, windows(2, 0), best) },
		"short result":    func() { elementwise.MeanReals(f, f, windows(3, 0, 0), 1, best) },
		"weights too far": func() { elementwise.DepthwiseReals(f, f, f, nil, 0, 1, far, best) },
		"short line": func() {
			(&elementwise.Gather{Pixels: 1, Lines: 2, Length: 4, SrcLine: 5, DstLine: 4}).Bytes(b, b, best)
		},
		"operands differ":  func() { elementwise.AddReals(f, f[:7:7], f, 0, 1, best) },
		"codes for reals":  func() { (&elementwise.Quantizer{Scale: 1}).Codes(b, f[:7:7], best) },
		"operands of pair": func() { (&elementwise.Pair{}).Apply(b, b, b[:7:7], best) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			run()
		})
	}
}
