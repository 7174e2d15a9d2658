package main

import (
	"context"
	"fmt"
	"io"
	"path/filepath"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/dataset"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/quant"
)

// demoCalibration is on how many images the demonstration calibrates.
const demoCalibration = 256

// networkDemo quantizes the built-in network and shows what that does to its accuracy, on so many images, its size and
// its speed.
func networkDemo(ctx context.Context, w, stderr io.Writer, images int) error {
	n, err := pipeline.Open(ctx, pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		return err
	}
	defer n.Close()
	set, err := flags.OpenData(ctx, "--data", pipeline.Builtin, dataset.Test, images, nil)
	if err != nil {
		return err
	}
	defer set.Close()
	examples, err := flags.OpenCalibration(ctx, stderr, pipeline.Builtin, min(images, demoCalibration), nil)
	if err != nil {
		return err
	}
	defer examples.Close()
	fmt.Fprintf(w, "* Built-in network: a small VGG, on %s that it has not seen\n\n", text.Plural(set.Len(), "image"))
	var variants []pipeline.Variant
	for _, way := range []ptq.Config{
		{WeightBits: 8, WeightMethod: ptq.AbsMax{}},
		{WeightBits: 4, WeightMethod: ptq.AbsMax{}},
		{WeightBits: 2, WeightMethod: ptq.AbsMax{}},
		{WeightBits: 2, WeightMethod: ptq.Reconstruct{}},
	} {
		way.ActBits = 8
		variants = append(variants, pipeline.Variant{Quant: way})
	}
	p := text.NewProgress(stderr)
	measured, err := n.Sweep(ctx, examples, set, variants, pipeline.MeasureConfig{Progress: flags.Show(p, nil, 0)})
	p.End()
	if err != nil {
		return err
	}
	var rows []sweepRow
	for _, m := range measured {
		rows = append(rows, newSweepRow(m))
	}
	if err := printSweep(w, rows); err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "\nThe lower four run in integers from the first layer to the last; DIFFERENCE is in percentage points. Rounded to the nearest,\n"+
		"codes of 2 bits are too coarse; chosen layer by layer so that each computes what the float layer does, they are not.\n"+
		"Try 'linquant quantize builtin -o int8.onnx' and 'linquant eval int8.onnx --data builtin'.\n")
	return err
}

// weightFigures draws the built-in network's weights, as floats and as codes.
func weightFigures(c *cobra.Command, dir string) error {
	f, err := pipeline.OpenCheckpoint(pipeline.Builtin)
	if err != nil {
		return err
	}
	defer f.Close()
	for _, bits := range []int{floatBits, 4, 2} {
		cfg := histConfig{bits: bits, bins: 256, Sharing: flags.Sharing{Per: quant.PerChannel.String()}}
		p := text.NewProgress(c.ErrOrStderr())
		fig, err := histograms(c.Context(), f, cfg, quant.Layout{Per: quant.PerChannel}, p)
		p.End()
		if err != nil {
			return err
		}
		if err := saveFigure(c, filepath.Join(dir, histFile(bits)), fig); err != nil {
			return err
		}
	}
	return nil
}
