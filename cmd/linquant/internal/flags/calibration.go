package flags

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/calib"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/feed"
	"linquant/cmd/linquant/internal/text"
	"linquant/pipeline"
)

// Calibration says how the ranges of activations are found.
type Calibration struct {
	data       string
	size       int
	Method     string
	percentile float64
	Load, Save string // files of ranges
}

// Add adds the flags and returns them.
func (cal *Calibration) Add(c *cobra.Command) *pflag.FlagSet {
	added := cal.AddMeasured(c)
	added.AddFlagSet(cli.Under(c, "The ranges of its activations", func() {
		f := c.Flags()
		f.StringVar(&cal.Save, "save-ranges", "", "also write the ranges to this `FILE` (JSON)")
		cli.MarkOutput(c, "save-ranges")
		f.StringVar(&cal.Load, "ranges", "", "take the ranges from this `FILE`, which --save-ranges wrote, instead of --calib")
	}))
	return added
}

// AddMeasured adds the flags about ranges that are measured.
func (cal *Calibration) AddMeasured(c *cobra.Command) *pflag.FlagSet {
	added := cli.Under(c, "The ranges of its activations", func() {
		f := c.Flags()
		f.StringVar(&cal.data, "calib", "", "`DATA` to measure them on: cifar10:DIR, idx:DIR, images:DIR, npz:FILE, cmd:PROGRAM or builtin")
		f.IntVar(&cal.size, "calib-size", 0, "measure on the first `N` examples (default 256, or 512 where weights are reconstructed)")
		f.StringVar(&cal.Method, "calib-method", "", "`METHOD`: min-max, moving-average, percentile, mse or entropy (default min-max, or mse where activations have fewer than 8 bits)")
		f.Float64Var(&cal.percentile, "percentile", calib.DefaultPercentile, "`NUMBER` of 100 values that stay in the range, for --calib-method percentile")
	})
	cli.Values(c, "calib-method", CalibMethods()...)
	cli.Prefixes(c, "calib", append([]string{feed.Prefix}, DataKinds...)...)
	return added
}

// Feed takes the examples from the command that --calib may be, for the network: size, or where more are looked at than the network is
// calibrated on, a multiple. The function closes them.
func (cal *Calibration) Feed(ctx context.Context, n *pipeline.Network, data *pipeline.Data, times int) (func() error, error) {
	most := cmp.Or(cal.size, pipeline.ReconstructionExamples) * times
	set, err := Feed(ctx, data.Spec, n.CalibrationInputs(ctx), most)
	if set == nil || err != nil {
		return func() error { return nil }, err
	}
	data.Set = set
	return set.Close, nil
}

// CalibMethods lists the ways to choose the ranges of activations.
func CalibMethods() []string {
	var names []string
	for m := calib.MinMax; m <= calib.Entropy; m++ {
		names = append(names, m.String())
	}
	return names
}

// Config returns what the pipeline wants for activations of so many bits.
func (cal *Calibration) Config(actBits int) (pipeline.Calibration, error) {
	cfg := pipeline.Calibration{Percentile: cal.percentile, Data: pipeline.Data{Spec: cal.data, Limit: cal.size}}
	var err error
	method := cal.Method
	if method == "" {
		method = calib.MinMax.String()
		if actBits < 8 {
			method = calib.MSE.String()
		}
	}
	if cfg.Method, err = calib.ParseMethod(method); err != nil {
		return cfg, cli.Usagef("--calib-method: %w", err)
	}
	if cfg.Method != calib.Percentile {
		cfg.Percentile = 0
	}
	if !(cal.percentile > 50 && cal.percentile <= 100) {
		return cfg, cli.Usagef("--percentile %g: use more than 50, at most 100", cal.percentile)
	}
	return cfg, nil
}

// Ranges reads the file of --ranges, if it is given, without which the other flags of c about ranges are for nothing.
func (cal *Calibration) Ranges(c *cobra.Command) (calib.Ranges, error) {
	for _, name := range []string{"calib-method", "percentile", "calib-size"} {
		if cal.Load != "" && c.Flags().Changed(name) {
			return nil, cli.Usagef("--%s says how ranges are chosen of what is measured, and those of --ranges are chosen: give one of them", name)
		}
	}
	switch {
	case cal.Load == "" && c.Flags().Changed("calib-size") && cal.size < 1:
		return nil, cli.Usagef("--calib-size %d: use 1 or more", cal.size)
	case cal.Load == "":
		return nil, nil
	case cal.data != "":
		return nil, cli.Usagef("--ranges and --calib both say what the ranges are: give one of them")
	}
	f, err := cli.OpenStream(cal.Load)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	r, err := calib.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w; --save-ranges writes such a file", cal.Load, err)
	}
	return r, nil
}

// Explained adds to the pipeline's error which flags would help.
func (cal *Calibration) Explained(err error) error {
	var of *pipeline.RangeError
	switch {
	case !errors.As(err, &of):
	case of.Err == nil:
		return fmt.Errorf("%s: no range for the value %q of %s: measure it with --calib, and the same bits and overrides, "+
			"and --save-ranges", cal.Load, of.Value, of.Name)
	default:
		return fmt.Errorf("%s: value %q: %w, with --calib and --save-ranges", cal.Load, of.Value, of.Err)
	}
	return Error(err)
}

// Show returns a function that draws a progress line of the pipeline's progress, and says on w what is calibrated if w is
// not nil.
func Show(p *text.Progress, w io.Writer, method calib.Method) func(pipeline.Progress) {
	return func(now pipeline.Progress) {
		of := now.Of
		if now.Stage == pipeline.Calibrating {
			of = string(now.Stage)
			if now.Done == 0 && w != nil {
				fmt.Fprintf(w, "Calibrating %s on %s of %s, %v, with %s of memory for it\n\n", text.Plural(now.Values, "value"),
					text.Plural(now.Total, "image"), now.Data, method, text.Megabytes(now.Memory))
			}
		}
		what := "images"
		if now.Stage == pipeline.Reconstructing {
			what = "layers"
			if now.Done == 0 && w != nil {
				fmt.Fprintf(w, "Reconstructing the weights of %s, layer by layer, with up to %s of memory for it\n\n",
					text.Plural(now.Total, "layer"), text.Megabytes(now.Memory))
			}
		}
		switch now.Stage {
		case pipeline.Reconstructing:
			p.Left(now.Done, now.Total, what, now.Left, of)
			return
		case pipeline.Diagnosing, pipeline.Sensing:
			what = "layers alone"
		case pipeline.Mending:
			what = "remedies"
		}
		p.Rate(now.Done, now.Total, what, of)
	}
}
