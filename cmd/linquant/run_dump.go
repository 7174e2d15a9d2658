package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/engine"
	"linquant/pipeline"
	"linquant/tensor"
)

// dumper collects a network's inputs and the codes between its layers, example after example.
type dumper struct {
	program *pipeline.Model
	arrays  []array // in the order in which they are computed
	at      map[string]int
	inputs  map[string]bool
}

// checkDump checks --dump.
func (cfg *runConfig) checkDump(c *cobra.Command) error {
	if cfg.dump == "" {
		return nil
	}
	if err := cli.CheckEndingOf("--dump", cfg.dump, ".npz"); err != nil {
		return err
	}
	return cli.CheckOutput(c, cfg.dump)
}

func newDumper(ctx context.Context, n *pipeline.Network, threads int) (*dumper, error) {
	if !n.Quantized() {
		return nil, fmt.Errorf("%s: --dump: it has no integers: quantize it first (linquant quantize)", n.Name)
	}
	inputs := n.Graph().Inputs
	p, err := n.Compile(ctx, engine.Config{Threads: threads, KeepAll: true, Keep: inputs})
	if err != nil {
		return nil, err
	}
	d := &dumper{program: p, at: map[string]int{}, inputs: map[string]bool{}}
	for _, name := range inputs {
		d.inputs[name] = true
	}
	return d, nil
}

// add runs the network on more examples.
func (d *dumper) add(ctx context.Context, inputs [][]float32) error {
	return d.program.TraceTensors(ctx, inputs, func(name string, t tensor.Tensor) error {
		if t.DType.IsFloat() && !d.inputs[name] {
			return nil
		}
		i, ok := d.at[name]
		if !ok {
			d.at[name] = len(d.arrays)
			d.arrays = append(d.arrays, array{name, t})
			return nil
		}
		have := d.arrays[i].Tensor
		shape := append(tensor.Shape{have.Shape[0] + t.Shape[0]}, have.Shape[1:]...)
		var err error
		d.arrays[i].Tensor, err = tensor.New(have.DType, shape, append(have.Data, t.Data...))
		return err
	})
}

func (d *dumper) write(c *cobra.Command, path string, quiet bool) error {
	if err := writeArrays(c, path, d.arrays); err != nil || quiet {
		return err
	}
	return cli.Saved(c, c.OutOrStdout(), path)
}
