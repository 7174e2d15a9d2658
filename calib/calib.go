// Package calib measures a float network's activations in one streaming pass over data, which is what static
// post-training quantization needs to know beside the weights.
//
// The network runs as floats on a few hundred examples and shows its values; for each of them an Observer keeps a
// statistic of fixed size, such as a pair of extremes or a histogram, so that memory depends on the number of values and
// not on that of the examples. Observe is that pass, with whatever observers are asked for; Run is it with those that the
// methods of calibration choose ranges from. What comes out of Run is a Range per value, kept in a readable file (Ranges).
//
// Ranges are the same on every processor as far as the values are, and but for MovingAverage they do not depend on how
// the data is cut into batches.
package calib

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"linquant/internal/ended"
)

// Runner is a float network that shows its values. *engine.Program is one.
type Runner interface {
	// Trace runs the network on a batch, one slice a graph input with the examples one after the other, and calls visit
	// with the values to observe, each once for every example, in the order of the batch and never concurrently. x is
	// only valid during the call. An error of visit ends the run and is returned.
	Trace(ctx context.Context, inputs [][]float32, visit func(value string, x []float32) error) error
}

// Run feeds batches to the network once and returns the range of every point, chosen for the codes that it will have. It
// holds one batch and what MemoryEstimate says.
//
// Errors: those of Observe; points that are none or are listed twice; values each of which is always the same. A single
// value that is always the same, as after a Relu that never fires, is no error: its range goes from there to 0.
func Run(ctx context.Context, r Runner, batches iter.Seq2[[][]float32, error], points []Point, cfg Config) (Ranges, error) {
	observers := make(map[string][]Observer, len(points))
	for _, p := range points {
		o, err := cfg.Observer()
		if err == nil {
			err = p.Scheme.check()
		}
		if err != nil {
			return nil, err
		}
		if observers[p.Value] != nil {
			return nil, &ValueError{p.Value, errors.New("it is listed twice among the values to calibrate")}
		}
		observers[p.Value] = []Observer{o}
	}
	if err := Observe(ctx, r, batches, observers, cfg.Progress); err != nil {
		return nil, err
	}
	ranges, varies := make(Ranges, len(points)), false
	for _, p := range points {
		if err := ended.Err(ctx); err != nil {
			return nil, err
		}
		o := observers[p.Value][0]
		entry, err := cfg.Range(o, p.Scheme)
		if err != nil {
			return nil, &ValueError{p.Value, err}
		}
		ranges[p.Value] = entry
		varies = varies || !o.(rangeObserver).extremes().constant()
	}
	if !varies {
		return nil, fmt.Errorf("each of the network's %d values is constant on the calibration data: give real examples",
			len(ranges))
	}
	return ranges, nil
}

// Observe feeds batches to the network once and shows the values that have observers to all of them; what else the
// network shows is ignored. The last batch may be shorter than the others. progress, if not nil, is called after every
// batch with the number of examples so far.
//
// Errors: those of the batches, the network and the observers, the latter as *ValueError; no observers; no data at all, or
// data that is the same everywhere; a NaN or an infinity in the data; a value that is never shown.
func Observe(ctx context.Context, r Runner, batches iter.Seq2[[][]float32, error], observers map[string][]Observer,
	progress func(examples int),
) error {
	if len(observers) == 0 {
		return errors.New("there are no values to calibrate: no activation becomes integers")
	}
	s := stream{observers: observers, shown: make(map[string]int, len(observers))}
	for inputs, err := range batches {
		if err == nil {
			err = s.batch(ctx, r, inputs)
		}
		if err != nil {
			return fmt.Errorf("calibration batch %d: %w", s.batches, err)
		}
		if progress != nil {
			progress(s.examples)
		}
	}
	switch {
	case s.batches == 0:
		return errors.New("there is no calibration data: give at least one example")
	case s.inputs.constant():
		return fmt.Errorf("the calibration data is constant: every number of its %d examples is %v; give real examples",
			s.examples, s.inputs.lo)
	}
	for value := range observers {
		if s.shown[value] == 0 {
			return &ValueError{value, errors.New("the network never shows it, and it is to be calibrated")}
		}
	}
	return nil
}

// stream sorts what the network shows to the observers.
type stream struct {
	observers map[string][]Observer
	shown     map[string]int // examples of each value
	batches   int
	examples  int // the most that one value was shown
	inputs    extremes
}

func (s *stream) batch(ctx context.Context, r Runner, inputs [][]float32) error {
	if err := ended.Err(ctx); err != nil {
		return err
	}
	for i, x := range inputs {
		e, ok := extremesOf(x)
		if !ok {
			at := notFinite(x)
			return fmt.Errorf("input %d: %w", i, &NotFiniteError{Example: -1, Element: at, X: x[at]})
		}
		s.inputs = s.inputs.with(e)
	}
	err := r.Trace(ctx, inputs, func(value string, x []float32) error {
		observers := s.observers[value]
		if observers == nil {
			return nil
		}
		for _, o := range observers {
			if err := o.Observe(x); err != nil {
				return &ValueError{value, err}
			}
		}
		s.shown[value]++
		s.examples = max(s.examples, s.shown[value])
		return ended.Err(ctx)
	})
	if err != nil {
		return err
	}
	for _, observers := range s.observers {
		for _, o := range observers {
			o.EndBatch()
		}
	}
	s.batches++
	return nil
}
