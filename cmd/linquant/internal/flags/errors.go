package flags

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"
	"linquant/pipeline"
	"linquant/tensor"
	"linquant/vision"
)

// flagNames are the flags that set the fields of the pipeline's configurations.
var flagNames = map[string]string{
	"Arch": "--arch", "Root": "--root", "ONNX": WhatONNX, "Pattern": "--layers",
	"Calibration.Data.Spec": "--calib", "Calibration.Data.Limit": "--calib-size",
	"Calibration.Percentile": "--percentile", "Threads": "--threads", "threads": "--threads", "Batch": "--batch", "batch": "--batch",
	"Budget": "--budget", "Budget.Latency": "--budget latency", "Budget.MaxDrop": "--max-drop", "Test": "--data", "Test.Spec": "--data",
	"MaxLoss": "--max-drop", "Confidence": "--confidence", "Metric": "--metric", "Low": "--range", "Limit": "--limit",
	"Quant.WeightBits": "--weight-bits", "Quant.WeightMethod": "--weights", "Quant.ActBits": "--act-bits", "Quant.Requant": "--requant",
	"Quant.Resume": "--resume",
}

// Error makes an error about a configuration one about the flag that it came from.
func Error(err error) error {
	var field *pipeline.ConfigError
	switch {
	case !errors.As(err, &field):
		return err
	case field.Field == "Calibration.Data":
		return cli.Usagef("--calib is missing: integers need the ranges of activations, which are measured on examples: %s, or "+
			"'cmd:PROGRAM ARGS', a program that writes them", WhatData)
	}
	flag := *field
	if name, ok := flagNames[field.Field]; ok {
		flag.Field = name
	}
	return cli.UsageError{Err: &flag}
}

// Warn prints warnings.
func Warn(w io.Writer, warnings []pipeline.Warning) {
	for _, warning := range warnings {
		switch x := warning.(type) {
		case pipeline.FloatNode:
			fmt.Fprintf(w, "linquant: note: %s node %s runs in floating point: %s\n", x.Op, text.Printable(x.Node), x.Reason)
		case pipeline.FreeDimensions:
			fmt.Fprintf(w, "linquant: note: %s\n", x.Warning())
		case pipeline.CodesInFloat:
			x.Node = text.Printable(x.Node)
			fmt.Fprintf(w, "linquant: note: %s\n", x.Warning())
		case pipeline.SumsWrap:
			x.Node = text.Printable(x.Node)
			fmt.Fprintf(w, "linquant: note: %s\n", x.Warning())
		case pipeline.CalibratedOnTest:
			if x.Use == "" {
				fmt.Fprintf(w, "linquant: warning: %s is calibrated on and measured on: the network will look better than it is; "+
					"give --calib other examples\n", text.Printable(x.Data))
				continue
			}
			fmt.Fprintf(w, "linquant: warning: %s\n", x.Warning())
		case pipeline.AssumedPreprocess:
			if x.Inside {
				fmt.Fprintf(w, "linquant: warning: %s; make it again from the network without --input-type uint8, with --preprocess %s, or "+
					"with --mean and --std\n", x.What(), strings.Join(vision.Names(), "|"))
				continue
			}
			fmt.Fprintf(w, "linquant: warning: %s; say it with --preprocess %s, or with --mean and --std\n", x.What(),
				strings.Join(vision.Names(), "|"))
		case pipeline.LowSQNR:
			fmt.Fprintf(w, "linquant: warning: %s\n", x.MendedBy("--override '"+strings.Join(x.Overrides, "' --override '")+"'"))
		case pipeline.AssumedDimensions:
			said := ""
			for _, in := range x.Inputs {
				said += " --shape " + text.Quoted(in.Input+"="+openDims(in.Shape))
			}
			fmt.Fprintf(w, "linquant: note: %s; say it with%s\n", x.What(), said)
		case pipeline.UnknownCodes: // said of the file, by quantize
		default:
			fmt.Fprintf(w, "linquant: warning: %s\n", x.Warning())
		}
	}
}

// openDims is a shape as --shape takes it, with N for the number of its first dimension.
func openDims(s tensor.Shape) string {
	dims := []string{"N"}
	for _, d := range s[1:] {
		dims = append(dims, strconv.Itoa(d))
	}
	return strings.Join(dims, "x")
}

// asDims is what a file says of a shape as --shape takes it, with letters for what is open.
func asDims(dims []int) string {
	const letters = "NDEFGHIJK"
	words := make([]string, len(dims))
	for i, d := range dims {
		if words[i] = strconv.Itoa(d); d < 1 {
			words[i] = letters[i%len(letters) : i%len(letters)+1]
		}
	}
	return strings.Join(words, "x")
}
