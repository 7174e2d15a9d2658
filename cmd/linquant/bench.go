package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/engine"
	"linquant/pipeline"
)

// benchConfig is what bench's flags say.
type benchConfig struct {
	arch, root string
	flags.ONNX
	batches string
	threads string
	seconds float64
	layers  bool
	asJSON  bool
}

func benchCommand() *cobra.Command {
	var cfg benchConfig
	c := &cobra.Command{
		Use:   "bench MODEL",
		Short: "Measure how fast a network runs",
		Long: "bench runs a network on random inputs (1 where they are integers), for each batch size and number of threads, for at least " +
			"--seconds, and prints the median and the 99th percentile of the time of one run. A run takes floats " +
			"and gives floats: quantizing the input counts. It goes around several input buffers and caches " +
			"nothing. Measure on an idle machine.\n\n" + flags.WhatModel,
		Example: "  linquant bench builtin\n" +
			"  linquant bench vgg-int8.onnx --batch 1,64 --threads 1,2 --by-layer",
		Args: cli.OneArg("a MODEL"),
		RunE: func(c *cobra.Command, args []string) error { return runBench(c, args[0], cfg) },
	}
	c.Flags().StringVar(&cfg.batches, "batch", "1,64", "batch `SIZES`, with commas between")
	c.Flags().StringVar(&cfg.threads, "threads", "", "`NUMBERS` of threads, with commas between (default: 1 and one for each processor)")
	c.Flags().Float64Var(&cfg.seconds, "seconds", 2, "`TIME` to run each combination for, at least")
	c.Flags().BoolVar(&cfg.layers, "by-layer", false, "also show where the time of one example goes")
	cli.JSONFlag(c, &cfg.asJSON)
	flags.AddCheckpoint(c, &cfg.arch, &cfg.root)
	cfg.ONNX.Add(c.Flags())
	cfg.AddPart(c.Flags())
	cli.Aliases(c, map[string]string{"layers": "by-layer"})
	return c
}

// benchJSON is what bench --json prints.
type benchJSON struct {
	Model   string      `json:"model"`
	Numbers string      `json:"numbers"`
	MACs    int64       `json:"macs"` // of one example
	Runs    []benchRun  `json:"runs"`
	Layers  []benchStep `json:"layers,omitempty"`
}

type benchRun struct {
	Threads         int     `json:"threads"`
	Batch           int     `json:"batch"`
	Tier            string  `json:"tier"`
	Runs            int     `json:"runs"`
	MedianMS        float64 `json:"median_ms"`
	P90MS           float64 `json:"p90_ms"`
	P99MS           float64 `json:"p99_ms"`
	ImagesPerSecond float64 `json:"images_per_second"`
	GMACPerSecond   float64 `json:"gmac_per_second"`
	PeakBytes       int64   `json:"peak_bytes"` // packed weights, activations and scratch
}

type benchStep struct {
	Name          string  `json:"name"`
	Op            string  `json:"op"`
	Integer       bool    `json:"integer"`
	Microseconds  float64 `json:"us"` // of one example, the median
	Share         float64 `json:"share"`
	MACs          int64   `json:"macs"`
	GMACPerSecond float64 `json:"gmac_per_second"`
}

func runBench(c *cobra.Command, model string, cfg benchConfig) error {
	batches, err := flags.Numbers("--batch", cfg.batches, 1, 1<<16)
	if err != nil {
		return err
	}
	if cfg.threads == "" {
		cfg.threads = "1"
		if n := runtime.GOMAXPROCS(0); n > 1 {
			cfg.threads = fmt.Sprintf("1,%d", n)
		}
	}
	threads, err := flags.Numbers("--threads", cfg.threads, 1, flags.MaxThreads)
	if err != nil {
		return err
	}
	if !(cfg.seconds > 0 && cfg.seconds <= 3600) {
		return cli.Usagef("--seconds %g: use more than 0, at most 3600", cfg.seconds)
	}
	n, err := cfg.ONNX.Open(c, model, cfg.arch, cfg.root)
	if err != nil {
		return err
	}
	defer n.Close()
	result := benchJSON{Model: model}
	p := text.NewProgress(c.ErrOrStderr())
	defer p.End()
	err = result.measure(c, n, cfg, threads, batches, p)
	p.End()
	if err != nil && (c.Context().Err() == nil || len(result.Runs) == 0) {
		return err
	}
	if cfg.asJSON {
		return cmp.Or(text.WriteJSON(c.OutOrStdout(), result), err)
	}
	return cmp.Or(result.print(c.OutOrStdout()), err)
}

