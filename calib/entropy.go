package calib

import "math"

// leastLoss is the method Entropy.
var leastLoss = method{
	name: "entropy", observer: newHistogramObserver, histogram: true,
	choose: ofDistribution(spread.leastDivergence),
	suits:  func(have, want Scheme) bool { return have == want },
}

// leastDivergence returns the range with the least Kullback-Leibler divergence.
func (s spread) leastDivergence(c choice) (Range, error) {
	return s.least(c, []int{1}, s.sums().divergence) // which is too ragged for larger steps
}

// sums has what is asked about many runs of bins, in sums over the bins before each.
type sums struct {
	spread
	total   []int64   // values
	filled  []int64   // bins that are not empty
	content []float64 // Σ m·log m of their numbers of values m
}

func (s spread) sums() sums {
	n := len(s.mass)
	t := sums{s, make([]int64, n+1), make([]int64, n+1), make([]float64, n+1)}
	for i, m := range s.mass {
		t.total[i+1], t.filled[i+1], t.content[i+1] = t.total[i]+m, t.filled[i], t.content[i]
		if m > 0 {
			t.filled[i+1]++
			t.content[i+1] += content(m)
		}
	}
	return t
}

// content returns m·log m.
func content(m int64) float64 {
	if m < 2 {
		return 0
	}
	return float64(float64(m) * log(float64(m)))
}

// divergence returns the Kullback-Leibler divergence Σ P·log(P/Q) in nats of what a range and its codes make of the
// distribution, Q, from the distribution clipped to the range, P, over the bins of the range.
//
// P counts the values beyond the range with the outermost bins. Q has only the values within; those of all bins that
// have the same code (their middles do) are shared out evenly among those of these bins that are not empty, for the code
// cannot tell them apart. Zeros, which every range that contains 0 has an exact code for, are left out. Where P has
// values and Q none the divergence is infinite; it is called so, too, for a range with fewer bins than codes, in which
// coding would lose nothing, but the whole of the distribution may always be taken.
func (s sums) divergence(w window, by scale) float64 {
	n := len(s.mass)
	all := w.first == 0 && w.last == n-1
	if used := w.last - w.first + 1; used < 1 || !all && float64(used) < by.most-by.least+1 {
		return math.Inf(1)
	}
	below, above := s.total[w.first], s.total[n]-s.total[w.last+1]
	total := s.total[n]
	within := total - below - above
	switch {
	case total == 0:
		return 0
	case below > 0 && s.mass[w.first] == 0, above > 0 && s.mass[w.last] == 0:
		return math.Inf(1)
	}

	// With p values in a bin by P, and in each bin of its code that is not empty q by Q,
	//
	//	Σ p/total · log((p/total) / (q/within)) = (Σ p·log p − Σ p·log q) / total + log(within/total).
	sum := s.content[w.last+1] - s.content[w.first]
	if w.first == w.last {
		sum += content(total) - content(within)
	} else {
		first, last := s.mass[w.first], s.mass[w.last]
		sum += content(first+below) - content(first)
		sum += content(last+above) - content(last)
	}
	for from := w.first; from <= w.last; {
		to := s.afterCode(from, w.last, by)
		q := s.total[to] - s.total[from]
		if q > 0 {
			p := q
			if from == w.first {
				p += below
			}
			if to > w.last {
				p += above
			}
			sum -= float64(float64(p) * log(float64(q)/float64(s.filled[to]-s.filled[from])))
		}
		from = to
	}
	return sum/float64(total) + log(float64(within)/float64(total))
}

// afterCode returns the first bin after i, up to last+1, whose middle has another code than that of bin i.
func (s spread) afterCode(i, last int, by scale) int {
	code := by.round(s.middle(i) / by.step)
	if code == by.most {
		return last + 1
	}
	// About there the next code begins; but for the first and last bins, whose middles are not those of the grid, and
	// for rounding, just there.
	guess := (code+0.5)*by.step/s.width - float64(s.first) - 0.5
	after := int(min(max(guess, float64(i+1)), float64(last+1)))
	for after > i+1 && by.round(s.middle(after-1)/by.step) != code {
		after--
	}
	for after <= last && by.round(s.middle(after)/by.step) == code {
		after++
	}
	return after
}

func (s spread) middle(i int) float64 { return s.edges[i]/2 + s.edges[i+1]/2 }
