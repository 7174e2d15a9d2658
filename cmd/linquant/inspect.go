package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"

	"github.com/spf13/cobra"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/internal/ended"
	"linquant/models"
	"linquant/pipeline"
	"linquant/stats"
	"linquant/tensor"
)

// inspection is what inspect says of a file; the JSON names are part of the command's interface.
type inspection struct {
	File       string            `json:"file"`
	Format     string            `json:"format"`
	FileBytes  int64             `json:"file_bytes"`
	Root       string            `json:"root,omitempty"`
	Arch       string            `json:"arch,omitempty"`
	Parameters int64             `json:"parameters,omitempty"`
	Elements   int64             `json:"elements"`
	Metadata   map[string]string `json:"metadata,omitempty"`
	Tensors    []tensorRow       `json:"tensors"`
	Other      []tensorRow       `json:"other,omitempty"`
	LeftOut    []groupJSON       `json:"left_out,omitempty"`

	beside []checkpoint.Group
}

type tensorRow struct {
	Name  string `json:"name"`
	DType string `json:"dtype"`
	Shape []int  `json:"shape"`
	Bytes int64  `json:"bytes"`
	*tensorStats
}

// tensorStats is null where a tensor has no real values.
type tensorStats struct {
	Min    float32 `json:"min"`
	Max    float32 `json:"max"`
	AbsMax float32 `json:"absmax"`
	Zeros  int     `json:"zeros"`
	NaNs   int     `json:"nans,omitempty"`
	Infs   int     `json:"infs,omitempty"`

	some bool // a value is finite
}

func inspectCommand() *cobra.Command {
	var withStats, asJSON, all, layers bool
	var root string
	var model flags.ONNX
	c := &cobra.Command{
		Use:   "inspect FILE",
		Short: "Show what is in a checkpoint or an ONNX model",
		Long: "inspect lists the tensors of a PyTorch (.pth, .pt, .tar), safetensors, .npy or .npz file: name, " +
			"type, shape and bytes. Listing reads no tensor data. --stats reads it and adds smallest, largest and " +
			"largest absolute value and zeros; --json includes them unless --stats=false is given.\n\n" +
			"Of an ONNX model it shows where it comes from, its inputs and outputs, how many nodes of which " +
			"operators it has, parameters, multiply-accumulates and bytes as floats and as integers, and which " +
			"layers would stay in floating point when it is quantized, or do, and why. Where the model cannot be " +
			"read it says what stands in the way, after the facts.",
		Example: "  linquant inspect model.pth --stats\n" +
			"  linquant inspect model.onnx --by-layer",
		Args: cli.OneArg("a FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := openInspected(args[0])
			if errors.Is(err, checkpoint.ErrONNX) {
				if withStats || all || root != "" {
					return cli.Usagef("--stats, --all and --root are for checkpoints, and %s is an ONNX model", text.Printable(args[0]))
				}
				m, err := inspectONNX(c, args[0], model)
				if err != nil {
					return err
				}
				if asJSON {
					return text.WriteJSON(c.OutOrStdout(), m)
				}
				return m.print(c.OutOrStdout(), layers)
			}
			if err != nil {
				return err
			}
			defer f.Close()
			if layers || model.Given() {
				return cli.Usagef("--by-layer, "+flags.WhatONNX+", and %s is a checkpoint", text.Printable(args[0]))
			}
			if err := f.Choose(root); err != nil {
				return err
			}
			p := text.NewProgress(c.ErrOrStderr())
			in, err := inspect(c.Context(), f, withStats || asJSON && !c.Flags().Changed("stats"), all, p)
			p.End()
			if err != nil {
				return err
			}
			if asJSON {
				return text.WriteJSON(c.OutOrStdout(), in)
			}
			return in.print(c.OutOrStdout(), withStats)
		},
	}
	c.Flags().BoolVar(&withStats, "stats", false, "read the tensors: min, max, absmax, zeros")
	cli.JSONFlag(c, &asJSON)
	c.Flags().BoolVar(&all, "all", false, "also list what stands beside the network, such as an optimizer's state")
	flags.AddRoot(c, &root)
	cli.Under(c, "Of an ONNX model", func() {
		c.Flags().BoolVar(&layers, "by-layer", false, "also list the layers: value, shape, parameters, multiply-accumulates, numbers")
		model.Add(c.Flags())
		model.AddPart(c.Flags())
	})
	cli.Aliases(c, map[string]string{"layers": "by-layer"})
	return c
}

// openInspected opens a checkpoint; ErrONNX is its error for an ONNX model, which a file's name may say too.
func openInspected(path string) (*checkpoint.File, error) {
	if isONNX(path) {
		return nil, checkpoint.ErrONNX
	}
	f, err := pipeline.OpenCheckpoint(path)
	if errors.Is(err, checkpoint.ErrFormat) {
		err = fmt.Errorf("%w; a whole network may also be an ONNX model", err)
	}
	return f, err
}

func inspect(ctx context.Context, f *checkpoint.File, withStats, all bool, p *text.Progress) (*inspection, error) {
	in := &inspection{
		File: f.Path, Format: string(f.Format), FileBytes: f.Size, Root: f.Root, Metadata: f.Metadata,
		Tensors: []tensorRow{}, beside: f.Beside(),
	}
	for _, g := range in.beside {
		in.LeftOut = append(in.LeftOut, groupJSON(g))
	}
	if network, err := models.Recognize(f.Tensors()); err == nil {
		in.Arch, in.Parameters = network.Arch, network.Parameters
	}
	var other []*checkpoint.Tensor
	if all {
		other = f.Other()
	}
	var buf []float32
	for i, t := range slices.Concat(f.Tensors(), other) {
		row := tensorRow{Name: t.Name, DType: dtypeName(t), Shape: append([]int{}, t.Shape...), Bytes: t.Stored()}
		if withStats && !t.DType.IsComplex() && t.Unknown() == "" {
			if err := ended.Err(ctx); err != nil {
				return nil, err
			}
			p.Step(i, len(f.Tensors())+len(other), t.Name)
			var err error
			if row.tensorStats, buf, err = measure(ctx, t, buf); err != nil {
				return nil, err
			}
		}
		if i < len(f.Tensors()) {
			in.Tensors = append(in.Tensors, row)
			in.Elements += int64(t.Elements())
		} else {
			in.Other = append(in.Other, row)
		}
	}
	return in, nil
}

