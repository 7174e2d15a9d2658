package main

import (
	"cmp"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/dataset"
	"linquant/eval"
	"linquant/pipeline"
)

// evalConfig is what eval's flags say.
type evalConfig struct {
	flags.Model
	flags.Data
	batch     int
	reference string
	asJSON    bool
}

func evalCommand() *cobra.Command {
	var cfg evalConfig
	c := &cobra.Command{
		Use:   "eval MODEL --data DATA",
		Short: "Measure a network's accuracy on labelled data",
		Long: "eval runs a network, in floating point or in integers, and prints how often it is right, with the " +
			"95% interval of that (Wilson). With --reference it runs a second network on the same examples and " +
			"prints the difference between the two and its interval, which is much narrower than the two " +
			"accuracies' own since both see the same examples.\n\n" + flags.WhatModel + "\nDATA is " + flags.WhatData + ". " + flags.WhatNPZ,
		Example: "  linquant eval builtin --data builtin\n" +
			"  linquant eval vgg-int8.onnx --data cifar10:DIR --reference vgg.tar",
		Args: cli.OneArg("a MODEL"),
		RunE: func(c *cobra.Command, args []string) error { return runEval(c, args[0], cfg) },
	}
	cfg.Data.Add(c, 0)
	c.Flags().StringVar(&cfg.reference, "reference", "", "`MODEL` to compare with on the same examples")
	c.Flags().IntVar(&cfg.batch, "batch", 64, "`NUMBER` of examples of one run")
	cfg.AddThreads(c)
	cli.JSONFlag(c, &cfg.asJSON)
	flags.AddCheckpoint(c, &cfg.Arch, &cfg.Root)
	cfg.AddInput(c)
	return c
}

func runEval(c *cobra.Command, model string, cfg evalConfig) error {
	if cfg.batch < 1 {
		return cli.Usagef("--batch %d: use 1 or more", cfg.batch)
	}
	if err := cfg.Check(model); err != nil {
		return err
	}
	result, reference, err := cfg.both(c, model)
	if result == nil {
		return err
	}
	// Interrupted before the reference was measured, it prints what is there.
	if cfg.asJSON {
		j := newEvalJSON(result)
		if reference != nil {
			j.compare(result, reference)
		}
		return cmp.Or(text.WriteJSON(c.OutOrStdout(), j), err)
	}
	return cmp.Or(result.print(c.OutOrStdout(), reference), err)
}

// evaluation is a network's accuracy on a set.
type evaluation struct {
	*eval.Accuracy
	network  string
	numbers  pipeline.Numbers
	bytes    int64
	data     string
	threads  int
	tier     string
	prepared pipeline.Preparation
}

// both measures the network, and the reference if there is one, on examples that are prepared in one way.
func (cfg evalConfig) both(c *cobra.Command, model string) (result, reference *evaluation, err error) {
	cfg.Pair, cfg.Beside = cfg.reference != "", cfg.reference
	n, err := cfg.Open(c, model)
	if err != nil {
		return nil, nil, err
	}
	defer n.Close()
	set, err := cfg.OpenSet(c.Context(), n)
	if err != nil {
		return nil, nil, err
	}
	defer set.Close()
	if err := cfg.CheckPixels(c, n.Preparation(set)); err != nil {
		return nil, nil, err
	}
	if cfg.reference == "" {
		if result, err = cfg.measure(c, n, set); err == nil {
			flags.Warn(c.ErrOrStderr(), result.prepared.Warnings())
		}
		return result, nil, err
	}
	other := cfg.Model
	other.Arch, other.ONNX = "", other.Second(model)
	ref, err := other.Open(c, cfg.reference)
	if err != nil {
		return nil, nil, err
	}
	defer ref.Close()
	n, ref, warnings := pipeline.SamePreparation(n, ref)
	if result, err = cfg.measure(c, n, set); err != nil {
		return nil, nil, err
	}
	if reference, err = cfg.measure(c, ref, set); err != nil {
		if c.Context().Err() == nil {
			result = nil
		}
		return result, nil, err
	}
	if !result.prepared.Pixels {
		warnings = result.prepared.Warnings()
	}
	flags.Warn(c.ErrOrStderr(), warnings)
	return result, reference, nil
}

