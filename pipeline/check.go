package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"

	"linquant/dataset"
	"linquant/engine"
	"linquant/eval"
	"linquant/tensor"
)

// DefaultConfidence is that of a Check where nothing else is said.
const DefaultConfidence = 0.95

// leastLoss is the least budget of a difference of answers, 300 dB below them.
const leastLoss = 1e-30

// CheckConfig says what Check decides, and by what. The zero value is sensible but for MaxLoss.
type CheckConfig struct {
	MaxLoss    float64 // the mean loss of an example that is accepted: 0.005 are half a point of accuracy
	Metric     eval.Metric
	Judge      Judge   // takes the place of Metric, if set
	Low, High  float64 // what the numbers of the Judge lie between; both 0: −1 and 1
	Confidence float64 // that a verdict is right; 0 means DefaultConfidence

	Seed  uint64 // of the order in which examples are looked at
	Limit int    // look at so many at most, of the shuffled; 0 means all

	Batch    int            // examples of one run; 0 means 64
	Threads  int            // of runs; 0 means one for each processor
	Progress func(Progress) // is told how far the work is
}

// Judge compares the answers of two networks in its own way.
type Judge interface {
	// Losses returns what the network loses to the reference on each of the examples, in their order: more than 0 where it is worse. Or
	// it returns nil, if it judges nothing but all examples together, and is asked for All in the end.
	Losses(ctx context.Context, answers Answers) ([]float64, error)
	All(ctx context.Context) (float64, error)
}

// Answers are what two networks say to the same examples. What they hold is valid until the Judge returns.
type Answers struct {
	Examples           []int           // their numbers in the set
	Labels             []int           // −1 where there is none
	Network, Reference []tensor.Tensor // the outputs of each, in its order: float32 of the shape [examples, …]
}

// Checked is what came of a Check.
type Checked struct {
	Verdict eval.Verdict
	N, Of   int           // examples that were looked at, and that there are to look at
	Loss    float64       // their mean; NaN where N is 0
	Bounds  eval.Interval // of the mean of all such examples (eval.Gate.Bounds); of one number for all, that
	More    int           // about so many more would decide; 0 where it is decided, −1 where that cannot be told
	Whole   bool          // the Judge gave one number for all examples, which was compared with MaxLoss, and nothing else

	Worse, Better int // examples of a loss above 0, and below
	Clipped       int // losses beyond what an example may count as (eval.Metric.Range), taken as that

	Right, ReferenceRight int // how often each network is, of metrics that need labels

	Network, Reference *Model // as they ran
	Preparation        Preparation
	Warnings           []Warning
}

// Check runs both networks on examples of the set, in an order that is shuffled by cfg.Seed, until it is plain with the confidence of cfg
// whether the network loses more to the reference than cfg allows, or until there are no more. Both prepare their inputs in one way
// (SamePreparation). The verdict is that of an eval.Gate, which says what it assumes and how rarely it is wrong; it depends neither on
// the batch nor on the number of threads.
//
// Errors: *ConfigError, *InputsError, those of Compile and Prepare, of eval.Metric.Loss (eval.ErrNoLabel) and of the Judge. What was found
// until ctx was done is returned with its error.
func Check(ctx context.Context, n, reference *Network, set dataset.Set, cfg CheckConfig) (*Checked, error) {
	if err := cmp.Or(n.usable(), reference.usable()); err != nil {
		return nil, err
	}
	gate, err := cfg.gate(set)
	if err != nil {
		return nil, err
	}
	n, reference, warnings := SamePreparation(n, reference)
	c := &checking{cfg: cfg, set: set, gate: gate, metric: cmp.Or(cfg.Metric, eval.Top1)}
	c.result.Of = set.Len()
	if cfg.Limit > 0 {
		c.result.Of = min(cfg.Limit, c.result.Of)
	}
	for _, side := range []struct {
		n  *Network
		of *side
	}{{n, &c.network}, {reference, &c.reference}} {
		if err := side.of.compile(ctx, side.n, set, cfg.Threads); err != nil {
			return nil, err
		}
		warnings = append(warnings, side.of.model.Warnings()...)
	}
	if err := c.suit(); err != nil {
		return nil, err
	}
	c.result.Network, c.result.Reference, c.result.Preparation = c.network.model, c.reference.model, n.Preparation(set)
	if !c.result.Preparation.Pixels {
		warnings = append(c.result.Preparation.Warnings(), slices.DeleteFunc(warnings, aboutPixels)...)
	}
	err = c.run(ctx, n.Name)
	if err != nil && ctx.Err() == nil {
		return nil, err
	}
	c.result.Warnings = append(warnings, c.warnings(n, reference)...)
	return &c.result, err
}

// aboutPixels reports whether a warning is about how pixels are prepared.
func aboutPixels(w Warning) bool {
	switch w.(type) {
	case AssumedPreprocess, DifferentPreprocess:
		return true
	}
	return false
}

