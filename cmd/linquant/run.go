package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"linquant/checkpoint"
	"linquant/engine"
	"linquant/graph"
	"linquant/tensor"
)

func runCommand() *cobra.Command {
	var flags modelFlags
	var input, output string
	c := &cobra.Command{
		Use:   "run MODEL --input X.npy --output Y.npy",
		Short: "Run a network on arrays",
		Long: "run computes a network's outputs for the arrays in a .npy file, or for a network with several inputs " +
			"in a .npz file that has an array of each input's name. An array is [batch, …] in the input's shape; " +
			"the batch may be left out. Floats are taken as they are; uint8 arrays are images, 0 to 255, and are " +
			"prepared as the model says. --output ends in .npy (one output) or .npz.\n\n" + whatModel,
		Example: "  linquant run vgg-int8.onnx --input x.npy --output y.npy",
		Args:    oneArg("a MODEL"),
		RunE: func(c *cobra.Command, args []string) error {
			switch {
			case input == "":
				return usagef("--input is missing: a .npy or .npz file")
			case output == "":
				return usagef("--output is missing: a .npy or .npz file to write, or - for standard output")
			}
			if err := checkEnding(output, ".npy", ".npz"); err != nil {
				return err
			}
			if err := checkFolder(output); err != nil {
				return err
			}
			n, err := flags.open(c, args[0])
			if err != nil {
				return err
			}
			defer n.Close()
			g, program, err := n.compile(engine.Config{Threads: flags.threads})
			if err != nil {
				return err
			}
			warnIslands(c.ErrOrStderr(), program)
			outputs, err := n.runFile(c.Context(), g, program, input)
			if err != nil {
				return err
			}
			if err := writeArrays(c.Context(), c.OutOrStdout(), output, outputs); err != nil {
				return err
			}
			if output != standardStream {
				return saved(c.OutOrStdout(), output)
			}
			return nil
		},
	}
	c.Flags().StringVar(&input, "input", "", "`FILE` of arrays to run on, .npy or .npz")
	c.Flags().StringVar(&output, "output", "", "`FILE` to write, .npy or .npz; - for standard output (npy)")
	outFlag(c, &output, "", "`FILE` to write, the same as --output")
	flags.threadsFlag(c)
	archFlag(c, &flags.arch)
	flags.inputFlags(c)
	return c
}

// array is a tensor with the name that it has in a file.
type array struct {
	name string
	tensor.Tensor
}

// runFile runs the program on the arrays of a file and returns its outputs.
func (n *network) runFile(ctx context.Context, g *graph.Graph, program *engine.Program, path string) ([]array, error) {
	f, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var inputs [][]float32
	batch := -1
	for _, io := range program.Inputs() {
		x, examples, err := inputArray(f, io, len(program.Inputs()) == 1, g.Input)
		if err != nil {
			return nil, err
		}
		if batch >= 0 && examples != batch {
			return nil, fmt.Errorf("%s: input %q has %s and the one before it %d", path, io.Name, plural(examples, "example"), batch)
		}
		batch = examples
		inputs = append(inputs, x)
	}
	var outputs [][]float32
	var arrays []array
	for _, out := range program.Outputs() {
		size, err := out.Shape.Elements()
		if err != nil {
			return nil, err
		}
		y := make([]float32, batch*size)
		outputs = append(outputs, y)
		t, err := tensor.Of(append(tensor.Shape{batch}, out.Shape...), y)
		if err != nil {
			return nil, err
		}
		arrays = append(arrays, array{out.Name, t})
	}
	if err := program.Run(ctx, outputs, inputs); err != nil {
		return nil, fmt.Errorf("%s: %w", n.name, err)
	}
	return arrays, nil
}

// inputArray reads the array for an input and returns its elements and the number of examples. Where the network has a
// single input, the only array of the file is for it whatever its name.
func inputArray(f *checkpoint.File, in engine.IO, single bool, pre graph.Preprocess) ([]float32, int, error) {
	var t *checkpoint.Tensor
	if all := f.Tensors(); single && len(all) == 1 {
		t = all[0]
	} else {
		var err error
		if t, err = f.Tensor(in.Name); err != nil {
			return nil, 0, fmt.Errorf("%w; the network's input is called %q", err, in.Name)
		}
	}
	examples := 1
	switch {
	case t.Shape.Equal(in.Shape):
	case len(t.Shape) > 0 && t.Shape[1:].Equal(in.Shape) && t.Shape[0] > 0:
		examples = t.Shape[0]
	default:
		return nil, 0, fmt.Errorf("%s: the array has shape %v; input %q wants %v, with the number of examples before it or without",
			f.Path, t.Shape, in.Name, in.Shape)
	}
	x, err := t.Float32s(nil)
	if err != nil {
		return nil, 0, err
	}
	if t.DType != tensor.Uint8 || len(in.Shape) != 3 {
		return x, examples, nil
	}
	size := len(x) / examples
	prepared := make([]float32, len(x))
	for i := range examples {
		if err := pre.Apply(prepared[i*size:(i+1)*size], x[i*size:(i+1)*size], in.Shape); err != nil {
			return nil, 0, fmt.Errorf("%s: %w", f.Path, err)
		}
	}
	return prepared, examples, nil
}

// writeArrays writes outputs as npy, where there is one, or npz.
func writeArrays(ctx context.Context, stdout io.Writer, path string, arrays []array) error {
	if strings.HasSuffix(strings.ToLower(path), ".npz") {
		var outputs []checkpoint.Output
		for _, a := range arrays {
			outputs = append(outputs, checkpoint.FromTensor(a.name, a.Tensor))
		}
		return writeFile(ctx, path, stdout, func(w io.Writer) error { return checkpoint.WriteNPZ(w, outputs) })
	}
	if len(arrays) != 1 {
		return usagef("--output %s: the network has %s; end the name in .npz", printable(path), plural(len(arrays), "output"))
	}
	return writeFile(ctx, path, stdout, func(w io.Writer) error { return checkpoint.WriteNPY(w, arrays[0].Tensor) })
}
