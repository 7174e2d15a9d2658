package pipeline

import (
	"cmp"
	"context"
	"math"
	"slices"
	"strconv"

	"linquant/dataset"
	"linquant/eval"
	"linquant/graph"
	"linquant/ptq"
)

// DiagnoseConfig says how thoroughly Diagnose looks. The zero value is sensible.
type DiagnoseConfig struct {
	Examples int // on which outputs are compared; 0 means 64
	Tried    int // layers, those that hurt most, for which remedies are tried; 0 means 6
	Measured int // layers, those that hurt most, that are measured alone on Config.Test; 0 means 3, less than 0 all
}

const (
	diagnosedExamples = 64
	triedLayers       = 6
	measuredLayers    = 3
	keptRemedies      = 4   // overrides that are kept together, at most
	leastGain         = 0.1 // in dB, of a remedy that is kept
)

// Diagnose quantizes a network as cfg says, measures what every layer loses and what it costs the network's outputs when
// it alone is in codes, tries what might help, and puts what does together: overrides of the layers that hurt most, other
// ways to make codes of weights and to choose ranges, more examples. Ranks are by the SQNR of the outputs, which needs no labels, on the
// examples that stand behind those of the calibration in its data, or, where there are none, on these. Overrides are tried beside what helps the whole network most; where weights are reconstructed, in
// networks that are reconstructed from fewer samples. Mended is made as Quantize makes it. The result depends neither on the number of threads nor on the time.
//
// Errors: those of Quantize, a network with several inputs (*InputsError), ranges that are given (they are measured here), and Dynamic.
func Diagnose(ctx context.Context, cfg Config, dc DiagnoseConfig) (*Diagnosis, error) {
	switch {
	case cfg.Dynamic:
		return nil, &ConfigError{Field: "Dynamic", Reason: "layers that find their ranges while they run have none to diagnose"}
	case cfg.Calibration.Ranges != nil:
		return nil, &ConfigError{Field: "Calibration.Ranges", Reason: "a diagnosis measures ranges: give examples"}
	case cfg.Budget != nil:
		return nil, &ConfigError{Field: "Budget", Reason: "a diagnosis is of bits that are given: leave it out"}
	case cfg.Pixels:
		return nil, &ConfigError{Field: "Pixels", Reason: "raw pixels change nothing of a diagnosis: leave it out"}
	}
	if _, ok := cfg.Quant.WeightMethod.(ptq.Equalized); ok {
		return nil, &ConfigError{"Quant.WeightMethod", ptq.Equalized{}.String(), "equalization makes another float network, and layers are held against the " +
			"one that there is: use nearest, mse or reconstruct"}
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"Examples", dc.Examples}, {"Tried", dc.Tried}} {
		if f.value < 0 {
			return nil, &ConfigError{f.name, strconv.Itoa(f.value), "use 1 or more, or 0 for the default"}
		}
	}
	if err := cfg.check(); err != nil {
		return nil, err
	}
	n, err := cfg.open(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.Network == nil {
		defer n.Close()
	}
	d := &diagnosing{n: n, cfg: cfg, dc: DiagnoseConfig{
		cmp.Or(dc.Examples, diagnosedExamples), cmp.Or(dc.Tried, triedLayers), cmp.Or(dc.Measured, measuredLayers),
	}}
	d.cfg.Calibration.Data, d.cfg.Test = cfg.Calibration.Data.forNetwork(n), cfg.Test.forNetwork(n)
	d.cfg.Network, d.cfg.Model, d.cfg.Bytes, d.cfg.Preprocess = n, "", nil, nil
	if err := d.run(ctx); err != nil {
		return nil, err
	}
	d.result.Mended.Network = cfg.Network
	d.result.Mended.Model, d.result.Mended.Bytes, d.result.Mended.Preprocess = cfg.Model, cfg.Bytes, cfg.Preprocess
	return &d.result, nil
}

// diagnosing is a Diagnose at work.
type diagnosing struct {
	n      *Network
	cfg    Config // with what the defaults came to
	dc     DiagnoseConfig
	sample *sample
	most   int // examples that there are to calibrate on

	compared dataset.Set // on which networks are compared
	made     *Result
	result   Diagnosis

	float       *graph.Graph
	activations map[string]ptq.Activation // by value
	weights     *layersAlone
}

