package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"linquant/calib"
	"linquant/graph"
	"linquant/ptq"
)

// whatDynamic is what --dynamic does.
const whatDynamic = "layers find the ranges of their inputs while they run, so that nothing is calibrated; between them are reals"

// notDynamic are the flags that say something about activations, which --dynamic finds out while the network runs.
var notDynamic = []string{
	"calib", "calib-size", "calib-method", "percentile", "ranges", "save-ranges", "act-bits", "act-signed", "act-symmetric",
	"requant", "int4",
}

// checkDynamic returns an error if a flag was given that does not go with --dynamic.
func (n *networkConfig) checkDynamic(c *cobra.Command) error {
	if !n.dynamic {
		return nil
	}
	for _, name := range notDynamic {
		if f := c.Flags().Lookup(name); f != nil && f.Changed {
			return usagef("--%s and --dynamic exclude each other: with --dynamic %s", name, whatDynamic)
		}
	}
	return nil
}

// quantized returns the network in integers, and the ranges that it was made with, nil if it is dynamic.
func (n *networkConfig) quantized(c *cobra.Command, w io.Writer, net *network, g *graph.Graph, pc ptq.Config,
	cc calib.Config, quiet bool,
) (q *graph.Graph, report *ptq.NetworkReport, ranges calib.Ranges, err error) {
	if n.dynamic {
		q, report, err = ptq.Dynamic(g, pc)
	} else {
		if ranges, err = n.ranges(c, w, net, g, pc, cc, quiet); err != nil {
			return nil, nil, nil, err
		}
		q, report, err = ptq.Quantize(g, ranges, pc)
	}
	if err != nil {
		return nil, nil, nil, fmt.Errorf("%s: %w", net.name, err)
	}
	return q, report, ranges, nil
}

// outputType says what a layer's output is: codes of a type, or reals.
func outputType(l ptq.LayerReport) string {
	if l.Dynamic {
		return "dynamic uint8"
	}
	return l.Output.Type.String()
}

// printDynamic says which layers quantize their inputs while they run.
func printDynamic(w io.Writer, r *ptq.NetworkReport) {
	dynamic := 0
	for _, l := range r.Layers {
		if l.Dynamic {
			dynamic++
		}
	}
	if dynamic > 0 {
		fmt.Fprintf(w, "%s quantized dynamically: %s\n", plural(dynamic, "layer"), whatDynamic)
	}
}

// dynamicLayers counts the layers of a network that quantize their inputs while they run.
func dynamicLayers(g *graph.Graph) int {
	layers := 0
	for _, n := range g.Nodes {
		if graph.IsDynamic(n) {
			layers++
		}
	}
	return layers
}
