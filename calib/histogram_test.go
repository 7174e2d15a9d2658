package calib

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// numbers draws finite float32 of one of several kinds: any at all, or such as a network's values.
func numbers(t *rapid.T, most int) []float32 {
	seed := rapid.Uint64().Draw(t, "seed")
	rng := rand.New(rand.NewPCG(seed, 1))
	scale := math.Ldexp(1, rapid.IntRange(-130, 120).Draw(t, "exponent"))
	kinds := map[string]func() float64{
		"normal":  func() float64 { return rng.NormFloat64() * scale },
		"relu":    func() float64 { return max(rng.NormFloat64(), 0) * scale },
		"offset":  func() float64 { return (1000 + rng.NormFloat64()) * scale / 1024 },
		"tails":   func() float64 { return rng.NormFloat64() * scale * math.Exp(-10*rng.Float64()) },
		"growing": func() float64 { scale *= 1.01; return rng.NormFloat64() * min(scale, 1e30) },
		"whole":   func() float64 { return math.Round(rng.NormFloat64() * 30) },
		"few":     func() float64 { return []float64{0, math.Copysign(0, -1), scale, -scale, 1}[rng.IntN(5)] },
		"bits": func() float64 {
			for {
				if v := float64(math.Float32frombits(rng.Uint32())); !math.IsNaN(v) && !math.IsInf(v, 0) {
					return v
				}
			}
		},
	}
	draw := kinds[rapid.SampledFrom([]string{"normal", "relu", "offset", "tails", "growing", "whole", "few", "bits"}).Draw(t, "kind")]
	x := make([]float32, rapid.IntRange(1, most).Draw(t, "count"))
	for i := range x {
		x[i] = float32(draw())
	}
	return x
}

// However the numbers come, merging leaves the counts that the final grid has by its definition.
func TestMergingIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := numbers(t, 3000)
		h := newHistogram()
		var all extremes
		for rest := x; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "cut")
			e, ok := extremesOf(rest[:n])
			if !ok {
				t.Fatal("finite numbers are called infinite")
			}
			all = all.with(e)
			h.cover(all)
			h.add(rest[:n])
			rest = rest[n:]
		}
		want := naiveGrid(x)
		got := grid{exponent: h.exponent, counts: map[int64]int64{}, zeros: h.zeros}
		for i, n := range h.counts[:bins] {
			if n != 0 {
				got.counts[int64(h.base)+int64(i)] = n
			}
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(grid{})); diff != "" {
			t.Fatal(diff)
		}
	})
}

// What the methods see has every number in a bin whose edges hold it, and nothing of the zeros.
func TestSpread(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := numbers(t, 500)
		h := newHistogram()
		all, _ := extremesOf(x)
		h.cover(all)
		h.add(x)
		s := h.spread(all)
		var total int64
		for i, n := range s.mass {
			total += n
			if s.edges[i] > s.edges[i+1] {
				t.Fatalf("edges %d and %d are %v and %v", i, i+1, s.edges[i], s.edges[i+1])
			}
			if float64(float32(s.edges[i])) != s.edges[i] {
				t.Fatalf("edge %v is no float32", s.edges[i])
			}
			if n < 0 {
				t.Fatalf("%d numbers in bin %d", n, i)
			}
		}
		if total+s.zeros != int64(len(x)) {
			t.Fatalf("%d numbers and %d zeros of %d", total, s.zeros, len(x))
		}
		if lo, hi := s.lo(), s.hi(); lo != all.lo || hi != all.hi {
			t.Fatalf("from %v to %v, want %v to %v", lo, hi, all.lo, all.hi)
		}
		for _, v := range x {
			if v != 0 && s.inside(float64(v)) == 0 {
				t.Fatalf("no number is counted where %v is", v)
			}
		}
	})
}

// inside counts the numbers of the bins that hold x.
func (s spread) inside(x float64) int64 {
	var n int64
	for i := range s.mass {
		if s.edges[i] <= x && x <= s.edges[i+1] {
			n += s.mass[i]
		}
	}
	return n
}

func TestExtremes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := numbers(t, 100)
		lo, hi := x[0], x[0]
		for _, v := range x {
			lo, hi = min(lo, v), max(hi, v)
		}
		e, ok := extremesOf(x)
		if !ok || e.lo != lo || e.hi != hi || math.Signbit(float64(e.lo)) && e.lo == 0 {
			t.Fatalf("%v, %v; want %v to %v", e, ok, lo, hi)
		}
		for _, bad := range []float64{math.NaN(), math.Copysign(math.NaN(), -1), math.Inf(1), math.Inf(-1)} {
			at := rapid.IntRange(0, len(x)-1).Draw(t, "at")
			good := x[at]
			x[at] = float32(bad)
			if _, ok := extremesOf(x); ok || notFinite(x) != at {
				t.Fatalf("%v at %d: ok %v, found at %d", bad, at, ok, notFinite(x))
			}
			x[at] = good
		}
	})
}
