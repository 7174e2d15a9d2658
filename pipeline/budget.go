package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"time"

	"linquant/calib"
	"linquant/dataset"
	"linquant/graph"
	"linquant/onnx"
	"linquant/ptq"
)

// Budget says what a network in integers may cost. The bits of the weights of each layer are chosen by that: those with which the network's
// outputs lose least, as measured of every layer alone. Layers that KeepEdges keeps, and those of which an override says the bits of
// weights or that they stay floats, are left as they are. At most one of Packed, File and Latency is given, and MaxDrop alone or with one
// of the first two.
type Budget struct {
	Packed  int64         // bytes of all constants, codes packed at their bits (ptq.NetworkReport.PackedBytes); 0: no bound
	File    int64         // bytes of the file that Write writes; 0: no bound
	Latency time.Duration // of one example on one thread; layers then stay floats where that is worth it, and keep their bits; 0: no bound

	// MaxDrop is how many points of top-1 (0.5 is half a hundredth of the examples) the network may lose to the float one on every second
	// example of Config.Test; the smallest that loses no more is made, and measured on the others. nil: no bound.
	MaxDrop *float64

	Bits     []int // that weights may have; nil means 2, 3, 4, 6 and 8
	Examples int   // on which what layers lose is measured, behind those of the calibration; 0 means 128

	// Write writes the file of a network, made with these overrides, so that its bytes are counted. nil means Network.Export in the
	// default form.
	Write func(w io.Writer, n *Network, overrides []ptq.Override) error

	Int4 bool // the file has codes of up to 4 bits two a byte, and others a byte each
}

const (
	budgetExamples   = 128
	verifiedExamples = 256
	curvePoints      = 24
	mostTightened    = 8 // times that a budget is made less because the network takes more than its parts promised
)

// budgetBits are those that weights may have by default.
var budgetBits = []int{2, 3, 4, 6, 8}

// Choice is how the bits of layers, or the layers that stay floats, were chosen under a budget.
type Choice struct {
	Layers []ChosenLayer
	Curve  []ChoicePoint // what other budgets would give, by rising size; of Latency by rising time

	Bytes     int64         // of the network that was made, counted as the budget does
	InFile    bool          // Bytes are those of the file; else of constants, codes packed
	Latency   time.Duration // of the network that was made, where the budget is one, measured
	Predicted Loss          // of the network's outputs: the noise of all layers alone, added up; its Cosine is NaN
	Gap       float64       // of a size: by which fraction the noise that is predicted may be more than the least there is; 0: it is the least

	Measured Loss // of the outputs, on examples that had no part in the choice where HeldOut
	Examples int  // that had a part in it, beside those of the calibration
	Verified int  // that Measured is of
	HeldOut  bool // the latter are none of the former, nor of the calibration

	// DropExamples is how many examples the drops of the curve's points are of: every second one of Config.Test, for MaxDrop. The others
	// are those of Result.Accuracy.
	DropExamples int

	Overrides []ptq.Override // what was chosen, as the configuration would have said it
}

// ChosenLayer is what a layer may cost and lose.
type ChosenLayer struct {
	Node    string
	Options []LayerOption
	Picked  int // of them
}

// LayerOption is one way to have a layer.
type LayerOption struct {
	Bits  int           // of its weights; 0: it stays float
	Bytes int64         // of its weights and their scales, counted as the budget does
	Time  time.Duration // of one example, where the budget is a time
	Loss  Loss          // of the network's outputs, alone
}

// ChoicePoint is a choice for another budget.
type ChoicePoint struct {
	Bytes     int64
	Time      time.Duration // predicted, where the budget is a time
	Predicted Loss
	Bits      []int // by layer; 0: it stays float
	Chosen    bool
	Drop      *float64 // in points, where it was measured for MaxDrop
}

// BudgetError is a budget that no choice is within.
type BudgetError struct {
	Name string // of the network
	What string // is bounded: "packed", "size", "latency" or "max-drop"

	Budget, Nearest int64         // bytes
	Time, Fastest   time.Duration // of a latency
	Drop, Least     float64       // in points, of a drop
	Bytes           int64         // that the network with the least drop takes
}

