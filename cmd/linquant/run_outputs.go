package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"linquant/checkpoint"
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
func (cfg *runConfig) targets(images bool) (*targets, error) {
	t := &targets{files: map[string]string{}, out: cfg.out}
	for _, text := range cfg.outputs {
		name, file := text, ""
		if i := strings.LastIndexByte(text, '='); i >= 0 {
			name, file = text[:i], text[i+1:]
		} else if text == standardStream || checkEnding(text, ".npy", ".npz") == nil {
			name, file = "", text
		}
		switch {
		case name == "" && file == "":
			return nil, usagef("--output %q: write a value's name, a .npy or .npz file, or NAME=FILE", text)
		case name == "" && t.out != "" && t.out != file:
			return nil, usagef("--output %s: the outputs go to %s already", printable(file), printable(t.out))
		case name == "":
			t.out = file
			continue
		case slices.Contains(t.names, name):
			return nil, usagef("--output %s: %s is there twice", printable(text), printable(name))
		}
		t.names = append(t.names, name)
		if file != "" {
			t.files[name] = file
		}
	}
	if len(t.names) > len(t.files) && t.out == "" && !images && cfg.top == 0 {
		return nil, usagef("--output %s: give the value a file with -o FILE or --output NAME=FILE; a file ends in .npy or .npz",
			printable(t.names[0]))
	}
	written := map[string]bool{}
	for _, path := range slices.Concat([]string{t.out}, slices.Sorted(maps.Values(t.files))) {
		if path == "" {
			continue
		}
		if written[path] {
			return nil, usagef("--output: %s would be written twice", printable(path))
		}
		written[path] = true
		flag := "--output"
		if path == cfg.out {
			flag = "-o"
		}
		if err := checkEndingOf(flag, path, ".npy", ".npz"); err != nil {
			return nil, err
		}
		if err := checkFolder(path); err != nil {
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
	case t.out == standardStream:
		return usagef("-o -: standard output takes one array, and there are %d: choose one with --output NAME, or write a .npz file", n)
	}
	return usagef("%s: a .npy holds one array, and there are %d: end the name in .npz, or choose one with --output NAME", printable(t.out), n)
}

func isNPZ(path string) bool { return strings.EqualFold(filepath.Ext(path), ".npz") }

// chosen returns the network with the values for outputs that t names.
func (t *targets) chosen(n *pipeline.Network) (*pipeline.Network, error) {
	if len(t.names) == 0 {
		return n, nil
	}
	chosen, err := n.WithOutputs(t.names...)
	if err != nil {
		return nil, fmt.Errorf("%w: see linquant inspect --layers", err)
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
		if err := writeArrays(c.Context(), c.OutOrStdout(), path, []array{a}); err != nil {
			return err
		}
		if path != standardStream && !quiet {
			if err := saved(c.OutOrStdout(), path); err != nil {
				return err
			}
		}
	}
	if t.out == "" || len(rest) == 0 {
		return nil
	}
	if err := writeArrays(c.Context(), c.OutOrStdout(), t.out, rest); err != nil || t.out == standardStream || quiet {
		return err
	}
	return saved(c.OutOrStdout(), t.out)
}

// writeArrays writes arrays as npz, or else the first, of which there is one (see hold), as npy.
func writeArrays(ctx context.Context, stdout io.Writer, path string, arrays []array) error {
	if isNPZ(path) {
		var outputs []checkpoint.Output
		for _, a := range arrays {
			outputs = append(outputs, checkpoint.FromTensor(a.name, a.Tensor))
		}
		return writeFile(ctx, path, stdout, func(w io.Writer) error { return checkpoint.WriteNPZ(w, outputs) })
	}
	return writeFile(ctx, path, stdout, func(w io.Writer) error { return checkpoint.WriteNPY(w, arrays[0].Tensor) })
}
