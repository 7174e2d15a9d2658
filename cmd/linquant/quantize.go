package main

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/calib"
	"linquant/checkpoint"
	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/pipeline"
	"linquant/ptq"
)

// quantizeConfig is what quantize's flags say.
type quantizeConfig struct {
	ptq.WeightConfig
	out string
	flags.Sharing
	flags.Selection
	scheme      string
	method      string // --method
	weights     string // --weights
	stripModule bool
	asJSON      bool
	recipe      *told
}

func quantizeCommand() *cobra.Command {
	cfg := quantizeConfig{recipe: &told{}}
	var network networkConfig
	var forWeights *pflag.FlagSet
	var forNetworks []*pflag.FlagSet
	c := &cobra.Command{
		Use:   "quantize MODEL -o OUT.onnx|OUT.safetensors",
		Short: "Quantize a network, or the weights of a checkpoint, to integers",
		Long: "quantize turns a network into integers. What it does is said by the ending of the output:\n\n" +
			"  .onnx         the whole network, weights and activations, so that it runs in integers from the first " +
			"layer to the last. The ranges of activations are measured on the examples of --calib, or with " +
			"--dynamic by each layer while it runs. " + whatPixels + " " + flags.WhatModel +
			"\n" +
			"  .safetensors  the weights alone, of any checkpoint: 2- to 8-bit integers, their scales, and all " +
			"other tensors as they are.\n\n" +
			"It prints what that saved and what it cost: the signal-to-quantization-noise ratio (SQNR) of each " +
			"layer's weights.\n\n" + "DATA is " + flags.WhatData + ". " + flags.WhatNPZ + "\n\n" + flags.WhatCalib + "\n\n" + whatTarget + "\n\n" + whatRecipe,
		Example: "  linquant quantize builtin -o builtin-int8.onnx\n" +
			"  linquant quantize vgg.tar -o vgg-int8.onnx --calib cifar10:DIR\n" +
			"  linquant quantize resnet20.th -o r20.onnx --calib cifar10:DIR \\\n" +
			"      --weight-bits 4 --keep-edges --override 'layer1.*=w8'\n" +
			"  linquant quantize vgg.tar -o w.safetensors --weight-bits 4 --per group --pack\n" +
			"  linquant quantize vgg.tar -o again.onnx --recipe vgg-int8.onnx",
		Args: argsOrRecipe,
		RunE: func(c *cobra.Command, args []string) (err error) {
			cfg.recipe.weights, cfg.recipe.networks = forWeights, forNetworks
			if args, err = cfg.recipe.apply(c, args); err != nil {
				return err
			}
			defer func() { err = cfg.recipe.explain(err) }()
			if err := flags.CheckBits("--weight-bits", cfg.Bits); err != nil {
				return err
			}
			if isONNX(cfg.out) {
				if err := network.applyTarget(c); err != nil {
					return err
				}
			}
			if cfg.Layout, err = cfg.QuantLayout(c); err != nil {
				return err
			}
			if cfg.Affine, err = schemeFlag(cfg.scheme); err != nil {
				return err
			}
			if cfg.Method, err = cfg.methods(c, &network.Calibration); err != nil {
				return err
			}
			if err := checkOutput(c, cfg.out); err != nil {
				return err
			}
			if isONNX(cfg.out) {
				if err := misplaced(".safetensors", forWeights); err != nil {
					return err
				}
				return quantizeNetwork(c, args[0], cfg, network)
			}
			if err := misplaced(".onnx", forNetworks...); err != nil {
				return err
			}
			if cfg.Method == nil {
				cfg.Method = ptq.AbsMax{}
			}
			p := text.NewProgress(c.ErrOrStderr())
			cfg.Progress = p.Step
			report, left, err := quantizeFile(c, args[0], cfg)
			p.End()
			if err != nil {
				return err
			}
			w := c.OutOrStdout()
			if cfg.out == cli.Stdio {
				w = c.ErrOrStderr() // the file itself went to standard output
			}
			if cfg.asJSON {
				return text.WriteJSON(w, newQuantizeJSON(c, args[0], cfg, report, left))
			}
			return printReport(c, w, cfg, report, left)
		},
	}
	cli.RequiredOutFlag(c, &cfg.out, "`FILE` to write, ending in .onnx or .safetensors; - for safetensors on standard output")
	cfg.addWeights(c)
	cli.JSONFlag(c, &cfg.asJSON)
	cfg.recipe.add(c)
	flags.AddCheckpoint(c, &cfg.Arch, &cfg.Root)
	forNetworks = network.add(c)
	forWeights = cli.Under(c, "Weights alone, -o FILE.safetensors", func() {
		flags.AddGroupSize(c, &cfg.Group)
		c.Flags().StringVar(&cfg.scheme, "scheme", "symmetric", "`SCHEME`: symmetric, or affine: with a zero point")
		c.Flags().BoolVar(&cfg.Pack, "pack", false, "pack codes of less than 8 bits into a bit stream instead of one a byte")
		flags.AddLayers(c, &cfg.Pattern)
		c.Flags().BoolVar(&cfg.stripModule, "strip-module", false, "drop the 'module.' that DataParallel puts before every name")
	})
	cli.Values(c, "scheme", "symmetric", "affine")
	cli.Aliases(c, map[string]string{"weight-method": "weights", "weight-range": "weights", "calib-limit": "calib-size"})
	return c
}

