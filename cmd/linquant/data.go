package main

import (
	"io"

	"github.com/spf13/cobra"

	"linquant/dataset"
	"linquant/pipeline"
)

// whatData describes DATA in help texts.
const whatData = "cifar10:DIR, idx:DIR (MNIST), images:DIR (a folder for each class) or npz:FILE, " +
	"with :train or :test at its end where wanted, or builtin"

// dataFlags say what a network is measured on.
type dataFlags struct {
	data  string
	limit int
}

// add adds --data and --limit, which without the flag is limit.
func (d *dataFlags) add(c *cobra.Command, limit int) {
	c.Flags().StringVar(&d.data, "data", "", "`DATA`: cifar10:DIR[:train|test], idx:DIR, images:DIR, npz:FILE or builtin")
	c.Flags().IntVar(&d.limit, "limit", limit, "use the first `N` examples only; 0: all")
}

// openSet opens the examples. The built-in network is measured on the built-in images where nothing else is said.
func (d *dataFlags) openSet(model string) (dataset.Set, error) {
	if d.data == "" && model == pipeline.Builtin {
		d.data = pipeline.Builtin
	}
	if d.limit < 0 {
		return nil, usagef("--limit %d: use 1 or more, or 0 for all", d.limit)
	}
	return openData("--data", d.data, dataset.Test, d.limit)
}

// openData opens what --data or --calib says. limit > 0 takes the first so many examples.
func openData(flag, spec, split string, limit int) (dataset.Set, error) {
	if spec == "" {
		return nil, usagef("%s is missing: %s", flag, whatData)
	}
	if _, err := dataset.ParseSpec(spec); err != nil {
		return nil, usagef("%s: %w", flag, err)
	}
	s, err := dataset.Open(spec, split)
	if err != nil {
		return nil, err
	}
	if limit > 0 {
		return dataset.Limit(s, limit), nil
	}
	return s, nil
}

// openCalibration opens the first size examples of the data for calibration, and warns on w where it is the data that
// accuracy is measured on.
func openCalibration(w io.Writer, spec string, size int) (dataset.Set, error) {
	if size < 1 {
		return nil, usagef("--calib-size %d: use 1 or more", size)
	}
	set, warnings, err := pipeline.Calibration{Data: pipeline.Data{Spec: spec, Limit: size}}.Open("")
	warn(w, warnings)
	return set, flagError(err)
}
