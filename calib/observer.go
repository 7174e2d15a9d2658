package calib

import (
	"errors"
	"fmt"

	"linquant/quant"
)

// Observer watches one value of a network and chooses its range. It is what Run has for each value, and good alone
// where there is no Runner. It is not for concurrent use.
type Observer struct {
	cfg       Config
	examples  int
	length    int // elements of one example
	all       extremes
	batch     extremes   // of the current batch
	average   [2]float64 // MovingAverage: of the batches that have ended
	averaged  bool
	histogram *histogram // nil where the method needs none
}

// NewObserver returns an observer for the method and type of cfg; the fields after WithoutZero say nothing to it.
func NewObserver(cfg Config) (*Observer, error) {
	cfg, err := cfg.resolved()
	if err != nil {
		return nil, err
	}
	cfg.Values, cfg.Progress = nil, nil
	o := &Observer{cfg: cfg}
	if cfg.Method.histogram() {
		o.histogram = newHistogram()
	}
	return o, nil
}

// chunk is how many elements are looked at before they are counted: few enough to be still in the cache then.
const chunk = 4096

// Observe takes the value of one example. Errors: a NaN or an infinity; no elements, or another number of them than
// before. It allocates nothing, and after an error the observer is of no more use.
func (o *Observer) Observe(x []float32) error {
	switch {
	case len(x) == 0:
		return fmt.Errorf("example %d has no elements: there is no range", o.examples)
	case o.examples > 0 && len(x) != o.length:
		return fmt.Errorf("example %d has %d elements, the ones before had %d", o.examples, len(x), o.length)
	}
	o.length = len(x)
	for first := 0; first < len(x); first += chunk {
		part := x[first:min(first+chunk, len(x))]
		e, ok := extremesOf(part)
		if !ok {
			at := first + notFinite(part)
			return fmt.Errorf("element %d of example %d is %v; calibration needs finite numbers", at, o.examples, x[at])
		}
		o.all, o.batch = o.all.with(e), o.batch.with(e)
		if o.histogram != nil {
			o.histogram.cover(o.all)
			o.histogram.add(part)
		}
	}
	o.examples++
	return nil
}

// Examples returns how many examples were observed.
func (o *Observer) Examples() int { return o.examples }

// EndBatch ends a batch, which only MovingAverage takes notice of. Run calls it.
func (o *Observer) EndBatch() {
	if !o.batch.seen {
		return
	}
	lo, hi := float64(o.batch.lo), float64(o.batch.hi)
	if !o.averaged {
		o.average, o.averaged = [2]float64{lo, hi}, true
	} else {
		// The conversions keep the product from being fused with the sum, which would differ between processors.
		o.average[0] += float64(o.cfg.Momentum * (lo - o.average[0]))
		o.average[1] += float64(o.cfg.Momentum * (hi - o.average[1]))
	}
	o.batch = extremes{}
}

// Range returns the range that the method chooses from what was observed so far; of a batch that has not ended,
// MovingAverage knows nothing. Both ends are finite, and lie within the extremes of what was seen, 0 included
// (Config.WithoutZero), or within the largest magnitude where the range is symmetric. It is an error if nothing was
// observed.
func (o *Observer) Range() (Range, error) {
	if !o.all.seen {
		return Range{}, errors.New("nothing was observed")
	}
	cfg, lo, hi := o.cfg.after(o.all), o.all.lo, o.all.hi
	switch cfg.Method {
	case MovingAverage:
		if !o.averaged {
			return Range{}, errors.New("a moving average needs a batch that has ended")
		}
		lo, hi = float32(o.average[0]), float32(o.average[1])
	case Percentile:
		return o.histogram.spread(o.all).percentile(cfg), nil
	case MSE:
		return o.histogram.spread(o.all).leastError(cfg)
	case Entropy:
		return o.histogram.spread(o.all).leastDivergence(cfg)
	}
	return cfg.rangeOf(lo, hi), nil
}

// rangeOf returns the range for values from lo to hi.
func (c Config) rangeOf(lo, hi float32) Range {
	switch {
	case c.Symmetric && c.Unsigned:
		return Range{0, hi}
	case c.Symmetric:
		m := max(-lo, hi)
		return Range{-m + 0, m}
	case !c.WithoutZero:
		lo, hi = min(lo, 0), max(hi, 0)
	}
	return Range{lo, hi}
}

// extremes are the least and the greatest of the numbers seen.
type extremes struct {
	lo, hi float32
	seen   bool
}

func (e extremes) with(f extremes) extremes {
	switch {
	case !f.seen:
		return e
	case !e.seen:
		return f
	}
	return extremes{min(e.lo, f.lo), max(e.hi, f.hi), true}
}

func (e extremes) constant() bool { return e.seen && e.lo == e.hi }

// extremesOf returns the extremes of x, with ok false where it has a NaN or an infinity.
func extremesOf(x []float32) (e extremes, ok bool) {
	if len(x) == 0 {
		return extremes{}, true
	}
	lo, hi, err := quant.Extremes(x)
	return extremes{lo, hi, err == nil}, err == nil
}

// notFinite returns the index of the first NaN or infinity of x, which has one.
func notFinite(x []float32) int {
	for i, v := range x {
		if float32(v-v) != 0 {
			return i
		}
	}
	return -1
}
