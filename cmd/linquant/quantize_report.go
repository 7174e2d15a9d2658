package main

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/graph"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/quant"
)

// printNetworkReport prints what was made. files were written, the network last; "" is none.
func printNetworkReport(c *cobra.Command, w io.Writer, files []string, int4 bool, made *pipeline.Result) error {
	r := made.Report
	rows := [][]string{{"LAYER", "OPERATOR", "SHAPE", "BITS>", "SCALES>", "BYTES>", "IN FILE>", "SQNR>", "ACTIVATIONS"}}
	for _, l := range r.Layers {
		rows = append(rows, []string{
			layerName(l), string(l.Op), l.Weight.Shape.String(), strconv.Itoa(l.Bits), text.Thousands(int64(l.Weight.Scales)),
			text.Thousands(l.Weight.FloatBytes), text.Thousands(l.FileBytes(int4)), text.Decibels(l.Weight.SQNR), outputType(l),
		})
	}
	if err := text.Table(w, rows); err != nil {
		return err
	}
	stored := constantBytes(r, int4)
	if r.FloatBytes == 0 {
		fmt.Fprintf(w, "\n%s in integers: the file has %s\n", text.Plural(len(r.Layers), "layer"), text.Megabytes(cli.FileBytes(c, files[len(files)-1])))
	} else {
		fmt.Fprintf(w, "\n%s in integers: constants of %s became %s (%s), and the file has %s\n", text.Plural(len(r.Layers), "layer"),
			text.Megabytes(r.FloatBytes), text.Megabytes(stored), text.Ratio(r.FloatBytes, stored), text.Megabytes(cli.FileBytes(c, files[len(files)-1])))
	}
	if note := whatCodesTake(r, int4); note != "" {
		fmt.Fprintln(w, note)
	}
	printDynamic(w, r)
	printReconstructed(w, r)
	printEqualized(w, made.Equalization)
	if made.Preparation != nil {
		flags.PrintPixels(w, "Calibrated on", *made.Preparation)
	}
	for _, i := range r.Float {
		fmt.Fprintf(w, "In floating point: %s %s: %s\n", i.Op, text.Printable(i.Node), i.Reason)
	}
	if err := printChoice(w, made); err != nil {
		return err
	}
	for _, path := range files {
		if path != "" && path != cli.Stdio {
			if err := cli.Saved(c, w, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// printReconstructed says how codes of weights were made, where that is not the plainest way.
func printReconstructed(w io.Writer, r *ptq.NetworkReport) {
	if r.WeightMethod != (ptq.Reconstruct{}).String() {
		return
	}
	fmt.Fprintf(w, "Weights: reconstructed from %s, which took %s of memory\n", text.Plural(r.Examples, "example"), text.Megabytes(r.Memory))
	if r.Resumed > 0 {
		fmt.Fprintf(w, "%s of %d were finished before, and taken from the folder of --resume\n", text.Plural(r.Resumed, "layer"), len(r.Layers))
	}
	for _, l := range r.Layers {
		if l.Shown == 0 {
			fmt.Fprintf(w, "Weights of %s: rounded to the nearest at the scale with the least squared error, since layers of its form or width are not sampled\n", text.Printable(l.Node))
		}
	}
}

// printEqualized says what equalization did.
func printEqualized(w io.Writer, e *ptq.Equalization) {
	if e == nil {
		return
	}
	fmt.Fprintf(w, "Weights: equalized, %s of %d of %s scaled, %d with the bias corrected by batch normalizations\n", text.Plural(e.Channels, "channel"),
		len(e.Scaled), text.Plural(e.Layers, "layer"), e.Corrected())
	if n := len(e.Clips); n > 0 {
		fmt.Fprintf(w, "%s with a bound for each channel: a Relu and a Min\n", text.Plural(n, "Clip"))
	}
}

// whatCodesTake says how codes of few bits lie in the file, if there are any that take more than their bits.
func whatCodesTake(r *ptq.NetworkReport, int4 bool) string {
	var wide, small, dynamic bool
	for _, l := range r.Layers {
		wide = wide || l.Bits < 8 && !(int4 && isSmall(l))
		small = small || isSmall(l)
		dynamic = dynamic || l.Dynamic
	}
	switch {
	case !wide:
		return ""
	case int4:
		return "Each code of more than 4 bits takes a byte in the file."
	case small && !dynamic:
		return "Each code takes a byte in the file; --int4 stores those of up to 4 bits two a byte (opset 21)."
	}
	return "Each code takes a byte in the file."
}

func isSmall(l ptq.LayerReport) bool { return l.Bits <= 4 }

// constantBytes returns the bytes of all constants in the file. Several layers may have one weight.
func constantBytes(r *ptq.NetworkReport, int4 bool) int64 {
	total, counted := r.WeightBytes, map[string]bool{}
	for _, l := range r.Layers {
		if !counted[l.Weight.Name] {
			counted[l.Weight.Name] = true
			total -= l.Weight.Bytes - l.FileBytes(int4)
		}
	}
	return total
}

// networkJSON is what quantize --json prints for a whole network.
type networkJSON struct {
	Input       string               `json:"input"`
	Output      string               `json:"output"`
	WeightBits  int                  `json:"weight_bits"`
	ActBits     int                  `json:"act_bits"`
	Per         string               `json:"per"`
	Weights     string               `json:"weights"`            // how codes of them were made
	Examples    int                  `json:"examples,omitempty"` // that layers were shown for it
	Resumed     int                  `json:"resumed,omitempty"`  // layers that were finished before
	Requant     string               `json:"requant"`
	FloatBytes  int64                `json:"float_bytes"`
	WeightBytes int64                `json:"weight_bytes"` // of constants, as the file has them
	PackedBytes int64                `json:"packed_bytes"` // of constants, were their codes a stream of bits
	FileBytes   int64                `json:"file_bytes"`
	DryRun      bool                 `json:"dry_run,omitempty"` // nothing was written
	Layers      []networkLayerJSON   `json:"layers"`
	Activations []activationJSON     `json:"activations"`
	Float       []pipeline.FloatNode `json:"float_nodes,omitempty"`
	Pixels      *flags.Pixels        `json:"calibrated_on,omitempty"`
	Choice      *choiceJSON          `json:"choice,omitempty"` // under a budget
	Recipe      *recipeJSON          `json:"recipe,omitempty"`

	// Layers of which ONNX Runtime may saturate sums on processors without instructions for int8.
	MaySaturate []string `json:"may_saturate,omitempty"`
}

type networkLayerJSON struct {
	layerJSON
	Op      string `json:"op"`
	Bits    int    `json:"weight_bits"`
	Dynamic bool   `json:"dynamic,omitempty"` // it quantizes its input while it runs
	Weight  string `json:"weight,omitempty"`  // the name of it, where the node has several
	Stored  bool   `json:"stored,omitempty"`  // codes that are computed with as reals
}

type activationJSON struct {
	Name      string  `json:"name"`
	Type      string  `json:"type"`
	Min       float32 `json:"min"`
	Max       float32 `json:"max"`
	Scale     float32 `json:"scale"`
	ZeroPoint int32   `json:"zero_point"`
}

func newNetworkJSON(c *cobra.Command, model, out string, cfg ptq.Config, int4 bool, r *ptq.NetworkReport) networkJSON {
	per := quant.PerChannel
	if cfg.PerTensor {
		per = quant.PerTensor
	}
	j := networkJSON{
		Input: model, Output: out, WeightBits: cfg.WeightBits, ActBits: cfg.ActBits, Per: per.String(), Weights: r.WeightMethod, Examples: r.Examples, Resumed: r.Resumed, Requant: cfg.Requant.String(),
		FloatBytes: r.FloatBytes, WeightBytes: constantBytes(r, int4), PackedBytes: r.PackedBytes,
		FileBytes: cli.FileBytes(c, out), DryRun: cli.DryRun(c),
	}
	for _, l := range r.Layers {
		layer := l.Weight
		layer.Name, layer.Bytes = l.Node, l.FileBytes(int4)
		weight := ""
		if recurrent(l.Op) {
			weight = l.Weight.Name
		}
		j.Layers = append(j.Layers, networkLayerJSON{newLayerJSON(layer), string(l.Op), l.Bits, l.Dynamic, weight, l.Stored})
	}
	for _, a := range r.Activations {
		j.Activations = append(j.Activations, activationJSON{a.Value, a.Type.String(), a.Range.Lo, a.Range.Hi, a.Scale, a.ZeroPoint})
	}
	for _, i := range r.Float {
		j.Float = append(j.Float, pipeline.FloatNode{Node: i.Node, Op: string(i.Op), Reason: i.Reason})
	}
	return j
}

// layerName names a layer in tables; the weights of recurrent ones, which have two, by theirs too.
func layerName(l ptq.LayerReport) string {
	if recurrent(l.Op) {
		return text.Printable(l.Node) + " " + text.Printable(l.Weight.Name)
	}
	return text.Printable(l.Node)
}

func recurrent(op graph.Op) bool { return op == graph.LSTM || op == graph.GRU || op == graph.RNN }
