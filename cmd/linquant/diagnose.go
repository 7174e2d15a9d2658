package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/calib"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/feed"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/recipe"
)

// diagnoseConfig is what diagnose's flags say.
type diagnoseConfig struct {
	weights  quantizeConfig
	network  networkConfig
	data     flags.Data
	examples int
	tried    int
	worst    int
	recipe   string // --write-recipe
	asJSON   bool
}

func diagnoseCommand() *cobra.Command {
	var cfg diagnoseConfig
	cfg.weights.Group = 1 // there is no --group-size: --per group is refused for what it is
	c := &cobra.Command{
		Use:   "diagnose MODEL --calib DATA",
		Short: "Find the layers that hurt a quantized network, and what helps",
		Long: "diagnose quantizes a network as 'linquant quantize' would with the same flags, and then looks at every layer: how far what it " +
			"makes is from the float network's where nothing else is in integers (ALONE) and in the network in integers (ALL), what the network's " +
			"outputs lose to this layer alone, and how much of all such losses that is; how much of its codes' range it uses, what is clipped, " +
			"which output channels stand out. Names are those that --override takes.\n\n" +
			"Then it tries what might help: more bits for the layers that hurt most, other ways to make codes of weights and to choose " +
			"ranges, more examples. It prints what each is worth, in decibels of the outputs, and what of it helps together; " +
			"--write-recipe FILE writes that for 'linquant quantize --recipe FILE'. With --data, accuracies are measured too: of the network in " +
			"integers, of the layers that hurt most, alone, and of the network with what helps.\n\n" + flags.WhatModel + "\nDATA is " + flags.WhatData + ". " + flags.WhatNPZ + "\n\n" + flags.WhatCalib,
		Example: "  linquant diagnose builtin --weight-bits 2 --act-bits 4\n" +
			"  linquant diagnose resnet20.th --calib cifar10:DIR --data cifar10:DIR \\\n" +
			"      --weight-bits 2 --keep-edges --write-recipe better.yaml\n" +
			"  linquant quantize --recipe better.yaml -o better.onnx",
		Args: cli.OneArg("a MODEL"),
		RunE: func(c *cobra.Command, args []string) error { return runDiagnose(c, args[0], cfg) },
	}
	cfg.weights.addWeights(c)
	cfg.network.addActivations(c)
	cfg.network.addLayers(c)
	cfg.network.Calibration.AddMeasured(c)
	cli.Under(c, "What is looked at", func() {
		cfg.data.Add(c, 1000)
		f := c.Flags()
		f.Lookup("limit").Usage = "measure on the first `N` examples of --data only; 0: all"
		f.IntVar(&cfg.examples, "examples", 64, "compare outputs on `N` examples of --calib: those behind the ones that it calibrates on, where there are any")
		f.IntVar(&cfg.tried, "try", 6, "try overrides of the `N` layers that hurt most")
		f.IntVar(&cfg.worst, "worst", 3, "measure the `N` layers that hurt most, alone, on --data; 0: all layers")
	})
	f := c.Flags()
	f.StringVar(&cfg.recipe, "write-recipe", "", "write what helps to this `FILE` (YAML), with all that was said here, for 'linquant quantize --recipe'")
	cli.MarkOutput(c, "write-recipe")
	cfg.network.AddThreads(c)
	cli.JSONFlag(c, &cfg.asJSON)
	flags.AddCheckpoint(c, &cfg.network.Arch, &cfg.network.Root)
	cfg.network.AddInput(c)
	return c
}

// config returns what the pipeline wants, but for the network.
func (cfg *diagnoseConfig) config(c *cobra.Command) (pipeline.Config, error) {
	var pc pipeline.Config
	var err error
	if err := flags.CheckBits("--weight-bits", cfg.weights.Bits); err != nil {
		return pc, err
	}
	if err := cfg.network.applyTarget(c); err != nil {
		return pc, err
	}
	if cfg.weights.Layout, err = cfg.weights.QuantLayout(c); err != nil {
		return pc, err
	}
	if cfg.weights.Method, err = cfg.weights.methods(c, &cfg.network.Calibration); err != nil {
		return pc, err
	}
	if pc.Quant, err = cfg.network.config(cfg.weights.WeightConfig); err != nil {
		return pc, err
	}
	pc.Quant.ReduceRange = ptq.Target(cfg.network.target).Demands().ReduceRange
	if pc.Calibration, err = cfg.network.Calibration.Config(leastActBits(pc.Quant)); err != nil {
		return pc, err
	}
	if c.Flags().Changed("percentile") && pc.Calibration.Method != calib.Percentile {
		return pc, cli.Usagef("--percentile is for --calib-method percentile, and the ranges are chosen by %v: leave it out, or give both", pc.Calibration.Method)
	}
	if _, err := cfg.network.Calibration.Ranges(c); err != nil { // a --calib-size that cannot be
		return pc, err
	}
	for _, n := range []struct {
		flag         string
		value, least int
	}{{"examples", cfg.examples, 1}, {"try", cfg.tried, 1}, {"worst", cfg.worst, 0}, {"limit", cfg.data.Limit, 0}} {
		if n.value < n.least {
			return pc, cli.Usagef("--%s %d: use %d or more", n.flag, n.value, n.least)
		}
	}
	if cfg.data.Spec != "" {
		pc.Test = pipeline.Data{Spec: cfg.data.Spec, Limit: cfg.data.Limit}
	} else {
		for _, name := range []string{"worst", "limit"} {
			if c.Flags().Changed(name) {
				return pc, cli.Usagef("--%s is for --data: give both", name)
			}
		}
	}
	if cfg.recipe != "" {
		if err := cmp.Or(cli.CheckEndingOf("--write-recipe", cfg.recipe, ".yaml", ".yml"), cli.CheckOutput(c, cfg.recipe)); err != nil {
			return pc, err
		}
	}
	pc.Threads = cfg.network.Threads
	return pc, nil
}

