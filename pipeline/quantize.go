package pipeline

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strconv"

	"linquant/calib"
	"linquant/dataset"
	"linquant/graph"
	"linquant/internal/ended"
	"linquant/ptq"
	"linquant/vision"
)

// Config says what to quantize and how. Apart from the model, the zero value does: 8-bit weights and activations, ranges
// from the extremes of the calibration data, the whole machine.
type Config struct {
	// One of the three says what to quantize: Network one that is open, which stays so, Bytes one that a program embeds,
	// under the name that Model gives it, and Model alone the path of one, or Builtin.
	Network *Network
	Model   string
	Bytes   []byte

	Open OpenConfig // how it is opened

	Preprocess *vision.Preprocess // of its first input, instead of what the model says

	Quant       ptq.Config  // bits, granularity, methods, convention, overrides; its Examples are those of Calibration if none are given
	Calibration Calibration // the ranges of activations; of the Builtin network its own images where no data is named
	Dynamic     bool        // layers find the ranges of their inputs while they run: nothing is calibrated
	Pixels      bool        // the network shall take raw pixels, uint8, and prepare them itself

	Budget *Budget // what the network may cost: the bits of the weights of its layers are chosen by that; nil: they are those of Quant

	Test Data // examples to measure both networks on; none: nothing is measured

	Threads  int            // of runs; 0 means one for each processor
	Progress func(Progress) // is told how far the work is

	digest *digest // of the examples of Calibration; nil: nobody asks
}

// Result is a network in integers and what came of making it.
type Result struct {
	*Network
	Float    *Network // that it was made of
	Report   *ptq.NetworkReport
	Ranges   calib.Ranges // that it was made with; nil where layers are dynamic
	Accuracy *Difference  // on Config.Test; nil without
	Warnings []Warning

	Preparation *Preparation // of the examples that it was calibrated on; nil where there were none

	// ExamplesSHA256 is, in hexadecimal, the SHA-256 of the SHA-256 of the examples that it was calibrated on, in their order, as bytes; ""
	// where none were used. Each is as its set decodes it and makes it fit, before it is prepared, in float32, little-endian.
	ExamplesSHA256 string

	Choice *Choice // how bits were chosen under Config.Budget; nil without

	Equalization *ptq.Equalization // where the network was equalized before (ptq.Equalized); nil where not

	equal     *Network // the float network that became integers, where that is not Float: nil
	rangesSay bool     // the ranges that were given were measured on pixels as they are prepared now
	opened    *Network // nil: it was given
}

// Close closes the network in integers and what Quantize opened; a network that was given stays open.
func (r *Result) Close() error {
	if r == nil {
		return nil
	}
	err := r.Network.Close()
	if e := r.opened.Close(); err == nil {
		err = e
	}
	return err
}

// Quantize opens a float network, calibrates it and returns it in integers, measured where there are examples for that.
//
// Errors: *ConfigError, *BudgetError, ErrQuantized, *InputsError, *RangeError, *LabelsError, those of Open, and of the stages.
func Quantize(ctx context.Context, cfg Config) (*Result, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	n, err := cfg.open(ctx)
	if err != nil {
		return nil, err
	}
	r, err := n.quantize(ctx, cfg)
	if cfg.Network != nil {
		return r, err
	}
	if err != nil {
		n.Close()
		return nil, err
	}
	r.opened, r.Warnings = n, slices.Concat(n.Assumed, r.Warnings)
	return r, nil
}

// check returns a *ConfigError about a number that cannot be, whatever the model.
func (cfg Config) check() error {
	p := cfg.Calibration.Percentile
	if p != 0 && !(p > 50 && p <= 100) {
		return &ConfigError{Field: "Calibration.Percentile", Value: strconv.FormatFloat(p, 'g', -1, 64), Reason: "use more than 50, up to 100"}
	}
	if err := cfg.checkBudget(); err != nil {
		return err
	}
	return checkThreads("Threads", cfg.Threads)
}

func (cfg Config) open(ctx context.Context) (n *Network, err error) {
	switch {
	case cfg.Network != nil:
		n = cfg.Network
	case cfg.Bytes != nil:
		n, err = Read(ctx, cfg.Bytes, cfg.Model, cfg.Open)
	case cfg.Model == "":
		return nil, &ConfigError{"Model", "", "it is missing: the path of an ONNX file or of a checkpoint, or " + Builtin}
	default:
		n, err = Open(ctx, cfg.Model, cfg.Open)
	}
	if err != nil || cfg.Preprocess == nil {
		return n, err
	}
	if err := n.SetPreprocess(*cfg.Preprocess); err != nil {
		if cfg.Network == nil {
			n.Close()
		}
		return nil, err
	}
	return n, nil
}