func (d *diagnosing) run(ctx context.Context) error {
	r := &d.result
	if err := d.quantize(ctx); err != nil {
		return err
	}
	set, err := d.whole(ctx)
	if err != nil {
		return err
	}
	defer set.Close()
	d.most = set.Len()
	r.Examples, r.Method, r.Weights = min(d.most, d.cfg.Calibration.Data.Limit), d.cfg.Calibration.Method, d.made.Report.WeightMethod
	r.Preparation, r.Warnings, r.PackedBytes = *d.made.Preparation, d.made.Warnings, d.made.Report.PackedBytes
	if r.HeldOut = d.most > r.Examples; r.HeldOut {
		// Those that the remedy of more examples would take are left out too, if there are enough.
		set = dataset.Skip(set, min(max(r.Examples, ReconstructionExamples), max(d.most-d.dc.Examples, r.Examples)))
	}
	d.compared = dataset.Limit(set, d.dc.Examples)
	if d.sample, err = d.n.sample(ctx, d.compared, d.cfg.Threads); err != nil {
		return err
	}
	r.Compared = d.sample.examples
	if r.Output, err = d.sample.loss(ctx, d.made.graph); err != nil {
		return err
	}
	if err := d.layers(ctx); err != nil {
		return err
	}
	if r.Accuracy, err = d.accuracy(ctx, d.made.Network); err != nil {
		return err
	}
	if err := d.measureWorst(ctx); err != nil {
		return err
	}
	return d.mend(ctx)
}

// quantize makes the network in integers that is looked at. What the configuration left open is filled in.
func (d *diagnosing) quantize(ctx context.Context) error {
	c := &d.cfg
	if c.Quant.WeightMethod == nil {
		c.Quant.WeightMethod = ptq.AbsMax{}
		if reconstructs(ptq.Config{WeightBits: c.Quant.WeightBits, Overrides: c.Quant.Overrides}) {
			c.Quant.WeightMethod = ptq.Reconstruct{Threads: c.Threads}
		}
	}
	if c.Calibration.Data.Limit == 0 {
		c.Calibration.Data.Limit = DefaultExamples
		if c.Quant.WeightMethod.String() == (ptq.Reconstruct{}).String() {
			c.Calibration.Data.Limit = ReconstructionExamples
		}
	}
	if c.Quant.Examples.Compile == nil && c.Quant.Examples.Batches == nil {
		c.Quant.Examples = d.n.watched(ctx, *c)
	}
	var err error
	if d.made, err = d.make(ctx, *c); err != nil {
		return err
	}
	d.result.Mended = d.cfg
	d.result.Mended.Quant.Examples = ptq.Examples{}
	return nil
}

// whole opens all examples that there are to calibrate on.
func (d *diagnosing) whole(ctx context.Context) (dataset.Set, error) {
	c := d.cfg.Calibration
	c.Data.Limit = math.MaxInt32
	set, _, err := c.Open(ctx, d.n.Name)
	return set, err
}

// make quantizes the network, and measures nothing.
func (d *diagnosing) make(ctx context.Context, cfg Config) (*Result, error) {
	cfg.Test = Data{}
	return d.n.quantize(ctx, cfg)
}

// accuracy measures a network beside the float one, where there are examples for that.
func (d *diagnosing) accuracy(ctx context.Context, n *Network) (*Difference, error) {
	if d.cfg.Test.none() {
		return nil, nil
	}
	r := &Result{Network: n, Float: d.n, Preparation: &d.result.Preparation}
	if err := r.measure(ctx, d.cfg); err != nil {
		return nil, err
	}
	for _, w := range r.Warnings {
		if !slices.Contains(d.result.Warnings, w) {
			d.result.Warnings = append(d.result.Warnings, w)
		}
	}
	return r.Accuracy, nil
}

// measureWorst measures those layers alone that hurt most.
func (d *diagnosing) measureWorst(ctx context.Context) error {
	if d.cfg.Test.none() {
		return nil
	}
	set, err := d.cfg.Test.open(ctx, "Test", "test")
	if err != nil {
		return err
	}
	defer set.Close()
	worst := d.worst()
	if d.dc.Measured > 0 {
		worst = worst[:min(d.dc.Measured, len(worst))]
	}
	for _, l := range worst {
		g, _, err := d.alone(l)
		if err != nil {
			return err
		}
		mc := MeasureConfig{Threads: d.cfg.Threads, Progress: d.cfg.Progress, Of: cmp.Or(l.Node, l.Value) + " alone"}
		_, a, err := d.n.made(g).accuracy(ctx, set, mc)
		if err != nil {
			return err
		}
		difference := eval.Paired(a.Right, d.result.Accuracy.Reference.Right)
		l.Accuracy = &difference
	}
	return nil
}

// worst returns the layers by falling noise in the network's outputs.
func (d *diagnosing) worst() []*Diagnosed {
	var list []*Diagnosed
	for i := range d.result.Layers {
		list = append(list, &d.result.Layers[i])
	}
	slices.SortStableFunc(list, func(a, b *Diagnosed) int { return cmp.Compare(b.Output.noise(), a.Output.noise()) })
	return list
}
