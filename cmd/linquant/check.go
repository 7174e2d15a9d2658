package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/judge"
	"linquant/cmd/linquant/internal/text"
	"linquant/dataset"
	"linquant/eval"
	"linquant/pipeline"
)

// checkConfig is what check's flags say.
type checkConfig struct {
	flags.Model
	flags.Data
	reference      string
	metric         string
	maxDrop        float64
	atLeast        float64
	confidence     float64
	span           string // --range
	timeout        float64
	allowUndecided bool
	seed           uint64
	batch          int
	junit, out     string
	asJSON         bool
}

const execPrefix = "exec:"

func checkCommand() *cobra.Command {
	var cfg checkConfig
	c := &cobra.Command{
		Use:   "check MODEL --reference FLOAT --data DATA --max-drop POINTS",
		Short: "Decide whether a network loses more than a budget: a gate for CI",
		Long: "check runs a network and its reference on the same examples until it is plain whether the network loses more " +
			"than --max-drop, and ends with status 0 where it does not (pass), 1 where it does (fail), and 3 where the examples " +
			"decide neither (undecided); then it says how many more would. A clear case takes few examples. A verdict is wrong with a " +
			"probability of at most 1 - CONFIDENCE, for examples that are drawn as those of DATA were.\n\n" +
			"Metrics:\n" +
			"  top1, top5     points of accuracy (of 100) that it may lose; these need labels\n" +
			"  cosine         of the outputs: --at-least so much, or 1 - it at most --max-drop\n" +
			"  mse            the mean squared difference of the outputs, at most --max-drop\n" +
			"  sqnr           --at-least so many decibels, of the mean ratio of noise to signal\n" +
			"  exec: COMMAND  a program that is given two files, network.npz and reference.npz, and prints what the network " +
			"loses, for each example or for all (docs/check.md); --max-drop is in its unit\n\n" +
			flags.WhatModel + " So is FLOAT, and both may come from any tool.\nDATA is " + flags.WhatData + ". " + flags.WhatNPZ,
		Example: "  linquant check int8.onnx --reference builtin --data builtin --max-drop 1\n" +
			"  linquant check q.onnx --reference f.onnx --data images:DIR --metric cosine \\\n" +
			"    --at-least 0.99 --junit check.xml\n" +
			"  linquant check q.onnx --reference f.onnx --data npz:x.npz --max-drop 0.01 \\\n" +
			"    --metric 'exec: python iou.py'",
		Args: cli.OneArg("a MODEL"),
		RunE: func(c *cobra.Command, args []string) error { return runCheck(c, args[0], cfg) },
	}
	f := c.Flags()
	f.StringVar(&cfg.reference, "reference", "", "`FLOAT`, the network that MODEL was made of, or any other")
	cfg.Data.Add(c, 0)
	f.Lookup("limit").Usage = "look at no more than `N` examples, drawn from all; 0: all"
	f.StringVar(&cfg.metric, "metric", string(eval.Top1), "`METRIC`: top1, top5, cosine, mse, sqnr or 'exec: COMMAND'")
	f.Float64Var(&cfg.maxDrop, "max-drop", 0, "`NUMBER` that the network may lose: points of top1 and top5, else in the metric's unit")
	f.Float64Var(&cfg.atLeast, "at-least", 0, "`NUMBER` that the cosine, or the decibels of sqnr, are at least, in place of --max-drop")
	f.Float64Var(&cfg.confidence, "confidence", pipeline.DefaultConfidence, "`NUMBER` below 1, the probability with which a verdict is right")
	f.BoolVar(&cfg.allowUndecided, "allow-undecided", false, "end with status 0 where the examples do not decide")
	f.Uint64Var(&cfg.seed, "seed", 1, "`NUMBER` that chooses the order in which examples are looked at")
	f.StringVar(&cfg.span, "range", "-1,1", "`LOW,HIGH` between which the numbers of 'exec: COMMAND' lie")
	f.Float64Var(&cfg.timeout, "metric-timeout", 300, "`SECONDS` that one run of 'exec: COMMAND' may take")
	f.StringVar(&cfg.junit, "junit", "", "write the result to this `FILE` (JUnit XML) for CI to show")
	cli.MarkOutput(c, "junit")
	cli.OutFlag(c, &cfg.out, "", "write the result to this `FILE` (JSON)")
	f.IntVar(&cfg.batch, "batch", 64, "`NUMBER` of examples of one run")
	cfg.AddThreads(c)
	cli.JSONFlag(c, &cfg.asJSON)
	flags.AddCheckpoint(c, &cfg.Arch, &cfg.Root)
	cfg.AddInput(c)
	_ = c.RegisterFlagCompletionFunc("metric", cobra.FixedCompletions(append(metricNames(), execPrefix), cobra.ShellCompDirectiveNoFileComp))
	return c
}

// undecided is the error about a check that came to no verdict, which has an exit status of its own.
type undecided struct{ error }