// Error gives the nearest that can be met.
func (e *BudgetError) Error() string {
	switch {
	case e.What == "latency":
		return fmt.Sprintf("%s: a latency of %v cannot be met: the fastest choice of layers takes %v", e.Name, e.Time, e.Fastest)
	case e.What == "max-drop":
		return fmt.Sprintf("%s: a drop of %g points at most cannot be met: the least, of %d bytes, is %.2f points", e.Name, e.Drop, e.Bytes, e.Least)
	}
	of := "a file"
	if e.What == "packed" {
		of = "packed constants"
	}
	return fmt.Sprintf("%s: a budget of %d bytes for %s cannot be met: the least is %d bytes", e.Name, e.Budget, of, e.Nearest)
}

// DropExceeded warns that the network loses more than MaxDrop on the examples that had no part in the choice.
type DropExceeded struct {
	Drop, MaxDrop float64 // in points
	Examples      int
}

// Warning is one line.
func (w DropExceeded) Warning() string {
	return fmt.Sprintf("on the %d examples that had no part in the choice the network loses %.2f points, more than %g: choose on more examples, or "+
		"for less", w.Examples, w.Drop, w.MaxDrop)
}

// checkBudget returns a *ConfigError about a budget that cannot be.
func (cfg Config) checkBudget() error {
	b := cfg.Budget
	if b == nil {
		return nil
	}
	given := 0
	for _, f := range []struct {
		name  string
		value int64
	}{{"Budget.Packed", b.Packed}, {"Budget.File", b.File}, {"Budget.Latency", int64(b.Latency)}} {
		if f.value < 0 {
			return &ConfigError{f.name, strconv.FormatInt(f.value, 10), "use more than 0"}
		}
		if f.value > 0 {
			given++
		}
	}
	equalized, latency := ptq.Equalized{}.String(), b.Latency > 0
	few := slices.ContainsFunc(b.Bits, func(bits int) bool { return bits < 2 || bits > 8 })
	switch {
	case given > 1:
		return &ConfigError{"Budget", "", "it bounds several of Packed, File and Latency: give one"}
	case given == 0 && b.MaxDrop == nil:
		return &ConfigError{"Budget", "", "it bounds nothing: give Packed, File, Latency or MaxDrop"}
	case b.MaxDrop != nil && !(*b.MaxDrop >= 0 && *b.MaxDrop <= 100):
		return &ConfigError{"Budget.MaxDrop", fmt.Sprint(*b.MaxDrop), "use 0 to 100 points"}
	case b.MaxDrop != nil && latency:
		return &ConfigError{"Budget", "", "it bounds Latency and MaxDrop: give one, and measure the other"}
	case b.MaxDrop != nil && cfg.Test.none():
		return &ConfigError{"Test", "", "it is missing: a drop of accuracy is measured on labelled examples"}
	case b.Examples < 0:
		return &ConfigError{"Budget.Examples", strconv.Itoa(b.Examples), "use 1 or more, or 0 for the default"}
	case few:
		return &ConfigError{"Budget.Bits", fmt.Sprint(b.Bits), "use 2 to 8"}
	case cfg.Dynamic:
		return &ConfigError{"Dynamic", "", "a budget is chosen for by what layers lose with ranges that were measured: leave out one of them"}
	case cfg.Calibration.Ranges != nil:
		return &ConfigError{"Calibration.Ranges", "", "what layers lose is measured on examples: give Calibration.Data"}
	case cfg.Quant.Resume != "":
		return &ConfigError{"Quant.Resume", cfg.Quant.Resume, "a folder has the layers of one network, and several are made under a budget: leave it out, or " +
			"quantize with the overrides that were chosen"}
	case cfg.Pixels:
		return &ConfigError{"Pixels", "", "choose under a budget without it, and quantize again with the overrides that were chosen"}
	case cfg.Quant.WeightMethod != nil && cfg.Quant.WeightMethod.String() == equalized:
		return &ConfigError{"Quant.WeightMethod", equalized, "what layers lose is held against the float network that there is, and equalization makes " +
			"another: use nearest, mse or reconstruct"}
	case !latency && cfg.Quant.WeightBits != 0 && cfg.Quant.WeightBits != 8:
		return &ConfigError{"Quant.WeightBits", strconv.Itoa(cfg.Quant.WeightBits), "the bits of weights are chosen under the budget: leave them out"}
	}
	return nil
}

