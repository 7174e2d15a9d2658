package main

import (
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"
	"linquant/engine"
	"linquant/pipeline"
	"linquant/tensor"
)

// array is a tensor with the name that it has in a file.
type array struct {
	name string
	tensor.Tensor
}

// targets are what --output and --out say: which values to compute, and the files for them.
type targets struct {
	names []string          // values, in order; none: the network's outputs
	files map[string]string // of a value that has a file of its own
	out   string            // for the other values
}

func (t *targets) any() bool { return t.out != "" || len(t.files) > 0 }

// targets reads --output and --out.
func (cfg *runConfig) targets(c *cobra.Command, images bool) (*targets, error) {
	t := &targets{files: map[string]string{}, out: cfg.out}
	for _, given := range cfg.outputs {
		name, file := given, ""
		if i := strings.LastIndexByte(given, '='); i >= 0 {
			name, file = given[:i], given[i+1:]
		} else if given == cli.Stdio || cli.CheckEnding(given, ".npy", ".npz") == nil {
			name, file = "", given
		}
		switch {
		case name == "" && file == "":
			return nil, cli.Usagef("--output %q: write a value's name, a .npy or .npz file, or NAME=FILE", given)
		case name == "" && t.out != "" && t.out != file:
			return nil, cli.Usagef("--output %s: the outputs go to %s already", text.Printable(file), text.Printable(t.out))
		case name == "":
			t.out = file
			continue
		case slices.Contains(t.names, name):
			return nil, cli.Usagef("--output %s: %s is there twice", text.Printable(given), text.Printable(name))
		}
		t.names = append(t.names, name)
		if file != "" {
			t.files[name] = file
		}
	}
	if len(t.names) > len(t.files) && t.out == "" && !images && cfg.top == 0 {
		return nil, cli.Usagef("--output %s: give the value a file with -o FILE or --output NAME=FILE; a file ends in .npy or .npz",
			text.Printable(t.names[0]))
	}
	for _, path := range slices.Concat([]string{t.out}, slices.Sorted(maps.Values(t.files))) {
		if path == "" {
			continue
		}
		flag := "--output"
		if path == cfg.out {
			flag = "-o"
		}
		if err := cli.CheckEndingOf(flag, path, ".npy", ".npz"); err != nil {
			return nil, err
		}
		if err := cli.CheckOutput(c, path); err != nil {
			return nil, err
		}
	}
	return t, nil
}

// hold refuses more outputs than a file without names of arrays can hold.
func (t *targets) hold(outputs []engine.IO) error {
	n := 0
	for _, out := range outputs {
		if t.files[out.Name] == "" {
			n++
		}
	}
	switch {
	case n < 2 || t.out == "" || isNPZ(t.out):
		return nil
	case t.out == cli.Stdio:
		return cli.Usagef("-o -: standard output takes one array, and there are %d: choose one with --output NAME, or write a .npz file", n)
	}
	return cli.Usagef("%s: a .npy holds one array, and there are %d: end the name in .npz, or choose one with --output NAME", text.Printable(t.out), n)
}

func isNPZ(path string) bool { return strings.EqualFold(filepath.Ext(path), ".npz") }

// chosen returns the network with the values for outputs that t names.
func (t *targets) chosen(n *pipeline.Network) (*pipeline.Network, error) {
	if len(t.names) == 0 {
		return n, nil
	}
	chosen, err := n.WithOutputs(t.names...)
	if err != nil {
		return nil, fmt.Errorf("%w: see linquant inspect --by-layer", err)
	}
	return chosen, nil
}

// write writes the arrays where t says.
func (t *targets) write(c *cobra.Command, arrays []array, quiet bool) error {
	var rest []array
	for _, a := range arrays {
		path := t.files[a.name]
		if path == "" {
			rest = append(rest, a)
			continue
		}
		if err := writeArrays(c, path, []array{a}); err != nil {
			return err
		}
		if path != cli.Stdio && !quiet {
			if err := cli.Saved(c, c.OutOrStdout(), path); err != nil {
				return err
			}
		}
	}
	if t.out == "" || len(rest) == 0 {
		return nil
	}
	if err := writeArrays(c, t.out, rest); err != nil || t.out == cli.Stdio || quiet {
		return err
	}
	return cli.Saved(c, c.OutOrStdout(), t.out)
}

// writeArrays writes arrays as npz, or else the first, of which there is one (see hold), as npy.
func writeArrays(c *cobra.Command, path string, arrays []array) error {
	if isNPZ(path) {
		var outputs []checkpoint.Output
		for _, a := range arrays {
			outputs = append(outputs, checkpoint.FromTensor(a.name, a.Tensor))
		}
		return cli.WriteFile(c, path, func(w io.Writer) error { return checkpoint.WriteNPZ(w, outputs) })
	}
	return cli.WriteFile(c, path, func(w io.Writer) error { return checkpoint.WriteNPY(w, arrays[0].Tensor) })
}
