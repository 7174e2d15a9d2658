package eval

import (
	"fmt"
	"math"
	"slices"

	"linquant/internal/arith"
)

// Verdict is what a Gate says.
type Verdict string

// The verdicts of a Gate.
const (
	Undecided Verdict = "undecided" // what was seen shows neither
	Pass      Verdict = "pass"      // the mean loss is within the budget
	Fail      Verdict = "fail"      // the mean loss is more than the budget
)

// GateConfig says what a Gate decides.
type GateConfig struct {
	Budget     float64 // the mean loss that is accepted, above Low and below High
	Low, High  float64 // every loss lies between, both included
	Confidence float64 // that a verdict is right, above 0.5 and below 1; 0 means 0.95
}

// Gate decides whether the mean of losses, which it is given one by one, is within a budget, as soon as they show it: a
// sequential test that may be looked at after every loss.
//
// Of each side it is a bet against the other. The wealth of a gambler who puts the fraction c of it on losses above the budget b is
// multiplied by 1 − c + c·(x − Low)/(b − Low) for each loss x; where the mean is at most b this is not above 1 on average, whatever was
// seen before, so that the wealth is a non-negative supermartingale, and reaches 1/α at any time at all with a probability of at
// most α (J. Ville, 1939). On losses below the budget he gains 1 − c + c·(High − x)/(High − b). The wealth here is that of several
// gamblers together, with fractions from 1/128 to 1 in steps of √2, which is a supermartingale too, and not far from the wealth of the
// best of them, whatever the variance is.
//
// So P(Fail, ever) ≤ α where the mean is at most the budget, and P(Pass, ever) ≤ α where it is at least the budget, α = 1 − Confidence;
// whenever one stops, and for losses of any distribution between Low and High. It assumes that the expectation of a loss, given those before
// it, is the mean: independent examples of one source. Those of a file that is sorted must be shuffled; drawn so, without
// replacement, the rates hold as well for the mean of the source that the file is a sample of.
//
// Source: I. Waudby-Smith and A. Ramdas, "Estimating means of bounded random variables by betting", Journal of the Royal Statistical
// Society B 86, 2024; the mixture of fractions: F. Orabona and K.-S. Jun, "Tight concentrations and confidence sequences from the
// regret of universal portfolio", IEEE Transactions on Information Theory 70, 2024. That nothing beats such bets without
// further assumptions: E. Clerico, "On the optimality of coin-betting for mean estimation", 2024.
type Gate struct {
	cfg       GateConfig
	threshold float64 // log 1/α
	beyond    wealth  // of who bets on losses above the budget
	within    wealth  // and below
	verdict   Verdict
	n         int
	sum       float64
	losses    []counted       // what was seen, in the order of the first of each
	index     map[float64]int // in losses
}

// counted is a loss and how often it was seen.
type counted struct {
	loss  float64
	times int
	bet   *[2]wealth // what it adds to beyond and within; of those seen again, as top-1 has three
}

// NewGate returns a gate that has seen nothing. Errors: a budget that is not between the least and the greatest loss, a
// confidence that cannot be.
func NewGate(cfg GateConfig) (*Gate, error) {
	if cfg.Confidence == 0 {
		cfg.Confidence = 0.95
	}
	switch {
	case !(cfg.Confidence > 0.5 && cfg.Confidence < 1):
		return nil, fmt.Errorf("a confidence of %g: use more than 0.5 and less than 1", cfg.Confidence)
	case !(cfg.Low < cfg.Budget && cfg.Budget < cfg.High) || math.IsInf(cfg.High-cfg.Low, 0):
		return nil, fmt.Errorf("a budget of %g: use more than %g and less than %g, between which the losses lie", cfg.Budget, cfg.Low, cfg.High)
	}
	return &Gate{cfg: cfg, threshold: -arith.Log(1 - cfg.Confidence), verdict: Undecided, index: map[float64]int{}}, nil
}

// Add takes the loss of the next example and returns the verdict, which stays once there is one. Errors: a loss that is not
// between Low and High, which is not counted.
func (g *Gate) Add(loss float64) (Verdict, error) {
	if !(loss >= g.cfg.Low && loss <= g.cfg.High) {
		return g.verdict, fmt.Errorf("a loss of %g: it is not between %g and %g", loss, g.cfg.Low, g.cfg.High)
	}
	loss += 0 // of two zeros one
	g.n++
	g.sum += loss
	i, ok := g.index[loss]
	if !ok {
		i = len(g.losses)
		g.index[loss] = i
		g.losses = append(g.losses, counted{loss: loss})
	}
	l := &g.losses[i]
	l.times++
	bet := l.bet
	if bet == nil {
		bet = new([2]wealth)
		bet[0].add(g.gain(Fail, g.cfg.Budget, loss), 1)
		bet[1].add(g.gain(Pass, g.cfg.Budget, loss), 1)
	}
	if l.times > 1 {
		l.bet = bet
	}
	for j := range bets {
		g.beyond[j] += bet[0][j]
		g.within[j] += bet[1][j]
	}
	if g.verdict == Undecided {
		switch {
		case g.beyond.reaches(g.threshold):
			g.verdict = Fail
		case g.within.reaches(g.threshold):
			g.verdict = Pass
		}
	}
	return g.verdict, nil
}

