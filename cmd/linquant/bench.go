package main

import (
	"context"
	"fmt"
	"io"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"linquant/engine"
	"linquant/eval"
)

// benchConfig is what bench's flags say.
type benchConfig struct {
	arch string
	shapeFlags
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
		Long: "bench runs a network on random inputs, for each batch size and number of threads, for at least " +
			"--seconds, and prints the median and the 99th percentile of the time of one run. A run takes floats " +
			"and gives floats: quantizing the input counts. It goes around several input buffers and caches " +
			"nothing. Measure on an idle machine.\n\n" + whatModel,
		Example: "  linquant bench builtin\n" +
			"  linquant bench vgg-int8.onnx --batch 1,64 --threads 1,2 --layers",
		Args: oneArg("a MODEL"),
		RunE: func(c *cobra.Command, args []string) error { return runBench(c, args[0], cfg) },
	}
	c.Flags().StringVar(&cfg.batches, "batch", "1,64", "batch `SIZES`, with commas between")
	c.Flags().StringVar(&cfg.threads, "threads", "", "`NUMBERS` of threads, with commas between (default: 1 and one for each processor)")
	c.Flags().Float64Var(&cfg.seconds, "seconds", 2, "`TIME` to run each combination for, at least")
	c.Flags().BoolVar(&cfg.layers, "layers", false, "also show where the time of one example goes")
	jsonFlag(c, &cfg.asJSON)
	archFlag(c, &cfg.arch)
	cfg.shapeFlags.add(c.Flags())
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
	batches, err := numbers("--batch", cfg.batches, 1, 1<<16)
	if err != nil {
		return err
	}
	if cfg.threads == "" {
		cfg.threads = "1"
		if n := runtime.GOMAXPROCS(0); n > 1 {
			cfg.threads = fmt.Sprintf("1,%d", n)
		}
	}
	threads, err := numbers("--threads", cfg.threads, 1, maxThreads)
	if err != nil {
		return err
	}
	if !(cfg.seconds > 0 && cfg.seconds <= 3600) {
		return usagef("--seconds %g: use more than 0, at most 3600", cfg.seconds)
	}
	n, err := cfg.shapeFlags.open(model, cfg.arch)
	if err != nil {
		return err
	}
	defer n.Close()
	result := benchJSON{Model: model}
	p := newProgress(c.ErrOrStderr())
	defer p.end()
	for i, t := range threads {
		g, program, err := n.compile(engine.Config{Threads: t})
		if err != nil {
			return err
		}
		if i == 0 {
			warnIslands(c.ErrOrStderr(), program)
			result.Numbers, result.MACs = kind(g, program), program.MACs()
		}
		for _, batch := range batches {
			p.step(len(result.Runs), len(threads)*len(batches), fmt.Sprintf("batch %d, %s", batch, plural(t, "thread")))
			run, err := benchmark(c.Context(), program, batch, t, cfg.seconds)
			if err != nil {
				return err
			}
			result.Runs = append(result.Runs, run)
		}
		if cfg.layers && i == 0 {
			if result.Layers, err = benchSteps(c.Context(), program); err != nil {
				return err
			}
		}
	}
	p.end()
	if cfg.asJSON {
		return writeJSON(c.OutOrStdout(), result)
	}
	return result.print(c.OutOrStdout())
}

// numbers reads "1,64".
func numbers(flag, text string, least, most int) ([]int, error) {
	var list []int
	for field := range strings.SplitSeq(text, ",") {
		v, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || v < least || v > most {
			return nil, usagef("%s %q: use numbers from %d to %d with commas between them", flag, text, least, most)
		}
		list = append(list, v)
	}
	return list, nil
}

// benchBuffers is how many different batches of inputs a benchmark goes around.
const benchBuffers = 4

func benchmark(ctx context.Context, program *engine.Program, batch, threads int, seconds float64) (benchRun, error) {
	inputs := make([][][]float32, benchBuffers)
	for i := range inputs {
		for k, in := range program.Inputs() {
			size, err := in.Shape.Elements()
			if err != nil {
				return benchRun{}, err
			}
			x := make([]float32, batch*size)
			fillUniform(x, uint64(i*1000+k))
			inputs[i] = append(inputs[i], x)
		}
	}
	var outputs [][]float32
	for _, out := range program.Outputs() {
		size, err := out.Shape.Elements()
		if err != nil {
			return benchRun{}, err
		}
		outputs = append(outputs, make([]float32, batch*size))
	}
	l, err := eval.Time(ctx, program, inputs, outputs, batch, time.Duration(seconds*float64(time.Second)))
	if err != nil {
		return benchRun{}, err
	}
	return benchRun{
		Threads: threads, Batch: batch, Tier: program.CPU(), Runs: l.Runs,
		MedianMS: milliseconds(l.Median), P90MS: milliseconds(l.P90), P99MS: milliseconds(l.P99),
		ImagesPerSecond: l.ImagesPerSecond(), GMACPerSecond: l.ImagesPerSecond() * float64(program.MACs()) / 1e9,
		PeakBytes: peakBytes(program.Memory(), threads, batch),
	}, nil
}

// peakBytes returns what a program holds while so many threads run a batch: the weights, and for each of the threads
// scratch and the activations of the examples that it computes at once.
func peakBytes(m engine.Memory, threads, batch int) int64 {
	examples := min(m.Group, (batch+threads-1)/threads)
	return m.Weights + int64(threads)*(int64(examples)*m.Activations+m.Scratch)
}

// fillUniform fills x with numbers from 0 to 1 that depend on seed alone (splitmix64).
func fillUniform(x []float32, seed uint64) {
	for i := range x {
		seed += 0x9e3779b97f4a7c15
		v := seed
		v = (v ^ v>>30) * 0xbf58476d1ce4e5b9
		v = (v ^ v>>27) * 0x94d049bb133111eb
		x[i] = float32(v>>40) / (1 << 24)
	}
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
func benchSteps(ctx context.Context, program *engine.Program) ([]benchStep, error) {
	var inputs [][]float32
	for k, in := range program.Inputs() {
		size, err := in.Shape.Elements()
		if err != nil {
			return nil, err
		}
		x := make([]float32, size)
		fillUniform(x, uint64(k))
		inputs = append(inputs, x)
	}
	times, err := program.Profile(ctx, inputs)
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
	fmt.Fprintf(w, "%s: %s, %s\n\n", printable(j.Model), j.Numbers, multiplyAccumulates(j.MACs))
	rows := [][]string{{"INSTRUCTIONS", "THREADS>", "BATCH>", "MEDIAN>", "P99>", "IMAGES/S>", "GMAC/S>", "MEMORY>"}}
	for _, r := range j.Runs {
		rows = append(rows, []string{
			r.Tier, strconv.Itoa(r.Threads), strconv.Itoa(r.Batch), duration(r.MedianMS), duration(r.P99MS),
			rate(r.ImagesPerSecond), fmt.Sprintf("%.2f", r.GMACPerSecond), megabytes(r.PeakBytes),
		})
	}
	if err := table(w, rows); err != nil || len(j.Layers) == 0 {
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
			macs, speed = thousands(l.MACs), fmt.Sprintf("%.2f", l.GMACPerSecond)
		}
		rows = append(rows, []string{
			printable(l.Name), l.Op, numbers, fmt.Sprintf("%.1f us", l.Microseconds), fmt.Sprintf("%.1f%%", 100*l.Share), macs, speed,
		})
	}
	return table(w, rows)
}
