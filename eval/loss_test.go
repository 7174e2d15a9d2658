package eval

import (
	"math"
	"strings"
	"testing"
)

// The expected values are computed by hand.
func TestLoss(t *testing.T) {
	a, b := []float32{3, 2, 1, 0, 0, 0}, []float32{1, 2, 3, 0, 0, 0}
	zero := make([]float32, 6)
	for _, c := range []struct {
		metric             Metric
		network, reference []float32
		label              int
		want               float64
	}{
		{Top1, a, b, 0, -1},
		{Top1, a, b, 2, 1},
		{Top1, a, b, 1, 0},
		{Top1, a, a, 0, 0},
		{Top5, a, b, 0, 0},
		{Top5, []float32{1, 2, 3, 4, 5, 6}, b, 0, 1},
		{Top5, a, []float32{1, 1, 1, 1, 1, 1}, 5, 0}, // of equals the first, so that the last is the sixth
		{Top5, []float32{0, 0, 0, 0, 0, 1}, []float32{1, 1, 1, 1, 1, 1}, 5, -1},
		{Cosine, a, a, -1, 0},
		{Cosine, a, b, -1, 1 - 10.0/14},
		{Cosine, []float32{-3, -2, -1, 0, 0, 0}, a, -1, 2},
		{Cosine, zero, a, -1, 1},
		{Cosine, zero, zero, -1, 0},
		{MSE, a, b, -1, 8.0 / 6},
		{MSE, a, a, -1, 0},
		{SQNR, a, b, -1, 8.0 / 14},
		{SQNR, a, a, -1, 0},
		{SQNR, zero, zero, -1, 0},
		{SQNR, a, zero, -1, math.Inf(1)},
		{SQNR, zero, a, -1, 1},
	} {
		got, err := c.metric.Loss(c.network, c.reference, c.label)
		if err != nil || got != c.want && !(math.Abs(got-c.want) < 1e-12) {
			t.Errorf("%s of %v and %v, label %d: %v, %v, want %v", c.metric, c.network, c.reference, c.label, got, err, c.want)
		}
	}
}

func TestLossRefuses(t *testing.T) {
	a, nan, inf := []float32{1, 2}, []float32{1, float32(math.NaN())}, []float32{1, float32(math.Inf(1))}
	for _, c := range []struct {
		metric             Metric
		network, reference []float32
		label              int
		want               string
	}{
		{Top1, a, a, -1, "it has no label"},
		{Top1, a, a, 2, "class 2, and the network knows 2 classes"},
		{Top5, a, nan, 0, "of the reference: the network's output for class 1 is not a number"},
		{Top1, a, nan, 0, "not a number"},
		{Top1, nan, a, 0, "not a number"},
		{MSE, a, nan, -1, "infinite or no number"},
		{Cosine, inf, a, -1, "infinite or no number"},
		{SQNR, inf, inf, -1, "infinite or no number"},
		{MSE, a, a[:1], -1, "comparing 1 values with 2"},
		{"bleu", a, a, -1, `no metric "bleu"`},
	} {
		if _, err := c.metric.Loss(c.network, c.reference, c.label); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.metric, err, c.want)
		}
	}
}

func TestRange(t *testing.T) {
	for _, m := range Metrics() {
		low, high := m.Range(0.01)
		if _, err := NewGate(GateConfig{Budget: 0.01, Low: low, High: high}); err != nil {
			t.Errorf("%s: %v", m, err)
		}
	}
	if _, high := Cosine.Range(1); high != 2 {
		t.Errorf("a cosine loses up to %v", high)
	}
}
