package main

import (
	"context"
	"fmt"
	"io"
	"iter"
	"os"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/calib"
	"linquant/dataset"
	"linquant/engine"
	"linquant/eval"
	"linquant/graph"
	"linquant/ptq"
	"linquant/tensor"
)

// calibration says how the ranges of activations are found.
type calibration struct {
	data       string
	size       int
	method     string
	percentile float64
	load, save string // files of ranges
}

func (cal *calibration) add(c *cobra.Command) *pflag.FlagSet {
	return under(c, "The ranges of its activations", func() {
		f := c.Flags()
		f.StringVar(&cal.data, "calib", "", "`DATA` to measure them on: cifar10:DIR, idx:DIR, images:DIR, npz:FILE or builtin")
		f.IntVar(&cal.size, "calib-size", 256, "measure on the first `N` examples")
		f.StringVar(&cal.method, "calib-method", calib.MinMax.String(), "`METHOD`: min-max, moving-average, percentile, mse or entropy")
		f.Float64Var(&cal.percentile, "percentile", calib.DefaultPercentile, "`NUMBER` of 100 values that stay in the range, for --calib-method percentile")
		f.StringVar(&cal.save, "save-ranges", "", "also write the ranges to this `FILE` (JSON)")
		f.StringVar(&cal.load, "ranges", "", "take the ranges from this `FILE`, which --save-ranges wrote, instead of --calib")
	})
}

// config returns how calib.Run chooses ranges.
func (cal *calibration) config() (calib.Config, error) {
	method, err := calib.ParseMethod(cal.method)
	if err != nil {
		return calib.Config{}, usagef("--calib-method: %w", err)
	}
	if !(cal.percentile > 50 && cal.percentile <= 100) {
		return calib.Config{}, usagef("--percentile %g: use more than 50, at most 100", cal.percentile)
	}
	return calib.Config{Method: method, Percentile: cal.percentile}, nil
}

// pixelBatches yields the examples of a set as a network's inputs.
func pixelBatches(ctx context.Context, set dataset.Set, pre graph.Preprocess, shape tensor.Shape) iter.Seq2[[][]float32, error] {
	const batch = 32
	return func(yield func([][]float32, error) bool) {
		for b, err := range eval.Inputs(ctx, set, pre, shape, batch) {
			if !yield([][]float32{b.X}, err) || err != nil {
				return
			}
		}
	}
}

// fitted returns the set with images of the input's size, where they may have any: those of a folder.
func fitted(set dataset.Set, pre graph.Preprocess, in tensor.Shape) dataset.Set {
	channels, height, width, ok := engine.ImageShape(in, pre.ChannelsLast)
	if !ok {
		return set
	}
	set, _ = dataset.Fit(set, dataset.ImageConfig{Channels: channels, Height: height, Width: width, Resize: pre.Resize})
	return set
}

// measureRanges runs the folded float network g on the set and returns the range of every value that quantizing it as
// cfg says needs one for. note, if not nil, is told what it is about to do.
func measureRanges(ctx context.Context, stderr io.Writer, n *network, g *graph.Graph, set dataset.Set, cfg ptq.Config, cc calib.Config,
	threads int, note func(values int, bytes int64),
) (calib.Ranges, error) {
	points, err := ptq.Points(g, cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.name, err)
	}
	program, err := engine.Compile(g, engine.Config{Threads: threads, Keep: calib.Values(points)})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.name, err)
	}
	in, err := n.imageInput(program)
	if err != nil {
		return nil, err
	}
	if note != nil {
		note(len(points), calib.MemoryEstimate(len(points), cc))
	}
	p := newProgress(stderr)
	defer p.end()
	set = fitted(set, g.Input, in.Shape)
	cc.Progress = func(done int) { p.rate(done, set.Len(), "images", "calibration") }
	ranges, err := calib.Run(ctx, program, pixelBatches(ctx, set, g.Input, in.Shape), points, cc)
	if err != nil {
		return nil, fmt.Errorf("%s on %s: %w", n.name, set.Name(), err)
	}
	return ranges, nil
}

// rangesFor reads a file that --save-ranges wrote, and checks that it has what quantizing g as cfg says needs. Of ranges
// that do not say what they were chosen for it says so.
func rangesFor(stderr io.Writer, path string, n *network, g *graph.Graph, cfg ptq.Config) (calib.Ranges, error) {
	ranges, err := readRanges(path)
	if err != nil {
		return nil, err
	}
	points, err := ptq.Points(g, cfg)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.name, err)
	}
	unsaid := false
	for _, p := range points {
		r, ok := ranges[p.Value]
		if !ok {
			return nil, fmt.Errorf("%s: no range for the value %q of %s: measure it with --calib, and the same bits and overrides, "+
				"and --save-ranges", path, p.Value, n.name)
		}
		if err := r.Suits(p.Codes); err != nil {
			return nil, fmt.Errorf("%s: value %q: %w, with --calib and --save-ranges", path, p.Value, err)
		}
		unsaid = unsaid || r.For == (calib.Codes{})
	}
	if unsaid {
		fmt.Fprintf(stderr, "linquant: note: %s does not say which codes its ranges were chosen for: they are used as they are\n", path)
	}
	return ranges, nil
}

// readRanges reads a file that --save-ranges wrote.
func readRanges(path string) (calib.Ranges, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := calib.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return r, nil
}
