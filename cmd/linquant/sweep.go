package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"linquant/calib"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/feed"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/dataset"
	"linquant/eval"
	"linquant/internal/atomicfile"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/quant"
)

// sweepConfig is what sweep's flags say.
type sweepConfig struct {
	flags.Model
	flags.Data
	calib      string
	size       int
	weightBits string
	actBits    string
	per        string
	methods    string
	weights    string
	keepEdges  bool
	asJSON     bool
	resume     string
}

func sweepCommand() *cobra.Command {
	var cfg sweepConfig
	c := &cobra.Command{
		Use:   "sweep MODEL --data DATA",
		Short: "Measure accuracy over many ways to quantize a network",
		Long: "sweep quantizes a float network in every combination of the bits, granularities and ranges given, " +
			"runs each in integers on the same examples, and prints the accuracy and its difference to the float " +
			"network with the 95% interval of that. --method min-max takes extremes, of weights and of activations; " +
			"mse chooses both for the least squared error.\n\n" + flags.WhatModel + "\nDATA is " + flags.WhatData +
			". Without --calib, calibration takes the training split of DATA.",
		Example: "  linquant sweep builtin --weight-bits 8,4,3,2\n" +
			"  linquant sweep resnet20.th --data cifar10:DIR --per tensor,channel",
		Args: cli.OneArg("a MODEL"),
		RunE: func(c *cobra.Command, args []string) error { return runSweep(c, args[0], cfg) },
	}
	cfg.Data.Add(c, 0)
	f := c.Flags()
	f.StringVar(&cfg.calib, "calib", "", "`DATA` to calibrate on (default: the training split of --data)")
	f.IntVar(&cfg.size, "calib-size", 256, "calibrate on the first `N` examples")
	f.StringVar(&cfg.weightBits, "weight-bits", "8,4,2", "`BITS` of weights, with commas between")
	f.StringVar(&cfg.actBits, "act-bits", "8", "`BITS` of activations, with commas between")
	f.StringVar(&cfg.per, "per", "channel", "the weights of a `WHAT` share a scale: tensor, channel or tensor,channel")
	f.StringVar(&cfg.methods, "method", "min-max", "`METHODS` that choose ranges: min-max, mse or min-max,mse")
	f.StringVar(&cfg.weights, "weights", "", "`METHODS` that make codes of weights, with commas between: nearest, mse or reconstruct "+
		"(default reconstruct below 8 bits, else nearest; mse with --method mse)")
	f.BoolVar(&cfg.keepEdges, "keep-edges", false, "keep the first and the last layer at 8 bits")
	f.StringVar(&cfg.resume, "resume", "", "keep what is finished in this `FILE` (JSON), and measure no row again that is there")
	cfg.AddThreads(c)
	cli.JSONFlag(c, &cfg.asJSON)
	flags.AddCheckpoint(c, &cfg.Arch, &cfg.Root)
	cfg.AddInput(c)
	cli.Values(c, "per", quant.PerTensor.String(), quant.PerChannel.String())
	cli.Values(c, "method", calib.MinMax.String(), calib.MSE.String())
	cli.Values(c, "weights", ptq.AbsMax{}.String(), ptq.LeastSquares{}.String(), ptq.Reconstruct{}.String())
	cli.Prefixes(c, "calib", append([]string{feed.Prefix}, flags.DataKinds...)...)
	return c
}