// choosing is a choice at work.
type choosing struct {
	n      *Network
	cfg    Config // without the budget
	budget Budget
	float  *graph.Graph
	ranges calib.Ranges
	sample *sample
	alone  map[int]*layersAlone // by bits

	fixed  int64 // bytes beside the options of layers, as far as they are known
	result Choice
}

// budgeted is quantize under a budget.
func (n *Network) budgeted(ctx context.Context, cfg Config) (*Result, error) {
	c := &choosing{n: n, cfg: cfg, budget: *cfg.Budget}
	c.cfg.Budget, c.cfg.Quant.WeightBits = nil, cmp.Or(cfg.Quant.WeightBits, 8)
	if c.budget.Write == nil {
		c.budget.Write = func(w io.Writer, n *Network, _ []ptq.Override) error {
			return n.Export(w, onnx.ExportConfig{Int4: c.budget.Int4})
		}
	}
	// The drop is minimal of what the file takes where that is what may be less.
	c.result.InFile = c.budget.File > 0 || c.budget.Packed == 0 && c.budget.Int4
	var err error
	if c.float, err = n.Folded(ctx); err != nil {
		return nil, err
	}
	if c.budget.MaxDrop != nil {
		if err := c.labelled(ctx); err != nil {
			return nil, err
		}
	}
	held, err := c.open(ctx)
	if err != nil {
		return nil, err
	}
	defer held.Close()
	var r *Result
	switch {
	case c.budget.Latency > 0:
		r, err = c.fast(ctx)
	case c.budget.MaxDrop != nil:
		if err = c.sense(ctx); err == nil {
			r, err = c.small(ctx)
		}
	default:
		if err = c.sense(ctx); err == nil {
			r, err = c.within(ctx, max(c.budget.Packed, c.budget.File))
		}
	}
	if err != nil {
		return nil, err
	}
	if err := c.verify(ctx, r, held); err != nil {
		return nil, err
	}
	return r, c.judge(ctx, r)
}

// byteCounter counts what is written.
type byteCounter int64

func (c *byteCounter) Write(p []byte) (int, error) {
	*c += byteCounter(len(p))
	return len(p), nil
}

// open reads the examples that what layers lose is measured on, and returns those behind them, to verify on. Where the data has no more
// than the calibration takes, both are its first.
func (c *choosing) open(ctx context.Context) (dataset.Set, error) {
	calibration := c.cfg.Calibration
	calibrated := cmp.Or(calibration.Data.Limit, ReconstructionExamples)
	calibration.Data.Limit = math.MaxInt32
	set, _, err := calibration.Open(ctx, c.n.Name)
	if err != nil {
		return nil, err
	}
	chosenOn := cmp.Or(c.budget.Examples, budgetExamples)
	held := set
	if more := set.Len() - calibrated; more > 1 {
		chosenOn = min(chosenOn, more/2)
		set = dataset.Skip(set, calibrated)
		held, c.result.HeldOut = dataset.Skip(set, chosenOn), true
	}
	c.sample, err = c.n.sample(ctx, dataset.Limit(set, chosenOn), c.cfg.Threads)
	if err == nil {
		c.result.Examples = c.sample.examples
		return dataset.Limit(held, verifiedExamples), nil
	}
	return nil, errors.Join(err, held.Close())
}

// sense measures what each layer alone costs the outputs, at all bits that it may have.
func (c *choosing) sense(ctx context.Context) error {
	widths := slices.Clone(c.budget.Bits)
	if len(widths) == 0 {
		widths = slices.Clone(budgetBits)
	}
	slices.Sort(widths)
	widths = slices.Compact(widths)
	if err := c.measureRanges(ctx); err != nil {
		return err
	}
	c.alone = map[int]*layersAlone{}
	for _, bits := range widths {
		qc := c.quantAlone(ctx, bits)
		var err error
		if c.alone[bits], err = c.n.layersAlone(ctx, c.float, c.ranges, qc); err != nil {
			return err
		}
	}
	return c.senseLayers(ctx, widths)
}