// addWeights adds the flags about weights that networks and checkpoints have in common.
func (cfg *quantizeConfig) addWeights(c *cobra.Command) {
	c.Flags().IntVar(&cfg.Bits, "weight-bits", 8, "`BITS` of a weight, 2 to 8")
	flags.AddPer(c, &cfg.Per)
	c.Flags().StringVar(&cfg.weights, "weights", "", "`METHOD` that makes codes of weights: nearest, the largest magnitude being the "+
		"largest code; mse, the nearest at the scale with the least squared error; equalize, nearest after "+
		"channels were scaled so that layers share scales better, which needs no examples; or reconstruct: layer by layer so that each computes, "+
		"of what the integers before it give it, what the float layer does (default reconstruct where weights have fewer than 8 bits and "+
		"there are examples to calibrate on, else nearest)")
	c.Flags().StringVar(&cfg.method, "method", "", "`METHOD` that chooses all ranges, of weights and of activations: min-max or mse")
	cli.Values(c, "weights", ptq.AbsMax{}.String(), ptq.LeastSquares{}.String(), ptq.Reconstruct{}.String(), ptq.Equalized{}.String())
	cli.Values(c, "method", calib.MinMax.String(), calib.MSE.String())
}

// methods returns how codes of weights are made, nil where no flag says so, and tells the calibration what --method says.
func (cfg *quantizeConfig) methods(c *cobra.Command, of *flags.Calibration) (ptq.WeightMethod, error) {
	if c.Flags().Changed("method") {
		for _, other := range []string{"weights", "calib-method", "ranges"} {
			if c.Flags().Changed(other) {
				return nil, cli.Usagef("--method says how all ranges are chosen, and --%s how some are: give one of them", other)
			}
		}
		method, err := calib.ParseMethod(cfg.method)
		switch {
		case err == nil && method == calib.MinMax:
			return ptq.AbsMax{}, nil
		case err == nil && method == calib.MSE:
			of.Method = cfg.method
			return ptq.LeastSquares{}, nil
		}
		return nil, cli.Usagef("--method %q: use min-max or mse", cfg.method)
	}
	if cfg.weights == "" {
		return nil, nil
	}
	method, err := ptq.ParseWeightMethod(cfg.weights)
	if err != nil {
		return nil, cli.Usagef("--weights: %w", err)
	}
	return method, nil
}

// misplaced returns an error if a flag of the sets was given, which go with another ending of the output.
func misplaced(ending string, sets ...*pflag.FlagSet) error {
	var err error
	for _, set := range sets {
		set.VisitAll(func(f *pflag.Flag) {
			if f.Changed && err == nil {
				err = cli.Usagef("--%s goes with an output ending in %s", f.Name, ending)
			}
		})
	}
	return err
}

// schemeFlag reports whether the scheme is affine.
func schemeFlag(scheme string) (affine bool, err error) {
	switch scheme {
	case "symmetric", "affine":
		return scheme == "affine", nil
	}
	return false, cli.Usagef("--scheme %q: use symmetric or affine", scheme)
}

// checkOutput refuses formats that quantize does not write.
func checkOutput(c *cobra.Command, path string) error {
	if path == cli.Stdio || isONNX(path) || strings.EqualFold(filepath.Ext(path), ".safetensors") {
		return cli.CheckOutput(c, path)
	}
	return cli.Usagef("-o %s: end the name in .onnx for the whole network, or in .safetensors for the weights alone", text.Printable(path))
}

// isONNX reports whether a file's name says that it holds a whole network.
func isONNX(path string) bool { return strings.EqualFold(filepath.Ext(path), ".onnx") }

func quantizeFile(c *cobra.Command, path string, cfg quantizeConfig) (*ptq.Report, []checkpoint.Group, error) {
	f, err := pipeline.OpenCheckpoint(path)
	if errors.Is(err, checkpoint.ErrONNX) {
		return nil, nil, fmt.Errorf("%s: a .safetensors has the weights of a checkpoint, and this is an ONNX model: "+
			"end -o in .onnx to quantize it whole",
			text.Printable(path))
	}
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	wc := pipeline.WeightsConfig{WeightConfig: cfg.WeightConfig, Arch: cfg.Arch, Root: cfg.Root, Pattern: cfg.Pattern, StripModule: cfg.stripModule}
	made, err := cfg.recipe.madeOf(c, path, cfg.Progress)
	if err != nil {
		return nil, nil, err
	}
	if wc.Metadata, err = cfg.recipe.metadata(c, path, cfg, made); err != nil {
		return nil, nil, err
	}
	wc.Metadata["linquant.input_sha256"], wc.Metadata["linquant.version"] = made.Model, version()
	var report *ptq.Report
	err = cli.WriteFile(c, cfg.out, func(w io.Writer) (err error) {
		report, err = pipeline.Weights(c.Context(), w, f, wc)
		return err
	})
	if err != nil {
		return nil, nil, flags.ExplainWeights(err)
	}
	return report, f.Beside(), nil
}