// gate returns what decides, or an error about a field.
func (cfg CheckConfig) gate(set dataset.Set) (*eval.Gate, error) {
	wrong := func(field string, value float64, reason string) (*eval.Gate, error) {
		return nil, &ConfigError{field, strconv.FormatFloat(value, 'g', -1, 64), reason}
	}
	if err := (MeasureConfig{Batch: cfg.Batch, Threads: cfg.Threads}).check(set); err != nil {
		return nil, err
	}
	metric := cmp.Or(cfg.Metric, eval.Top1)
	low, high := metric.Range(cfg.MaxLoss)
	switch {
	case cfg.Limit < 0:
		return wrong("Limit", float64(cfg.Limit), "use 1 or more, or 0 for all")
	case set.Len() == 0:
		return nil, fmt.Errorf("%s: it has no examples", set.Name())
	case cfg.Confidence != 0 && !(cfg.Confidence > 0.5 && cfg.Confidence < 1):
		return wrong("Confidence", cfg.Confidence, "use more than 0.5 and less than 1")
	case cfg.Judge != nil:
		if low, high = cfg.Low, cfg.High; low == 0 && high == 0 {
			low, high = -1, 1
		}
		if !(low < high) || math.IsInf(high-low, 0) {
			return wrong("Low", low, fmt.Sprintf("use less than what the numbers are at most, %g", high))
		}
		if !(cfg.MaxLoss > low && cfg.MaxLoss < high) {
			return wrong("MaxLoss", cfg.MaxLoss, fmt.Sprintf("use more than %g and less than %g, between which the numbers lie", low, high))
		}
	case !slices.Contains(eval.Metrics(), metric):
		return nil, &ConfigError{"Metric", strconv.Quote(string(metric)), fmt.Sprintf("use one of %v", eval.Metrics())}
	case metric.Labels() && !(cfg.MaxLoss >= 0 && cfg.MaxLoss < 1):
		return wrong("MaxLoss", cfg.MaxLoss, "use 0 or more, and less than 1")
	case !metric.Labels() && !(cfg.MaxLoss >= leastLoss && cfg.MaxLoss <= math.MaxFloat32):
		return wrong("MaxLoss", cfg.MaxLoss, fmt.Sprintf("use %g or more: with none at all every difference is too much, and none can be ruled out", leastLoss))
	case metric == eval.Cosine && cfg.MaxLoss >= 2:
		return wrong("MaxLoss", cfg.MaxLoss, "use less than 2, which is the most that a cosine loses")
	}
	return eval.NewGate(eval.GateConfig{Budget: cfg.MaxLoss, Low: low, High: high, Confidence: cmp.Or(cfg.Confidence, DefaultConfidence)})
}

// warnings says what the answers say about the data.
func (c *checking) warnings(n, reference *Network) []Warning {
	var list []Warning
	if c.undefined > 0 {
		list = append(list, UndefinedInput{c.network.model.Inputs()[0].Name, c.set.Name(), c.undefined})
	}
	if !c.metric.Labels() || c.cfg.Judge != nil || c.result.N == 0 {
		return list
	}
	for _, of := range []struct {
		n *Network
		*side
	}{{n, &c.network}, {reference, &c.reference}} {
		list = append(list, of.n.WarnClasses(c.set, &eval.Accuracy{Classes: of.answer})...)
	}
	// Two networks that are both wrong lose nothing to each other.
	return append(list, WarnChance(reference, &eval.Accuracy{N: c.result.N, Classes: c.reference.answer, Top1: c.firstRight})...)
}

// side is one of the two networks.
type side struct {
	model    *Model
	examples dataset.Set // its inputs
	size     int         // values of an example
	sizes    []int       // of each input
	outputs  []int       // values of each output
	answer   int         // of all
	x        []float32   // the inputs of some examples
	y        [][]float32 // and their outputs
}

// compile makes the side of a network.
func (s *side) compile(ctx context.Context, n *Network, set dataset.Set, threads int) (err error) {
	if s.model, err = n.Compile(ctx, engine.Config{Threads: threads}); err != nil {
		return err
	}
	if s.examples, err = s.model.Examples(set); err != nil {
		return &NetworkError{n.Name, err}
	}
	if s.size, err = s.examples.Shape().Elements(); err != nil {
		return &NetworkError{n.Name, err}
	}
	for _, in := range s.model.Inputs() {
		size, err := in.Shape.Elements()
		if err != nil {
			return &NetworkError{n.Name, err}
		}
		s.sizes = append(s.sizes, size)
	}
	for _, out := range s.model.Outputs() {
		size, err := out.Shape.Elements()
		if err != nil {
			return &NetworkError{n.Name, err}
		}
		s.outputs = append(s.outputs, size)
		s.answer += size
	}
	return nil
}

// tensors returns the outputs of the examples at hand.
func (s *side) tensors(examples int) ([]tensor.Tensor, error) {
	var list []tensor.Tensor
	for i, out := range s.model.Outputs() {
		t, err := tensor.Of(append(tensor.Shape{examples}, out.Shape...), s.y[i][:examples*s.outputs[i]])
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, nil
}

// of returns the answer to example i of those at hand: all outputs, one after the other, in room where there are several.
func (s *side) of(i int, room []float32) []float32 {
	if len(s.outputs) == 1 {
		return s.y[0][i*s.answer : (i+1)*s.answer]
	}
	room = room[:0]
	for k, size := range s.outputs {
		room = append(room, s.y[k][i*size:(i+1)*size]...)
	}
	return room
}