// gain is what a stake becomes that was put on the verdict, where a loss is seen.
func (g *Gate) gain(on Verdict, budget, loss float64) float64 {
	if on == Fail {
		return (loss - g.cfg.Low) / (budget - g.cfg.Low)
	}
	return (g.cfg.High - loss) / (g.cfg.High - budget)
}

// Verdict returns the verdict.
func (g *Gate) Verdict() Verdict { return g.verdict }

// N returns the number of losses.
func (g *Gate) N() int { return g.n }

// Mean returns the mean of the losses; NaN without any.
func (g *Gate) Mean() float64 { return g.sum / float64(g.n) }

// Bounds returns the budgets between which the losses decide nothing: below Low the verdict would be Fail now, above High it would be
// Pass. Each bound is on its own side of the mean with the confidence of the gate, at all times together.
func (g *Gate) Bounds() Interval {
	mean := min(max(g.Mean(), g.cfg.Low), g.cfg.High)
	if g.n == 0 {
		return Interval{g.cfg.Low, g.cfg.High}
	}
	return Interval{g.bound(Fail, g.cfg.Low, mean), g.bound(Pass, g.cfg.High, mean)}
}

// bound returns the budget nearest to the mean, of those between it and the end of all losses, that gives the verdict; wealth is the
// larger the farther the budget is from the mean.
func (g *Gate) bound(on Verdict, end, mean float64) float64 {
	decides := func(budget float64) bool {
		var w wealth
		for _, l := range g.losses {
			w.add(g.gain(on, budget, l.loss), l.times)
		}
		return w.reaches(g.threshold)
	}
	for range 40 {
		middle := end + (mean-end)/2
		if middle == end || middle == mean {
			break
		}
		if decides(middle) {
			end = middle
		} else {
			mean = middle
		}
	}
	return end
}

// More estimates how many more losses it takes to a verdict: as many as would give one if they had what was seen in the same
// proportions. It is 0 where there is one; ok is false where not even a thousand times as many as were seen would do, as where
// their mean is the budget.
func (g *Gate) More() (n int, ok bool) {
	const most = 1000
	if g.verdict != Undecided {
		return 0, true
	}
	decided := func(times float64) bool {
		return g.beyond.times(times).reaches(g.threshold) || g.within.times(times).reaches(g.threshold)
	}
	if g.n == 0 || !decided(most) {
		return 0, false
	}
	// In the logarithm wealth is convex in times, and below the threshold at 0 and at 1: it is so up to where it is not.
	low, high := 1.0, float64(most)
	for range 50 {
		if middle := (low + high) / 2; decided(middle) {
			high = middle
		} else {
			low = middle
		}
	}
	return max(1, int(min(math.Ceil(float64(g.n)*(high-1)), math.MaxInt32))), true
}

// bets is how many gamblers there are. Gambler j bets the fraction 2^(−j/2), and begins with 1/(j + 2) of what all have: large
// fractions are best where nearly all examples lose the same, as those of 8 bits do.
const bets = 15

var fractions, shares = func() (c, share [bets]float64) {
	all := 0.0
	for j := range c {
		c[j] = math.Ldexp(1, -(j / 2))
		if j%2 == 1 {
			c[j] /= math.Sqrt2
		}
		share[j] = 1 / float64(j+2)
		all += share[j]
	}
	for j := range share {
		share[j] /= all
	}
	return c, share
}()

// wealth is the logarithm of what each gambler made of 1.
type wealth [bets]float64

// add is a stake that became gain of itself, so many times.
func (w *wealth) add(gain float64, times int) {
	for j, c := range fractions {
		if factor := 1 - c + float64(c*gain); factor > 0 {
			w[j] += float64(float64(times) * arith.Log(factor))
		} else {
			w[j] = math.Inf(-1)
		}
	}
}

// times is the wealth after all bets were won and lost so many times.
func (w wealth) times(n float64) *wealth {
	for j := range w {
		w[j] *= n
	}
	return &w
}

// reaches reports whether the wealth of all together is at least that of which the logarithm is given.
func (w *wealth) reaches(log float64) bool {
	most := slices.Max(w[:])
	if most < log || math.IsInf(most, 0) {
		return most >= log
	}
	sum := 0.0
	for j, l := range w {
		sum += float64(shares[j] * arith.Exp(l-most))
	}
	return most+arith.Log(sum) >= log
}