func printReport(c *cobra.Command, w io.Writer, cfg quantizeConfig, r *ptq.Report, left []checkpoint.Group) error {
	rows := [][]string{{"LAYER", "SHAPE", "SCALES>", "BYTES>", "IN FILE>", "RATIO>", "SQNR>", "MAX ERROR>"}}
	for _, l := range r.Layers {
		rows = append(rows, []string{
			text.Printable(l.Name), l.Shape.String(), text.Thousands(int64(l.Scales)), text.Thousands(l.FloatBytes), text.Thousands(l.Bytes),
			text.Ratio(l.FloatBytes, l.Bytes), text.Decibels(l.SQNR), fmt.Sprintf("%.3g", l.MaxError),
		})
	}
	if err := text.Table(w, rows); err != nil {
		return err
	}
	fmt.Fprintf(w, "\n%s quantized to %d bits, %s copied: %s became %s (%s)\n", text.Plural(len(r.Layers), "weight"), cfg.Bits,
		text.Plural(r.Copied, "tensor"), text.Megabytes(r.InputBytes), text.Megabytes(r.Bytes), text.Ratio(r.InputBytes, r.Bytes))
	if cfg.Bits < 8 && !cfg.Pack {
		fmt.Fprintf(w, "Codes of %d bits are stored one to a byte; --pack stores them in %d bits each.\n", cfg.Bits, cfg.Bits)
	}
	if len(left) > 0 {
		what := flags.Beside(left)
		fmt.Fprintf(w, "L%s.\n", what[1:])
	}
	if cfg.out != cli.Stdio {
		return cli.Saved(c, w, cfg.out)
	}
	return nil
}

// quantizeJSON is what quantize --json prints.
type quantizeJSON struct {
	Input       string      `json:"input"`
	Output      string      `json:"output"`
	WeightBits  int         `json:"weight_bits"`
	Per         string      `json:"per"`
	Scheme      string      `json:"scheme"`
	Packed      bool        `json:"packed"`
	InputBytes  int64       `json:"input_bytes"`
	OutputBytes int64       `json:"output_bytes"` // of the tensors in the file
	FileBytes   int64       `json:"file_bytes"`
	DryRun      bool        `json:"dry_run,omitempty"` // nothing was written
	Copied      int         `json:"copied_tensors"`
	Layers      []layerJSON `json:"layers"`
	LeftOut     []groupJSON `json:"left_out,omitempty"` // of the checkpoint
	Recipe      *recipeJSON `json:"recipe,omitempty"`
}

// groupJSON is the tensors of a checkpoint under one key.
type groupJSON struct {
	Root    string `json:"root"`
	Tensors int    `json:"tensors"`
	Bytes   int64  `json:"bytes"`
}

type layerJSON struct {
	Name       string   `json:"name"`
	Shape      []int    `json:"shape"`
	Scales     int      `json:"scales"`
	FloatBytes int64    `json:"float_bytes"`
	Bytes      int64    `json:"bytes"`     // in the file: codes, as it has them, and scales
	SQNR       *float64 `json:"sqnr_db"`   // null where nothing was lost, or max_error is null
	MaxError   *float64 `json:"max_error"` // null where a value restored from its code is beyond float32
}

func newQuantizeJSON(c *cobra.Command, input string, cfg quantizeConfig, r *ptq.Report, left []checkpoint.Group) quantizeJSON {
	j := quantizeJSON{
		Input: input, Output: cfg.out, WeightBits: cfg.Bits, Per: cfg.Per, Scheme: cfg.scheme, Packed: cfg.Pack,
		InputBytes: r.InputBytes, OutputBytes: r.Bytes, Copied: r.Copied,
		FileBytes: cli.FileBytes(c, cfg.out), DryRun: cli.DryRun(c), Recipe: cfg.recipe.json(),
	}
	for _, l := range r.Layers {
		j.Layers = append(j.Layers, newLayerJSON(l))
	}
	for _, g := range left {
		j.LeftOut = append(j.LeftOut, groupJSON(g))
	}
	return j
}

func newLayerJSON(l ptq.Layer) layerJSON {
	return layerJSON{l.Name, l.Shape, l.Scales, l.FloatBytes, l.Bytes, text.Finite(l.SQNR), text.Finite(l.MaxError)}
}
