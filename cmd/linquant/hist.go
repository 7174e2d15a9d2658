package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/figure"
	"linquant/internal/ended"
	"linquant/pipeline"
	"linquant/quant"
	"linquant/stats"
)

// histConfig is what hist's flags say.
type histConfig struct {
	bits int
	bins int
	flags.Selection
	flags.Sharing
	out string
}

// floatBits is the --weight-bits that stands for the weights as they are.
const floatBits = 32

func histCommand() *cobra.Command {
	var cfg histConfig
	c := &cobra.Command{
		Use:   "hist FILE",
		Short: "Draw a grid of weight histograms, as floats or as integer codes",
		Long: "hist draws one histogram for each weight of a checkpoint. With --weight-bits 32 it shows the real numbers; " +
			"with --weight-bits 8 to 2 the integer codes that quantization makes of them, one bar for each code.",
		Args: cli.OneArg("a checkpoint FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if cfg.bits != floatBits && flags.CheckBits("--weight-bits", cfg.bits) != nil {
				return cli.Usagef("--weight-bits %d: use 32 for the weights as they are, or 8 to 2", cfg.bits)
			}
			if cfg.bins < 1 || cfg.bins > 10000 {
				return cli.Usagef("--bins %d: use 1 to 10000", cfg.bins)
			}
			if !c.Flags().Changed("out") {
				cfg.out = "assets/" + histFile(cfg.bits)
			}
			if err := cli.CheckEnding(cfg.out, figureEndings...); err != nil {
				return err
			}
			layout, err := cfg.QuantLayout(c)
			if err != nil {
				return err
			}
			if _, err := os.Stat(cfg.out); err == nil { // else its folder is made
				if err := cli.CheckOutput(c, cfg.out); err != nil {
					return err
				}
			}
			f, err := pipeline.OpenCheckpoint(args[0])
			if errors.Is(err, checkpoint.ErrONNX) {
				return fmt.Errorf("%w; hist draws the weights of checkpoints: give the one that it was made of, or see its layers with "+
					"'linquant inspect --by-layer'", err)
			}
			if err != nil {
				return err
			}
			defer f.Close()
			p := text.NewProgress(c.ErrOrStderr())
			fig, err := histograms(c.Context(), f, cfg, layout, p)
			p.End()
			if err != nil {
				return err
			}
			return saveFigure(c, cfg.out, fig)
		},
	}
	f := c.Flags()
	f.IntVar(&cfg.bits, "weight-bits", floatBits, "`BITS`: 32 for the weights as they are, 8 to 2 for codes")
	f.IntVar(&cfg.bins, "bins", 256, "`NUMBER` of bins of a histogram of real numbers")
	flags.AddLayers(c, &cfg.Pattern)
	flags.AddCheckpoint(c, &cfg.Arch, &cfg.Root)
	flags.AddPer(c, &cfg.Per)
	flags.AddGroupSize(c, &cfg.Group)
	cli.OutFlag(c, &cfg.out, "", "`FIGURE` to write, .png or .svg (default assets/weight_hist_{fp32,Nbit}.png)")
	cli.Aliases(c, map[string]string{"bits": "weight-bits"})
	return c
}

// histFile is the usual name of a figure of weights at so many bits.
func histFile(bits int) string {
	if bits == floatBits {
		return "weight_hist_fp32.png"
	}
	return fmt.Sprintf("weight_hist_%dbit.png", bits)
}

func histograms(ctx context.Context, f *checkpoint.File, cfg histConfig, layout quant.Layout, p *text.Progress) (figure.Figure, error) {
	weights, err := cfg.Weights(f)
	if err != nil {
		return nil, err
	}
	var panels []figure.Histogram
	var real []float32
	var codes []int8
	for i, t := range weights {
		if err := ended.Err(ctx); err != nil {
			return nil, err
		}
		p.Step(i, len(weights), t.Name)
		if real, err = t.Float32s(real); err != nil {
			return nil, err
		}
		var h stats.Histogram
		if cfg.bits == floatBits {
			h, err = stats.Floats(real, cfg.bins)
		} else {
			if cap(codes) < len(real) {
				codes = make([]int8, len(real))
			}
			codes = codes[:len(real)]
			h, err = codeHistogram(codes, real, t, quant.Int(cfg.bits), layout)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: tensor %q: %w", f.Path, t.Name, err)
		}
		panels = append(panels, figure.Histogram{
			Name: t.Name, Lo: h.Lo, Width: h.Width, Density: h.Density(), Codes: cfg.bits != floatBits,
		})
	}
	title := "Weights in floating point"
	if slices.ContainsFunc(weights, func(t *checkpoint.Tensor) bool { return t.Quant != nil }) {
		title = "Weights, some of which the checkpoint stores as integers"
	}
	if cfg.bits != floatBits {
		title = fmt.Sprintf("Weights as %d-bit codes, one scale per %s", cfg.bits, cfg.Per)
	}
	return figure.Histograms(title, panels)
}

// codeHistogram counts the codes that quantization makes of the weight.
func codeHistogram(codes []int8, real []float32, t *checkpoint.Tensor, typ quant.Type, l quant.Layout) (stats.Histogram, error) {
	if _, err := quant.QuantizeSymmetric(codes, real, t.Shape, typ, l); err != nil {
		return stats.Histogram{}, err
	}
	lo, hi := typ.Range()
	return stats.Codes(codes, int(lo), int(hi)), nil
}
