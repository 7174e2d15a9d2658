package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"
	"linquant/graph"
	"linquant/ptq"
)

// whatDynamic is what --dynamic does.
const whatDynamic = "layers find the ranges of their inputs while they run, so that nothing is calibrated; between them are reals"

// alsoDynamic is what else it makes codes of.
const alsoDynamic = "; weights of LSTM, GRU and RNN and embedding tables become codes too"

// notDynamic are the flags that say something about activations, which --dynamic finds out while the network runs.
var notDynamic = []string{
	"calib", "calib-size", "calib-method", "percentile", "ranges", "save-ranges", "act-bits", "act-signed", "act-symmetric",
	"requant", "int4", "budget", "max-drop", "data", "pareto",
}

// checkDynamic returns an error if a flag was given that does not go with --dynamic.
func (n *networkConfig) checkDynamic(c *cobra.Command) error {
	if !n.dynamic {
		return nil
	}
	for _, name := range notDynamic {
		if f := c.Flags().Lookup(name); f != nil && f.Changed {
			return cli.Usagef("--%s and --dynamic exclude each other: with --dynamic %s", name, whatDynamic)
		}
	}
	return nil
}

// outputType says what a layer's output is: codes of a type, or reals.
func outputType(l ptq.LayerReport) string {
	switch {
	case l.Dynamic:
		return "dynamic uint8"
	case l.Stored:
		return "float32"
	}
	return l.Output.Type.String()
}

// printDynamic says which layers quantize their inputs while they run.
func printDynamic(w io.Writer, r *ptq.NetworkReport) {
	dynamic, tables, recurrent := map[string]bool{}, 0, 0
	for _, l := range r.Layers {
		switch {
		case l.Dynamic:
			dynamic[l.Node] = true
		case l.Stored && l.Op == graph.Gather:
			tables++
		case l.Stored:
			recurrent++
		}
	}
	if len(dynamic) > 0 {
		fmt.Fprintf(w, "%s quantized dynamically: %s\n", text.Plural(len(dynamic), "layer"), whatDynamic)
	}
	if tables > 0 {
		fmt.Fprintf(w, "%s of embeddings stored as codes, by default with a scale for each row: what is taken of them is dequantized\n", text.Plural(tables, "table"))
	}
	if recurrent > 0 {
		fmt.Fprintf(w, "%s of recurrent layers stored as codes and computed with as reals: there is no operator on codes for GRU, RNN, or LSTM with the batch first\n",
			text.Plural(recurrent, "weight"))
	}
}