// measureRanges measures the ranges of activations, which do not depend on the bits of weights.
func (c *choosing) measureRanges(ctx context.Context) error {
	calibration := c.cfg.Calibration
	calibration.Data.Limit = cmp.Or(calibration.Data.Limit, ReconstructionExamples)
	set, _, err := calibration.Open(ctx, c.n.Name)
	if err != nil {
		return err
	}
	defer set.Close()
	c.ranges, err = c.n.Calibrate(ctx, set, c.cfg)
	return err
}

// quantAlone is the configuration of layers alone with weights of so many bits. Those that are reconstructed are from fewer
// examples and samples: what a layer loses needs not be as exact as its codes.
func (c *choosing) quantAlone(ctx context.Context, bits int) ptq.Config {
	qc, fewer := c.cfg.Quant, c.cfg
	qc.WeightBits = bits
	if _, ok := qc.WeightMethod.(ptq.Reconstruct); ok || qc.WeightMethod == nil {
		qc.WeightMethod = ptq.Reconstruct{Samples: lightSamples, Threads: c.cfg.Threads}
	}
	fewer.Calibration.Data.Limit = min(lightExamples, cmp.Or(c.cfg.Calibration.Data.Limit, lightExamples))
	qc.Examples = c.n.watched(ctx, fewer)
	if c.cfg.Progress != nil {
		qc.Progress = func(p ptq.Progress) {
			c.cfg.Progress(Progress{Stage: Sensing, Done: p.Done, Total: p.Total, Of: fmt.Sprintf("%s with %d bits", p.Layer, bits)})
		}
	}
	return qc
}

// senseLayers measures the layers whose bits may be chosen: those that have, in the network of each number of bits, that number.
func (c *choosing) senseLayers(ctx context.Context, widths []int) error {
	first, last := c.alone[widths[0]].report.Layers, c.alone[widths[len(widths)-1]].report.Layers
	var free []int
	for i, l := range first {
		if l.Bits == widths[0] && last[i].Bits == widths[len(widths)-1] {
			free = append(free, i)
		}
	}
	if len(free) == 0 {
		return c.n.named(&ConfigError{"Budget", "", "there is no layer whose bits are open: none has weights that become integers, or KeepEdges and " +
			"overrides say the bits of all"})
	}
	report := reporter(c.cfg.Progress, Progress{Stage: Sensing, Total: len(free) * len(widths), Of: c.n.Name})
	for k, i := range free {
		layer := ChosenLayer{Node: first[i].Node}
		for j, bits := range widths {
			report(k*len(widths) + j)
			alone := c.alone[bits]
			g := c.float.Clone()
			if err := alone.weights(g, layer.Node); err != nil {
				return err
			}
			loss, err := c.sample.loss(ctx, g)
			if err != nil {
				return err
			}
			o := LayerOption{Bits: bits, Bytes: alone.report.Layers[i].PackedBytes, Loss: loss}
			if c.result.InFile {
				o.Bytes = alone.report.Layers[i].FileBytes(c.budget.Int4)
			}
			layer.Options = append(layer.Options, o)
		}
		c.result.Layers = append(c.result.Layers, layer)
	}
	report(len(free) * len(widths))
	// What is beside the options shows in one network whose size is known.
	base := make([]int, len(free))
	size, err := c.size(base)
	if err != nil {
		return err
	}
	c.fixed = size
	for _, l := range c.result.Layers {
		c.fixed -= l.Options[0].Bytes
	}
	return nil
}

// verify measures the outputs on examples that had no part in the choice.
func (c *choosing) verify(ctx context.Context, r *Result, held dataset.Set) error {
	s, err := c.n.sample(ctx, held, c.cfg.Threads)
	if err != nil {
		return err
	}
	c.result.Verified = s.examples
	c.result.Measured, err = s.loss(ctx, r.graph)
	r.Choice = &c.result
	return err
}