// measure measures every combination. What is finished when an error comes is kept.
func (j *benchJSON) measure(c *cobra.Command, n *pipeline.Network, cfg benchConfig, threads, batches []int, p *text.Progress) error {
	for i, t := range threads {
		m, err := n.Compile(c.Context(), engine.Config{Threads: t})
		if err != nil {
			return err
		}
		if i == 0 {
			flags.Warn(c.ErrOrStderr(), m.Warnings())
			j.Numbers, j.MACs = m.Numbers.String(), m.MACs()
		}
		for _, batch := range batches {
			p.Step(len(j.Runs), len(threads)*len(batches), fmt.Sprintf("batch %d, %s", batch, text.Plural(t, "thread")))
			b, err := m.Benchmark(c.Context(), batch, t, time.Duration(cfg.seconds*float64(time.Second)))
			if err != nil {
				return err
			}
			j.Runs = append(j.Runs, benchRun{
				Threads: t, Batch: batch, Tier: m.CPU(), Runs: b.Runs,
				MedianMS: milliseconds(b.Median), P90MS: milliseconds(b.P90), P99MS: milliseconds(b.P99),
				ImagesPerSecond: b.ImagesPerSecond(), GMACPerSecond: b.MACs / 1e9, PeakBytes: b.PeakBytes,
			})
		}
		if cfg.layers && i == 0 {
			var err error
			if j.Layers, err = benchSteps(c.Context(), m); err != nil {
				return err
			}
		}
	}
	return nil
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// duration formats milliseconds, those of small networks as microseconds.
func duration(ms float64) string {
	if ms < 0.1 {
		return fmt.Sprintf("%.3f us", 1000*ms)
	}
	return fmt.Sprintf("%.3f ms", ms)
}

// benchSteps measures the steps of one example, the median of several runs.
func benchSteps(ctx context.Context, m *pipeline.Model) ([]benchStep, error) {
	times, err := m.ProfileRandom(ctx)
	if err != nil {
		return nil, err
	}
	var total time.Duration
	for _, t := range times {
		total += t.Elapsed
	}
	var steps []benchStep
	for _, t := range times {
		s := benchStep{
			Name: t.Node, Op: t.Op, Integer: t.Kind == engine.Integer, MACs: t.MACs,
			Microseconds: float64(t.Elapsed) / float64(time.Microsecond),
		}
		if total > 0 {
			s.Share = float64(t.Elapsed) / float64(total)
		}
		if t.Elapsed > 0 {
			s.GMACPerSecond = float64(t.MACs) / 1e9 / t.Elapsed.Seconds()
		}
		steps = append(steps, s)
	}
	return steps, nil
}

func (j benchJSON) print(w io.Writer) error {
	fmt.Fprintf(w, "%s: %s, %s\n\n", text.Printable(j.Model), j.Numbers, text.MultiplyAccumulates(j.MACs))
	rows := [][]string{{"INSTRUCTIONS", "THREADS>", "BATCH>", "MEDIAN>", "P99>", "IMAGES/S>", "GMAC/S>", "MEMORY>"}}
	for _, r := range j.Runs {
		rows = append(rows, []string{
			r.Tier, strconv.Itoa(r.Threads), strconv.Itoa(r.Batch), duration(r.MedianMS), duration(r.P99MS),
			text.Rate(r.ImagesPerSecond), fmt.Sprintf("%.2f", r.GMACPerSecond), text.Megabytes(r.PeakBytes),
		})
	}
	if err := text.Table(w, rows); err != nil || len(j.Layers) == 0 {
		return err
	}
	fmt.Fprintf(w, "\nOne example, one thread:\n\n")
	rows = [][]string{{"STEP", "OPERATOR", "NUMBERS", "TIME>", "SHARE>", "MACS>", "GMAC/S>"}}
	for _, l := range j.Layers {
		numbers, macs, speed := "float32", "", ""
		if l.Integer {
			numbers = "integers"
		}
		if l.MACs > 0 {
			macs, speed = text.Thousands(l.MACs), fmt.Sprintf("%.2f", l.GMACPerSecond)
		}
		rows = append(rows, []string{
			text.Printable(l.Name), l.Op, numbers, fmt.Sprintf("%.1f us", l.Microseconds), fmt.Sprintf("%.1f%%", 100*l.Share), macs, speed,
		})
	}
	return text.Table(w, rows)
}
