package main

import (
	"fmt"
	"io"
	"strconv"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/quant"
)

func printNetworkReport(w io.Writer, out, ranges string, made *pipeline.Result) error {
	r := made.Report
	rows := [][]string{{"LAYER", "OPERATOR", "SHAPE", "BITS>", "SCALES>", "BYTES>", "INTEGER BYTES>", "SQNR>", "ACTIVATIONS"}}
	for _, l := range r.Layers {
		rows = append(rows, []string{
			text.Printable(l.Node), string(l.Op), l.Weight.Shape.String(), strconv.Itoa(l.Bits), text.Thousands(int64(l.Weight.Scales)),
			text.Thousands(l.Weight.FloatBytes), text.Thousands(l.PackedBytes), text.Decibels(l.Weight.SQNR), outputType(l),
		})
	}
	if err := text.Table(w, rows); err != nil {
		return err
	}
	packed := ""
	if r.PackedBytes != r.WeightBytes {
		packed = fmt.Sprintf(", %s with codes packed at their bits", text.Megabytes(r.PackedBytes))
	}
	fmt.Fprintf(w, "\n%s in integers: constants of %s became %s%s (%s)\n", text.Plural(len(r.Layers), "layer"),
		text.Megabytes(r.FloatBytes), text.Megabytes(r.WeightBytes), packed, text.Ratio(r.FloatBytes, r.PackedBytes))
	printDynamic(w, r)
	if made.Preparation != nil {
		flags.PrintPixels(w, "Calibrated on", *made.Preparation)
	}
	for _, i := range r.Float {
		fmt.Fprintf(w, "In floating point: %s %s: %s\n", i.Op, text.Printable(i.Node), i.Reason)
	}
	for _, path := range []string{ranges, out} {
		if path != "" && path != cli.Stdio {
			if err := cli.Saved(w, path); err != nil {
				return err
			}
		}
	}
	return nil
}

// networkJSON is what quantize --json prints for a whole network.
type networkJSON struct {
	Input       string               `json:"input"`
	Output      string               `json:"output"`
	WeightBits  int                  `json:"weight_bits"`
	ActBits     int                  `json:"act_bits"`
	Per         string               `json:"per"`
	Requant     string               `json:"requant"`
	FloatBytes  int64                `json:"float_bytes"`
	WeightBytes int64                `json:"weight_bytes"`
	PackedBytes int64                `json:"packed_bytes"`
	Layers      []networkLayerJSON   `json:"layers"`
	Activations []activationJSON     `json:"activations"`
	Float       []pipeline.FloatNode `json:"float_nodes,omitempty"`
	Pixels      *flags.Pixels        `json:"calibrated_on,omitempty"`
}

type networkLayerJSON struct {
	layerJSON
	Op      string `json:"op"`
	Bits    int    `json:"weight_bits"`
	Dynamic bool   `json:"dynamic,omitempty"` // it quantizes its input while it runs
}

type activationJSON struct {
	Name      string  `json:"name"`
	Type      string  `json:"type"`
	Min       float32 `json:"min"`
	Max       float32 `json:"max"`
	Scale     float32 `json:"scale"`
	ZeroPoint int32   `json:"zero_point"`
}

func newNetworkJSON(model, out string, cfg ptq.Config, r *ptq.NetworkReport) networkJSON {
	per := quant.PerChannel
	if cfg.PerTensor {
		per = quant.PerTensor
	}
	j := networkJSON{
		Input: model, Output: out, WeightBits: cfg.WeightBits, ActBits: cfg.ActBits, Per: per.String(), Requant: cfg.Requant.String(),
		FloatBytes: r.FloatBytes, WeightBytes: r.WeightBytes, PackedBytes: r.PackedBytes,
	}
	for _, l := range r.Layers {
		layer := l.Weight
		layer.Name, layer.Bytes = l.Node, l.PackedBytes
		j.Layers = append(j.Layers, networkLayerJSON{newLayerJSON(layer), string(l.Op), l.Bits, l.Dynamic})
	}
	for _, a := range r.Activations {
		j.Activations = append(j.Activations, activationJSON{a.Value, a.Type.String(), a.Range.Lo, a.Range.Hi, a.Scale, a.ZeroPoint})
	}
	for _, i := range r.Float {
		j.Float = append(j.Float, pipeline.FloatNode{Node: i.Node, Op: string(i.Op), Reason: i.Reason})
	}
	return j
}
