package eval

import (
	"fmt"
	"math"

	"linquant/stats"
)

// Metric says what a network's answer to one example loses to its reference's.
type Metric string

// The metrics. Those of accuracy need labels; those of answers compare all outputs, one after the other.
const (
	Top1   Metric = "top1"   // 1 where only the reference has the label first, −1 where only the network has, else 0
	Top5   Metric = "top5"   // the same of the label among the first five
	Cosine Metric = "cosine" // 1 − the cosine of the angle between both answers
	MSE    Metric = "mse"    // the mean squared difference
	SQNR   Metric = "sqnr"   // the energy of the difference over that of the reference's answer; −10·log10 of it is the SQNR in decibels
)

// Metrics lists them.
func Metrics() []Metric { return []Metric{Top1, Top5, Cosine, MSE, SQNR} }

// Labels reports whether the metric needs labels.
func (m Metric) Labels() bool { return m == Top1 || m == Top5 }

// worst is how many budgets an example may count as. Without a limit nothing could be said about a mean: a loss that is seen
// in none of a thousand examples could be of any size in the next.
const worst = 100

// Range returns what the losses of a Gate with that budget lie between: −1 and 1 of accuracies; 0 and 100 budgets of differences, of
// which larger ones count as the largest, and at most 2 of a cosine.
func (m Metric) Range(budget float64) (low, high float64) {
	switch {
	case m.Labels():
		return -1, 1
	case m == Cosine:
		return 0, min(2, worst*budget)
	}
	return 0, worst * budget
}

// Loss returns what the network's answer loses to the reference's: 0 where both are the same. Where one of two answers is all zeros
// their cosine counts as 0, and where the reference's is, an SQNR without any difference is 0, any other infinite.
//
// Errors: of Top1 and Top5 a label that is no class of both, an output that is no number; of the others different numbers of
// outputs, and one that is infinite or no number.
func (m Metric) Loss(network, reference []float32, label int) (float64, error) {
	if m.Labels() {
		a, err := m.Right(network, label)
		if err != nil {
			return 0, err
		}
		b, err := m.Right(reference, label)
		switch {
		case err != nil:
			return 0, fmt.Errorf("of the reference: %w", err)
		case b && !a:
			return 1, nil
		case a && !b:
			return -1, nil
		}
		return 0, nil
	}
	var e stats.Error
	if err := e.Add(reference, network); err != nil {
		return 0, err
	}
	mse := e.MSE()
	if mse != mse {
		return 0, fmt.Errorf("an output is infinite or no number, so that there is no %s", m)
	}
	switch m {
	case Cosine:
		if c := e.Cosine(); c == c && mse > 0 {
			return 1 - c, nil
		} else if mse > 0 {
			return 1, nil
		}
		return 0, nil
	case MSE:
		return mse, nil
	case SQNR:
		switch db := e.SQNR(); {
		case db != db: // an error, and no signal
			return math.Inf(1), nil
		default:
			return math.Pow(10, -db/10), nil
		}
	}
	return 0, fmt.Errorf("there is no metric %q", string(m))
}

// Right reports whether the label is the first of an answer's outputs, or for Top5 among the first five; of equal outputs that of the lower
// class comes before. Errors: ErrNoLabel, a label that is no class, an output that is no number.
func (m Metric) Right(answers []float32, label int) (bool, error) {
	_, before, err := answer(answers, label)
	return err == nil && (before == 0 || m == Top5 && before < 5), err
}
