package main

import (
	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/flags"
	"linquant/cmd/linquant/internal/text"
	"linquant/dataset"
)

// runConfig is what run's flags say.
type runConfig struct {
	flags.Model
	inputs, outputs []string
	out, dump       string
	top             int
	asJSON          bool
	image           dataset.ImageConfig
}

func runCommand() *cobra.Command {
	var cfg runConfig
	c := &cobra.Command{
		Use:   "run MODEL [IMAGE...]",
		Short: "Run a network on images or arrays",
		Long: "run computes a network's outputs.\n\n" +
			"For images (PNG, JPEG, GIF, BMP, WebP; - is standard input) it prints the most probable classes: probabilities are the " +
			"network's own where it ends in a softmax or a sigmoid, else a softmax of its output. An image is " +
			"converted to colour or grey as the network wants; its shorter side is brought to --resize pixels, as " +
			"Pillow's BILINEAR does; the network's height and width are cut from the middle; and its pixels are " +
			"prepared as the model or the flags below say.\n\n" +
			"Arrays come from .npy and .npz files. " + flags.WhatArrays + " An array is " +
			"[batch, ...] in the input's shape; the batch may be left out. Floats and integers are taken as they are; uint8 arrays " +
			"are images, 0 to 255, channels first or last, except where the input itself is codes. All outputs are " +
			"written, or those that --output names, which may be any values of the network. --input may name any value too, from which the " +
			"network is run on then.\n\n" + flags.WhatModel,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				return cli.Usagef("%s: a MODEL is missing", c.CommandPath())
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error { return runRun(c, args[0], args[1:], cfg) },
	}
	c.Example = "  linquant run mobilenet.onnx cat.jpg dog.png --labels imagenet.txt --resize 256\n" +
		"  linquant run vgg-int8.onnx --input x.npy -o y.npy\n" +
		"  linquant run two.onnx --input left=l.npy --input right=r.npy -o all.npz\n" +
		"  linquant run vgg-int8.onnx --input x.npy --output layer1 --output fc=f.npy"
	f := c.Flags()
	f.StringArrayVar(&cfg.inputs, "input", nil, "`[NAME=]FILE` of arrays to run on, .npy or .npz; may be repeated")
	f.StringArrayVar(&cfg.outputs, "output", nil,
		"`[NAME][=FILE]`: a value to compute, a .npy or .npz file to write, or both; may be repeated")
	cli.OutFlag(c, &cfg.out, "", "`FILE` to write the values to, .npy or .npz; - for standard output (npy)")
	f.StringVar(&cfg.dump, "dump", "", "`FILE` to write the inputs and all integers between to, .npz, as compare --against reads it")
	cli.MarkOutput(c, "output")
	cli.MarkOutput(c, "dump")
	f.IntVar(&cfg.top, "top", 0, "print the `N` most probable classes (default for images: 5)")
	cli.JSONFlag(c, &cfg.asJSON)
	f.StringVar(&cfg.Labels, "labels", "", "`FILE` with the names of the classes, one a line (default: what the model says, or numbers)")
	cfg.AddThreads(c)
	flags.AddCheckpoint(c, &cfg.Arch, &cfg.Root)
	cfg.AddInput(c)
	cli.Under(c, "How image files become images of the network's size", func() {
		f.BoolVar(&cfg.image.Stretch, "stretch", false, "bring the whole image to the network's size, whatever its proportions")
		f.IntVar(&cfg.image.MaxPixels, "max-pixels", 1<<25, "`NUMBER` of pixels that an image file may have")
	})
	return c
}

// count returns how often s is in all.
func count(all []string, s string) int {
	n := 0
	for _, v := range all {
		if v == s {
			n++
		}
	}
	return n
}

func runRun(c *cobra.Command, model string, images []string, cfg runConfig) error {
	targets, err := cfg.targets(c, len(images) > 0)
	if err != nil {
		return err
	}
	switch {
	case len(cfg.inputs) == 0 && len(images) == 0:
		return cli.Usagef("--input is missing: a .npy or .npz file, or images after the MODEL")
	case len(cfg.inputs) > 0 && len(images) > 0:
		return cli.Usagef("--input and images: a network is run on one or the other; %s is an image", text.Printable(images[0]))
	case count(images, cli.Stdio) > 1:
		return cli.Usagef("-: standard input is one image")
	case c.Flags().Changed("top") && cfg.top < 1:
		return cli.Usagef("--top %d: use 1 or more", cfg.top)
	case cfg.image.MaxPixels < 1:
		return cli.Usagef("--max-pixels %d: use 1 or more", cfg.image.MaxPixels)
	case cfg.image.Stretch && c.Flags().Changed("resize"):
		return cli.Usagef("--stretch and --resize exclude each other: of a stretched image nothing is cut out")
	}
	if err := cfg.checkDump(c); err != nil {
		return err
	}
	if len(images) > 0 && cfg.top == 0 && !targets.any() {
		cfg.top = 5
	}
	if cfg.top == 0 && !targets.any() && cfg.dump == "" {
		return cli.Usagef("--output is missing: a .npy or .npz file to write, or --top to print classes")
	}
	inputs, err := cfg.begin(model, targets)
	if err != nil {
		return err
	}
	cfg.Bound = bound(inputs, cfg.inputs)
	n, err := cfg.Open(c, model)
	if cfg.Outputs == nil && targets.mayCut(model, err) {
		cfg.Outputs = targets.names
		n, err = cfg.Open(c, model)
	}
	if err != nil {
		return err
	}
	defer n.Close()
	if n, err = targets.chosen(n); err != nil {
		return err
	}
	m, err := cfg.Compile(c.Context(), n)
	if err != nil {
		return err
	}
	flags.Warn(c.ErrOrStderr(), m.Warnings())
	r := &runner{Model: m, ctx: c.Context(), stdin: c.InOrStdin(), files: images}
	if len(images) > 0 {
		if err := r.takeImages(&cfg.image); err != nil {
			return err
		}
	}
	if err := targets.hold(m.Outputs()); err != nil {
		return err
	}
	if cfg.dump != "" {
		if r.dump, err = newDumper(c.Context(), n, cfg.Threads); err != nil {
			return err
		}
	}
	if err := r.checkTop(cfg); err != nil {
		return err
	}
	if len(images) > 0 {
		err = r.images(images, cfg.image)
	} else {
		if err = r.arrays(cfg.inputs); err == nil {
			err = cfg.CheckPixels(c, r.prepared())
		}
	}
	if err != nil {
		return err
	}
	if err := r.report(c, cfg, targets); err != nil || r.dump == nil {
		return err
	}
	return r.dump.write(c, cfg.dump, cfg.asJSON)
}
