package stats

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestSummarizeNumpy(t *testing.T) {
	for _, c := range numpyCases(t) {
		s := Summarize(c.x())
		if magnitude := float64(s.AbsMax); !near(s.Mean, c.Mean, magnitude) || !near(s.Std, c.Std, magnitude) {
			t.Errorf("%s: mean %v, std %v; numpy has %v, %v", c.Name, s.Mean, s.Std, c.Mean, c.Std)
		}
	}
}

func TestSummarizeExtremes(t *testing.T) {
	for _, c := range []struct {
		name string
		x    []float32
		want Summary
	}{
		{"empty", nil, Summary{}},
		{"nothing finite", []float32{nan, inf, -inf, nan}, Summary{N: 4, NaNs: 2, Infs: 2}},
		{"zeros", []float32{0, negativeZero}, Summary{N: 2, Zeros: 2}},
		{"one", []float32{-2}, Summary{N: 1, Min: -2, Max: -2, AbsMax: 2, Mean: -2}},
		{
			"beside NaN",
			[]float32{nan, 3, inf, 1},
			Summary{N: 4, Min: 1, Max: 3, AbsMax: 3, Mean: 2, Std: 1, NaNs: 1, Infs: 1},
		},
		{"all negative", []float32{-4, -2}, Summary{N: 2, Min: -4, Max: -2, AbsMax: 4, Mean: -3, Std: 1}},
		{"subnormal", []float32{-tiny, tiny}, Summary{N: 2, Min: -tiny, Max: tiny, AbsMax: tiny, Std: float64(tiny)}},
		{"huge", []float32{-top, top}, Summary{N: 2, Min: -top, Max: top, AbsMax: top, Std: float64(top)}},
	} {
		if got := Summarize(c.x); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.name, got, c.want)
		}
	}
}

// A spread of one around 2^24 is lost by the textbook's single pass, Σx² - (Σx)²/n.
func TestSummarizeSmallSpread(t *testing.T) {
	x := make([]float32, 50*blockSize)
	for i := range x {
		x[i] = 1<<24 + 2*float32(i%2)
	}
	if s := Summarize(x); s.Mean != 1<<24+1 || s.Std != 1 {
		t.Errorf("mean %v, std %v, want 2^24+1 and 1", s.Mean, s.Std)
	}
}

func TestSummarizeProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := values().Draw(t, "x")
		// Some arrays span blocks, at places that are no multiple of one.
		x = slices.Repeat(x, rapid.SampledFrom([]int{1, 1, 1, 700}).Draw(t, "repeat"))
		s := Summarize(x)

		want := Summary{N: len(x), Mean: s.Mean, Std: s.Std}
		for _, v := range x {
			switch w := float64(v); {
			case math.IsNaN(w):
				want.NaNs++
			case math.IsInf(w, 0):
				want.Infs++
			case v == 0:
				want.Zeros++
			}
		}
		finite := finiteOf(x)
		var mean, variance float64
		if len(finite) > 0 {
			want.Min, want.Max = float32(slices.Min(finite)), float32(slices.Max(finite))
			want.AbsMax = float32(max(math.Abs(slices.Min(finite)), math.Abs(slices.Max(finite))))
			for _, w := range finite {
				mean += w / float64(len(finite))
			}
			for _, w := range finite {
				variance += (w - mean) * (w - mean) / float64(len(finite))
			}
		}
		if s != want {
			t.Fatalf("%+v, want %+v", s, want)
		}
		if s.N-s.NaNs-s.Infs != len(finite) {
			t.Fatalf("%d finite values, want %d", s.N-s.NaNs-s.Infs, len(finite))
		}
		// The naive sums here are the less exact ones: one term after the other.
		magnitude := 100 * float64(s.AbsMax)
		if !near(s.Mean, mean, magnitude) || !near(s.Std, math.Sqrt(variance), magnitude) {
			t.Fatalf("mean %v, std %v, want %v, %v", s.Mean, s.Std, mean, math.Sqrt(variance))
		}
	})
}
