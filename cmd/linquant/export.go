package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/graph"
	"linquant/onnx"
	"linquant/pipeline"
)

// exportConfig is what the flags about the ONNX file say.
type exportConfig struct {
	format string
	int4   bool
	opset  int
	input  string
}

func (e *exportConfig) add(c *cobra.Command, formats string) {
	c.Flags().StringVar(&e.format, "format", "", "`FORM` of the ONNX file: "+formats)
	c.Flags().BoolVar(&e.int4, "int4", false, "store weights of up to 4 bits as ONNX's int4, two a byte (opset 21)")
	c.Flags().StringVar(&e.input, "input-type", "float32",
		"`TYPE` of an integer network's input: float32, or uint8: raw pixels, 0 to 255, that the network itself prepares")
	c.Flags().IntVar(&e.opset, "opset", 0, "`VERSION` of the ONNX operators (default 13, 21 with --int4)")
	cli.Values(c, "format", onnx.Float.String(), onnx.QDQ.String(), onnx.QOperator.String())
	cli.Values(c, "input-type", "float32", "uint8")
}

// config returns what onnx.Export wants.
func (e *exportConfig) config() (onnx.ExportConfig, error) {
	cfg := onnx.ExportConfig{Int4: e.int4, Opset: e.opset, Producer: "linquant", Version: version()}
	if e.opset != 0 {
		least, why := 7, "any network"
		if e.int4 {
			least, why = 21, "--int4"
		}
		if e.opset < least || e.opset > onnx.NewestOpset {
			return cfg, cli.Usagef("--opset %d: for %s use %d to %d", e.opset, why, least, onnx.NewestOpset)
		}
	}
	if e.input != "float32" && e.input != "uint8" {
		return cfg, cli.Usagef("--input-type %q: use float32 or uint8", e.input)
	}
	if e.format == "" {
		return cfg, nil
	}
	var err error
	if cfg.Format, err = onnx.ParseFormat(e.format); err != nil || cfg.Format == onnx.Auto {
		return cfg, cli.Usagef("--format %q: use float, qdq or qoperator", e.format)
	}
	return cfg, nil
}

// whatPixels describes --input-type uint8 in help texts.
const whatPixels = "With --input-type uint8 an integer network takes the pixels of images as they are, in its own order of " +
	"channels, and divides them and subtracts the mean itself: its integers are the same ones. The input is then " +
	"called NAME_uint8."

func exportCommand() *cobra.Command {
	var model flags.Model
	var cfg exportConfig
	var out string
	var unfolded, fixed bool
	c := &cobra.Command{
		Use:   "export MODEL -o MODEL.onnx",
		Short: "Write a network as ONNX",
		Long: "export writes a network as an ONNX file that any runtime can run. A float network becomes a float " +
			"model, its batch norms folded; an integer one becomes QDQ (QuantizeLinear and DequantizeLinear around " +
			"float operators, which runtimes fuse) or QOperator (QLinearConv and so on). To turn a float network " +
			"into integers, use 'linquant quantize'. Dimensions of inputs that the file leaves open stay open, unless " +
			"--fixed-shapes is given.\n\n" + whatPixels + "\n\n" + flags.WhatModel,
		Example: "  linquant export vgg.tar -o vgg.onnx\n" +
			"  linquant export vgg-int8.onnx -o vgg-int8-qop.onnx --format qoperator",
		Args: cli.OneArg("a MODEL"),
		RunE: func(c *cobra.Command, args []string) error {
			exportConfig, err := cfg.config()
			if err != nil {
				return err
			}
			exportConfig.Fixed = fixed
			if err := cli.CheckEnding(out, ".onnx"); err != nil {
				return err
			}
			if err := cli.CheckOutput(c, out); err != nil {
				return err
			}
			model.Vary = true
			n, err := model.Open(c, args[0])
			if err != nil {
				return err
			}
			defer n.Close()
			if err := model.CheckLabels(c.Context(), n); err != nil {
				return err
			}
			if cfg.int4 && !n.Quantized() {
				return cli.Usagef("--int4 is for weights that are integers, and %s is a float network: use linquant quantize", text.Printable(args[0]))
			}
			if cfg.int4 && !few(n.Graph()) {
				return cli.Usagef("--int4 stores weights of up to 4 bits, and %s has none: leave it out, or quantize with --weight-bits 4",
					text.Printable(args[0]))
			}
			if cfg.pixels() {
				flags.Warn(c.ErrOrStderr(), n.Preparation(nil).Warnings())
				if n, err = n.WithPixels(); err != nil {
					return cfg.explainPixels(err)
				}
			}
			export := n.Export
			if unfolded {
				export = func(w io.Writer, cfg onnx.ExportConfig) error { return onnx.Export(w, n.Graph(), cfg) }
			} else if _, err := n.Folded(c.Context()); err != nil {
				return err
			}
			if err := writeONNX(c, out, exportConfig, export); err != nil {
				return err
			}
			if out != cli.Stdio {
				return cli.Saved(c, c.OutOrStdout(), out)
			}
			return nil
		},
	}
	cli.RequiredOutFlag(c, &out, "`FILE` to write, ending in .onnx; - for standard output")
	cfg.add(c, "float, qdq or qoperator (default: float for a float network, qdq for an integer one)")
	c.Flags().BoolVar(&unfolded, "unfolded", false, "keep batch norms and the like as they are")
	c.Flags().BoolVar(&fixed, "fixed-shapes", false, "write the shapes that the model is read with, such as those of --shape, as numbers")
	flags.AddCheckpoint(c, &model.Arch, &model.Root)
	model.AddLabels(c)
	model.AddInput(c)
	return c
}

// few reports whether a constant of the network has codes of up to 4 bits.
func few(g *graph.Graph) bool {
	for _, v := range g.Values {
		if v.Const != nil && v.Quant != nil && v.Quant.Type.Bits <= 4 {
			return true
		}
	}
	return false
}

// pixels reports whether the network shall take raw pixels.
func (e *exportConfig) pixels() bool { return e.input == "uint8" }

// explainPixels makes an error about raw pixels one about the flag.
func (e *exportConfig) explainPixels(err error) error {
	var of *pipeline.NetworkError
	if errors.As(err, &of) {
		return fmt.Errorf("%s: --input-type uint8: %w", of.Name, of.Err)
	}
	return err
}

// writeONNX has a network exported to path, whole or not at all.
func writeONNX(c *cobra.Command, path string, cfg onnx.ExportConfig, export func(io.Writer, onnx.ExportConfig) error) error {
	data := path + cli.DataEnding
	written := false
	if path != cli.Stdio {
		cfg.Data = &onnx.DataFile{Name: filepath.Base(data), Above: largestModel, Write: func(fill func(io.Writer) error) error {
			written = true
			return cli.WriteFile(c, data, fill)
		}}
	}
	cfg.Bound = func(bound *onnx.BoundError) {
		fmt.Fprintf(c.ErrOrStderr(), "linquant: note: the shapes of inputs that the model leaves open are numbers in what is written, since %s\n", bound.Reason)
	}
	err := cli.WriteFile(c, path, func(w io.Writer) error { return export(w, cfg) })
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if written {
		fmt.Fprintf(c.ErrOrStderr(), "linquant: note: an ONNX file has less than 2 GiB: the constants are in %s, which belongs beside it\n", text.Printable(data))
	}
	return nil
}

// largestModel is from how many bytes on the constants of a model go to a file beside it; 0: as ONNX has it. Tests lower it.
var largestModel int64
