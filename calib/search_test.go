package calib

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"linquant/quant"
)

// spreadOf returns the distribution of x.
func spreadOf(x []float32) spread {
	h := newHistogram()
	all, _ := extremesOf(x)
	h.cover(all)
	h.add(x)
	return h.spread(all)
}

func near(a, b, tolerance float64) bool {
	return a == b || math.Abs(a-b) <= tolerance*max(math.Abs(a), math.Abs(b))
}

// anyWindow draws a window of the distribution and the scale of its codes.
func anyWindow(t *rapid.T, s spread, cfg choice) (window, scale) {
	ws := s.windows(cfg)
	if ws.his == 0 {
		t.Skip("no range")
	}
	w := ws.at(rapid.IntRange(0, ws.los-1).Draw(t, "lower end"), rapid.IntRange(0, ws.his-1).Draw(t, "upper end"))
	if w.lo >= w.hi {
		t.Skip("no range")
	}
	by, err := cfg.scaleOf(w.lo, w.hi)
	if err != nil {
		t.Fatal(err)
	}
	return w, by
}

// drawn returns a configuration and a distribution to choose a range of.
func drawn(t *rapid.T, most int) (choice, spread) {
	cfg := choices(t)
	x := numbers(t, most)
	all, _ := extremesOf(x)
	return cfg.after(all), spreadOf(x)
}

// A window has all the bins whose numbers are in its range, and no others.
func TestWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, s := drawn(t, 300)
		w, _ := anyWindow(t, s, cfg)
		for i, n := range s.mass {
			within := s.edges[i] >= float64(w.lo) && s.edges[i+1] <= float64(w.hi)
			if n > 0 && within != (i >= w.first && i <= w.last) {
				t.Fatalf("bin %d, %v to %v, and the window %+v", i, s.edges[i], s.edges[i+1], w)
			}
		}
	})
}

func TestDivergenceNaively(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, s := drawn(t, 2000)
		w, by := anyWindow(t, s, cfg)
		got, want := s.sums().divergence(w, by), naiveDivergence(s, w, by)
		if !near(got, want, 1e-9) && math.Abs(got-want) > 1e-12 {
			t.Fatalf("%+v: divergence %v, naively %v", w, got, want)
		}
		if got < -1e-12 {
			t.Fatalf("divergence %v is negative", got)
		}
	})
}

// A distribution with fewer bins than there are codes can be taken whole, and in no other way.
func TestDivergenceOfFewBins(t *testing.T) {
	s := spreadOf([]float32{0, 1e-36, 2.5e-36})
	w, by := window{0, 2.5e-36, 0, len(s.mass) - 1}, scale{2.5e-36 / 255, 0, 255}
	if n := len(s.mass); n >= 256 || n < 3 {
		t.Fatalf("%d bins", n)
	}
	if d := s.sums().divergence(w, by); !near(d, 0, 0) {
		t.Errorf("divergence %v of the whole, want 0: every bin has a code", d)
	}
	w.last--
	if d := s.sums().divergence(w, by); !math.IsInf(d, 1) {
		t.Errorf("divergence %v of a part", d)
	}
}

func TestSquaredErrorNaively(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cfg, s := drawn(t, 40)
		_, by := anyWindow(t, s, cfg)
		keep := max(len(s.mass)-30, 0) // the naive sum is slow
		s.mass, s.edges = s.mass[keep:], s.edges[keep:]
		got, want := s.squaredError(by), naiveSquaredError(s, by)
		if !near(got, want, 2e-3) {
			t.Fatalf("squared error %v, naively %v", got, want)
		}
	})
}

