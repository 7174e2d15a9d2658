package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"linquant/calib"
	"linquant/dataset"
	"linquant/engine"
	"linquant/eval"
	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
)

// sweepConfig is what sweep's flags say.
type sweepConfig struct {
	modelFlags
	dataFlags
	calib      string
	size       int
	weightBits string
	actBits    string
	per        string
	methods    string
	keepEdges  bool
	asJSON     bool
}

func sweepCommand() *cobra.Command {
	var cfg sweepConfig
	c := &cobra.Command{
		Use:   "sweep MODEL --data DATA",
		Short: "Measure accuracy over many ways to quantize a network",
		Long: "sweep quantizes a float network in every combination of the bits, granularities and ranges given, " +
			"runs each in integers on the same examples, and prints the accuracy and its difference to the float " +
			"network with the 95% interval of that. --method min-max takes extremes, of weights and of activations; " +
			"mse chooses both for the least squared error.\n\n" + whatModel + "\nDATA is " + whatData +
			". Without --calib, calibration takes the training split of DATA.",
		Example: "  linquant sweep builtin --weight-bits 8,4,3,2\n" +
			"  linquant sweep resnet20.th --data cifar10:DIR --per tensor,channel",
		Args: oneArg("a MODEL"),
		RunE: func(c *cobra.Command, args []string) error { return runSweep(c, args[0], cfg) },
	}
	cfg.dataFlags.add(c, 0)
	f := c.Flags()
	f.StringVar(&cfg.calib, "calib", "", "`DATA` to calibrate on (default: the training split of --data)")
	f.IntVar(&cfg.size, "calib-size", 256, "calibrate on the first `N` examples")
	f.StringVar(&cfg.weightBits, "weight-bits", "8,4,2", "`BITS` of weights, with commas between")
	f.StringVar(&cfg.actBits, "act-bits", "8", "`BITS` of activations, with commas between")
	f.StringVar(&cfg.per, "per", "channel", "the weights of a `WHAT` share a scale: tensor, channel or tensor,channel")
	f.StringVar(&cfg.methods, "method", "min-max", "`METHODS` that choose ranges: min-max, mse or min-max,mse")
	f.BoolVar(&cfg.keepEdges, "keep-edges", false, "keep the first and the last layer at 8 bits")
	cfg.threadsFlag(c)
	jsonFlag(c, &cfg.asJSON)
	archFlag(c, &cfg.arch)
	cfg.inputFlags(c)
	return c
}

// variant is one way to quantize a network.
type variant struct {
	ptq.Config
	per    quant.Granularity
	ranges calib.Method // MinMax or MSE
}

// String names the variant in a line of progress.
func (v variant) String() string {
	return fmt.Sprintf("w%da%d per %v, %v", v.WeightBits, v.ActBits, v.per, v.ranges)
}

// variants returns every combination of what the flags list.
func (cfg sweepConfig) variants() ([]variant, error) {
	var list []variant
	weightBits, err := numbers("--weight-bits", cfg.weightBits, 2, 8)
	if err != nil {
		return nil, err
	}
	actBits, err := numbers("--act-bits", cfg.actBits, 2, 8)
	if err != nil {
		return nil, err
	}
	for methodName := range strings.SplitSeq(cfg.methods, ",") {
		method, err := calib.ParseMethod(strings.TrimSpace(methodName))
		if err != nil || method != calib.MinMax && method != calib.MSE {
			return nil, usagef("--method %q: use min-max, mse or min-max,mse", cfg.methods)
		}
		for _, a := range actBits {
			for name := range strings.SplitSeq(cfg.per, ",") {
				v := variant{ranges: method, Config: ptq.Config{ActBits: a, KeepEdges: cfg.keepEdges}}
				if v.per, err = quant.ParseGranularity(strings.TrimSpace(name)); err != nil {
					return nil, usagef("--per: %w", err)
				}
				if err := v.SetGranularity(v.per); err != nil {
					return nil, usagef("--per %v: %w", v.per, err)
				}
				if method == calib.MSE {
					v.WeightRange = ptq.LeastSquares
				}
				for _, b := range weightBits {
					v.WeightBits = b
					list = append(list, v)
				}
			}
		}
	}
	return list, nil
}

func runSweep(c *cobra.Command, model string, cfg sweepConfig) error {
	variants, err := cfg.variants()
	if err != nil {
		return err
	}
	set, err := cfg.openSet(model)
	if err != nil {
		return err
	}
	defer set.Close()
	if cfg.calib == "" {
		spec, err := dataset.ParseSpec(cfg.data)
		if err != nil {
			return err
		}
		spec.Split = "" // of images, the training ones
		cfg.calib = spec.String()
	}
	examples, err := openCalibration(c.ErrOrStderr(), cfg.calib, cfg.size)
	if err != nil {
		return err
	}
	defer examples.Close()
	if sameData(examples, set) {
		fmt.Fprintf(c.ErrOrStderr(), "linquant: warning: %s is calibrated on and measured on: the network will look better than it is; "+
			"give --calib other examples\n", printable(set.Name()))
	}
	n, err := cfg.open(c, model)
	if err != nil {
		return err
	}
	defer n.Close()
	if n.graph.Quantized() {
		return fmt.Errorf("%s: it is a network of integers already; take the float network that it was made of", model)
	}
	s := sweep{network: n, set: set, examples: examples, threads: cfg.threads, stderr: c.ErrOrStderr()}
	rows, err := s.run(c.Context(), variants)
	if err != nil {
		return err
	}
	if cfg.asJSON {
		return writeJSON(c.OutOrStdout(), sweepJSON{model, set.Name(), set.Len(), examples.Name(), examples.Len(), rows})
	}
	if err := printSweep(c.OutOrStdout(), rows); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "\n%s of %s, calibrated on %s of %s\n", plural(set.Len(), "image"), set.Name(),
		plural(examples.Len(), "image"), examples.Name())
	return err
}

