package eval

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// draws returns a function that draws from [0, 1) as testdata/gate.py does (SplitMix64).
func draws(seed uint64) func() float64 {
	return func() float64 {
		seed += 0x9E3779B97F4A7C15
		z := seed
		z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
		z = (z ^ z>>27) * 0x94D049BB133111EB
		return float64((z^z>>31)>>11) / (1 << 53)
	}
}

// drawn makes of a number in [0, 1) a loss of the distribution of that name.
var drawn = map[string]func(u float64) float64{
	"ternary 0.02 0.01":   ternary(0.02, 0.01),
	"ternary 0.18 0.02":   ternary(0.18, 0.02),
	"ternary 0.004 0.004": ternary(0.004, 0.004),
	"ternary 0 0":         ternary(0, 0),
	"ternary 0.02 0.002":  ternary(0.02, 0.002),
	"ternary 0 0.3":       ternary(0, 0.3),
	"square":              func(u float64) float64 { return u * u },
}

// ternary is the loss of top-1 where a network loses and gains so often.
func ternary(lost, gained float64) func(u float64) float64 {
	return func(u float64) float64 {
		switch {
		case u < lost:
			return 1
		case u < lost+gained:
			return -1
		}
		return 0
	}
}

func newGate(t *testing.T, cfg GateConfig) *Gate {
	t.Helper()
	g, err := NewGate(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// The expected verdicts, where they come and the bounds are NumPy's: testdata/gate.py.
func TestGate(t *testing.T) {
	data, err := os.ReadFile("testdata/gate.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name                                       string
		Seed                                       uint64
		N, Stop                                    int
		Low, High, Budget, Confidence, Mean, Below float64
		Above                                      float64
		Verdict                                    Verdict
	}
	if err := json.Unmarshal(data, &cases); err != nil || len(cases) < 10 {
		t.Fatalf("%d cases, %v", len(cases), err)
	}
	for _, c := range cases {
		g := newGate(t, GateConfig{c.Budget, c.Low, c.High, c.Confidence})
		u, n := draws(c.Seed), 0
		for range c.N {
			n++
			v, err := g.Add(drawn[c.Name](u()))
			if err != nil {
				t.Fatal(err)
			}
			if v != Undecided {
				break
			}
		}
		b, step := g.Bounds(), 2*(c.High-c.Low)/100000
		if g.Verdict() != c.Verdict || n != c.Stop || math.Abs(g.Mean()-c.Mean) > 1e-12 || math.Abs(b.Low-c.Below) > step || math.Abs(b.High-c.Above) > step {
			t.Errorf("%s, seed %d: %s after %d, mean %v, %v; want %s after %d, %v, %v to %v", c.Name, c.Seed, g.Verdict(), n, g.Mean(), b,
				c.Verdict, c.Stop, c.Mean, c.Below, c.Above)
		}
	}
}

// resample counts the verdicts about losses that are drawn anew so often, and what they took on average.
func resample(t *testing.T, cfg GateConfig, times, examples int, loss func(u float64) float64) (passed, failed int, took float64) {
	t.Helper()
	r := rand.New(rand.NewPCG(uint64(times), uint64(examples)))
	for range times {
		g := newGate(t, cfg)
		for range examples {
			if v, err := g.Add(loss(r.Float64())); err != nil {
				t.Fatal(err)
			} else if v != Undecided {
				break
			}
		}
		took += float64(g.N()) / float64(times)
		switch g.Verdict() {
		case Pass:
			passed++
		case Fail:
			failed++
		}
	}
	return passed, failed, took
}

// In 1,000 resamplings at the edge of the budget, and with losses on both of its sides, at most 5% of the verdicts are wrong, though
// each looks after every one of 10,000 examples. At the edge neither is more often.
func TestGateIsRarelyWrong(t *testing.T) {
	const times = 1000
	examples := 10000
	if testing.Short() {
		examples = 2000
	}
	for i, c := range []struct {
		budget, lost, gained float64
	}{
		{0.005, 0.008, 0.003},    // the edge: few examples differ, as with 8 bits,
		{0.005, 0.035, 0.03},     // more, as with 4,
		{0.005, 0.1, 0.095},      // many
		{0.05, 0.05, 0},          // nothing but losses
		{0.002, 0.0046, 0.0026},  // ResNet-20 with 8 bits on CIFAR-10, as if what it loses were the budget,
		{0.0177, 0.0313, 0.0136}, // with 4,
		{0.1594, 0.1795, 0.0201}, // and with 3
		{0, 0.02, 0.02},
		{0.005, 0.007, 0.003}, // within, where Fail is wrong
		{0.005, 0.02, 0.02},
		{0.005, 0.009, 0.003}, // beyond, where Pass is wrong
		{0.005, 0.04, 0.03},
	} {
		if testing.Short() && i > 2 {
			break
		}
		passed, failed, took := resample(t, GateConfig{c.budget, -1, 1, 0.95}, times, examples, ternary(c.lost, c.gained))
		loss := c.lost - c.gained
		t.Logf("budget %.3f, loss %.3f: %d passed, %d failed of %d, %.0f examples", c.budget, loss, passed, failed, times, took)
		if loss < c.budget+1e-9 && failed > times/20 || loss > c.budget-1e-9 && passed > times/20 {
			t.Errorf("budget %.3f, loss %.3f: %d passed, %d failed of %d", c.budget, loss, passed, failed, times)
		}
	}
}

// The rates hold for losses of any kind: of a few large ones, where an interval of the normal distribution is far too narrow, and with
// other confidences.
func TestGateOfAnyLosses(t *testing.T) {
	const times = 500
	for name, c := range map[string]struct {
		cfg  GateConfig
		loss func(u float64) float64 // of the mean Budget
	}{
		"rare":      {GateConfig{0.01, 0, 1, 0.95}, func(u float64) float64 { return ternary(0.01, 0)(u) }},
		"two sizes": {GateConfig{0.4, 0, 1, 0.9}, func(u float64) float64 { return 0.4 + 0.1*ternary(0.5, 0.5)(u) }},
		"square":    {GateConfig{1.0 / 3, 0, 1, 0.8}, func(u float64) float64 { return u * u }},
		"heavy":     {GateConfig{0.2, 0, 20, 0.95}, func(u float64) float64 { return math.Min(0.1/math.Sqrt(u+1e-9), 20) }}, // mean 0.2 − 0.1²/20
	} {
		passed, failed, _ := resample(t, c.cfg, times, 1000, c.loss)
		most := int((1 - c.cfg.Confidence) * times)
		t.Logf("%s: %d passed, %d failed of %d", name, passed, failed, times)
		if failed > most || passed > most && name != "heavy" {
			t.Errorf("%s: %d passed, %d failed of %d, want at most %d of each", name, passed, failed, times, most)
		}
	}
}

// A clear case ends early, and one that is not is decided by the examples that a test set has.
func TestGateDecides(t *testing.T) {
	const times = 200
	for _, c := range []struct {
		budget, lost, gained float64
		verdict              Verdict
		least                int     // of 200
		most                 float64 // examples on average
	}{
		{0.005, 0, 0, Pass, 200, 900},                // nothing differs: not one in 200 can be shown by 600 at best, by the rule of three
		{0.005, 0.004, 0.003, Pass, 180, 5000},       // 8 bits
		{0.005, 0.0008, 0.0008, Pass, 199, 1900},     // the same, of a large network
		{0.005, 0.0313, 0.0136, Fail, 199, 3500},     // ResNet-20 with 4 bits
		{0.005, 0.1795, 0.0201, Fail, 200, 90},       // with 3 bits
		{0.005, 0.85, 0.01, Fail, 200, 10},           // with 2 bits
		{0.02, 0.0313, 0.0136, Undecided, 100, 1e10}, // loses 1.77
	} {
		passed, failed, took := resample(t, GateConfig{c.budget, -1, 1, 0.95}, times, 10000, ternary(c.lost, c.gained))
		got := map[Verdict]int{Pass: passed, Fail: failed, Undecided: times - passed - failed}
		t.Logf("budget %.3f, lost %g, gained %g: %v, %.0f examples", c.budget, c.lost, c.gained, got, took)
		if got[c.verdict] < c.least || took > c.most {
			t.Errorf("budget %.3f, lost %g, gained %g: %v of %d after %.0f examples, want %d times %s after at most %.0f", c.budget, c.lost, c.gained,
				got, times, took, c.least, c.verdict, c.most)
		}
	}
}

// The bounds hold the mean at all times together: it leaves them, on one side, in at most 5% of the sequences.
func TestGateBounds(t *testing.T) {
	const times = 300
	r := rand.New(rand.NewPCG(1, 2))
	below, above := 0, 0
	for range times {
		g := newGate(t, GateConfig{0.01, -1, 1, 0.95})
		outBelow, outAbove := false, false
		for i := range 1000 {
			if _, err := g.Add(ternary(0.06, 0.05)(r.Float64())); err != nil {
				t.Fatal(err)
			}
			if i%20 == 0 {
				b := g.Bounds()
				outBelow, outAbove = outBelow || b.Low > 0.01, outAbove || b.High < 0.01
				if m := g.Mean(); b.Low > m || b.High < m {
					t.Fatalf("the mean %v is not in %v", m, b)
				}
			}
		}
		if outBelow {
			below++
		}
		if outAbove {
			above++
		}
	}
	if below > times/20 || above > times/20 {
		t.Errorf("of %d sequences the bounds lay above the mean in %d, below in %d", times, below, above)
	}
}

// As many more as More says, in the same proportions, give a verdict, and not many fewer do.
func TestGateMore(t *testing.T) {
	for _, c := range []struct{ budget, lost, gained float64 }{{0.005, 0.01, 0.01}, {0.005, 0.02, 0.01}, {0.5, 0.01, 0}} {
		g := newGate(t, GateConfig{Budget: c.budget, Low: -1, High: 1})
		if _, ok := g.More(); ok {
			t.Error("a gate that has seen nothing knows how many more it needs")
		}
		i := 0
		next := func() Verdict {
			i++
			v, err := g.Add(ternary(c.lost, c.gained)(float64(i*37%100) / 100)) // each hundred has the same, spread evenly
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		for range 1000 {
			next()
		}
		if c.budget > 0.1 {
			if more, ok := g.More(); more != 0 || !ok || g.Verdict() != Pass {
				t.Errorf("%+v: %s, and %d more", c, g.Verdict(), more)
			}
			continue
		}
		more, ok := g.More()
		if !ok || g.Verdict() != Undecided {
			t.Fatalf("%+v: %d, %v, %s", c, more, ok, g.Verdict())
		}
		took := 0
		for next() == Undecided && took < 1e6 {
			took++
		}
		if ratio := float64(took) / float64(more); ratio < 0.9 || ratio > 1.1 {
			t.Errorf("%+v: %d more were said to do, and %d did", c, more, took)
		}
	}
	edge := newGate(t, GateConfig{Budget: 0.5, Low: -1, High: 1})
	for i := range 10 {
		if _, err := edge.Add(float64(i % 2)); err != nil {
			t.Fatal(err)
		}
	}
	if n, ok := edge.More(); ok {
		t.Errorf("losses of the budget's mean: %d more", n)
	}
}

func TestGateRefuses(t *testing.T) {
	for _, cfg := range []GateConfig{
		{Budget: 1, Low: -1, High: 1},
		{Budget: -1, Low: -1, High: 1},
		{Budget: math.NaN(), Low: -1, High: 1},
		{Budget: 1, Low: 0, High: math.Inf(1)},
		{Budget: 0.1, Low: -1, High: 1, Confidence: 0.5},
		{Budget: 0.1, Low: -1, High: 1, Confidence: 1},
		{Budget: 0.1, Low: -1, High: 1, Confidence: math.NaN()},
	} {
		if _, err := NewGate(cfg); err == nil {
			t.Errorf("%+v is a gate", cfg)
		}
	}
	g := newGate(t, GateConfig{Budget: 0.1, Low: -1, High: 1})
	for _, loss := range []float64{1.01, -1.01, math.NaN(), math.Inf(1)} {
		if _, err := g.Add(loss); err == nil || g.N() != 0 {
			t.Errorf("a loss of %v was counted", loss)
		}
	}
	if b := g.Bounds(); b != (Interval{-1, 1}) {
		t.Errorf("bounds of nothing: %v", b)
	}
}
