package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/cli"
	"linquant/quant"
	"linquant/tensor"
)

func tensorDequantizeCommand() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "dequantize IN.npz -o OUT.npy",
		Short: "Restore the real values of a quantized array",
		Long: "tensor dequantize reads the arrays that 'tensor quantize' writes (q, scale, zero_point; axis and " +
			"group_size where there are several scales) and writes scale × (q − zero_point) as a float32 .npy.",
		Args: cli.OneArg("a quantized array IN.npz, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := cli.CheckEnding(out, ".npy"); err != nil {
				return err
			}
			if err := cli.CheckOutput(c, out); err != nil {
				return err
			}
			f, err := openInput(args[0], c.InOrStdin())
			if err != nil {
				return err
			}
			defer f.Close()
			restored, err := dequantizeFile(f)
			if err != nil {
				return err
			}
			err = cli.WriteFile(c, out, func(w io.Writer) error { return checkpoint.WriteNPY(w, restored) })
			if err != nil || out == cli.Stdio {
				return err
			}
			return cli.Saved(c, c.OutOrStdout(), out)
		},
	}
	cli.RequiredOutFlag(c, &out, "`FILE` to write, .npy; - for standard output")
	return c
}

// dequantizeFile restores the array that the file's q, scale and zero_point stand for.
func dequantizeFile(f *checkpoint.File) (tensor.Tensor, error) {
	q, err := f.Tensor("q")
	if err != nil {
		return tensor.Tensor{}, fmt.Errorf("%w (a quantized array has q, scale and zero_point, as 'tensor quantize' writes them)", err)
	}
	p, err := readParams(f, q.Shape)
	if err != nil {
		return tensor.Tensor{}, err
	}
	raw, err := q.Read()
	if err != nil {
		return tensor.Tensor{}, err
	}
	switch p.Type = quant.Int(8); q.DType {
	case tensor.Int8:
	case tensor.Uint8:
		p.Type = quant.Uint(8)
	default:
		return tensor.Tensor{}, fmt.Errorf("%s: array q: codes are int8 or uint8, not %v", f.Path, q.DType)
	}
	restored := make([]float32, raw.Elements())
	if err := p.Of(raw).Dequantize(restored); err != nil {
		return tensor.Tensor{}, fmt.Errorf("%s: array q: %w", f.Path, err)
	}
	return tensor.Of(q.Shape, restored)
}

// readParams reads scale and zero_point, and the layout that they have over a tensor of the given shape.
func readParams(f *checkpoint.File, shape tensor.Shape) (quant.Params, error) {
	var p quant.Params
	scale, err := f.Tensor("scale")
	if err != nil {
		return p, err
	}
	if !scale.DType.IsFloat() {
		return p, fmt.Errorf("%s: array scale: it has %v and not real numbers; convert it with astype('float32')", f.Path, scale.DType)
	}
	if p.Scale, err = scale.Float32s(nil); err != nil {
		return p, err
	}
	if hasTensor(f, "zero_point") {
		zero, err := integers(f, "zero_point")
		if err != nil {
			return p, err
		}
		p.ZeroPoint = make([]int32, len(zero))
		for i, z := range zero {
			if p.ZeroPoint[i] = int32(z); int64(p.ZeroPoint[i]) != z {
				return p, fmt.Errorf("%s: array zero_point: %d is none of codes of 8 bits", f.Path, z)
			}
		}
	}
	if len(scale.Shape) == 0 {
		return p, nil
	}
	p.Per = quant.PerChannel
	if hasTensor(f, "axis") {
		axis, err := integers(f, "axis")
		if err != nil {
			return p, err
		}
		if len(axis) != 1 || axis[0] < 0 || axis[0] >= int64(len(shape)) {
			return p, fmt.Errorf("%s: array axis: one number is wanted, a dimension of q, which has %d, and it has %v", f.Path, len(shape), axis)
		}
		p.Axis = int(axis[0])
	}
	if hasTensor(f, "group_size") {
		group, err := integers(f, "group_size")
		if err != nil {
			return p, err
		}
		if len(group) != 1 || group[0] < 1 || int64(int(group[0])) != group[0] {
			return p, fmt.Errorf("%s: array group_size: one positive number is wanted, not %v", f.Path, group)
		}
		p.Per, p.GroupSize = quant.PerGroup, int(group[0])
	}
	want, err := p.ScaleShape(shape)
	if err != nil {
		return p, fmt.Errorf("%s: %w", f.Path, err)
	}
	if !scale.Shape.Equal(want) {
		return p, fmt.Errorf("%s: array scale has shape %v; codes of shape %v need %v", f.Path, scale.Shape, shape, want)
	}
	return p, nil
}

func hasTensor(f *checkpoint.File, name string) bool {
	_, err := f.Tensor(name)
	return err == nil
}

// integers reads an array of integers of any width.
func integers(f *checkpoint.File, name string) ([]int64, error) {
	t, err := f.Tensor(name)
	if err != nil {
		return nil, err
	}
	raw, err := t.Read()
	if err != nil {
		return nil, err
	}
	switch t.DType {
	case tensor.Int64:
		return tensor.As[int64](raw)
	case tensor.Int32:
		return widened[int32](raw)
	case tensor.Int16:
		return widened[int16](raw)
	case tensor.Int8:
		return widened[int8](raw)
	case tensor.Uint8:
		return widened[uint8](raw)
	}
	return nil, fmt.Errorf("%s: array %s: it has %v and not integers; convert it with astype('int64')", f.Path, name, t.DType)
}

func widened[T int32 | int16 | int8 | uint8](raw tensor.Tensor) ([]int64, error) {
	narrow, err := tensor.As[T](raw)
	wide := make([]int64, len(narrow))
	for i, v := range narrow {
		wide[i] = int64(v)
	}
	return wide, err
}
