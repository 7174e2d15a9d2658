package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"strconv"

	"linquant/dataset"
	"linquant/engine"
	"linquant/eval"
	"linquant/tensor"
	"linquant/vision"
)

// MeasureConfig says how networks are measured. The zero value is sensible.
type MeasureConfig struct {
	Batch    int            // examples of one run; 0 means 64
	Threads  int            // of runs; 0 means one for each processor
	Progress func(Progress) // is told how far the work is
	Of       string         // names the work in Progress; "" is the network's name
	Measured func(Measured) // of a Sweep: is told of each network as soon as it is measured
}

// check returns an error about a field, or a set of examples that there is not.
func (cfg MeasureConfig) check(set dataset.Set) error {
	switch {
	case set == nil:
		return missing("set")
	case cfg.Batch < 0:
		return &ConfigError{Field: "Batch", Value: strconv.Itoa(cfg.Batch), Reason: "use 1 or more, or 0 for 64"}
	}
	return checkThreads("Threads", cfg.Threads)
}

// Accuracy runs a classifier on the examples and counts how often it is right. Errors: *InputsError, *ConfigError, those of Prepare and
// of eval.Measure with the name of the network before them.
func (m *Model) Accuracy(ctx context.Context, set dataset.Set, cfg MeasureConfig) (*eval.Accuracy, error) {
	if err := cmp.Or(m.usable(), cfg.check(set)); err != nil {
		return nil, err
	}
	in, out := m.Inputs(), m.Outputs()
	if len(out) != 1 {
		return nil, &InputsError{m.Name, len(in), len(out), "accuracy is measured on a classifier, which has one output"}
	}
	classes, err := out[0].Shape.Elements()
	if err != nil {
		return nil, &NetworkError{m.Name, err}
	}
	examples, err := m.Examples(set)
	if err != nil {
		return nil, &NetworkError{m.Name, err}
	}
	report := cfg.report(Measuring, m.Name, set)
	a, err := eval.Measure(ctx, m, classes, examples, eval.Config{Batch: cfg.Batch, Progress: report})
	if err != nil {
		return nil, &NetworkError{m.Name, err}
	}
	return a, nil
}

func (cfg MeasureConfig) report(stage Stage, name string, set dataset.Set) func(done, total int) {
	if cfg.Of != "" {
		name = cfg.Of
	}
	report := reporter(cfg.Progress, Progress{Stage: stage, Total: set.Len(), Of: name, Data: set.Name()})
	return func(done, _ int) { report(done) }
}

// Difference is how two networks do on the same examples, one of them often made of the other.
type Difference struct {
	Network, Reference *eval.Accuracy
	eval.Difference
	Warnings []Warning // about how pixels were prepared (SamePreparation), other classes (DifferentClasses), and accuracies that chance may give (NearChance)
}

// Measure compiles both networks and runs them on the same examples, prepared in one way (SamePreparation).
func Measure(ctx context.Context, n, reference *Network, set dataset.Set, cfg MeasureConfig) (*Difference, error) {
	if err := cmp.Or(n.usable(), reference.usable(), cfg.check(set)); err != nil {
		return nil, err
	}
	n, reference, warnings := SamePreparation(n, reference)
	if !arePixels(set) {
		warnings = nil
	}
	_, a, err := n.accuracy(ctx, set, cfg)
	if err != nil {
		return nil, err
	}
	_, b, err := reference.accuracy(ctx, set, cfg)
	if err != nil {
		return nil, err
	}
	if a.NaN > 0 {
		warnings = append(warnings, UndefinedInput{n.graph.Inputs[0], set.Name(), a.NaN})
	}
	warnings = append(warnings, n.WarnClasses(set, a)...)
	for i, x := range []*eval.Accuracy{a, b} {
		warnings = append(warnings, WarnChance([]*Network{n, reference}[i], x)...)
	}
	return &Difference{a, b, eval.Paired(a.Right, b.Right), warnings}, nil
}

// accuracy compiles the network and measures it.
func (n *Network) accuracy(ctx context.Context, set dataset.Set, cfg MeasureConfig) (*Model, *eval.Accuracy, error) {
	m, err := n.Compile(ctx, engine.Config{Threads: cfg.Threads})
	if err != nil {
		return nil, nil, err
	}
	a, err := m.Accuracy(ctx, set, cfg)
	return m, a, err
}

// Comparison is how far the values of a network are from those of its reference.
type Comparison struct {
	Layers      []eval.Layer
	Preparation Preparation // of the examples
	Warnings    []Warning
}

// Compare runs both networks on the same examples and compares the values that both compute under the same name (see
// eval.Compare). Their inputs are those that ref wants, prepared as other says where ref does not say how
// (SamePreparation), and ref's where both say different things (DifferentPreprocess); other may take raw pixels where ref takes prepared ones.
//
// Errors: networks without a common value, *InputsError, and those of Compile, Prepare and eval.Compare.
func Compare(ctx context.Context, ref, other *Network, set dataset.Set, cfg MeasureConfig) (*Comparison, error) {
	if err := cmp.Or(ref.usable(), other.usable(), cfg.check(set)); err != nil {
		return nil, err
	}
	ref, other, warnings := SamePreparation(ref, other)
	if !arePixels(set) {
		warnings = nil
	}
	ga, err := ref.Folded(ctx)
	if err != nil {
		return nil, err
	}
	gb, err := other.Folded(ctx)
	if err != nil {
		return nil, err
	}
	names := eval.Points(ga, gb)
	if len(names) == 0 {
		return nil, fmt.Errorf("%s and %s have no value of the same name, so that there is nothing to compare: "+
			"take a network and what it was quantized or exported to", ref.Name, other.Name)
	}
	ec := engine.Config{Threads: cfg.Threads, Keep: names}
	a, err := ref.Compile(ctx, ec)
	if err != nil {
		return nil, err
	}
	b, err := other.Compile(ctx, ec)
	if err != nil {
		return nil, err
	}
	examples, err := a.Examples(set)
	if err != nil {
		return nil, err
	}
	if ref.TakesPixels() && !other.TakesPixels() {
		return nil, fmt.Errorf("%s takes raw pixels and the other network does not: name that one first", ref.Name)
	}
	var tracer eval.Tracer = b
	if ref.TakesPixels() != other.TakesPixels() {
		tracer = unprepared{b, ref.pre, a.Inputs()[0].Shape}
	}
	for i, w := range warnings {
		if different, ok := w.(DifferentPreprocess); ok {
			different.Shared = true
			warnings[i] = different
		}
	}
	layers, err := eval.Compare(ctx, a, tracer, gb, names, examples, eval.Config{Progress: cfg.report(Comparing, other.Name, set)})
	return &Comparison{layers, ref.Preparation(set), append(warnings, b.Warnings()...)}, err
}

// unprepared gives a network that takes pixels the pixels that inputs were made of.
type unprepared struct {
	eval.Tracer
	pre   vision.Preprocess
	shape tensor.Shape // of the inputs
}

func (u unprepared) Trace(ctx context.Context, inputs [][]float32, visit func(value string, x []float32) error) error {
	pixels := append([]float32(nil), inputs[0]...)
	u.pre.Undo(pixels, u.shape)
	return u.Tracer.Trace(ctx, append([][]float32{pixels}, inputs[1:]...), visit)
}
