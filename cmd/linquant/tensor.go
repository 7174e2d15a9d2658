package main

import (
	"bytes"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/quant"
	"linquant/stats"
	"linquant/tensor"
)

func tensorCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "tensor",
		Short: "Quantize and dequantize single arrays",
		Args: func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return cli.Usagef("linquant tensor: there is no verb %q, only quantize and dequantize%s", args[0], cli.MeantCommand(c, args[0]))
			}
			return nil
		},
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.AddCommand(tensorQuantizeCommand(), tensorDequantizeCommand())
	return c
}

// tensorQuantizeConfig is what tensor quantize's flags say.
type tensorQuantizeConfig struct {
	typ         quant.Type
	scheme      string
	axis, group int
	includeZero bool
	name        string
	out         string
	asJSON      bool
	layout      quant.Layout
}

func tensorQuantizeCommand() *cobra.Command {
	var cfg tensorQuantizeConfig
	c := &cobra.Command{
		Use:   "quantize IN.npy -o OUT.npz",
		Short: "Quantize an array",
		Long: "tensor quantize reads an array (any file that 'linquant inspect' reads, or - for standard input) and " +
			"writes an .npz with the codes 'q' (int8, or uint8 with --unsigned), 'scale' (float32, one, one a " +
			"channel, or one a group) and 'zero_point' (int32), and, where there are several scales, 'axis' and " +
			"'group_size'.",
		Args: cli.OneArg("an array IN.npy, or - for standard input"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := flags.CheckBits("--bits", cfg.typ.Bits); err != nil {
				return err
			}
			cfg.layout = quant.Layout{}
			if c.Flags().Changed("axis") {
				cfg.layout = quant.Layout{Per: quant.PerChannel, Axis: cfg.axis}
			}
			if c.Flags().Changed("group-size") {
				cfg.layout.Per, cfg.layout.GroupSize = quant.PerGroup, cfg.group
			}
			if err := cli.CheckEnding(cfg.out, ".npz"); err != nil {
				return err
			}
			if err := cli.CheckOutput(c, cfg.out); err != nil {
				return err
			}
			affine, err := schemeFlag(cfg.scheme)
			if err != nil {
				return err
			}
			if cfg.includeZero && !affine {
				return cli.Usagef("--include-zero goes with --scheme affine: a symmetric range always includes 0")
			}
			f, err := openInput(args[0], c.InOrStdin())
			if err != nil {
				return err
			}
			defer f.Close()
			t, err := oneTensor(f, cfg.name)
			if err != nil {
				return err
			}
			x, err := t.Float32s(nil)
			if err != nil {
				return err
			}
			q, err := quantizeTensor(x, t.Shape, cfg, affine)
			if err != nil {
				return fmt.Errorf("%s: tensor %q: %w", f.Path, t.Name, err)
			}
			err = cli.WriteFile(c, cfg.out, func(w io.Writer) error { return checkpoint.WriteNPZ(w, q.arrays) })
			if err != nil {
				return err
			}
			if q.withoutZero > 0 {
				fmt.Fprintf(c.ErrOrStderr(), "linquant: warning: the values of %s of %d do not span 0, so they saturate; "+
					"--include-zero extends their ranges\n",
					text.Plural(q.withoutZero, "range"), len(q.params.Scale))
			}
			w := c.OutOrStdout()
			if cfg.out == cli.Stdio {
				w = c.ErrOrStderr() // the file itself went to standard output
			}
			switch {
			case cfg.asJSON:
				return text.WriteJSON(w, q.json(c, cfg.out))
			case cfg.out == cli.Stdio:
				return nil
			}
			return q.print(c, w, cfg.out)
		},
	}
	cli.RequiredOutFlag(c, &cfg.out, "`FILE` to write, .npz; - for standard output")
	c.Flags().IntVar(&cfg.typ.Bits, "bits", 8, "`BITS` of a code, 2 to 8")
	c.Flags().BoolVar(&cfg.typ.Unsigned, "unsigned", false, "codes from 0 to 2^bits-1, as uint8")
	c.Flags().StringVar(&cfg.scheme, "scheme", "affine", "`SCHEME`: affine, from minimum to maximum with a zero point, or symmetric, zero point 0")
	c.Flags().BoolVar(&cfg.includeZero, "include-zero", false, "extend an affine range so that it includes 0")
	c.Flags().IntVar(&cfg.axis, "axis", 0, "one scale for each index of `AXIS` (default: one for the tensor)")
	c.Flags().IntVar(&cfg.group, "group-size", 0, "one scale for each run of `N` elements of a channel of --axis")
	c.Flags().StringVar(&cfg.name, "name", "", "`NAME` of the array, where the file holds several")
	cli.JSONFlag(c, &cfg.asJSON)
	cli.Values(c, "scheme", "affine", "symmetric")
	cli.Aliases(c, map[string]string{"group": "group-size"})
	return c
}

// openInput opens a file, or reads standard input to its end.
func openInput(path string, stdin io.Reader) (*checkpoint.File, error) {
	if path != cli.Stdio {
		return checkpoint.Open(path)
	}
	data, err := io.ReadAll(stdin)
	if err != nil {
		return nil, err
	}
	return checkpoint.New(bytes.NewReader(data), int64(len(data)), "standard input")
}