// measure compiles and runs a network on the set.
func (cfg evalConfig) measure(c *cobra.Command, n *pipeline.Network, set dataset.Set) (*evaluation, error) {
	m, err := cfg.Compile(c.Context(), n)
	if err != nil {
		return nil, err
	}
	flags.Warn(c.ErrOrStderr(), m.Warnings())
	p := text.NewProgress(c.ErrOrStderr())
	defer p.End()
	a, err := m.Accuracy(c.Context(), set, pipeline.MeasureConfig{
		Batch: cfg.batch, Progress: flags.Show(p, nil, 0), Of: filepath.Base(n.Name),
	})
	if err != nil {
		return nil, err
	}
	p.End()
	if a.NaN > 0 {
		flags.Warn(c.ErrOrStderr(), []pipeline.Warning{pipeline.UndefinedInput{Input: m.Inputs()[0].Name, Of: set.Name(), Count: a.NaN}})
	}
	flags.Warn(c.ErrOrStderr(), append(n.WarnClasses(set, a), pipeline.WarnChance(n, a)...))
	return &evaluation{
		Accuracy: a, network: n.Name, numbers: m.Numbers, bytes: n.Size, data: set.Name(),
		threads: flags.ThreadCount(cfg.Threads), tier: m.CPU(), prepared: m.Preparation(set),
	}, nil
}

func (e *evaluation) print(w io.Writer, reference *evaluation) error {
	rows := [][]string{{"NETWORK", "NUMBERS", "BYTES>", "TOP-1>", "95% INTERVAL", "TOP-5>", "IMAGES/S>"}}
	for _, r := range []*evaluation{e, reference} {
		if r == nil {
			continue
		}
		rows = append(rows, []string{
			text.Printable(r.network), r.numbers.String(), text.Megabytes(r.bytes), text.Percent(r.Fraction()), interval(eval.Wilson(r.Top1, r.N)),
			text.Percent(r.Fraction5()), text.Rate(r.ImagesPerSecond()),
		})
	}
	if err := text.Table(w, rows); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s of %s; %s, instructions: %s\n", text.Plural(e.N, "image"), e.data, text.Plural(e.threads, "thread"), e.tier)
	flags.PrintPixels(w, "Input", e.prepared)
	if reference == nil {
		return nil
	}
	if !reference.prepared.SamePixels(e.prepared) {
		flags.PrintPixels(w, "Input of "+text.Printable(reference.network), reference.prepared)
	}
	d := eval.Paired(e.Right, reference.Right)
	_, err := fmt.Fprintf(w, "%s is %s points from %s (95%% interval %s to %s):\n"+
		"right where the other is wrong on %s, wrong where it is right on %s\n",
		text.Printable(e.network), text.Points(d.Value()), text.Printable(reference.network), text.Points(d.Low), text.Points(d.High),
		text.Plural(d.Gained, "image"), text.Plural(d.Lost, "image"))
	return err
}

func interval(i eval.Interval) string { return fmt.Sprintf("%.2f to %.2f", 100*i.Low, 100*i.High) }

// evalJSON is what eval --json prints. Accuracies are fractions.
type evalJSON struct {
	Model           string          `json:"model"`
	Data            string          `json:"data"`
	Numbers         string          `json:"numbers"`
	N               int             `json:"n"`
	Top1            float64         `json:"top1"`
	Top1Low         float64         `json:"top1_low"`
	Top1High        float64         `json:"top1_high"`
	Top5            float64         `json:"top5"`
	Top5Low         float64         `json:"top5_low"`
	Top5High        float64         `json:"top5_high"`
	ImagesPerSecond float64         `json:"images_per_second"`
	ModelBytes      int64           `json:"model_bytes"`
	Threads         int             `json:"threads"`
	Tier            string          `json:"tier"`
	Input           *flags.Pixels   `json:"input"`
	Reference       *evalJSON       `json:"reference,omitempty"`
	Difference      *differenceJSON `json:"difference,omitempty"`
}

// differenceJSON is the difference of top1 to the reference's.
type differenceJSON struct {
	Top1   float64 `json:"top1"`
	Low    float64 `json:"top1_low"`
	High   float64 `json:"top1_high"`
	Gained int     `json:"gained"`
	Lost   int     `json:"lost"`
}

func newEvalJSON(e *evaluation) *evalJSON {
	top1, top5 := eval.Wilson(e.Top1, e.N), eval.Wilson(e.Top5, e.N)
	return &evalJSON{
		Model: e.network, Data: e.data, Numbers: e.numbers.String(), N: e.N,
		Top1: e.Fraction(), Top1Low: top1.Low, Top1High: top1.High,
		Top5: e.Fraction5(), Top5Low: top5.Low, Top5High: top5.High,
		ImagesPerSecond: e.ImagesPerSecond(), ModelBytes: e.bytes, Threads: e.threads, Tier: e.tier, Input: flags.NewPixels(e.prepared),
	}
}

func (j *evalJSON) compare(e, reference *evaluation) {
	j.Reference = newEvalJSON(reference)
	j.Difference = newDifferenceJSON(eval.Paired(e.Right, reference.Right))
}

func newDifferenceJSON(d eval.Difference) *differenceJSON {
	return &differenceJSON{Top1: d.Value(), Low: d.Low, High: d.High, Gained: d.Gained, Lost: d.Lost}
}
