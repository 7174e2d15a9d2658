package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"linquant/calib"
	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/ptq"
	"linquant/vision"
)

// Calibration says how the ranges of activations are found. The zero value takes the extremes of the first 256 examples
// of the data.
type Calibration struct {
	Data   Data         // with a Limit of 0, which here means 256
	Method calib.Method // MinMax, MovingAverage, Percentile, MSE or Entropy

	Percentile float64      // for the method of that name; 0 means calib.DefaultPercentile
	Ranges     calib.Ranges // known already: nothing is measured
}

// DefaultExamples is how many examples a network is calibrated on where nothing else is said.
const DefaultExamples = 256

// Stage is a part of the work that takes time.
type Stage string

// The stages that report progress.
const (
	Calibrating Stage = "calibration"
	Measuring   Stage = "accuracy"
	Comparing   Stage = "comparison"
	Checking    Stage = "check"
)

// Progress says how far a stage is. Its first call has Done 0. Calls never overlap.
type Progress struct {
	Stage       Stage
	Done, Total int    // examples
	Of          string // what is worked on: the network, or the variant of a Sweep
	Data        string // the name of the set

	// Of calibration: how many values are observed, and the bytes that this takes.
	Values int
	Memory int64
}

// Calibrate runs the network as floats on the examples and returns the range of every value that quantizing it as cfg
// says needs one for. Where the examples are pixels the ranges say how these were prepared (calib.Range.On).
//
// Errors: a network that is quantized, or that has several inputs (*InputsError); those of ptq.Points, engine.Compile,
// Prepare and calib.Run, with the name of the network before them.
func (n *Network) Calibrate(ctx context.Context, set dataset.Set, cfg Config) (calib.Ranges, error) {
	if set == nil {
		return nil, missing("set")
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	g, err := n.float(ctx)
	if err != nil {
		return nil, err
	}
	points, err := ptq.Points(g, cfg.Quant)
	if err != nil {
		return nil, n.named(err)
	}
	m, err := n.Compile(ctx, engine.Config{Threads: cfg.Threads, Keep: calib.Values(points)})
	if err != nil {
		return nil, err
	}
	examples, err := m.examples(set)
	var inputs *InputsError
	switch {
	case errors.As(err, &inputs):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%s on %s: %w", n.Name, set.Name(), err)
	}
	cfg.digest.watch(examples)
	cc := calib.Config{Method: cfg.Calibration.Method, Percentile: cfg.Calibration.Percentile}
	report := reporter(cfg.Progress, Progress{
		Stage: Calibrating, Total: set.Len(), Of: n.Name, Data: set.Name(),
		Values: len(points), Memory: calib.MemoryEstimate(len(points), cc),
	})
	report(0)
	cc.Progress = report
	ranges, err := calib.Run(ctx, m, batches(ctx, examples), points, cc)
	if err != nil {
		return nil, fmt.Errorf("%s on %s: %w", n.Name, set.Name(), err)
	}
	if prepared := m.Preparation(set); prepared.Pixels {
		for value, r := range ranges {
			r.On = prepared.String()
			ranges[value] = r
		}
	}
	return ranges, nil
}

// CheckRanges returns a *RangeError unless there is a range for every value that quantizing the network as cfg says needs
// one for, and for its codes. It warns of ranges that do not say what they are for (UnknownCodes).
func (n *Network) CheckRanges(ranges calib.Ranges, cfg ptq.Config) ([]Warning, error) {
	g, err := n.Folded(context.Background())
	if err != nil {
		return nil, err
	}
	points, err := ptq.Points(g, cfg)
	if err != nil {
		return nil, n.named(err)
	}
	var warnings []Warning
	for _, p := range points {
		r, ok := ranges[p.Value]
		if !ok {
			return nil, &RangeError{n.Name, p.Value, nil}
		}
		if err := r.Suits(p.Scheme); err != nil {
			return nil, &RangeError{n.Name, p.Value, err}
		}
		if r.For == (calib.Scheme{}) {
			warnings = []Warning{UnknownCodes{}}
		}
	}
	return warnings, nil
}

// watched returns the examples of the calibration for a way to quantize weights that watches what layers are shown
// (ptq.WeightMethod). They are opened when one asks for them, each time again.
func (n *Network) watched(ctx context.Context, cfg Config) ptq.Examples {
	return ptq.Examples{
		Compile: func(g *graph.Graph, keep []string) (calib.Runner, error) {
			return engine.Compile(ctx, g, engine.Config{Threads: cfg.Threads, Keep: keep})
		},
		Batches: func(yield func([][]float32, error) bool) {
			set, _, err := cfg.Calibration.Open(ctx, n.Name)
			if err != nil {
				yield(nil, err)
				return
			}
			defer set.Close()
			pre := n.pre
			pre.ChannelsLast = pre.ChannelsLast || vision.ChannelsLast(n.InputShape())
			examples, err := Prepare(set, pre, n.InputShape())
			if err != nil {
				yield(nil, err)
				return
			}
			cfg.digest.watch(examples)
			batches(ctx, examples)(yield)
		},
	}
}

// batches yields the examples of a set as a network's inputs.
func batches(ctx context.Context, set dataset.Set) iter.Seq2[[][]float32, error] {
	const batch = 32
	return func(yield func([][]float32, error) bool) {
		for b, err := range dataset.Each(ctx, set, batch) {
			if !yield([][]float32{b.X}, err) || err != nil {
				return
			}
		}
	}
}
