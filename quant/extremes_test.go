package quant

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"linquant/internal/testing/kerneltest"
)

// checkExtremes compares the extremes of x with those that a loop over float64 finds.
func checkExtremes(t rapid.TB, v vectors, x []float32) {
	t.Helper()
	least, most, top := math.Inf(1), math.Inf(-1), 0.0
	finite := true
	for _, r := range x {
		r := float64(r)
		least, most, top = math.Min(least, r), math.Max(most, r), math.Max(top, math.Abs(r))
		finite = finite && !math.IsNaN(r) && !math.IsInf(r, 0)
	}
	lo, hi, ok := extremes(v, x)
	if ok != finite {
		t.Fatalf("extremes of %d elements: finite %v, want %v", len(x), ok, finite)
	}
	m := magnitude(v, x)
	if (m < infinity) != finite {
		t.Fatalf("magnitude of %d elements is %#x, but finite %v", len(x), m, finite)
	}
	if !finite {
		return
	}
	// The sums make positive zeros of negative ones.
	for _, c := range [][2]float32{{lo, float32(least) + 0}, {hi, float32(most) + 0}, {math.Float32frombits(m), float32(top)}} {
		if math.Float32bits(c[0]) != math.Float32bits(c[1]) {
			t.Fatalf("extremes of %d elements are %v, %v, and magnitude %v; want %v, %v, %v",
				len(x), lo, hi, math.Float32frombits(m), least, most, top)
		}
	}
}

// The outermost element stands at every place of slices of every length, and so does each that is not finite.
func TestExtremes(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		next := kerneltest.Random(6)
		for n := 1; n <= 130; n++ {
			if testing.Short() && n%7 != 0 {
				continue
			}
			x := kerneltest.Aligned[float32](200)[n%17:][:n:n]
			for at := range n {
				for i := range x {
					x[i] = float32(int32(next())) / (1 << 31)
				}
				checkExtremes(t, v, x)
				for _, extreme := range []float32{2, -2, math.MaxFloat32, -math.MaxFloat32} {
					x[at] = extreme
					checkExtremes(t, v, x)
				}
				if at%3 == n%3 {
					for _, bad := range specials[:7] {
						x[at] = bad
						checkExtremes(t, v, x)
					}
				}
			}
		}
		// Only zeros, only subnormals, only one sign.
		for n := 1; n < 70; n++ {
			x := make([]float32, n)
			for i := range x {
				x[i] = math.Float32frombits(uint32(next()) << 31)
			}
			checkExtremes(t, v, x)
			for _, sign := range []float32{1, -1} {
				for i := range x {
					x[i] = sign * math.Float32frombits(uint32(next()%(1<<24)))
				}
				checkExtremes(t, v, x)
			}
		}
	})
}

func TestExtremesAgree(t *testing.T) {
	eachTier(t, func(t *testing.T, v vectors) {
		rapid.Check(t, func(t *rapid.T) {
			anything := rapid.Map(rapid.Uint32(), math.Float32frombits)
			element := rapid.OneOf(rapid.Float32(), rapid.Float32(), rapid.Float32(), anything)
			checkExtremes(t, v, rapid.SliceOfN(element, 1, 200).Draw(t, "x"))
		})
	})
}