func runCheck(c *cobra.Command, model string, cfg checkConfig) (err error) {
	if cfg.reference == "" {
		return cli.Usagef("--reference is missing: the network that MODEL is held against")
	}
	p, err := cfg.pipelineConfig(c)
	if err != nil {
		return err
	}
	if err := cfg.outputs(c); err != nil {
		return err
	}
	if line, ok := strings.CutPrefix(cfg.metric, execPrefix); ok {
		command, err := judge.New(line, time.Duration(cfg.timeout*float64(time.Second)))
		if err != nil {
			return cli.Usagef("--metric %q: %w", cfg.metric, err)
		}
		defer command.Close()
		command.Low, command.High = p.Low, p.High
		p.Judge = command
	}
	if err := flags.CheckData("--data", cfg.dataSpec(model)); err != nil {
		return err
	}
	cfg.Pair, cfg.Beside = true, cfg.reference
	n, err := cfg.Open(c, model)
	if err != nil {
		return err
	}
	defer n.Close()
	set, err := flags.OpenData(c.Context(), "--data", cfg.dataSpec(model), dataset.Test, 0, n.DataInputs())
	if err != nil {
		return err
	}
	defer set.Close()
	if err := cfg.CheckPixels(c, n.Preparation(set)); err != nil {
		return err
	}
	other := cfg.Model
	other.Arch, other.ONNX = "", other.Second(model)
	ref, err := other.Open(c, cfg.reference)
	if err != nil {
		return err
	}
	defer ref.Close()
	start := time.Now()
	progress := text.NewProgress(c.ErrOrStderr())
	p.Progress = flags.Show(progress, nil, 0)
	checked, err := pipeline.Check(c.Context(), n, ref, set, p)
	progress.End()
	if checked == nil {
		return cfg.explain(err)
	}
	flags.Warn(c.ErrOrStderr(), checked.Warnings)
	r := &checkReport{
		Checked: checked, cfg: &cfg, config: p, model: model, data: set.Name(), start: start, took: time.Since(start),
		bytes: [2]int64{n.Size, ref.Size},
	}
	if err != nil { // Interrupted, it prints what is there, and writes no file.
		if checked.N > 0 {
			return cmp.Or(r.show(c), err)
		}
		return err
	}
	if err := cmp.Or(r.show(c), r.save(c)); err != nil {
		return err
	}
	return r.status(c.ErrOrStderr())
}

// dataSpec returns what --data says. The built-in network is measured on the built-in images where nothing else is said.
func (cfg *checkConfig) dataSpec(model string) string {
	if cfg.Spec == "" && (model == pipeline.Builtin || cfg.reference == pipeline.Builtin) {
		return pipeline.Builtin
	}
	return cfg.Spec
}

// explain adds to an error what there is in place of what failed.
func (cfg *checkConfig) explain(err error) error {
	if errors.Is(err, eval.ErrNoLabel) {
		return fmt.Errorf("%w; --metric cosine, mse, sqnr and 'exec: COMMAND' need no labels", err)
	}
	return flags.Error(err)
}

// show prints the result, where no file has taken standard output.
func (r *checkReport) show(c *cobra.Command) error {
	switch {
	case r.cfg.asJSON:
		j := r.json()
		j.DryRun = cli.DryRun(c)
		return text.WriteJSON(c.OutOrStdout(), j)
	case r.cfg.junit == cli.Stdio || r.cfg.out == cli.Stdio:
		return nil
	}
	return r.print(c.OutOrStdout())
}

// save writes the files.
func (r *checkReport) save(c *cobra.Command) error {
	for _, file := range []struct {
		path  string
		write func(w io.Writer) error
	}{
		{r.cfg.junit, r.writeJUnit},
		{r.cfg.out, func(w io.Writer) error { return text.WriteJSON(w, r.json()) }},
	} {
		if file.path == "" {
			continue
		}
		if err := cli.WriteFile(c, file.path, file.write); err != nil {
			return err
		}
		if file.path == cli.Stdio || r.cfg.asJSON || r.cfg.junit == cli.Stdio || r.cfg.out == cli.Stdio {
			continue
		}
		if err := cli.Saved(c, c.OutOrStdout(), file.path); err != nil {
			return err
		}
	}
	return nil
}

// status returns the error that the command ends with, if any.
func (r *checkReport) status(stderr io.Writer) error {
	switch {
	case r.Verdict == eval.Pass:
		return nil
	case r.Verdict == eval.Fail:
		return errors.New(r.sentence())
	case r.cfg.allowUndecided:
		_, err := fmt.Fprintf(stderr, "linquant: warning: %s\n", r.sentence())
		return err
	}
	return undecided{fmt.Errorf("%s; --allow-undecided accepts that", r.sentence())}
}

// shownName is what the table calls a network.
func shownName(path string) string { return text.Printable(filepath.ToSlash(path)) }
