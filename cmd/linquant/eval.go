package main

import (
	"fmt"
	"io"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"linquant/dataset"
	"linquant/eval"
	"linquant/pipeline"
)

// evalConfig is what eval's flags say.
type evalConfig struct {
	modelFlags
	dataFlags
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
			"accuracies' own since both see the same examples.\n\n" + whatModel + "\nDATA is " + whatData + ".",
		Example: "  linquant eval builtin --data builtin\n" +
			"  linquant eval vgg-int8.onnx --data cifar10:DIR --reference vgg.tar",
		Args: oneArg("a MODEL"),
		RunE: func(c *cobra.Command, args []string) error { return runEval(c, args[0], cfg) },
	}
	cfg.dataFlags.add(c, 0)
	c.Flags().StringVar(&cfg.reference, "reference", "", "`MODEL` to compare with on the same examples")
	c.Flags().IntVar(&cfg.batch, "batch", 64, "`NUMBER` of examples of one run")
	cfg.threadsFlag(c)
	jsonFlag(c, &cfg.asJSON)
	archFlag(c, &cfg.arch)
	cfg.inputFlags(c)
	return c
}

const whatModel = "MODEL is an ONNX file, a checkpoint whose architecture is recognised, or builtin."

func runEval(c *cobra.Command, model string, cfg evalConfig) error {
	if cfg.batch < 1 {
		return usagef("--batch %d: use 1 or more", cfg.batch)
	}
	set, err := cfg.openSet(model)
	if err != nil {
		return err
	}
	defer set.Close()
	result, err := cfg.measure(c, model, set, cfg.arch)
	if err != nil {
		return err
	}
	var reference *evaluation
	if cfg.reference != "" {
		if reference, err = cfg.measure(c, cfg.reference, set, ""); err != nil {
			return err
		}
	}
	w := c.OutOrStdout()
	if cfg.asJSON {
		j := newEvalJSON(result)
		if reference != nil {
			j.compare(result, reference)
		}
		return writeJSON(w, j)
	}
	return result.print(w, reference)
}

// evaluation is a network's accuracy on a set.
type evaluation struct {
	*eval.Accuracy
	network string
	numbers pipeline.Numbers
	bytes   int64
	data    string
	threads int
	tier    string
}

// measure opens, compiles and runs a network on the set.
func (cfg evalConfig) measure(c *cobra.Command, model string, set dataset.Set, arch string) (*evaluation, error) {
	flags := cfg.modelFlags
	flags.arch = arch
	n, err := flags.open(c, model)
	if err != nil {
		return nil, err
	}
	defer n.Close()
	m, err := flags.compile(n)
	if err != nil {
		return nil, err
	}
	warn(c.ErrOrStderr(), m.Warnings())
	p := newProgress(c.ErrOrStderr())
	defer p.end()
	a, err := m.Accuracy(c.Context(), set, pipeline.MeasureConfig{
		Batch: cfg.batch, Progress: p.show(nil, 0), Of: filepath.Base(model),
	})
	if err != nil {
		return nil, err
	}
	return &evaluation{
		Accuracy: a, network: model, numbers: m.Numbers, bytes: n.Size, data: set.Name(),
		threads: threadCount(cfg.threads), tier: m.CPU(),
	}, nil
}

// threadCount returns how many threads --threads stands for.
func threadCount(flag int) int {
	if flag > 0 {
		return flag
	}
	return runtime.GOMAXPROCS(0)
}

func (e *evaluation) print(w io.Writer, reference *evaluation) error {
	rows := [][]string{{"NETWORK", "NUMBERS", "BYTES>", "TOP-1>", "95% INTERVAL", "TOP-5>", "IMAGES/S>"}}
	for _, r := range []*evaluation{e, reference} {
		if r == nil {
			continue
		}
		rows = append(rows, []string{
			printable(r.network), r.numbers.String(), megabytes(r.bytes), percent(r.Fraction()), interval(eval.Wilson(r.Top1, r.N)),
			percent(r.Fraction5()), rate(r.ImagesPerSecond()),
		})
	}
	if err := table(w, rows); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s of %s; %s, instructions: %s\n", plural(e.N, "image"), e.data, plural(e.threads, "thread"), e.tier)
	if reference == nil {
		return nil
	}
	d := eval.Paired(e.Right, reference.Right)
	_, err := fmt.Fprintf(w, "%s is %s points from %s (95%% interval %s to %s):\n"+
		"right where the other is wrong on %s, wrong where it is right on %s\n",
		printable(e.network), points(d.Value()), printable(reference.network), points(d.Low), points(d.High),
		plural(d.Gained, "image"), plural(d.Lost, "image"))
	return err
}

// percent formats a fraction with two digits, as accuracies are quoted.
func percent(f float64) string { return fmt.Sprintf("%.2f%%", 100*f) }

// points formats a difference of fractions in percentage points.
func points(f float64) string { return fmt.Sprintf("%+.2f", 100*f) }

func interval(i eval.Interval) string { return fmt.Sprintf("%.2f to %.2f", 100*i.Low, 100*i.High) }

// rate formats a number a second with three digits.
func rate(v float64) string {
	switch {
	case v >= 100:
		return thousands(int64(v + 0.5))
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}

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
		ImagesPerSecond: e.ImagesPerSecond(), ModelBytes: e.bytes, Threads: e.threads, Tier: e.tier,
	}
}

func (j *evalJSON) compare(e, reference *evaluation) {
	j.Reference = newEvalJSON(reference)
	j.Difference = newDifferenceJSON(eval.Paired(e.Right, reference.Right))
}

func newDifferenceJSON(d eval.Difference) *differenceJSON {
	return &differenceJSON{Top1: d.Value(), Low: d.Low, High: d.High, Gained: d.Gained, Lost: d.Lost}
}
