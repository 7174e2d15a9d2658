package calib

import (
	"errors"
	"fmt"
	"strings"
)

// Method is how a range is chosen from what was seen.
type Method uint8

// The methods of calibration. All but the first two work on a histogram of at least 1024 bins.
const (
	// MinMax takes the extremes of everything seen.
	MinMax Method = iota

	// MovingAverage takes an exponential moving average of each batch's extremes: Config.Momentum for the newest batch,
	// the rest for what was before (Jacob et al. 2018, section 3.1). It depends on how the data is cut into batches.
	MovingAverage

	// Percentile clips the tails: the range ends where Config.Percentile of all values are below its upper end, and
	// above its lower end. A symmetric range ends where so many magnitudes are below it. Ends are rounded away from the
	// middle by up to a bin, so that never more is clipped.
	Percentile

	// MSE takes the range whose codes give the values back with the least squared error, values taken as evenly
	// spread within a bin and zeros as zeros.
	MSE

	// Entropy takes the range whose codes lose the least information: the least Kullback-Leibler divergence of the
	// quantized histogram from the clipped one (Migacz, "8-bit inference with TensorRT", 2017).
	Entropy
)

// methods has a row for each method; each is in a file of its own.
var methods = [...]method{
	MinMax: minMax, MovingAverage: movingAverage, Percentile: percentile, MSE: leastSquares, Entropy: leastLoss,
}

// method is a way to choose ranges.
type method struct {
	name      string
	observer  func(Config) rangeObserver // of the statistic that it chooses from
	histogram bool                       // which takes that much memory
	choose    func(choice, rangeObserver) (Range, error)
	suits     func(have, want Scheme) bool // whether a range chosen for one is right for the other
}

// rangeObserver is an observer that ranges are chosen from.
type rangeObserver interface {
	Observer
	extremes() extremes
}

// choice is what a range is chosen for.
type choice struct {
	Config
	Scheme
}

// String returns "min-max", "moving-average", "percentile", "mse" or "entropy".
func (m Method) String() string {
	if int(m) < len(methods) {
		return methods[m].name
	}
	return fmt.Sprintf("Method(%d)", uint8(m))
}

// ParseMethod is the inverse of String.
func ParseMethod(s string) (Method, error) {
	for m := range methods {
		if methods[m].name == s {
			return Method(m), nil
		}
	}
	return 0, fmt.Errorf("there is no calibration method %q; known: %s", s, methodNames())
}

func methodNames() string {
	var names []string
	for _, m := range methods {
		names = append(names, m.name)
	}
	return strings.Join(names, ", ")
}

// Observer returns an observer of what the method chooses from. It knows nothing of codes: ranges for any scheme can be
// chosen from it.
func (c Config) Observer() (Observer, error) {
	c, err := c.resolved()
	if err != nil {
		return nil, err
	}
	o := methods[c.Method].observer(c)
	if free, ok := o.(interface{ anyLength() }); ok && c.AnyLength {
		free.anyLength()
	}
	return o, nil
}

// Range returns the range that the method chooses for a scheme, from what an observer of Config.Observer saw so far; of
// a batch that has not ended, MovingAverage knows nothing. Both ends are finite, and lie within the extremes of what was
// seen, 0 included (WithoutZero), or within the largest magnitude where the range is symmetric. It is an error if
// nothing was observed, or if the observer keeps another statistic than the method needs.
func (c Config) Range(o Observer, s Scheme) (Range, error) {
	c, err := c.resolved()
	if err == nil {
		err = s.check()
	}
	if err != nil {
		return Range{}, err
	}
	seen, ok := o.(rangeObserver)
	switch {
	case !ok:
		return Range{}, errWrongObserver
	case !seen.extremes().seen:
		return Range{}, errors.New("nothing was observed")
	}
	r, err := methods[c.Method].choose(choice{c, s}.after(seen.extremes()), seen)
	if err != nil {
		return Range{}, err
	}
	r.For, r.By = s, c.Method
	return r, nil
}

// errWrongObserver is the error about an observer that the method does not choose from.
var errWrongObserver = errors.New("the observer does not keep what this method of calibration needs: observe with that of Config.Observer")

// ofDistribution makes a choice from the distribution that an observer has seen.
func ofDistribution(choose func(spread, choice) (Range, error)) func(choice, rangeObserver) (Range, error) {
	return func(c choice, o rangeObserver) (Range, error) {
		h, ok := o.(*histogramObserver)
		if !ok {
			return Range{}, errWrongObserver
		}
		return choose(h.histogram.spread(h.all), c)
	}
}

// after returns the choice for values of which e was seen: one of unsigned symmetric codes that are to hold negative
// numbers is one of signed ones, but for the zero point.
func (c choice) after(e extremes) choice {
	if c.Symmetric && e.lo < 0 {
		c.Type.Unsigned = false
	}
	return c
}

// rangeOf returns the range for values from lo to hi.
func (c choice) rangeOf(lo, hi float32) Range {
	switch {
	case c.Symmetric && c.Type.Unsigned:
		return Range{Lo: 0, Hi: hi}
	case c.Symmetric:
		m := max(-lo, hi)
		return Range{Lo: -m + 0, Hi: m}
	case !c.WithoutZero:
		lo, hi = min(lo, 0), max(hi, 0)
	}
	return Range{Lo: lo, Hi: hi}
}