// variants returns every combination of what the flags list.
func (cfg sweepConfig) variants() ([]pipeline.Variant, error) {
	var list []pipeline.Variant
	weightBits, err := flags.Numbers("--weight-bits", cfg.weightBits, 2, 8)
	if err != nil {
		return nil, err
	}
	actBits, err := flags.Numbers("--act-bits", cfg.actBits, 2, 8)
	if err != nil {
		return nil, err
	}
	for methodName := range strings.SplitSeq(cfg.methods, ",") {
		method, err := calib.ParseMethod(strings.TrimSpace(methodName))
		if err != nil || method != calib.MinMax && method != calib.MSE {
			return nil, cli.Usagef("--method %q: use min-max, mse or min-max,mse", cfg.methods)
		}
		for _, a := range actBits {
			for name := range strings.SplitSeq(cfg.per, ",") {
				v := pipeline.Variant{Method: method, Quant: ptq.Config{ActBits: a, KeepEdges: cfg.keepEdges}}
				per, err := quant.ParseGranularity(strings.TrimSpace(name))
				if err != nil {
					return nil, cli.Usagef("--per: %w", err)
				}
				if err := v.Quant.SetGranularity(per); err != nil {
					return nil, cli.Usagef("--per %v: %w", per, err)
				}
				for _, b := range weightBits {
					v.Quant.WeightBits = b
					ways, err := cfg.weightMethods(b, method)
					if err != nil {
						return nil, err
					}
					for _, way := range ways {
						v.Quant.WeightMethod = way
						list = append(list, v)
					}
				}
			}
		}
	}
	return list, nil
}

// weightMethods returns the ways to make codes of weights of so many bits.
func (cfg sweepConfig) weightMethods(bits int, method calib.Method) ([]ptq.WeightMethod, error) {
	if cfg.weights == "" {
		switch {
		case method == calib.MSE:
			return []ptq.WeightMethod{ptq.LeastSquares{}}, nil
		case bits < 8:
			return []ptq.WeightMethod{ptq.Reconstruct{}}, nil
		}
		return []ptq.WeightMethod{ptq.AbsMax{}}, nil
	}
	var list []ptq.WeightMethod
	for name := range strings.SplitSeq(cfg.weights, ",") {
		way, err := ptq.ParseWeightMethod(strings.TrimSpace(name))
		if err != nil {
			return nil, cli.Usagef("--weights: %w", err)
		}
		if way == (ptq.Equalized{}) {
			return nil, cli.Usagef("--weights %v: it changes what ranges are measured on, which the rows of a sweep share: use 'linquant quantize'", way)
		}
		list = append(list, way)
	}
	return list, nil
}

func runSweep(c *cobra.Command, model string, cfg sweepConfig) error {
	variants, err := cfg.variants()
	if err != nil {
		return err
	}
	if err := cfg.Check(model); err != nil {
		return err
	}
	if cfg.calib == "" {
		spec, err := dataset.ParseSpec(cfg.Spec)
		if err != nil {
			return err
		}
		spec.Split = "" // of images, the training ones
		cfg.calib = spec.String()
	}
	n, err := cfg.Open(c, model)
	if err != nil {
		return err
	}
	defer n.Close()
	if n.Quantized() {
		return fmt.Errorf("%s: %w", text.Printable(model), pipeline.ErrQuantized)
	}
	set, err := cfg.OpenSet(c.Context(), n)
	if err != nil {
		return err
	}
	defer set.Close()
	examples, err := flags.OpenCalibration(c.Context(), c.ErrOrStderr(), cfg.calib, cfg.size, n.DataInputs())
	if err != nil {
		return err
	}
	defer examples.Close()
	if pipeline.SameExamples(c.Context(), examples, set) {
		flags.Warn(c.ErrOrStderr(), []pipeline.Warning{pipeline.CalibratedOnTest{Data: set.Name()}})
	}
	prepared := n.Preparation(set)
	if err := cfg.CheckPixels(c, prepared); err != nil {
		return err
	}
	cfg.WarnPixels(c, n.Preparation(examples), examples.Name(), "it is only for those of --data")
	done := &sweepJSON{Model: model, Data: set.Name(), N: set.Len(), Calib: examples.Name(), CalibN: examples.Len(), Input: flags.NewPixels(prepared)}
	if done.ModelBytes = n.Size; cfg.resume != "" {
		if err := done.load(cfg.resume); err != nil {
			return err
		}
	}
	err = cfg.sweep(c, n, examples, set, variants, done)
	interrupted := err != nil && c.Context().Err() != nil && len(done.Variants) > 0
	if err != nil && !interrupted {
		return err
	}
	flags.Warn(c.ErrOrStderr(), prepared.Warnings())
	if cfg.asJSON {
		if e := text.WriteJSON(c.OutOrStdout(), done); err == nil {
			err = e
		}
		return err
	}
	fmt.Fprintf(c.OutOrStdout(), "\n%s of %s, calibrated on %s of %s\n", text.Plural(set.Len(), "image"), set.Name(),
		text.Plural(examples.Len(), "image"), examples.Name())
	flags.PrintPixels(c.OutOrStdout(), "Input", prepared)
	if interrupted {
		fmt.Fprintf(c.OutOrStdout(), "%d of %d rows are measured\n", len(done.Variants), len(variants)+1)
	}
	return err
}