func runDiagnose(c *cobra.Command, model string, cfg diagnoseConfig) error {
	pc, err := cfg.config(c)
	if err != nil {
		return err
	}
	n, err := cfg.network.Open(c, model)
	if err != nil {
		return err
	}
	defer n.Close()
	given := map[string]string{} // patterns, by what they are in the network
	for i := range pc.Quant.Overrides {
		pattern := inNetwork(pc.Quant.Overrides[i].Pattern, n)
		given[pattern], pc.Quant.Overrides[i].Pattern = pc.Quant.Overrides[i].Pattern, pattern
	}
	p := text.NewProgress(c.ErrOrStderr())
	announce := c.OutOrStdout()
	if cfg.asJSON {
		announce = nil
	}
	done, err := cfg.network.Feed(c.Context(), n, &pc.Calibration.Data, moreExamples)
	if err != nil {
		return err
	}
	defer done()
	pc.Network, pc.Progress = n, showOnce(p, announce, pc.Calibration.Method)
	dc := pipeline.DiagnoseConfig{Examples: cfg.examples, Tried: cfg.tried, Measured: cfg.worst}
	if dc.Measured == 0 {
		dc.Measured = -1
	}
	d, err := pipeline.Diagnose(c.Context(), pc, dc)
	p.End()
	if err != nil {
		if of := (*ptq.OverrideError)(nil); errors.As(err, &of) && given[of.Pattern] != "" {
			of.Pattern = given[of.Pattern] // in the user's spelling
		}
		return cfg.network.Explained(err)
	}
	flags.Warn(c.ErrOrStderr(), slices.DeleteFunc(d.Warnings, func(w pipeline.Warning) bool {
		_, told := w.(pipeline.LowSQNR) // the table says it
		return told
	}))
	if cfg.recipe != "" {
		if err := cfg.write(c, model, d); err != nil {
			return err
		}
	}
	if cfg.asJSON {
		return text.WriteJSON(c.OutOrStdout(), newDiagnosisJSON(c, model, &cfg, d))
	}
	return printDiagnosis(c, &cfg, d)
}

// showOnce draws progress; what is calibrated is said of the first time alone.
func showOnce(p *text.Progress, w io.Writer, method calib.Method) func(pipeline.Progress) {
	first, later := flags.Show(p, w, method), flags.Show(p, nil, method)
	said := map[pipeline.Stage]bool{}
	return func(now pipeline.Progress) {
		if now.Done == 0 && !said[now.Stage] {
			said[now.Stage] = true
			first(now)
			return
		}
		later(now)
	}
}

// changes returns what a remedy changes, as the flag and its value.
func changes(r pipeline.Remedy) (flag, value string) {
	switch o := r.Override; {
	case o.Float:
		return "override", o.Pattern + "=float"
	case o.WeightBits > 0:
		return "override", o.Pattern + "=w" + strconv.Itoa(o.WeightBits)
	case o.Pattern != "":
		return "override", o.Pattern + "=a" + strconv.Itoa(o.ActBits)
	case r.KeepEdges:
		return "keep-edges", "true"
	case r.Weights != "":
		return "weights", r.Weights
	case r.IsMethod:
		return "calib-method", r.Method.String()
	}
	return "calib-size", strconv.Itoa(r.Examples)
}

// madeByDiagnose is how a recipe of diagnose is known for one.
const madeByDiagnose = "# made by linquant diagnose\n"

// write writes the recipe: what was said, with what helps.
func (cfg *diagnoseConfig) write(c *cobra.Command, model string, d *pipeline.Diagnosis) error {
	r := &recipe.Recipe{}
	if err := r.Set("model", model); err != nil {
		return err
	}
	// What the defaults came to is said, so that the network is the one that was measured.
	chosen := map[string]string{
		"weights": d.Mended.Quant.WeightMethod.String(), "calib-method": d.Mended.Calibration.Method.String(),
		"calib-size": strconv.Itoa(d.Mended.Calibration.Data.Limit),
	}
	overrides := slices.Clone(cfg.network.overrides)
	for _, remedy := range d.Kept {
		switch flag, value := changes(remedy); flag {
		case "override":
			overrides = append(overrides, value)
		case "keep-edges":
			chosen[flag] = value
		}
	}
	for _, key := range recipe.Keys() {
		f := c.Flags().Lookup(key)
		var values []string
		switch {
		case chosen[key] != "":
			values = []string{chosen[key]}
		case key == "override":
			values = overrides
		case key == "calib" && f != nil && strings.HasPrefix(f.Value.String(), feed.Prefix): // no recipe carries a program
		case f == nil || !f.Changed || key == "method" || key == "data" || key == "percentile" && d.Mended.Calibration.Method != calib.Percentile:
		default:
			values = []string{f.Value.String()}
			if many, ok := f.Value.(pflag.SliceValue); ok {
				values = many.GetSlice()
			}
		}
		if len(values) == 0 || slices.Equal(values, []string{"false"}) && key != "bgr" {
			continue
		}
		if err := r.Set(key, values...); err != nil {
			return fmt.Errorf("recipe: %s: %w", key, err)
		}
	}
	data, err := r.Text()
	if err != nil {
		return err
	}
	return cli.WriteFile(c, cfg.recipe, func(w io.Writer) error {
		_, err := w.Write(append([]byte(madeByDiagnose), data...))
		return err
	})
}
