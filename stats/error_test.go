package stats

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	_ "linquant/internal/testing/seeds"
)

// compare is an Error over one pair of arrays.
func compare(t testing.TB, ref, approx []float32) *Error {
	t.Helper()
	var e Error
	if err := e.Add(ref, approx); err != nil {
		t.Fatal(err)
	}
	return &e
}

func TestErrorKnown(t *testing.T) {
	none := math.NaN()
	for _, c := range []struct {
		name                      string
		ref, approx               []float32
		sqnr, cosine, maxAbs, mse float64
	}{
		{"nothing", nil, nil, none, none, 0, none},
		{"a tenth off", []float32{10, -10}, []float32{11, -9}, 20, 200 / math.Sqrt(200*202), 1, 1},
		{"exact", []float32{1, -2, 2}, []float32{1, -2, 2}, math.Inf(1), 1, 0, 0},
		{"exact zeros", []float32{0, 0}, []float32{0, 0}, math.Inf(1), none, 0, 0},
		{"no signal", []float32{0, 0}, []float32{3, 4}, none, none, 4, 12.5},
		{"all lost", []float32{3, 4}, []float32{0, 0}, 0, none, 4, 12.5},
		{"opposite", []float32{1, 1, 1, 1, 1}, []float32{-1, -1, -1, -1, -1}, 10 * math.Log10(0.25), -1, 2, 4},
		{
			"subnormal",
			[]float32{tiny, 0},
			[]float32{0, tiny},
			10 * math.Log10(0.5), 0, float64(tiny), float64(tiny) * float64(tiny),
		},
		{
			"huge",
			[]float32{top},
			[]float32{-top},
			10 * math.Log10(0.25), -1, 2 * float64(top), 4 * float64(top) * float64(top),
		},
		{"NaN", []float32{1, nan, 1}, []float32{1, 1, 1}, none, none, none, none},
		{"NaN in both", []float32{1, nan}, []float32{2, nan}, none, none, none, none},
		{"Inf", []float32{inf, 1}, []float32{1, 1}, none, none, none, none},
		{"Inf in both", []float32{inf, 1}, []float32{inf, 1}, none, none, none, none},
		{"Inf against zero", []float32{0, 1}, []float32{-inf, 1}, none, none, none, none},
	} {
		e := compare(t, c.ref, c.approx)
		for _, r := range []struct {
			name      string
			got, want float64
		}{
			{"SQNR", e.SQNR(), c.sqnr},
			{"cosine", e.Cosine(), c.cosine},
			{"largest", e.MaxAbs(), c.maxAbs},
			{"MSE", e.MSE(), c.mse},
		} {
			same := r.got == r.want || math.IsNaN(r.got) && math.IsNaN(r.want)
			if !same && !(math.Abs(r.got-r.want) < 1e-12*math.Abs(r.want)) {
				t.Errorf("%s: %s %v, want %v", c.name, r.name, r.got, r.want)
			}
		}
		if e.N() != int64(len(c.ref)) {
			t.Errorf("%s: %d values, want %d", c.name, e.N(), len(c.ref))
		}
	}
}

func TestErrorAgainstNaive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ref := rapid.SliceOfN(rapid.Float32Range(-1e3, 1e3), 1, 50).Draw(t, "ref")
		approx := rapid.SliceOfN(rapid.Float32Range(-1e3, 1e3), len(ref), len(ref)).Draw(t, "approx")
		var signal, size, dot, noise, worst float64
		for i := range ref {
			r, a := float64(ref[i]), float64(approx[i])
			signal += r * r
			size += a * a
			dot += r * a
			noise += (r - a) * (r - a)
			worst = max(worst, math.Abs(r-a))
		}
		var e Error
		if err := e.Add(ref, approx); err != nil {
			t.Fatal(err)
		}
		if e.MaxAbs() != worst || !near(e.MSE(), noise/float64(len(ref)), noise) {
			t.Fatalf("largest %v, MSE %v, want %v, %v", e.MaxAbs(), e.MSE(), worst, noise/float64(len(ref)))
		}
		if want := 10 * math.Log10(signal/noise); signal > 0 && noise > 0 && math.Abs(e.SQNR()-want) > 1e-9 {
			t.Fatalf("SQNR %v, want %v", e.SQNR(), want)
		}
		want := dot / math.Sqrt(signal) / math.Sqrt(size)
		if signal > 0 && size > 0 && math.Abs(e.Cosine()-want) > 1e-12 {
			t.Fatalf("cosine %v, want %v", e.Cosine(), want)
		}
	})
}

// Cutting a stream into other pieces must not change a bit.
func TestErrorPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ref := rapid.SliceOfN(rapid.Float32Range(-1, 1), 0, 60).Draw(t, "ref")
		approx := rapid.SliceOfN(rapid.Float32Range(-1, 1), len(ref), len(ref)).Draw(t, "approx")
		var whole, pieces Error
		if err := whole.Add(ref, approx); err != nil {
			t.Fatal(err)
		}
		for len(ref) > 0 {
			n := rapid.IntRange(0, len(ref)).Draw(t, "piece")
			if err := pieces.Add(ref[:n], approx[:n]); err != nil {
				t.Fatal(err)
			}
			ref, approx = ref[n:], approx[n:]
		}
		if whole != pieces {
			t.Fatalf("whole %+v, in pieces %+v", whole, pieces)
		}
	})
}

func TestErrorLengths(t *testing.T) {
	var e Error
	if err := e.Add([]float32{1, 2}, []float32{1}); err == nil {
		t.Error("two values against one: no error")
	}
	if e.N() != 0 {
		t.Errorf("%d values were added nevertheless", e.N())
	}
}