// quantize is Quantize for a network that is open.
func (n *Network) quantize(ctx context.Context, cfg Config) (*Result, error) {
	if err := n.usable(); err != nil {
		return nil, err
	}
	if err := cfg.idle(); err != nil {
		return nil, err
	}
	if n.Quantized() {
		return nil, n.named(ErrQuantized)
	}
	cfg.Calibration.Data, cfg.Test = cfg.Calibration.Data.forNetwork(n), cfg.Test.forNetwork(n)
	if _, err := n.Folded(ctx); err != nil {
		return nil, err
	}
	if err := n.CheckLabels(); err != nil {
		return nil, err
	}
	if !cfg.Dynamic && cfg.Quant.Float == nil {
		v, _ := n.varying(ctx)
		cfg.Quant.Float = v.Computed()
		cfg.Calibration.Data.Inputs = n.openInputs(ctx, cfg.Calibration.Data.Inputs)
	}
	if err := ended.Err(ctx); err != nil {
		return nil, err
	}
	if cfg.Budget != nil {
		return n.budgeted(ctx, cfg)
	}
	r := &Result{Float: n}
	if err := r.equalize(ctx, &cfg); err != nil {
		return nil, err
	}
	float := r.source()
	cfg.digest = &digest{}
	if reconstructs(cfg.Quant) && cfg.Calibration.Data.Limit == 0 {
		cfg.Calibration.Data.Limit = ReconstructionExamples
	}
	if cfg.Quant.Examples.Compile == nil && cfg.Quant.Examples.Batches == nil && cfg.watches(n) {
		cfg.Quant.Examples = n.watched(ctx, cfg)
	}
	if cfg.Quant.Progress == nil && cfg.Progress != nil {
		cfg.Quant.Progress = reconstructing(cfg.Progress)
	}
	var err error
	if cfg.Dynamic {
		r.Network, r.Report, err = float.Dynamic(ctx, cfg.Quant)
	} else {
		if r.Ranges, err = r.ranges(ctx, cfg); err != nil {
			return nil, err
		}
		r.Network, r.Report, err = float.Quantize(ctx, r.Ranges, cfg.Quant)
	}
	r.ExamplesSHA256 = cfg.digest.sum()
	if err == nil {
		r.Warnings = append(append(r.Warnings, fewSamples(r.Report)...), constantInputs(r.Report)...)
	}
	if err == nil && (r.rangesSay || r.Preparation != nil && r.Preparation.Pixels) {
		err = r.Network.record(n.pre)
	}
	if err == nil && cfg.Pixels {
		if r.Preparation == nil || !r.Preparation.Pixels { // else it is said already
			r.Warnings = append(r.Warnings, n.Preparation(nil).Warnings()...)
		}
		r.Network, err = r.Network.WithPixels()
	}
	if err == nil && r.Preparation != nil {
		err = r.losses(ctx, cfg)
	}
	if err != nil {
		return nil, err
	}
	if !cfg.Test.none() {
		if err := r.measure(ctx, cfg); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// ranges takes the ranges from the configuration, or measures them.
func (r *Result) ranges(ctx context.Context, cfg Config) (calib.Ranges, error) {
	if ranges := cfg.Calibration.Ranges; ranges != nil {
		warnings, err := r.Float.CheckRanges(ranges, cfg.Quant)
		r.Warnings = append(append(r.Warnings, warnings...), r.Float.otherPixels(ranges)...)
		if on := r.Float.measuredOn(ranges); on != "" && on == r.Float.Preparation(nil).String() {
			r.rangesSay = true
			if !cfg.Pixels { // else it is said of what the nodes compute
				r.Warnings = append(r.Warnings, r.Float.Preparation(nil).Warnings()...)
			}
		}
		return ranges, err
	}
	set, warnings, err := cfg.Calibration.Open(ctx, r.Float.Name)
	if err != nil {
		return nil, err
	}
	defer set.Close()
	prepared := r.Float.Preparation(set)
	r.Preparation = &prepared
	r.Warnings = append(append(r.Warnings, warnings...), prepared.Warnings()...)
	return r.source().Calibrate(ctx, set, cfg)
}

// Open opens the examples to calibrate the network of that name on: of the Builtin one its own where the configuration
// names none. Errors: *ConfigError, and those of dataset.Open.
func (c Calibration) Open(ctx context.Context, name string) (dataset.Set, []Warning, error) {
	data := c.Data
	if data.none() && name == Builtin {
		data.Spec = Builtin
	}
	if data.none() {
		return nil, nil, &ConfigError{"Calibration.Data", "", "it is missing: integers need the ranges of activations, which are " +
			"measured on examples"}
	}
	if data.Limit == 0 {
		data.Limit = DefaultExamples
	}
	set, err := data.open(ctx, "Calibration.Data", dataset.Train)
	if err != nil {
		return nil, nil, err
	}
	if spec, err := dataset.ParseSpec(data.Spec); data.Set == nil && err == nil && spec.Split == dataset.Test {
		use := dataset.Spec{Kind: spec.Kind, Path: spec.Path, Split: dataset.Train}
		return set, []Warning{CalibratedOnTest{data.Spec, use.String()}}, nil
	}
	return set, nil, nil
}

// record writes into the metadata on which pixels the ranges were measured, though they be a guess.
func (n *Network) record(p vision.Preprocess) error {
	p.Divisor = cmp.Or(p.Divisor, 255)
	own := *n.graph
	own.Metadata = maps.Clone(n.graph.Metadata)
	if err := p.Store(&own); err != nil {
		return n.named(err)
	}
	n.graph, n.folded = &own, nil
	return nil
}

// measure measures both networks on the same examples.
func (r *Result) measure(ctx context.Context, cfg Config) error {
	set, err := cfg.Test.open(ctx, "Test", dataset.Test)
	if err != nil {
		return err
	}
	defer set.Close()
	mc := MeasureConfig{Threads: cfg.Threads, Progress: cfg.Progress}
	if r.Accuracy, err = Measure(ctx, r.Network, r.Float, set, mc); err != nil {
		return err
	}
	for _, w := range r.Accuracy.Warnings {
		if _, said := w.(AssumedPreprocess); !said || r.Preparation == nil || len(r.Preparation.Warnings()) == 0 {
			r.Warnings = append(r.Warnings, w)
		}
	}
	return nil
}

// Quantize returns the network in integers, made with these ranges, and what that cost. Errors: ErrQuantized, and those of ptq.Quantize.
func (n *Network) Quantize(ctx context.Context, ranges calib.Ranges, cfg ptq.Config) (*Network, *ptq.NetworkReport, error) {
	return n.integers(ctx, func(g *graph.Graph) (*graph.Graph, *ptq.NetworkReport, error) {
		return ptq.Quantize(ctx, g, ranges, cfg)
	})
}

// Dynamic returns the network with layers that find the ranges of their inputs while they run; else it is Quantize.
func (n *Network) Dynamic(ctx context.Context, cfg ptq.Config) (*Network, *ptq.NetworkReport, error) {
	return n.integers(ctx, func(g *graph.Graph) (*graph.Graph, *ptq.NetworkReport, error) { return ptq.Dynamic(ctx, g, cfg) })
}

func (n *Network) integers(ctx context.Context, of func(*graph.Graph) (*graph.Graph, *ptq.NetworkReport, error)) (*Network, *ptq.NetworkReport, error) {
	g, err := n.float(ctx)
	if err != nil {
		return nil, nil, err
	}
	q, report, err := of(g)
	if err != nil {
		return nil, nil, n.named(err)
	}
	return n.made(q), report, nil
}

// named puts the network's name before an error.
func (n *Network) named(err error) error {
	var field *ptq.ConfigError
	var ours *ConfigError
	if errors.As(err, &field) && !errors.As(err, &ours) {
		err = stageField{&ConfigError{Field: "Quant." + field.Field, Reason: field.Error()}, err}
	}
	return &NetworkError{n.Name, err}
}

// reconstructing returns a function that reports the progress of layers to f.
func reconstructing(f func(Progress)) func(ptq.Progress) {
	return func(p ptq.Progress) {
		f(Progress{Stage: Reconstructing, Done: p.Done, Total: p.Total, Of: p.Layer, Memory: p.Memory, Left: p.Left})
	}
}

// reporter returns a function that reports progress to f, which may be nil.
func reporter(f func(Progress), p Progress) func(done int) {
	if f == nil {
		return func(int) {}
	}
	return func(done int) {
		p.Done = done
		f(p)
	}
}

// PairsSaturate is ptq.PairsSaturate of the network: layers of which some runtimes may saturate sums on processors without instructions for int8.
func (n *Network) PairsSaturate() []string {
	if n.usable() != nil {
		return nil
	}
	return ptq.PairsSaturate(n.graph)
}