// sweep measures the variants that are not done, prints each row when it is known, and keeps it in the file of --resume.
func (cfg sweepConfig) sweep(c *cobra.Command, n *pipeline.Network, training, test dataset.Set, variants []pipeline.Variant, done *sweepJSON) error {
	known := done.Variants
	done.Variants = nil
	var left []pipeline.Variant
	like := [][]string{(sweepRow{Top1: 1, WeightBytes: n.Size}).cells()}
	rowOf := map[string]sweepRow{}
	for _, v := range variants {
		row := variantRow(v)
		i := slices.IndexFunc(known, row.same)
		if i >= 0 {
			rowOf[v.String()] = known[i]
		} else {
			left = append(left, v)
		}
		row.Difference, row.Top1, row.WeightBytes = &differenceJSON{Top1: -.1234, Low: -.1234, High: -.1234}, 1, n.Size
		like = append(like, row.cells())
	}
	print := func(sweepRow) error { return nil }
	if !cfg.asJSON {
		lines, err := text.NewLines(c.OutOrStdout(), sweepHeading, like)
		if err != nil {
			return err
		}
		print = func(r sweepRow) error { return lines.Row(r.cells()) }
	}
	p := text.NewProgress(c.ErrOrStderr())
	defer p.End()
	var failed error
	add := func(row sweepRow) {
		p.End()
		done.Variants = append(done.Variants, row)
		if err := print(row); failed == nil {
			failed = err
		}
	}
	at := 0
	flush := func() { // rows that were known before, in their order
		for ; at < len(variants); at++ {
			row, ok := rowOf[variants[at].String()]
			if !ok {
				return
			}
			add(row)
		}
	}
	_, err := n.Sweep(c.Context(), training, test, left, pipeline.MeasureConfig{
		Threads: cfg.Threads, Progress: flags.Show(p, nil, 0),
		Measured: func(m pipeline.Measured) {
			add(newSweepRow(m))
			if m.Variant == nil {
				flags.Warn(c.ErrOrStderr(), append(n.WarnClasses(test, m.Accuracy), pipeline.WarnChance(n, m.Accuracy)...))
			} else {
				at++
			}
			flush()
			if cfg.resume != "" && failed == nil {
				failed = done.save(cfg.resume)
			}
		},
	})
	return cmp.Or(err, failed)
}

// sweepRow is what came of one variant; of the float network, in the first row.
type sweepRow struct {
	Numbers         string          `json:"numbers"`
	WeightBits      int             `json:"weight_bits,omitempty"`
	ActBits         int             `json:"act_bits,omitempty"`
	Per             string          `json:"per,omitempty"`
	KeepEdges       bool            `json:"keep_edges,omitempty"`
	Ranges          string          `json:"ranges,omitempty"`
	Weights         string          `json:"weights,omitempty"` // how codes of weights were made
	N               int             `json:"n"`
	Top1            float64         `json:"top1"`
	Top1Low         float64         `json:"top1_low"`
	Top1High        float64         `json:"top1_high"`
	Difference      *differenceJSON `json:"difference,omitempty"` // to the float network
	WeightBytes     int64           `json:"weight_bytes"`         // of all constants, codes packed at their bits
	ImagesPerSecond float64         `json:"images_per_second"`
}

