package flags

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/feed"
	"linquant/dataset"
	"linquant/pipeline"
)

// WhatData describes DATA in help texts.
const WhatData = "cifar10:DIR, idx:DIR (MNIST), images:DIR (a folder for each class) or npz:FILE, " +
	"with :train or :test at its end where wanted, or builtin"

// WhatArrays is the one rule for the names of arrays, in help texts.
const WhatArrays = "An array of a file is for the network's input of its name. Where none has such a name, arr_0, arr_1, ... (arrays saved without names) are " +
	"for the inputs in their order; and for one input alone are one array alone, whatever its name, or x, images or data. Other arrays are left out."

// WhatNPZ says in help texts what examples in NumPy files are.
const WhatNPZ = "npz:FILE is a .npz or a .npy, a folder of them, or a pattern with *. " + WhatArrays +
	" In DATA every array is [N, ...], N examples in the input's shape (or one example without N); labels are y, labels or targets, [N]."

// WhatCalib says in help texts what --calib takes beside DATA.
const WhatCalib = "--calib also takes images:DIR without folders of classes, and 'cmd:PROGRAM ARGS', a program that writes batches to its standard output, " +
	"one .npz (or .npy) after the other:\n\n" +
	"  import sys, numpy as np\n" +
	"  for ids, mask in batches:\n" +
	"      np.savez(sys.stdout.buffer, input_ids=ids, attention_mask=mask)\n\n" +
	"It is run without a shell, and ended when there are --calib-size examples. Recipes do not carry it. Where the model leaves dimensions of its inputs " +
	"open, each batch, and each file of a folder npz:DIR, may have examples of another shape."

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

// Check returns an error about the flags where they are wrong whatever the network. The built-in network is measured on the built-in images where
// nothing else is said.
func (d *Data) Check(model string) error {
	if d.Spec == "" && model == pipeline.Builtin {
		d.Spec = pipeline.Builtin
	}
	if d.Limit < 0 {
		return cli.Usagef("--limit %d: use 1 or more, or 0 for all", d.Limit)
	}
	return CheckData("--data", d.Spec)
}

// OpenSet opens the examples for a network, of flags that Check found right.
func (d *Data) OpenSet(ctx context.Context, n *pipeline.Network) (dataset.Set, error) {
	return OpenData(ctx, "--data", d.Spec, dataset.Test, d.Limit, n.DataInputs())
}

// CheckData returns an error where what --data or --calib says names no data.
func CheckData(flag, spec string) error {
	if spec == "" {
		return cli.Usagef("%s is missing: %s", flag, WhatData)
	}
	if _, err := dataset.ParseSpec(spec); err != nil {
		return cli.Usagef("%s: %w", flag, err)
	}
	return nil
}

// OpenData opens what --data or --calib says for a network with these inputs. limit > 0 takes the first so many examples.
func OpenData(ctx context.Context, flag, spec, split string, limit int, inputs []dataset.Input) (dataset.Set, error) {
	if err := CheckData(flag, spec); err != nil {
		return nil, err
	}
	s, err := dataset.OpenInputs(ctx, spec, split, inputs)
	if err != nil {
		return nil, err
	}
	if limit > 0 {
		return dataset.Limit(s, limit), nil
	}
	return s, nil
}

// Feed runs the command that --calib may be, for a network with these inputs, and returns examples, most or some more; nil where it is none.
func Feed(ctx context.Context, spec string, inputs []dataset.Input, most int) (dataset.Set, error) {
	if !strings.HasPrefix(spec, feed.Prefix) {
		return nil, nil
	}
	set, err := feed.Open(ctx, spec, inputs, most)
	if err != nil {
		return nil, fmt.Errorf("--calib: %w", err)
	}
	return set, nil
}

// OpenCalibration opens the first size examples of the data for calibration, and warns on w where it is the data that
// accuracy is measured on.
func OpenCalibration(ctx context.Context, w io.Writer, spec string, size int, inputs []dataset.Input) (dataset.Set, error) {
	if size < 1 {
		return nil, cli.Usagef("--calib-size %d: use 1 or more", size)
	}
	if set, err := Feed(ctx, spec, inputs, size); set != nil || err != nil {
		return set, err
	}
	set, warnings, err := pipeline.Calibration{Data: pipeline.Data{Spec: spec, Limit: size, Inputs: inputs}}.Open(ctx, "")
	Warn(w, warnings)
	return set, Error(err)
}
