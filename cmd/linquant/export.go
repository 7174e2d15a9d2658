package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"linquant/graph"
	"linquant/onnx"
)

// exportConfig is what the flags about the ONNX file say.
type exportConfig struct {
	format string
	int4   bool
	opset  int
}

func (e *exportConfig) add(c *cobra.Command, formats string) {
	c.Flags().StringVar(&e.format, "format", "", "`FORM` of the ONNX file: "+formats)
	c.Flags().BoolVar(&e.int4, "int4", false, "store weights of up to 4 bits as ONNX's int4, two a byte (opset 21)")
	c.Flags().IntVar(&e.opset, "opset", 0, "`VERSION` of the ONNX operators (default 13, 21 with --int4)")
}

// config returns what onnx.Export wants.
func (e *exportConfig) config() (onnx.ExportConfig, error) {
	cfg := onnx.ExportConfig{Int4: e.int4, Opset: e.opset, Producer: "linquant", Version: version()}
	if e.format == "" {
		return cfg, nil
	}
	var err error
	if cfg.Format, err = onnx.ParseFormat(e.format); err != nil || cfg.Format == onnx.Auto {
		return cfg, usagef("--format %q: use float, qdq or qoperator", e.format)
	}
	return cfg, nil
}

func exportCommand() *cobra.Command {
	var flags modelFlags
	var cfg exportConfig
	var out string
	var unfolded bool
	c := &cobra.Command{
		Use:   "export MODEL -o MODEL.onnx",
		Short: "Write a network as ONNX",
		Long: "export writes a network as an ONNX file that any runtime can run. A float network becomes a float " +
			"model, its batch norms folded; an integer one becomes QDQ (QuantizeLinear and DequantizeLinear around " +
			"float operators, which runtimes fuse) or QOperator (QLinearConv and so on). To turn a float network " +
			"into integers, use 'linquant quantize'.\n\n" + whatModel,
		Example: "  linquant export vgg.tar -o vgg.onnx\n" +
			"  linquant export vgg-int8.onnx -o vgg-int8-qop.onnx --format qoperator",
		Args: oneArg("a MODEL"),
		RunE: func(c *cobra.Command, args []string) error {
			exportConfig, err := cfg.config()
			if err != nil {
				return err
			}
			if err := checkEnding(out, ".onnx"); err != nil {
				return err
			}
			if err := checkFolder(out); err != nil {
				return err
			}
			n, err := flags.open(c, args[0])
			if err != nil {
				return err
			}
			defer n.Close()
			g := n.graph
			if cfg.int4 && !g.Quantized() {
				return usagef("--int4 is for weights that are integers, and %s is a float network: use linquant quantize", printable(args[0]))
			}
			if !unfolded {
				if g, err = n.folded(); err != nil {
					return err
				}
			}
			if err := writeONNX(c, out, g, exportConfig); err != nil {
				return err
			}
			if out != standardStream {
				return saved(c.OutOrStdout(), out)
			}
			return nil
		},
	}
	outFlag(c, &out, "", "`FILE` to write, ending in .onnx; - for standard output")
	c.MarkFlagRequired("out")
	cfg.add(c, "float, qdq or qoperator (default: float for a float network, qdq for an integer one)")
	c.Flags().BoolVar(&unfolded, "unfolded", false, "keep batch norms and the like as they are")
	archFlag(c, &flags.arch)
	flags.labelsFlag(c)
	flags.inputFlags(c)
	return c
}

// writeONNX writes g to path whole or not at all.
func writeONNX(c *cobra.Command, path string, g *graph.Graph, cfg onnx.ExportConfig) error {
	err := writeFile(c.Context(), path, c.OutOrStdout(), func(w io.Writer) error { return onnx.Export(w, g, cfg) })
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
