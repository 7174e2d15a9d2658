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
	"linquant/quant"
)

// tiers calls f for every tier of this processor.
func tiers(t *testing.T, f func(t *testing.T, tier cpu.Tier)) {
	for _, tier := range cpu.Available() {
		t.Run(tier.String(), func(t *testing.T) { f(t, tier) })
	}
}

// guarded is memory of n elements between guards.
type guarded[T comparable] struct {
	all   []T
	guard T
	x     []T
}

func newGuarded[T comparable](n int, guard T) guarded[T] {
	g := guarded[T]{all: make([]T, n+128), guard: guard}
	for i := range g.all {
		g.all[i] = guard
	}
	g.x = g.all[64:][:n:n]
	return g
}

func (g *guarded[T]) check(t interface{ Fatalf(string, ...any) }) {
	for i, v := range g.all {
		if (i < 64 || i >= 64+len(g.x)) && v != g.guard {
			t.Fatalf("element %d was written, of %d", i-64, len(g.x))
		}
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

func TestPair(t *testing.T) {
	tiers(t, func(t *testing.T, tier cpu.Tier) {
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
	tiers(t, func(t *testing.T, tier cpu.Tier) {
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
	tiers(t, func(t *testing.T, tier cpu.Tier) {
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
	tiers(t, func(t *testing.T, tier cpu.Tier) {
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

func TestQuantizer(t *testing.T) {
	tiers(t, func(t *testing.T, tier cpu.Tier) {
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
	tiers(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			lo := rapid.SampledFrom([]float32{-inf, 0, -1}).Draw(t, "lo")
			hi := rapid.SampledFrom([]float32{inf, 6, -2}).Draw(t, "hi")
			n := rapid.IntRange(0, 70).Draw(t, "n")
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			a, b := s.reals(n), s.reals(n)
			sum, product, clamped := make([]float32, n), make([]float32, n), make([]float32, n)
			for i := range a {
				sum[i], product[i] = clamp(a[i]+b[i], lo, hi), clamp(float32(a[i]*b[i]), lo, hi)
				clamped[i] = clamp(a[i], lo, hi)
			}
			dst := newGuarded[float32](n, 12345)
			for name, c := range map[string]struct {
				run  func()
				want []float32
			}{
				"add":   {func() { elementwise.AddReals(dst.x, a, b, lo, hi, tier) }, sum},
				"mul":   {func() { elementwise.MulReals(dst.x, a, b, lo, hi, tier) }, product},
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

// drawWindows draws windows of at least so many taps over n elements.
func drawWindows(t *rapid.T, leastTaps int) (w elementwise.Windows, n int) {
	w.Channels = rapid.OneOf(rapid.IntRange(1, 70), rapid.SampledFrom([]int{64, 128, 127, 129})).Draw(t, "channels")
	w.Pixels = rapid.IntRange(1, 5).Draw(t, "pixels")
	w.Step = rapid.SampledFrom([]int{0, 1, 2}).Draw(t, "stride") * w.Channels
	for range rapid.IntRange(leastTaps, 10).Draw(t, "taps") {
		at := rapid.IntRange(0, 200).Draw(t, "tap")
		w.Taps = append(w.Taps, at)
		w.Weights = append(w.Weights, rapid.IntRange(0, 3).Draw(t, "weights")*w.Channels)
		n = max(n, at+(w.Pixels-1)*w.Step+w.Channels)
	}
	return w, n
}

func TestMax(t *testing.T) {
	tiers(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			w, n := drawWindows(t, 1)
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			codes, reals := s.codes(n), s.reals(n)
			size := w.Pixels * w.Channels
			dst, to := newGuarded[byte](size, 0x5a), newGuarded[float32](size, 12345)
			elementwise.MaxCodes(dst.x, codes, &w, tier)
			elementwise.MaxReals(to.x, reals, &w, tier)
			want := make([]float32, size)
			for i := range dst.x {
				at := i/w.Channels*w.Step + i%w.Channels
				most := codes[at+w.Taps[0]]
				want[i] = reals[at+w.Taps[0]]
				for _, tap := range w.Taps[1:] {
					most = max(most, codes[at+tap])
					if v := reals[at+tap]; v > want[i] {
						want[i] = v
					}
				}
				if dst.x[i] != most {
					t.Fatalf("element %d is %d, want %d", i, dst.x[i], most)
				}
			}
			if err := sameBits(to.x, want); err != nil {
				t.Fatal(err)
			}
			dst.check(t)
			to.check(t)
		})
	})
}

func TestMean(t *testing.T) {
	tiers(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			w, n := drawWindows(t, 1)
			src := newSource(rapid.Uint64().Draw(t, "seed")).reals(n)
			dst := newGuarded[float32](w.Pixels*w.Channels, 12345)
			elementwise.MeanReals(dst.x, src, &w, 7, tier)
			want := make([]float32, len(dst.x))
			for i := range want {
				for _, tap := range w.Taps {
					want[i] += src[i/w.Channels*w.Step+i%w.Channels+tap]
				}
				want[i] /= 7
			}
			if err := sameBits(dst.x, want); err != nil {
				t.Fatal(err)
			}
			dst.check(t)
		})
	})
}

func TestDepthwise(t *testing.T) {
	tiers(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			w, n := drawWindows(t, 0)
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			d := elementwise.Depthwise{Zero: rapid.Int32Range(0, 255).Draw(t, "zero")}
			for range 4 * w.Channels {
				d.Weight = append(d.Weight, elementwise.NewWeight(int16(s.IntN(511)-255)))
			}
			multipliers := make([]float64, rapid.SampledFrom([]int{1, w.Channels}).Draw(t, "multipliers"))
			for c := range multipliers {
				multipliers[c] = s.Float64() / 512
			}
			for range w.Channels {
				d.Bias = append(d.Bias, int32(s.IntN(40000)-20000))
			}
			params := quant.TensorParams(quant.Int(8), 1, rapid.Int32Range(-128, 127).Draw(t, "to"))
			d.Flip = 0x80
			convention := rapid.SampledFrom([]quant.Convention{
				quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble,
			}).Draw(t, "convention")
			var err error
			if d.Requant, err = quant.NewRequantizer(convention, multipliers, params); err != nil {
				t.Fatal(err)
			}
			d.Requant.Lo = rapid.Int32Range(-128, 0).Draw(t, "lo")
			src, dst := s.codes(n), newGuarded[byte](w.Pixels*w.Channels, 0x5a)
			d.Codes(dst.x, src, &w, make([]int32, w.Channels), tier)
			for i, got := range dst.x {
				c := i % w.Channels
				sum := int64(d.Bias[c])
				for k, tap := range w.Taps {
					sum += (int64(src[i/w.Channels*w.Step+c+tap]) - int64(d.Zero)) * int64(int16(d.Weight[w.Weights[k]+c]))
				}
				if want := byte(d.Requant.Code(int32(sum), c*min(len(multipliers)-1, 1))) ^ 0x80; got != want {
					t.Fatalf("%v, element %d is %d, want %d", convention, i, got, want)
				}
			}
			dst.check(t)
		})
	})
}

func TestDepthwiseReals(t *testing.T) {
	tiers(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			w, n := drawWindows(t, 0)
			s := newSource(rapid.Uint64().Draw(t, "seed"))
			src, weight, bias := s.reals(n), s.reals(4*w.Channels), s.reals(w.Channels)
			if rapid.Bool().Draw(t, "no bias") {
				bias = nil
			}
			dst, want := newGuarded[float32](w.Pixels*w.Channels, 12345), make([]float32, w.Pixels*w.Channels)
			elementwise.DepthwiseReals(dst.x, src, weight, bias, 0, 6, &w, tier)
			for i := range want {
				c := i % w.Channels
				for k, tap := range w.Taps {
					want[i] += float32(src[i/w.Channels*w.Step+c+tap] * weight[w.Weights[k]+c])
				}
				if bias != nil {
					want[i] += bias[c]
				}
				if want[i] < 0 {
					want[i] = 0
				} else if want[i] > 6 {
					want[i] = 6
				}
			}
			if err := sameBits(dst.x, want); err != nil {
				t.Fatal(err)
			}
			dst.check(t)
		})
	})
}

func TestGather(t *testing.T) {
	tiers(t, func(t *testing.T, tier cpu.Tier) {
		rapid.Check(t, func(t *rapid.T) {
			g := elementwise.Gather{
				Pixels: rapid.IntRange(1, 5).Draw(t, "pixels"), Lines: rapid.IntRange(1, 4).Draw(t, "lines"),
				Length:  rapid.IntRange(1, 200).Draw(t, "length"),
				SrcStep: rapid.IntRange(0, 90).Draw(t, "step"), SrcLine: rapid.IntRange(0, 90).Draw(t, "line"),
			}
			g.DstLine = g.Length + rapid.IntRange(0, 2).Draw(t, "gap")
			g.DstStep = g.Lines * g.DstLine
			n, size := (g.Pixels-1)*g.SrcStep+(g.Lines-1)*g.SrcLine+g.Length, g.Pixels*g.DstStep
			s := newSource(1)
			codes := s.codes(n)
			dst := newGuarded[byte](size, 0x5a)
			want := bytes.Clone(dst.x)
			for p := range g.Pixels {
				for l := range g.Lines {
					copy(want[p*g.DstStep+l*g.DstLine:][:g.Length], codes[p*g.SrcStep+l*g.SrcLine:])
				}
			}
			g.Bytes(dst.x, codes, tier)
			if !bytes.Equal(dst.x, want) {
				t.Fatalf("%v, want %v", dst.x, want)
			}
			dst.check(t)

			floats, copied := make([]float32, n), newGuarded[float32](size, -1)
			for i, u := range codes {
				floats[i] = float32(u)
			}
			elementwise.Copy(copied.x, floats, &g, tier)
			for p := range g.Pixels {
				for i := range g.Lines * g.DstLine {
					want := float32(-1)
					if l, at := i/g.DstLine, i%g.DstLine; at < g.Length {
						want = floats[p*g.SrcStep+l*g.SrcLine+at]
					}
					if got := copied.x[p*g.DstStep+i]; got != want {
						t.Fatalf("float %d of window %d is %g, want %g", i, p, got, want)
					}
				}
			}
			copied.check(t)
		})
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