// measure summarizes t, a part after the other where it is large, so that a compressed array takes no memory. It returns
// buf, which it uses if the capacity allows.
func measure(ctx context.Context, t *checkpoint.Tensor, buf []float32) (*tensorStats, []float32, error) {
	const part = 1 << 20 // elements
	if t.Quant != nil || t.Elements() <= part {
		buf, err := t.Float32s(buf)
		if err != nil {
			return nil, nil, err
		}
		s := &tensorStats{}
		s.join(stats.Summarize(buf))
		return s, buf, nil
	}
	r, err := t.Stream()
	if err != nil {
		return nil, nil, err
	}
	defer r.Close()
	all := &tensorStats{}
	raw := make([]byte, part*t.DType.Size())
	buf = slices.Grow(buf[:0], part)[:part]
	for left := t.Elements(); left > 0; {
		if err := ended.Err(ctx); err != nil {
			return nil, nil, err
		}
		n := min(left, part)
		some := tensor.Tensor{DType: t.DType, Shape: tensor.Shape{n}, Data: raw[:n*t.DType.Size()]}
		if _, err := io.ReadFull(r, some.Data); err != nil {
			return nil, nil, err
		}
		if err := some.ReadFloat32s(buf[:n]); err != nil {
			return nil, nil, err
		}
		all.join(stats.Summarize(buf[:n]))
		left -= n
	}
	if n, err := r.Read(raw[:1]); n > 0 || err != io.EOF { // a wrong checksum
		return nil, nil, err
	}
	return all, buf, nil
}

// join adds what was measured of another part.
func (s *tensorStats) join(o stats.Summary) {
	switch finite := o.N > o.NaNs+o.Infs; {
	case finite && s.some:
		s.Min, s.Max = min(s.Min, o.Min), max(s.Max, o.Max)
	case finite:
		s.Min, s.Max, s.some = o.Min, o.Max, true
	}
	s.AbsMax = max(-s.Min, s.Max)
	s.Zeros, s.NaNs, s.Infs = s.Zeros+o.Zeros, s.NaNs+o.NaNs, s.Infs+o.Infs
}

// dtypeName names the type as PyTorch does; integer codes with a scale are "qint8" and the like.
func dtypeName(t *checkpoint.Tensor) string {
	if t.Quant != nil {
		return "q" + t.Quant.Type.String()
	}
	if unknown := t.Unknown(); unknown != "" {
		return text.Printable(unknown) + " (unknown)"
	}
	return t.DType.String()
}

func (in *inspection) print(w io.Writer, withStats bool) error {
	fmt.Fprintf(w, "%s: %s, %s, %s, %s\n", text.Printable(in.File), in.Format, text.Megabytes(in.FileBytes),
		text.Plural(len(in.Tensors), "tensor"), text.Plural(in.Elements, "element"))
	if in.Arch != "" {
		fmt.Fprintf(w, "%s with %s parameters\n", in.Arch, text.Thousands(in.Parameters))
	}
	if in.Root != "" {
		fmt.Fprintf(w, "tensors found under %q\n", in.Root)
	}
	if len(in.beside) > 0 && len(in.Other) == 0 {
		fmt.Fprintf(w, "%s; --all lists them\n", flags.Beside(in.beside))
	}
	in.printMetadata(w)
	fmt.Fprintln(w)
	rows := [][]string{{"NAME", "DTYPE", "SHAPE", "BYTES>"}}
	if withStats {
		rows[0] = append(rows[0], "MIN>", "MAX>", "ABSMAX>", "ZEROS>", "NOT FINITE>")
	}
	for _, t := range in.Tensors {
		rows = append(rows, t.cells(withStats))
	}
	for _, t := range in.Other {
		t.Name = "(" + t.Name + ")"
		rows = append(rows, t.cells(withStats))
	}
	return text.Table(w, rows)
}

// printMetadata prints the first of the values that stand beside the tensors; --json has all of them, whole.
func (in *inspection) printMetadata(w io.Writer) {
	const most, longest = 16, 80
	for i, key := range slices.Sorted(maps.Keys(in.Metadata)) {
		if i == most {
			fmt.Fprintf(w, "and %s more; --json lists them\n", text.Plural(len(in.Metadata)-most, "value"))
			return
		}
		value := text.Printable(in.Metadata[key])
		if runes := []rune(value); len(runes) > longest {
			value = string(runes[:longest]) + "..."
		}
		fmt.Fprintf(w, "%s: %s\n", text.Printable(key), value)
	}
}

func (t tensorRow) cells(withStats bool) []string {
	cells := []string{text.Printable(t.Name), t.DType, tensor.Shape(t.Shape).String(), text.Thousands(t.Bytes)}
	switch s := t.tensorStats; {
	case !withStats:
	case s == nil:
		cells = append(cells, "-", "-", "-", "-", "-")
	default:
		real := func(v float32) string { return strconv.FormatFloat(float64(v), 'g', 5, 32) }
		cells = append(cells, real(s.Min), real(s.Max), real(s.AbsMax), text.Thousands(int64(s.Zeros)), text.Thousands(int64(s.NaNs+s.Infs)))
	}
	return cells
}
