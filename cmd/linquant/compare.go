package main

import (
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

// compareConfig is what compare's flags say.
type compareConfig struct {
	flags.Model
	flags.Data
	against string
	asJSON  bool
}

func compareCommand() *cobra.Command {
	var cfg compareConfig
	c := &cobra.Command{
		Use:   "compare A B --data DATA",
		Short: "Compare two networks, or one with another runtime, layer by layer",
		Long: "compare runs two networks on the same examples and prints, for each value that both compute under " +
			"the same name, how far B's is from A's: the signal-to-quantization-noise ratio (SQNR), the cosine, the " +
			"largest difference, and the fraction of A's values that B's codes cannot express because they lie " +
			"beyond its range. A is usually the float network and B its quantized form.\n\n" + flags.WhatModel +
			"\nDATA is " + flags.WhatData + ". " + flags.WhatNPZ + "\n\n" + whatAgainst,
		Example: "  linquant compare vgg.tar vgg-int4.onnx --data cifar10:cifar-10-batches-bin\n" +
			"  linquant compare vgg-int8.onnx --against dump.npz",
		Args: func(c *cobra.Command, args []string) error {
			if cfg.against != "" {
				return againstArgs(c, args)
			}
			return twoArgs("two networks, A and B,")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			if cfg.against != "" {
				return runAgainst(c, args[0], cfg)
			}
			return runCompare(c, args[0], args[1], cfg)
		},
	}
	c.Flags().StringVar(&cfg.against, "against", "", "`DUMP`, an .npz of the integers that another runtime makes of one network")
	cfg.Data.Add(c, 64)
	cfg.AddThreads(c)
	cli.JSONFlag(c, &cfg.asJSON)
	flags.AddCheckpoint(c, &cfg.Arch, &cfg.Root)
	cfg.AddInput(c)
	return c
}

// twoArgs wants exactly two arguments.
func twoArgs(what string) cobra.PositionalArgs {
	return func(c *cobra.Command, args []string) error {
		if len(args) != 2 {
			return cli.Usagef("%s: %s are wanted, not %s", c.CommandPath(), what, text.Plural(len(args), "argument"))
		}
		return nil
	}
}

func runCompare(c *cobra.Command, nameA, nameB string, cfg compareConfig) error {
	if err := cfg.Check(nameA); err != nil {
		return err
	}
	cfg.Beside = nameB
	a, err := cfg.Open(c, nameA)
	if err != nil {
		return err
	}
	defer a.Close()
	set, err := cfg.OpenSet(c.Context(), a)
	if err != nil {
		return err
	}
	defer set.Close()
	if err := cfg.CheckPixels(c, a.Preparation(set)); err != nil {
		return err
	}
	b, err := cfg.ONNX.Second(nameA).Open(c, nameB, "", "")
	if err != nil {
		return err
	}
	defer b.Close()
	p := text.NewProgress(c.ErrOrStderr())
	compared, err := pipeline.Compare(c.Context(), a, b, set, pipeline.MeasureConfig{
		Threads: cfg.Threads, Progress: flags.Show(p, nil, 0), Of: filepath.Base(nameB),
	})
	p.End()
	if err != nil {
		return err
	}
	flags.Warn(c.ErrOrStderr(), compared.Warnings)
	layers := compared.Layers
	if cfg.asJSON {
		j := newCompareJSON(nameA, nameB, set, layers)
		j.Input = flags.NewPixels(compared.Preparation)
		return text.WriteJSON(c.OutOrStdout(), j)
	}
	if err := printComparison(c.OutOrStdout(), nameA, nameB, set, layers); err != nil {
		return err
	}
	flags.PrintPixels(c.OutOrStdout(), "Input", compared.Preparation)
	return nil
}

func printComparison(w io.Writer, nameA, nameB string, set dataset.Set, layers []eval.Layer) error {
	rows := [][]string{{"VALUE", "OPERATOR", "SQNR>", "COSINE>", "MAX ERROR>", "CLIPPED>"}}
	for _, l := range layers {
		rows = append(rows, []string{
			text.Printable(l.Name), string(l.Op), text.Decibels(l.SQNR), fmt.Sprintf("%.6f", l.Cosine), fmt.Sprintf("%.3g", l.MaxAbs),
			fmt.Sprintf("%.3f%%", 100*l.Clipped),
		})
	}
	if err := text.Table(w, rows); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\n%s against %s on %s of %s\n", text.Printable(nameB), text.Printable(nameA), text.Plural(set.Len(), "image"), set.Name())
	return err
}

// compareJSON is what compare --json prints.
type compareJSON struct {
	A      string             `json:"a"`
	B      string             `json:"b"`
	Data   string             `json:"data"`
	N      int                `json:"n"`
	Input  *flags.Pixels      `json:"input"`
	Layers []compareLayerJSON `json:"layers"`
}

type compareLayerJSON struct {
	Name    string   `json:"name"`
	Op      string   `json:"op"`
	SQNR    *float64 `json:"sqnr_db"` // null where nothing differs, or there is no signal
	Cosine  *float64 `json:"cosine"`  // null where either is all zeros
	MaxAbs  float64  `json:"max_error"`
	Clipped float64  `json:"clipped"`
}

func newCompareJSON(a, b string, set dataset.Set, layers []eval.Layer) compareJSON {
	j := compareJSON{A: a, B: b, Data: set.Name(), N: set.Len()}
	for _, l := range layers {
		j.Layers = append(j.Layers, compareLayerJSON{l.Name, string(l.Op), text.Finite(l.SQNR), text.Finite(l.Cosine), l.MaxAbs, l.Clipped})
	}
	return j
}
