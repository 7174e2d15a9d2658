package calib

import (
	"math"
	"runtime"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/cpu"
	_ "linquant/internal/testing/seeds"
)

// A tier without its kernel would pass all other tests.
func TestTiersHaveKernels(t *testing.T) {
	for _, tier := range cpu.Available() {
		want := 0
		if tier != cpu.Generic && runtime.GOARCH == "amd64" {
			want = 32
		}
		if n, _ := findBins(tier, make([]uint16, 32), make([]float32, 32), 1, 0); n != want {
			t.Errorf("%v: found the bins of %d of 32 numbers, want %d", tier, n, want)
		}
	}
}

// checkBins compares the counts of a tier with those of the plain loop. x stands at the end of its memory.
func checkBins(t rapid.TB, tier cpu.Tier, x []float32) {
	t.Helper()
	e, ok := extremesOf(x)
	if !ok || len(x) == 0 {
		return
	}
	got, want := newHistogram(), newHistogram()
	got.cover(e)
	want.cover(e)
	got.addWith(tier, x)
	want.addGeneric(x)
	if got.zeros != want.zeros {
		t.Fatalf("%v, %d numbers: %d zeros, want %d", tier, len(x), got.zeros, want.zeros)
	}
	for i, n := range want.counts[:bins] {
		if got.counts[i] != n {
			t.Fatalf("%v, %d numbers: %d in bin %d, want %d", tier, len(x), got.counts[i], i, n)
		}
	}
}

// Numbers of all sizes and signs, zeros of both among them, and where all are of one size.
func TestTiersCountAlike(t *testing.T) {
	state := uint64(1)
	next := func() uint32 {
		state = state*6364136223846793005 + 1442695040888963407
		return uint32(state >> 32)
	}
	for _, tier := range cpu.Available() {
		for n := 1; n <= 1100; n += 1 + n/130*37 {
			for kind := range 5 {
				x := make([]float32, n+n%7)[n%7:]
				for i := range x {
					v := float32(int32(next())) / (1 << 31)
					switch {
					case kind == 1 && next()%2 == 0:
						v = math.Float32frombits(next() << 31)
					case kind == 2:
						v = 1000 + v
					case kind == 3:
						v = -1000 + v*500
					case kind == 4:
						v = math.Float32frombits(next()&0x80ffffff | next()%3<<23) // many below the least normal number
					}
					x[i] = v
				}
				checkBins(t, tier, x)
			}
		}
	}
}

func TestTiersCountAnythingAlike(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.Float32Range(-1, 1), rapid.Float32(), rapid.Just(float32(0)))
		x := rapid.SliceOfN(number, 1, 700).Draw(t, "x")
		for _, tier := range cpu.Available() {
			checkBins(t, tier, x)
		}
	})
}
