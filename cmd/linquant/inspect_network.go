package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"linquant/cmd/linquant/internal/text"
	"linquant/pipeline"
	"linquant/tensor"
)

func printInspection(w io.Writer, in *pipeline.Inspection, layers bool) error {
	fmt.Fprintf(w, "%s parameters, %s\n", text.Thousands(in.Parameters), text.MultiplyAccumulates(in.MACs))
	switch {
	case in.Quantized && len(in.ActBits) == 0:
		fmt.Fprintf(w, "%s, weights of %s bits: constants of %s, as floats %s\n", in.Numbers, joined(in.WeightBits),
			text.Megabytes(in.IntegerBytes), text.Megabytes(in.FloatBytes))
	case in.Quantized:
		bits := "activations of " + joined(in.ActBits) + " bits"
		if len(in.WeightBits) > 0 {
			bits = "weights of " + joined(in.WeightBits) + " bits, activations of " + joined(in.ActBits)
		}
		fmt.Fprintf(w, "%s by the convention %s, %s: constants of %s, as floats %s\n", in.Numbers,
			in.Convention, bits, text.Megabytes(in.IntegerBytes), text.Megabytes(in.FloatBytes))
	default:
		fmt.Fprintf(w, "float32: constants of %s, quantized to 8 bits %s\n", text.Megabytes(in.FloatBytes), text.Megabytes(in.IntegerBytes))
	}
	for _, i := range in.StaysFloat {
		stays := "stays in floating point when quantized"
		if in.Quantized {
			stays = "runs in floating point"
		}
		fmt.Fprintf(w, "%s node %s %s: %s\n", i.Op, text.Printable(i.Node), stays, i.Reason)
	}
	if len(in.StaysFloat) == 0 && !in.Quantized {
		fmt.Fprintln(w, "quantized, it runs in integers from the first layer to the last")
	}
	if !layers {
		return nil
	}
	fmt.Fprintln(w)
	rows := [][]string{{"LAYER", "OPERATOR", "VALUE", "SHAPE", "PARAMETERS>", "MACS>", "NUMBERS"}}
	for _, l := range in.Layers {
		macs := ""
		if l.MACs > 0 {
			macs = text.Thousands(l.MACs)
		}
		rows = append(rows, []string{
			text.Printable(l.Name), l.Operator, text.Printable(l.Output), tensor.Shape(l.Shape).String(), text.Thousands(l.Parameters), macs, l.Numbers,
		})
	}
	return text.Table(w, rows)
}

// joined lists numbers: "4 and 8".
func joined(list []int) string {
	var words []string
	for _, v := range list {
		words = append(words, strconv.Itoa(v))
	}
	return strings.Join(words, " and ")
}