// sameData reports whether two sets begin with the same example of the same file, as data that is not divided does.
func sameData(a, b dataset.Set) bool {
	n, err := a.Shape().Elements()
	if a.Name() != b.Name() || !a.Shape().Equal(b.Shape()) || err != nil || a.Len() == 0 || b.Len() == 0 {
		return false
	}
	x, y := make([]float32, n), make([]float32, n)
	_, errA := a.Read(0, x)
	_, errB := b.Read(0, y)
	return errA == nil && errB == nil && slices.Equal(x, y)
}

// sweep quantizes a network in many ways and measures each.
type sweep struct {
	network  *network
	set      dataset.Set // to measure on
	examples dataset.Set // to calibrate on
	threads  int
	stderr   io.Writer
}

// sweepRow is what came of one variant; of the float network, in the first row.
type sweepRow struct {
	Numbers         string          `json:"numbers"`
	WeightBits      int             `json:"weight_bits,omitempty"`
	ActBits         int             `json:"act_bits,omitempty"`
	Per             string          `json:"per,omitempty"`
	Ranges          string          `json:"ranges,omitempty"`
	N               int             `json:"n"`
	Top1            float64         `json:"top1"`
	Top1Low         float64         `json:"top1_low"`
	Top1High        float64         `json:"top1_high"`
	Difference      *differenceJSON `json:"difference,omitempty"` // to the float network
	WeightBytes     int64           `json:"weight_bytes"`         // of all constants, codes packed at their bits
	ImagesPerSecond float64         `json:"images_per_second"`
}

func (s *sweep) run(ctx context.Context, variants []variant) ([]sweepRow, error) {
	g, program, err := s.network.compile(engine.Config{Threads: s.threads})
	if err != nil {
		return nil, err
	}
	float, err := s.network.accuracy(ctx, s.stderr, g, program, s.set, 64, fmt.Sprintf("float32, 1 of %d", len(variants)+1))
	if err != nil {
		return nil, err
	}
	rows := []sweepRow{newSweepRow("float32", float, 4*graph.Parameters(g))}
	ranges := map[[2]int]calib.Ranges{} // by method and bits
	for i, v := range variants {
		key := [2]int{int(v.ranges), v.ActBits}
		if ranges[key] == nil {
			cc := calib.Config{Method: v.ranges}
			if ranges[key], err = measureRanges(ctx, s.stderr, s.network, g, s.examples, v.Config, cc, s.threads, nil); err != nil {
				return nil, err
			}
		}
		row, err := s.measure(ctx, g, ranges[key], v, float, fmt.Sprintf("%v, %d of %d", v, i+2, len(variants)+1))
		if err != nil {
			return nil, err
		}
		rows = append(rows, row)
	}
	return rows, nil
}

func (s *sweep) measure(ctx context.Context, g *graph.Graph, ranges calib.Ranges, v variant, float *eval.Accuracy,
	what string,
) (sweepRow, error) {
	q, report, err := ptq.Quantize(g, ranges, v.Config)
	if err != nil {
		return sweepRow{}, fmt.Errorf("%s: %w", s.network.name, err)
	}
	program, err := engine.Compile(q, engine.Config{Threads: s.threads})
	if err != nil {
		return sweepRow{}, fmt.Errorf("%s: %w", s.network.name, err)
	}
	a, err := s.network.accuracy(ctx, s.stderr, q, program, s.set, 64, what)
	if err != nil {
		return sweepRow{}, err
	}
	row := newSweepRow(kind(q, program), a, report.PackedBytes)
	row.WeightBits, row.ActBits, row.Per, row.Ranges = v.WeightBits, v.ActBits, v.per.String(), v.ranges.String()
	row.Difference = newDifferenceJSON(eval.Paired(a.Right, float.Right))
	return row, nil
}

func newSweepRow(numbers string, a *eval.Accuracy, bytes int64) sweepRow {
	i := eval.Wilson(a.Top1, a.N)
	return sweepRow{
		Numbers: numbers, N: a.N, Top1: a.Fraction(), Top1Low: i.Low, Top1High: i.High,
		WeightBytes: bytes, ImagesPerSecond: a.ImagesPerSecond(),
	}
}

// sweepJSON is what sweep --json prints.
type sweepJSON struct {
	Model    string     `json:"model"`
	Data     string     `json:"data"`
	N        int        `json:"n"`
	Calib    string     `json:"calib"`
	CalibN   int        `json:"calib_n"`
	Variants []sweepRow `json:"variants"`
}

var sweepHeading = []string{"WEIGHTS", "ACTIVATIONS", "PER", "RANGES", "TOP-1>", "DIFFERENCE>", "95% INTERVAL", "SIZE>", "IMAGES/S>"}

func (r sweepRow) cells() []string {
	if r.Difference == nil {
		return []string{"float32", "float32", "", "", percent(r.Top1), "", "", megabytes(r.WeightBytes), rate(r.ImagesPerSecond)}
	}
	return []string{
		plural(r.WeightBits, "bit"), plural(r.ActBits, "bit"), r.Per, r.Ranges, percent(r.Top1), points(r.Difference.Top1),
		points(r.Difference.Low) + " to " + points(r.Difference.High), megabytes(r.WeightBytes), rate(r.ImagesPerSecond),
	}
}

func printSweep(w io.Writer, rows []sweepRow) error {
	cells := [][]string{append([]string(nil), sweepHeading...)}
	for _, r := range rows {
		cells = append(cells, r.cells())
	}
	return table(w, cells)
}
