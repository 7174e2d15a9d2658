package figure

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
)

func labels(ticks []tick) string {
	all := make([]string, len(ticks))
	for i, t := range ticks {
		all[i] = t.label
	}
	return strings.ReplaceAll(strings.Join(all, " "), "\u2212", "-")
}

func TestCodeTicks(t *testing.T) {
	f, err := loadFonts()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		lo, hi int
		want   string
	}{
		{-2, 1, "-2 -1 0 1"},
		{-4, 3, "-4 -3 -2 -1 0 1 2 3"},
		{-8, 7, "-8 -7 -6 -5 -4 -3 -2 -1 0 1 2 3 4 5 6 7"},
		{-16, 15, "-16 -8 0 8 15"},
		{-32, 31, "-32 -16 0 16 31"},
		{-64, 63, "-64 -32 0 32 63"},
		{-128, 127, "-128 -64 0 64 127"},
		{-127, 127, "-127 -64 0 64 127"},
		{0, 255, "0 64 128 192 255"},
		{5, 5, "5"},
	} {
		if got := labels(codeTicks(c.lo, c.hi, 195/vg.Length(c.hi-c.lo+1), f.tick)); got != c.want {
			t.Errorf("codes %d to %d are labelled %s, want %s", c.lo, c.hi, got, c.want)
		}
	}
	if got := labels(codeTicks(-128, 127, 0.01, f.tick)); got != "-128" {
		t.Errorf("without room the labels are %s, want the first alone", got)
	}
}

func TestRoundTicks(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		most   int
		want   string
	}{
		{0, 0.23, 5, "0 0.05 0.10 0.15 0.20"},
		{0, 13, 4, "0 5 10"},
		{-0.76, 0.76, 5, "-0.5 0 0.5"},
		{-0.3, 0.3, 9, "-0.3 -0.2 -0.1 0 0.1 0.2 0.3"},
		{0, 4.2e7, 5, "0 1e+07 2e+07 3e+07 4e+07"},
		{0, 2.1e-9, 4, "0 1e-09 2e-09"},
		{1e6, 1e6 + 0.25, 4, "1000000.0 1000000.1 1000000.2"},
		{0, 0, 4, ""},
		{0, math.Inf(1), 4, ""},
		{-math.MaxFloat64, math.MaxFloat64, 4, ""},
	} {
		if got := labels(roundTicks(c.lo, c.hi, c.most)); got != c.want {
			t.Errorf("%v to %v in at most %d ticks: %q, want %q", c.lo, c.hi, c.most, got, c.want)
		}
	}
}
