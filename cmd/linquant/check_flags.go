package main

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/eval"
	"linquant/internal/near"
	"linquant/pipeline"
)

// pipelineConfig returns what the pipeline wants, but for the judge.
func (cfg *checkConfig) pipelineConfig(c *cobra.Command) (pipeline.CheckConfig, error) {
	p := pipeline.CheckConfig{
		Confidence: cfg.confidence, Seed: cfg.seed, Limit: cfg.Limit, Batch: cfg.batch, Threads: cfg.Threads, MaxLoss: cfg.maxDrop,
	}
	given := c.Flags().Changed
	metric, isExec := eval.Metric(cfg.metric), strings.HasPrefix(cfg.metric, execPrefix)
	if !isExec {
		if !slices.Contains(eval.Metrics(), metric) {
			return p, cli.Usagef("--metric %q: use top1, top5, cosine, mse, sqnr or 'exec: COMMAND'%s", cfg.metric, near.Meant(cfg.metric, metricNames()))
		}
		p.Metric = metric
		for _, name := range []string{"range", "metric-timeout"} {
			if given(name) {
				return p, cli.Usagef("--%s is for --metric 'exec: COMMAND'", name)
			}
		}
	}
	switch {
	case given("max-drop") && given("at-least"):
		return p, cli.Usagef("--max-drop and --at-least both say what is allowed: give one of them")
	case given("at-least") && (isExec || metric != eval.Cosine && metric != eval.SQNR):
		return p, cli.Usagef("--at-least is for the metrics cosine and sqnr: give --max-drop")
	case given("max-drop") && metric == eval.SQNR:
		return p, cli.Usagef("--max-drop: an exact network has infinitely many decibels; say with --at-least how many are wanted")
	case !given("max-drop") && !given("at-least") && metric == eval.SQNR:
		return p, cli.Usagef("--at-least is missing: how many decibels are wanted")
	case !given("max-drop") && !given("at-least"):
		return p, cli.Usagef("--max-drop is missing: how much the network may lose, such as 0.5 points")
	case !(cfg.confidence > 0.5 && cfg.confidence < 1):
		return p, cli.Usagef("--confidence %g: use more than 0.5 and less than 1, such as 0.95", cfg.confidence)
	case cfg.Limit < 0:
		return p, cli.Usagef("--limit %d: use 1 or more, or 0 for all", cfg.Limit)
	case cfg.batch < 1:
		return p, cli.Usagef("--batch %d: use 1 or more", cfg.batch)
	case isExec:
		return p, cfg.execConfig(&p)
	case metric.Labels():
		if !(cfg.maxDrop >= 0 && cfg.maxDrop < 100) {
			return p, cli.Usagef("--max-drop %g: use points from 0 to 100, less than 100", cfg.maxDrop)
		}
		p.MaxLoss = cfg.maxDrop / 100
	case metric == eval.SQNR:
		if !(cfg.atLeast >= -300 && cfg.atLeast <= 299) {
			return p, cli.Usagef("--at-least %g: use decibels from -300 to 299", cfg.atLeast)
		}
		p.MaxLoss = math.Pow(10, -cfg.atLeast/10)
	case given("at-least"):
		if !(cfg.atLeast > -1 && cfg.atLeast < 1) {
			return p, cli.Usagef("--at-least %g: use a cosine above -1 and below 1: exactly 1 cannot be shown by any number of examples", cfg.atLeast)
		}
		p.MaxLoss = 1 - cfg.atLeast
	case !(cfg.maxDrop >= 1e-30 && cfg.maxDrop <= math.MaxFloat32):
		return p, cli.Usagef("--max-drop %g: use 1e-30 or more: no difference at all cannot be shown by any number of examples", cfg.maxDrop)
	case metric == eval.Cosine && cfg.maxDrop >= 2:
		return p, cli.Usagef("--max-drop %g: use less than 2, which is the most that a cosine loses", cfg.maxDrop)
	}
	return p, nil
}

// execConfig says what the numbers of a command lie between.
func (cfg *checkConfig) execConfig(p *pipeline.CheckConfig) error {
	low, high, _ := strings.Cut(cfg.span, ",")
	var errLow, errHigh error
	p.Low, errLow = strconv.ParseFloat(strings.TrimSpace(low), 64)
	p.High, errHigh = strconv.ParseFloat(strings.TrimSpace(high), 64)
	if errLow != nil || errHigh != nil || !(p.Low < p.High) || math.IsInf(p.High-p.Low, 0) {
		return cli.Usagef("--range %q: use two numbers with a comma between, the smaller first, such as -1,1", cfg.span)
	}
	if !(cfg.maxDrop > p.Low && cfg.maxDrop < p.High) {
		return cli.Usagef("--max-drop %g: use more than %g and less than %g, between which the command's numbers lie (--range)", cfg.maxDrop, p.Low, p.High)
	}
	if !(cfg.timeout > 0 && cfg.timeout <= 1e6) {
		return cli.Usagef("--metric-timeout %g: use more than 0, at most a million", cfg.timeout)
	}
	return nil
}

// outputs refuses files that cannot be written, before any work.
func (cfg *checkConfig) outputs(c *cobra.Command) error {
	if cfg.asJSON && (cfg.junit == cli.Stdio || cfg.out == cli.Stdio) {
		return cli.Usagef("--json prints to standard output, where - stands for it too: give one of them")
	}
	for _, file := range []struct{ flag, path, ending string }{{"--junit", cfg.junit, ".xml"}, {"-o", cfg.out, ".json"}} {
		if file.path == "" {
			continue
		}
		if err := cmp.Or(cli.CheckEndingOf(file.flag, file.path, file.ending), cli.CheckOutput(c, file.path)); err != nil {
			return err
		}
	}
	return nil
}

// metricNames lists the metrics that have names.
func metricNames() []string {
	var names []string
	for _, m := range eval.Metrics() {
		names = append(names, string(m))
	}
	return names
}
