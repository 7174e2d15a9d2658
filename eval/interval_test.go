package eval

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	_ "linquant/internal/testing/seeds"
)

func close(got, want float64) bool { return math.Abs(got-want) < 1e-12 }

// The expected values are those of statsmodels.stats.proportion.proportion_confint(right, n, method="wilson").
func TestWilson(t *testing.T) {
	tests := []struct {
		right, n  int
		low, high float64
	}{
		{0, 1, 0, 0.7934506856227627},
		{1, 1, 0.2065493143772374, 1},
		{0, 10, 0, 0.27753279986288926},
		{3, 10, 0.10779126740630104, 0.6032218525388546},
		{10, 10, 0.7224672001371106, 1},
		{9153, 10000, 0.9096820224539589, 0.9205990284993572},
		{9999, 10000, 0.9994337311025987, 0.9999823473263989},
		{500, 1000, 0.4690696003681042, 0.5309303996318958},
		{0, 0, 0, 1},
	}
	for _, tt := range tests {
		if got := Wilson(tt.right, tt.n); !close(got.Low, tt.low) || !close(got.High, tt.high) {
			t.Errorf("Wilson(%d, %d) = %v, want [%v, %v]", tt.right, tt.n, got, tt.low, tt.high)
		}
	}
}

// outcomes returns the answers of two networks of which gained and lost examples only one has right.
func outcomes(gained, lost, n int) (a, b []bool) {
	for i := range n {
		both := i%2 == 0
		a = append(a, i < gained || i >= gained+lost && both)
		b = append(b, i >= gained && i < gained+lost || i >= gained+lost && both)
	}
	return a, b
}

// The expected intervals come from the formula in its usual form: p12 and p21 with half an observation more in each of
// four cells, and the variance (p12 + p21 − (p12−p21)²)/N.
func TestPaired(t *testing.T) {
	tests := []struct {
		gained, lost, n int
		low, high       float64
	}{
		{0, 0, 100, -0.019215333181765236, 0.019215333181765236},
		{10, 3, 100, -0.0020254447865353103, 0.1392803467473196},
		{3, 10, 100, -0.1392803467473196, 0.0020254447865353103},
		{120, 135, 10000, -0.004634877614303072, 0.0016354774943270678},
		{1, 0, 1, -0.5101008745877733, 1},
	}
	for _, tt := range tests {
		a, b := outcomes(tt.gained, tt.lost, tt.n)
		d := Paired(a, b)
		if d.N != tt.n || d.Gained != tt.gained || d.Lost != tt.lost || !close(d.Low, tt.low) || !close(d.High, tt.high) {
			t.Errorf("Paired(%d gained, %d lost of %d) = %+v, want [%v, %v]", tt.gained, tt.lost, tt.n, d, tt.low, tt.high)
		}
	}
}

func TestIntervalsContainTheirEstimate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 5000).Draw(t, "n")
		k := rapid.IntRange(0, n).Draw(t, "k")
		if i, p := Wilson(k, n), float64(k)/float64(n); i.Low > p+1e-15 || i.High < p-1e-15 || i.Low < 0 || i.High > 1 {
			t.Fatalf("Wilson(%d, %d) = %v does not contain %v", k, n, i, p)
		}
		gained := rapid.IntRange(0, k).Draw(t, "gained")
		a, b := outcomes(gained, k-gained, n)
		d, mirrored := Paired(a, b), Paired(b, a)
		if d.Low != -mirrored.High || d.High != -mirrored.Low || d.Value() != -mirrored.Value() {
			t.Fatalf("%+v and %+v are not mirror images", d, mirrored)
		}
	})
}