// oneTensor returns the tensor of that name, or the only one if name is empty.
func oneTensor(f *checkpoint.File, name string) (*checkpoint.Tensor, error) {
	if name != "" {
		return f.Tensor(name)
	}
	if tensors := f.Tensors(); len(tensors) != 1 {
		return nil, fmt.Errorf("%s: the file holds %s; choose one with --name", f.Path, text.Plural(len(tensors), "array"))
	}
	return f.Tensors()[0], nil
}

// quantizedTensor is an array in integers, ready to be written.
type quantizedTensor struct {
	shape  tensor.Shape
	params quant.Params
	arrays []checkpoint.Output
	sqnr   float64 // in dB

	withoutZero int // affine ranges that do not include 0
}

func quantizeTensor(x []float32, shape tensor.Shape, cfg tensorQuantizeConfig, affine bool) (*quantizedTensor, error) {
	var p quant.Params
	var err error
	if affine {
		p, err = quant.AffineParams(x, shape, cfg.typ, cfg.layout, cfg.includeZero)
	} else {
		p, err = quant.SymmetricParams(x, shape, cfg.typ, cfg.layout)
		p.ZeroPoint = make([]int32, len(p.Scale))
	}
	if err != nil {
		return nil, err
	}
	q := &quantizedTensor{shape: shape, params: p}
	if affine && !cfg.includeZero {
		if q.withoutZero, err = rangesWithoutZero(x, shape, p); err != nil {
			return nil, err
		}
	}
	if err := q.addCodes(x); err != nil {
		return nil, err
	}
	scales, err := p.ScaleShape(shape)
	if err != nil {
		return nil, err
	}
	if err := addArray(q, "scale", scales, p.Scale); err != nil {
		return nil, err
	}
	if err := addArray(q, "zero_point", scales, p.ZeroPoint); err != nil {
		return nil, err
	}
	if p.Per != quant.PerTensor {
		if err := addArray(q, "axis", tensor.Shape{}, []int32{int32(p.Axis)}); err != nil {
			return nil, err
		}
	}
	if p.Per == quant.PerGroup {
		return q, addArray(q, "group_size", tensor.Shape{}, []int64{int64(p.GroupSize)})
	}
	return q, nil
}

// rangesWithoutZero counts the scales that would differ if their range included 0. Such a range has no zero point among
// the codes; the nearest code stands in for it, and values saturate.
func rangesWithoutZero(x []float32, shape tensor.Shape, p quant.Params) (int, error) {
	withZero, err := quant.AffineParams(x, shape, p.Type, p.Layout, true)
	if err != nil {
		return 0, err
	}
	n := 0
	for k := range p.Scale {
		if p.Scale[k] != withZero.Scale[k] {
			n++
		}
	}
	return n, nil
}

// addCodes adds the codes of x, and measures what they lost.
func (q *quantizedTensor) addCodes(x []float32) error {
	codes, err := quant.Encode(x, q.shape, q.params)
	if err != nil {
		return err
	}
	restored := make([]float32, len(x))
	if err := q.params.Of(codes).Dequantize(restored); err != nil {
		return err
	}
	var e stats.Error
	if err := e.Add(x, restored); err != nil {
		return err
	}
	q.sqnr = e.SQNR()
	q.arrays = append(q.arrays, checkpoint.FromTensor("q", codes))
	return nil
}

func addArray[T tensor.Element](q *quantizedTensor, name string, shape tensor.Shape, data []T) error {
	t, err := tensor.Of(shape, data)
	q.arrays = append(q.arrays, checkpoint.FromTensor(name, t))
	return err
}

func (q *quantizedTensor) print(c *cobra.Command, w io.Writer, out string) error {
	p := q.params
	fmt.Fprintf(w, "%v tensor as %v\n", q.shape, p.Type)
	if len(p.Scale) == 1 {
		fmt.Fprintf(w, "    scale: %v\n    zero point: %d\n", p.Scale[0], p.ZeroPoint[0])
	} else {
		fmt.Fprintf(w, "    %s, one per %s of axis %d\n", text.Plural(len(p.Scale), "scale"), p.Per, p.Axis)
	}
	fmt.Fprintf(w, "    SQNR: %s\n", text.Decibels(q.sqnr))
	return cli.Saved(c, w, out)
}

func (q *quantizedTensor) json(c *cobra.Command, out string) any {
	return struct {
		Output    string    `json:"output"`
		Shape     []int     `json:"shape"`
		Type      string    `json:"type"`
		Per       string    `json:"per"`
		Scale     []float32 `json:"scale"`
		ZeroPoint []int32   `json:"zero_point"`
		SQNR      *float64  `json:"sqnr_db"`           // null where nothing was lost
		DryRun    bool      `json:"dry_run,omitempty"` // nothing was written
	}{
		out, append([]int{}, q.shape...), q.params.Type.String(), q.params.Per.String(),
		q.params.Scale, q.params.ZeroPoint, text.Finite(q.sqnr), cli.DryRun(c),
	}
}