// variantRow is a row before its variant is measured.
func variantRow(v pipeline.Variant) sweepRow {
	return sweepRow{
		WeightBits: v.Quant.WeightBits, ActBits: v.Quant.ActBits, Per: v.Granularity().String(), KeepEdges: v.Quant.KeepEdges,
		Ranges: v.Method.String(), Weights: v.Quant.WeightMethod.String(),
	}
}

// same reports whether both are rows of one variant.
func (r sweepRow) same(other sweepRow) bool {
	return r.WeightBits == other.WeightBits && r.ActBits == other.ActBits && r.Per == other.Per && r.KeepEdges == other.KeepEdges &&
		r.Ranges == other.Ranges && r.Weights == other.Weights && other.Difference != nil
}

func newSweepRow(m pipeline.Measured) sweepRow {
	var row sweepRow
	if m.Variant != nil {
		row = variantRow(*m.Variant)
		row.Difference = newDifferenceJSON(*m.Difference)
	}
	i := eval.Wilson(m.Accuracy.Top1, m.Accuracy.N)
	row.Numbers, row.N, row.Top1, row.Top1Low, row.Top1High = m.Numbers.String(), m.Accuracy.N, m.Accuracy.Fraction(), i.Low, i.High
	row.WeightBytes, row.ImagesPerSecond = m.WeightBytes, m.Accuracy.ImagesPerSecond()
	return row
}

// sweepJSON is what sweep --json prints, and what --resume keeps.
type sweepJSON struct {
	Model      string        `json:"model"`
	ModelBytes int64         `json:"model_bytes"`
	Data       string        `json:"data"`
	N          int           `json:"n"`
	Calib      string        `json:"calib"`
	CalibN     int           `json:"calib_n"`
	Input      *flags.Pixels `json:"input"`
	Variants   []sweepRow    `json:"variants"`
}

// load takes the rows that the file has, which must be of the same network and data. One that is not there has none.
func (j *sweepJSON) load(path string) error {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var old sweepJSON
	if err := json.Unmarshal(data, &old); err != nil || old.Model == "" {
		return fmt.Errorf("%s: it is no file of --resume: name another", text.Printable(path))
	}
	rows := old.Variants
	old.Variants = nil
	if !reflect.DeepEqual(*j, old) {
		return fmt.Errorf("%s: its rows are of another network, or of other data or pixels: name another file for --resume", text.Printable(path))
	}
	j.Variants = rows
	return nil
}

// save keeps the rows in the file.
func (j *sweepJSON) save(path string) error {
	return atomicfile.Write(path, func(w io.Writer) error { return text.WriteJSON(w, j) })
}

var sweepHeading = []string{"WEIGHTS", "CODES", "ACTIVATIONS", "PER", "RANGES", "TOP-1>", "DIFFERENCE>", "95% INTERVAL", "SIZE>", "IMAGES/S>"}

func (r sweepRow) cells() []string {
	if r.Difference == nil {
		return []string{"float32", "", "float32", "", "", text.Percent(r.Top1), "", "", text.Megabytes(r.WeightBytes), text.Rate(r.ImagesPerSecond)}
	}
	return []string{
		text.Plural(r.WeightBits, "bit"), r.Weights, text.Plural(r.ActBits, "bit"), r.Per, r.Ranges, text.Percent(r.Top1), text.Points(r.Difference.Top1),
		text.Points(r.Difference.Low) + " to " + text.Points(r.Difference.High), text.Megabytes(r.WeightBytes), text.Rate(r.ImagesPerSecond),
	}
}

func printSweep(w io.Writer, rows []sweepRow) error {
	cells := [][]string{append([]string(nil), sweepHeading...)}
	for _, r := range rows {
		cells = append(cells, r.cells())
	}
	return text.Table(w, cells)
}