// With one end fixed, the search finds the best of all windows, or for MSE nearly; with both free, it is nearly as good as
// the best on a grid of windows.
func TestSearch(t *testing.T) {
	data := shapes()
	for _, name := range []string{"relu", "relu with outliers", "bell", "outliers", "cubed", "shifted"} {
		for _, codes := range []Scheme{{quant.Int(8), false}, {quant.Int(4), false}, {quant.Int(8), true}, {quant.Uint(3), true}} {
			cfg := choice{Scheme: codes}
			if codes.Type.Unsigned && name[:4] != "relu" {
				continue
			}
			s := spreadOf(data[name])
			squared := func(w window) float64 {
				by, err := cfg.scaleOf(w.lo, w.hi)
				if err != nil {
					t.Fatal(err)
				}
				return s.squaredError(by)
			}
			sums := s.sums()
			divergence := func(w window) float64 {
				by, err := cfg.scaleOf(w.lo, w.hi)
				if err != nil {
					t.Fatal(err)
				}
				return sums.divergence(w, by)
			}
			for method, cost := range map[Method]func(window) float64{MSE: squared, Entropy: divergence} {
				ws := s.windows(cfg)
				step := 1
				if ws.los > 1 && ws.his > 1 {
					step = 29
				}
				best := math.Inf(1)
				for i := 0; i < ws.los; i += step {
					for j := 0; j < ws.his; j += step {
						if w := ws.at(i, j); w.lo < w.hi {
							best = min(best, cost(w))
						}
					}
				}
				c := cfg
				c.Method = method
				r := rangeOf(t, data[name], c)
				got := math.Inf(1)
				for i := range ws.los {
					for j := range ws.his {
						if w := ws.at(i, j); w.lo == r.Lo && w.hi == r.Hi {
							got = cost(w)
						}
					}
				}
				t.Logf("%v of %s, %d bits, symmetric %v: %v, cost %.4g, best %.4g (%+.2f%%)", method, name, codes.Type.Bits, codes.Symmetric, r, got, best,
					100*(got/best-1))
				if got > best*1.01 || method == Entropy && ws.los == 1 && got != best {
					t.Errorf("%v of %s, %+v: %v costs %v, exhaustively %v", method, name, cfg, r, got, best)
				}
			}
		}
	}
}

func TestLog(t *testing.T) {
	check := func(t interface{ Errorf(string, ...any) }, x float64) {
		got, want := log(x), math.Log(x)
		if ulp := math.Nextafter(math.Abs(want), math.Inf(1)) - math.Abs(want); math.Abs(got-want) > 2*ulp {
			t.Errorf("log(%v) is %v, want %v", x, got, want)
		}
	}
	for _, x := range []float64{
		1, 2, 0.5, math.E, 1e300, 1e-300, 0x1p-1022, math.MaxFloat64, math.Sqrt2, math.Sqrt2 / 2,
		1 + 0x1p-52, 1 - 0x1p-53, 10, 0.1,
	} {
		check(t, x)
	}
	rapid.Check(t, func(t *rapid.T) {
		// Of subnormal numbers, math.Log itself is wrong on amd64.
		check(t, math.Float64frombits(rapid.Uint64Range(1<<52, 0x7fefffffffffffff).Draw(t, "bits")))
		check(t, rapid.Float64Range(0.5, 2).Draw(t, "x"))
	})
}

// The same ranges on every processor: these are what amd64 gives.
func TestPortable(t *testing.T) {
	data := shapes()
	for _, c := range []struct {
		name string
		cfg  choice
		want Range
	}{
		{"cubed", choice{Config{Method: Percentile, Percentile: 99}, Scheme{quant.Int(8), false}}, Range{Lo: -2.28125, Hi: 2.28125}},
		{"cubed", choice{Config{Method: MSE}, Scheme{quant.Int(8), false}}, Range{Lo: -5.9921875, Hi: 5.1875}},
		{"cubed", choice{Config{Method: MSE}, Scheme{quant.Int(4), false}}, Range{Lo: -4.1171875, Hi: 3.2734375}},
		{"shifted", choice{Config{Method: MSE, WithoutZero: true}, Scheme{quant.Int(3), false}}, Range{Lo: -0.14257812, Hi: 2.2324219}},
		{"outliers", choice{Config{Method: MSE}, Scheme{quant.Int(8), true}}, Range{Lo: -21.53125, Hi: 21.53125}},
		{"cubed", choice{Config{Method: Entropy}, Scheme{quant.Int(8), false}}, Range{Lo: -2.34375, Hi: 3.4921875}},
		{"outliers", choice{Config{Method: Entropy}, Scheme{quant.Int(6), true}}, Range{Lo: -1.65625, Hi: 1.65625}},
		{"relu with outliers", choice{Config{Method: Entropy}, Scheme{quant.Uint(8), false}}, Range{Lo: 0, Hi: 4.75}},
	} {
		if got := rangeOf(t, data[c.name], c.cfg); got != c.want {
			t.Errorf("%s, %+v: %#v, want %v", c.name, c.cfg, got, c.want)
		}
	}
}

// An error of a window that is tried ends the search: of the widest, and of those with another upper or lower end.
func TestSearchStops(t *testing.T) {
	w := windows{3, 3, func(i, j int) window { return window{lo: float32(i - 3), hi: float32(3 - j)} }}
	failure := errors.New("no cost")
	for _, bad := range []window{{lo: -3, hi: 3}, {lo: -3, hi: 1}, {lo: -1, hi: 3}} {
		_, err := w.search([]int{1}, func(w window) (float64, error) {
			if w == bad {
				return 0, failure
			}
			return 1, nil // of all others, so that the widest is the best
		})
		if !errors.Is(err, failure) {
			t.Errorf("[%v, %v] has no cost: %v", bad.lo, bad.hi, err)
		}
	}
}
