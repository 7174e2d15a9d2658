// Package calib measures the ranges of a float network's activations in one streaming pass over data, which is what
// static post-training quantization needs to know beside the weights.
//
// The network runs as floats on a few hundred examples and shows its values; for each of them an Observer keeps what
// its method needs, a pair of extremes or a histogram of fixed size, so that memory depends on the number of values and
// not on that of the examples. What comes out is a Range per value, kept in a readable file (Ranges).
//
// Ranges are the same on every processor as far as the values are, and but for MovingAverage they do not depend on how
// the data is cut into batches.
package calib

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
)

// Runner is a float network that shows its values. *engine.Program is one.
type Runner interface {
	// Trace runs the network on a batch, one slice a graph input with the examples one after the other, and calls visit
	// with the values to observe, each once for every example, in the order of the batch and never concurrently. x is
	// only valid during the call. An error of visit ends the run and is returned.
	Trace(ctx context.Context, inputs [][]float32, visit func(value string, x []float32) error) error
}

// Run feeds batches to the network and returns the ranges of the values that it shows, or of cfg.Values. The
// last batch may be shorter than the others. It holds one batch and what MemoryEstimate says.
//
// Errors: those of the batches and the network; no data at all, or data that is the same everywhere; a NaN or an
// infinity, with the value and the example, counted from 0; a value of cfg.Values that is never shown. A single value
// that is always the same, as after a Relu that never fires, is no error: its range goes from there to 0.
func Run(ctx context.Context, r Runner, batches iter.Seq2[[][]float32, error], cfg Config) (Ranges, error) {
	cfg, err := cfg.resolved()
	if err != nil {
		return nil, err
	}
	c := collector{cfg: cfg, observers: map[string]*Observer{}}
	for inputs, err := range batches {
		if err == nil {
			err = c.batch(ctx, r, inputs)
		}
		if err != nil {
			return nil, fmt.Errorf("calibration batch %d: %w", c.batches, err)
		}
		if cfg.Progress != nil {
			cfg.Progress(c.examples)
		}
	}
	return c.ranges(ctx)
}

// collector sorts what the network shows to the observers.
type collector struct {
	cfg       Config
	observers map[string]*Observer
	batches   int
	examples  int // the most that one value was shown
	inputs    extremes
}

func (c *collector) batch(ctx context.Context, r Runner, inputs [][]float32) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	for i, x := range inputs {
		e, ok := extremesOf(x)
		if !ok {
			at := notFinite(x)
			return fmt.Errorf("input %d: element %d is %v; calibration needs finite numbers", i, at, x[at])
		}
		c.inputs = c.inputs.with(e)
	}
	err := r.Trace(ctx, inputs, func(value string, x []float32) error {
		o, err := c.observer(value)
		if o == nil {
			return err
		}
		if err := o.Observe(x); err != nil {
			return fmt.Errorf("value %q: %w", value, err)
		}
		c.examples = max(c.examples, o.Examples())
		return ctx.Err()
	})
	if err != nil {
		return err
	}
	for _, o := range c.observers {
		o.EndBatch()
	}
	c.batches++
	return nil
}

// observer returns the observer of a value, nil where it is not wanted.
func (c *collector) observer(value string) (*Observer, error) {
	if o := c.observers[value]; o != nil {
		return o, nil
	}
	if c.cfg.Values != nil && !slices.Contains(c.cfg.Values, value) {
		return nil, nil
	}
	o, err := NewObserver(c.cfg)
	if err == nil {
		c.observers[strings.Clone(value)] = o
	}
	return o, err
}

func (c *collector) ranges(ctx context.Context) (Ranges, error) {
	switch {
	case c.batches == 0:
		return nil, errors.New("there is no calibration data: give at least one example")
	case c.inputs.constant():
		return nil, fmt.Errorf("the calibration data is constant: every number of its %d examples is %v; give real examples",
			c.examples, c.inputs.lo)
	}
	for _, name := range c.cfg.Values {
		if c.observers[name] == nil {
			return nil, fmt.Errorf("the network never shows the value %q, which is to be calibrated", name)
		}
	}
	if len(c.observers) == 0 {
		return nil, errors.New("the network shows none of its values: compile it so that it keeps those to be calibrated")
	}
	ranges, varies := Ranges{}, false
	for name, o := range c.observers {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r, err := o.Range()
		if err != nil {
			return nil, fmt.Errorf("value %q: %w", name, err)
		}
		ranges[name] = r
		varies = varies || !o.all.constant()
	}
	if !varies {
		return nil, fmt.Errorf("each of the network's %d values is constant on the calibration data: give real examples",
			len(ranges))
	}
	return ranges, nil
}
