package flags

import (
	"context"
	"io"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/dataset"
	"linquant/pipeline"
)

// WhatData describes DATA in help texts.
const WhatData = "cifar10:DIR, idx:DIR (MNIST), images:DIR (a folder for each class) or npz:FILE, " +
	"with :train or :test at its end where wanted, or builtin"

// DataKinds are how DATA begins.
var DataKinds = []string{"builtin", "cifar10:", "idx:", "images:", "npz:"}

// Data says what a network is measured on.
type Data struct {
	Spec  string
	Limit int
}

// Add adds --data and --limit, which without the flag is limit.
func (d *Data) Add(c *cobra.Command, limit int) {
	c.Flags().StringVar(&d.Spec, "data", "", "`DATA`: cifar10:DIR[:train|test], idx:DIR, images:DIR, npz:FILE or builtin")
	c.Flags().IntVar(&d.Limit, "limit", limit, "use the first `N` examples only; 0: all")
	cli.Prefixes(c, "data", DataKinds...)
}

// OpenSet opens the examples. The built-in network is measured on the built-in images where nothing else is said.
func (d *Data) OpenSet(ctx context.Context, model string) (dataset.Set, error) {
	if d.Spec == "" && model == pipeline.Builtin {
		d.Spec = pipeline.Builtin
	}
	if d.Limit < 0 {
		return nil, cli.Usagef("--limit %d: use 1 or more, or 0 for all", d.Limit)
	}
	return OpenData(ctx, "--data", d.Spec, dataset.Test, d.Limit)
}

// OpenData opens what --data or --calib says. limit > 0 takes the first so many examples.
func OpenData(ctx context.Context, flag, spec, split string, limit int) (dataset.Set, error) {
	if spec == "" {
		return nil, cli.Usagef("%s is missing: %s", flag, WhatData)
	}
	if _, err := dataset.ParseSpec(spec); err != nil {
		return nil, cli.Usagef("%s: %w", flag, err)
	}
	s, err := dataset.Open(ctx, spec, split)
	if err != nil {
		return nil, err
	}
	if limit > 0 {
		return dataset.Limit(s, limit), nil
	}
	return s, nil
}

// OpenCalibration opens the first size examples of the data for calibration, and warns on w where it is the data that
// accuracy is measured on.
func OpenCalibration(ctx context.Context, w io.Writer, spec string, size int) (dataset.Set, error) {
	if size < 1 {
		return nil, cli.Usagef("--calib-size %d: use 1 or more", size)
	}
	set, warnings, err := pipeline.Calibration{Data: pipeline.Data{Spec: spec, Limit: size}}.Open(ctx, "")
	Warn(w, warnings)
	return set, Error(err)
}
