package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/pipeline"
)

func extractCommand() *cobra.Command {
	var model flags.ONNX
	var out string
	c := &cobra.Command{
		Use:   "extract MODEL --output NAME -o PART.onnx",
		Short: "Write a part of an ONNX model",
		Long: "extract writes the part of an ONNX model that computes the values of --output, from the model's inputs or from the values of " +
			"--input: its nodes, initializers and metadata as they stand in the file, whether linquant can run them or not. So a " +
			"network is cut before operators that are not supported, such as those behind a detector's backbone. Every other verb takes the same " +
			"flags, and takes the part without writing it.\n\n" +
			"An input of --constant becomes an initializer, and data from files beside the model is written into it.",
		Example: "  linquant extract yolo.onnx --output boxes --output scores -o backbone.onnx\n" +
			"  linquant extract vit.onnx --input /embed/Add_output_0 -o blocks.onnx",
		Args: cli.OneArg("a MODEL"),
		RunE: func(c *cobra.Command, args []string) error { return runExtract(c, args[0], out, model) },
	}
	cli.RequiredOutFlag(c, &out, "`FILE` to write, ending in .onnx; - for standard output")
	model.AddPart(c.Flags())
	model.Add(c.Flags())
	return c
}

func runExtract(c *cobra.Command, path, out string, model flags.ONNX) error {
	if !model.Given() {
		return cli.Usagef("--output is missing: the NAME of a value at which the part ends, or --input for one at which it begins; "+
			"values are listed by 'linquant inspect %s --by-layer'", text.Quoted(path))
	}
	if err := cli.CheckEnding(out, ".onnx"); err != nil {
		return err
	}
	if err := cli.CheckOutput(c, out); err != nil {
		return err
	}
	if inputs, err := pipeline.Inputs(path); err != nil || inputs == nil {
		if n, err := model.Open(c, path, "", ""); err != nil { // which says what it is
			return err
		} else if err := n.Close(); err != nil {
			return err
		}
	}
	cfg, err := model.Config(path)
	if err != nil {
		return err
	}
	var unknown []string
	err = cli.WriteFile(c, out, func(w io.Writer) error {
		var err error
		unknown, err = cfg.Extract(c.Context(), path, w)
		return err
	})
	if err != nil {
		return flags.Hinted(path, err)
	}
	for _, name := range unknown {
		fmt.Fprintf(c.ErrOrStderr(), "linquant: note: the type of the output %s is not known, and not written: some tools may refuse the file\n",
			text.Printable(name))
	}
	if out == cli.Stdio {
		return nil
	}
	return cli.Saved(c, c.OutOrStdout(), out)
}
