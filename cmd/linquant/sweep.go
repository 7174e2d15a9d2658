package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"linquant/calib"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/dataset"
	"linquant/eval"
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
	f.BoolVar(&cfg.keepEdges, "keep-edges", false, "keep the first and the last layer at 8 bits")
	cfg.AddThreads(c)
	cli.JSONFlag(c, &cfg.asJSON)
	flags.AddCheckpoint(c, &cfg.Arch, &cfg.Root)
	cfg.AddInput(c)
	cli.Values(c, "per", quant.PerTensor.String(), quant.PerChannel.String())
	cli.Values(c, "method", calib.MinMax.String(), calib.MSE.String())
	cli.Prefixes(c, "calib", flags.DataKinds...)
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
				if method == calib.MSE {
					v.Quant.WeightMethod = ptq.LeastSquares{}
				}
				for _, b := range weightBits {
					v.Quant.WeightBits = b
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
	set, err := cfg.OpenSet(c.Context(), model)
	if err != nil {
		return err
	}
	defer set.Close()
	if cfg.calib == "" {
		spec, err := dataset.ParseSpec(cfg.Spec)
		if err != nil {
			return err
		}
		spec.Split = "" // of images, the training ones
		cfg.calib = spec.String()
	}
	examples, err := flags.OpenCalibration(c.Context(), c.ErrOrStderr(), cfg.calib, cfg.size)
	if err != nil {
		return err
	}
	defer examples.Close()
	if pipeline.SameExamples(c.Context(), examples, set) {
		flags.Warn(c.ErrOrStderr(), []pipeline.Warning{pipeline.CalibratedOnTest{Data: set.Name()}})
	}
	n, err := cfg.Open(c, model)
	if err != nil {
		return err
	}
	defer n.Close()
	prepared := n.Preparation(set)
	rows, err := sweep(c.Context(), c.ErrOrStderr(), n, examples, set, variants, cfg.Threads)
	if err != nil {
		return err
	}
	flags.Warn(c.ErrOrStderr(), prepared.Warnings())
	if cfg.asJSON {
		return text.WriteJSON(c.OutOrStdout(), sweepJSON{model, set.Name(), set.Len(), examples.Name(), examples.Len(), flags.NewPixels(prepared), rows})
	}
	if err := printSweep(c.OutOrStdout(), rows); err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "\n%s of %s, calibrated on %s of %s\n", text.Plural(set.Len(), "image"), set.Name(),
		text.Plural(examples.Len(), "image"), examples.Name())
	flags.PrintPixels(c.OutOrStdout(), "Input", prepared)
	return err
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

// sweep measures the network in all variants.
func sweep(ctx context.Context, stderr io.Writer, n *pipeline.Network, training, test dataset.Set, variants []pipeline.Variant,
	threads int,
) ([]sweepRow, error) {
	p := text.NewProgress(stderr)
	defer p.End()
	measured, err := n.Sweep(ctx, training, test, variants, pipeline.MeasureConfig{Threads: threads, Progress: flags.Show(p, nil, 0)})
	if err != nil {
		return nil, err
	}
	p.End()
	flags.Warn(stderr, pipeline.WarnChance(n.Name, measured[0].Accuracy))
	var rows []sweepRow
	for _, m := range measured {
		i := eval.Wilson(m.Accuracy.Top1, m.Accuracy.N)
		row := sweepRow{
			Numbers: m.Numbers.String(), N: m.Accuracy.N, Top1: m.Accuracy.Fraction(), Top1Low: i.Low, Top1High: i.High,
			WeightBytes: m.WeightBytes, ImagesPerSecond: m.Accuracy.ImagesPerSecond(),
		}
		if v := m.Variant; v != nil {
			row.WeightBits, row.ActBits, row.Per, row.Ranges = v.Quant.WeightBits, v.Quant.ActBits, v.Granularity().String(), v.Method.String()
			row.Difference = newDifferenceJSON(*m.Difference)
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// sweepJSON is what sweep --json prints.
type sweepJSON struct {
	Model    string        `json:"model"`
	Data     string        `json:"data"`
	N        int           `json:"n"`
	Calib    string        `json:"calib"`
	CalibN   int           `json:"calib_n"`
	Input    *flags.Pixels `json:"input"`
	Variants []sweepRow    `json:"variants"`
}

var sweepHeading = []string{"WEIGHTS", "ACTIVATIONS", "PER", "RANGES", "TOP-1>", "DIFFERENCE>", "95% INTERVAL", "SIZE>", "IMAGES/S>"}

func (r sweepRow) cells() []string {
	if r.Difference == nil {
		return []string{"float32", "float32", "", "", text.Percent(r.Top1), "", "", text.Megabytes(r.WeightBytes), text.Rate(r.ImagesPerSecond)}
	}
	return []string{
		text.Plural(r.WeightBits, "bit"), text.Plural(r.ActBits, "bit"), r.Per, r.Ranges, text.Percent(r.Top1), text.Points(r.Difference.Top1),
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
