package pipeline

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"time"

	"linquant/calib"
	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/ptq"
	"linquant/vision"
)

// Calibration says how the ranges of activations are found. The zero value takes the extremes of the first 256 examples
// of the data; for activations of fewer than 8 bits calib.MSE is better.
type Calibration struct {
	Data   Data         // with a Limit of 0, which here means 256, or 512 where weights are reconstructed
	Method calib.Method // MinMax, MovingAverage, Percentile, MSE or Entropy

	Percentile float64      // for the method of that name; 0 means calib.DefaultPercentile
	Ranges     calib.Ranges // known already: nothing is measured
}

const (
	// DefaultExamples is how many examples a network is calibrated on where nothing else is said.
	DefaultExamples = 256

	// ReconstructionExamples is DefaultExamples where weights are reconstructed (ptq.Reconstruct).
	ReconstructionExamples = 512
)

// Stage is a part of the work that takes time.
type Stage string

// The stages that report progress.
const (
	Calibrating    Stage = "calibration"
	Reconstructing Stage = "reconstruction" // its pieces are layers
	Measuring      Stage = "accuracy"
	Comparing      Stage = "comparison"
	Checking       Stage = "check"
	Diagnosing     Stage = "diagnosis"   // its pieces are layers
	Mending        Stage = "remedies"    // its pieces are remedies
	Sensing        Stage = "sensitivity" // its pieces are layers, alone at so many bits
)

// Progress says how far a stage is. Its first call has Done 0. Calls never overlap.
type Progress struct {
	Stage       Stage
	Done, Total int    // examples, or layers
	Of          string // what is worked on: the network, the layer, or the variant of a Sweep
	Data        string // the name of the set

	Values int           // of calibration: how many are observed
	Left   time.Duration // of reconstruction: that the rest will take, about, as its layers are not alike; 0 where nothing is known yet
	Memory int64         // bytes that calibration or reconstruction takes at most, about, beside the network itself
}

// Calibrate runs the network as floats on the examples and returns the range of every value that quantizing it as cfg
// says needs one for. Of a network that was read from an ONNX model with open dimensions examples may have other shapes than it has, and several
// (dataset.ByShape): a program is compiled for each combination of them. Where the examples are pixels the ranges say how these were prepared (calib.Range.On).
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
	ec := engine.Config{Threads: cfg.Threads, Keep: calib.Values(points)}
	if n.ofOtherShapes(ctx, set) {
		return n.calibrateVaried(ctx, set, points, ec, cfg)
	}
	m, err := n.Compile(ctx, ec)
	if err != nil {
		return nil, err
	}
	examples, err := m.Examples(set)
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
	return on(ranges, m.Preparation(set)), nil
}

// on notes with ranges how the pixels that they were measured on were prepared.
func on(ranges calib.Ranges, prepared Preparation) calib.Ranges {
	if prepared.Pixels {
		for value, r := range ranges {
			r.On = prepared.String()
			ranges[value] = r
		}
	}
	return ranges
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

// watches reports whether there are examples for a way to quantize weights that wants to see some.
func (cfg Config) watches(n *Network) bool {
	if cfg.Quant.WeightMethod != nil {
		return true // without any, what asks for them says so
	}
	own := n.Name == Builtin && cfg.Calibration.Ranges == nil && !cfg.Dynamic
	return reconstructs(cfg.Quant) && (own || !cfg.Calibration.Data.none())
}

// reconstructs reports whether weights are reconstructed if there are examples.
func reconstructs(cfg ptq.Config) bool {
	few := func(bits int) bool { return 0 < bits && bits < 8 }
	switch cfg.WeightMethod.(type) {
	case ptq.Reconstruct:
		return true
	case nil:
		return few(cfg.WeightBits) || slices.ContainsFunc(cfg.Overrides, func(o ptq.Override) bool { return few(o.WeightBits) })
	}
	return false
}

// watched returns the examples of the calibration for a way to quantize weights that watches what layers are shown
// (ptq.WeightMethod). They are opened when one asks for them.
func (n *Network) watched(ctx context.Context, cfg Config) ptq.Examples {
	of := n.examplesOf(ctx, nil, cfg.Threads)
	of.Batches = func(yield func([][]float32, error) bool) {
		set, _, err := cfg.Calibration.Open(ctx, n.Name)
		if err != nil {
			yield(nil, err)
			return
		}
		defer set.Close()
		n.examplesOf(ctx, set, cfg.Threads).Batches(yield)
	}
	return of
}

// examplesOf returns the examples of a set for such a way.
func (n *Network) examplesOf(ctx context.Context, set dataset.Set, threads int) ptq.Examples {
	return ptq.Examples{
		Compile: func(g *graph.Graph, keep []string) (calib.Runner, error) {
			return engine.Compile(ctx, g, engine.Config{Threads: threads, Keep: keep})
		},
		Threads: threads,
		Batches: func(yield func([][]float32, error) bool) {
			examples, err := n.examples(ctx, set)
			if err != nil {
				yield(nil, err)
				return
			}
			batches(ctx, examples)(yield)
		},
	}
}

// examples is Model.Examples without a model where there is one input.
func (n *Network) examples(ctx context.Context, set dataset.Set) (dataset.Set, error) {
	if len(n.graph.Inputs) == 1 {
		pre := n.pre
		pre.ChannelsLast = pre.ChannelsLast || vision.ChannelsLast(n.InputShape())
		return Prepare(set, pre, n.InputShape())
	}
	m, err := n.Compile(ctx, engine.Config{})
	if err != nil {
		return nil, err
	}
	return m.Examples(set)
}

// batches yields the examples of a set as a network's inputs.
func batches(ctx context.Context, set dataset.Set) iter.Seq2[[][]float32, error] {
	const batch = 32
	return func(yield func([][]float32, error) bool) {
		for b, err := range dataset.Each(ctx, set, batch) {
			if !yield(b.Inputs, err) || err != nil {
				return
			}
		}
	}
}
