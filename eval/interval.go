package eval

import "math"

// Interval is a confidence interval of a fraction or of a difference of fractions.
type Interval struct{ Low, High float64 }

// z is the 97.5% quantile of the normal distribution: intervals are of 95% confidence.
const z = 1.959963984540054

// Wilson returns the 95% score interval of a proportion of which right of n examples were seen (E. B. Wilson, "Probable
// inference, the law of succession, and statistical inference", 1927). Without examples it is [0, 1].
func Wilson(right, n int) Interval {
	if n <= 0 {
		return Interval{0, 1}
	}
	count, p := float64(n), float64(right)/float64(n)
	denominator := 1 + z*z/count
	center := (p + z*z/(2*count)) / denominator
	half := z / denominator * math.Sqrt(float64(p*(1-p)/count)+z*z/(4*count*count))
	return Interval{max(0, center-half), min(1, center+half)}
}

// Difference is how much more often one network is right than another on the same examples.
type Difference struct {
	N            int // examples that both have seen
	Gained, Lost int // only the first is right; only the other is right
	Interval         // of the difference, 95%
}

// Value returns the difference of the two accuracies, a fraction: (Gained − Lost) / N.
func (d Difference) Value() float64 {
	if d.N == 0 {
		return 0
	}
	return float64(d.Gained-d.Lost) / float64(d.N)
}

// Paired compares two networks example by example, which tells a small difference from chance far better than two
// separate intervals can: most examples, on which both are right or both wrong, say nothing. The interval is Wald's with
// half an observation added to each of the four cells (A. Agresti and Y. Min, "Simple improved confidence intervals for
// comparing matched proportions", 2005). a and other hold for each example whether the network was right, and have the
// same length.
func Paired(a, other []bool) Difference {
	d := Difference{N: min(len(a), len(other))}
	for i, right := range a[:d.N] {
		switch {
		case right && !other[i]:
			d.Gained++
		case !right && other[i]:
			d.Lost++
		}
	}
	b, c, n := float64(d.Gained)+0.5, float64(d.Lost)+0.5, float64(d.N)+2
	center := (b - c) / n
	half := z * math.Sqrt(b+c-float64((b-c)*(b-c))/n) / n
	d.Interval = Interval{max(-1, center-half), min(1, center+half)}
	return d
}
