package stats

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"pgregory.net/rapid"
)

var (
	nan  = float32(math.NaN())
	inf  = float32(math.Inf(1))
	tiny = float32(math.SmallestNonzeroFloat32)
	top  = float32(math.MaxFloat32)

	negativeZero = float32(math.Copysign(0, -1))
)

// values draws arrays of everything a float32 can be, with repeated values and runs of plain ones.
func values() *rapid.Generator[[]float32] {
	return rapid.SliceOf(rapid.OneOf(
		rapid.Float32Range(-1, 1),
		rapid.Float32(),
		rapid.SampledFrom([]float32{0, negativeZero, 1, -1, 0.5, tiny, -tiny, top, -top, nan, inf, -inf}),
		rapid.Map(rapid.IntRange(-5, 5), func(i int) float32 { return float32(i) / 10 }),
	))
}

// finiteOf is the naive filter that the package's own are held to.
func finiteOf(x []float32) []float64 {
	var finite []float64
	for _, v := range x {
		if w := float64(v); !math.IsNaN(w) && !math.IsInf(w, 0) {
			finite = append(finite, w)
		}
	}
	return finite
}

// numpyCase is an entry of testdata/vectors.json, made by vectors.py beside it.
type numpyCase struct {
	Name      string   `json:"name"`
	Bits      []uint32 `json:"bits"`
	Bins      int      `json:"bins"`
	Counts    []int64  `json:"counts"`
	Lo        float64  `json:"lo"`
	Hi        float64  `json:"hi"`
	Mean, Std float64
}

func (c numpyCase) x() []float32 {
	x := make([]float32, len(c.Bits))
	for i, b := range c.Bits {
		x[i] = math.Float32frombits(b)
	}
	return x
}

func numpyCases(t *testing.T) []numpyCase {
	raw, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []numpyCase
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 20 {
		t.Fatalf("testdata/vectors.json holds %d cases, want at least 20", len(cases))
	}
	return cases
}

// near reports whether a and b differ by rounding in values of the given magnitude.
func near(a, b, magnitude float64) bool { return math.Abs(a-b) <= 1e-13*magnitude }
