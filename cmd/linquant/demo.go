package main

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"
	"linquant/figure"
	"linquant/internal/toy"
)

// demo is one of the toy demonstrations: it computes, compares with what the PyTorch original computes, and draws.
type demo struct {
	name, file, short string
	run               func(w io.Writer, v toy.Vectors) (figure.Figure, error)
}

var demos = []demo{
	{"linear", "linear_quantize_demo.png", "Linear quantization of a 5×5 tensor at 2 bits", linearDemo},
	{"fc", "quantized_fc_demo.png", "A fully-connected layer computed in 2-bit integers", fcDemo},
}

func demoCommand() *cobra.Command {
	var dir string
	var images int
	all := &cobra.Command{
		Use:   "demo",
		Short: "Quantization in a minute, on built-in data",
		Long: "demo needs no files. It runs two toy demonstrations, a tensor and a fully-connected layer at 2 bits, " +
			"which are checked against PyTorch's results; then it quantizes the built-in network to 8, 4 and 2 " +
			"bits, runs it in integers on images it has not seen, and prints what that did to accuracy, size and " +
			"speed. Five figures are saved.",
		Args: cli.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if images < 1 {
				return cli.Usagef("--limit %d: use 1 or more", images)
			}
			for _, d := range demos {
				if err := d.show(c, filepath.Join(dir, d.file)); err != nil {
					return err
				}
			}
			if err := networkDemo(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), images); err != nil {
				return err
			}
			return weightFigures(c, dir)
		},
	}
	all.Flags().StringVar(&dir, "out-dir", "assets", "`FOLDER` for the figures")
	cli.MarkOutput(all, "out-dir")
	all.Flags().IntVar(&images, "limit", 2000, "measure the network on `N` images")
	for _, d := range demos {
		var out string
		c := &cobra.Command{
			Use:   d.name,
			Short: d.short,
			Args:  cli.NoArgs,
			RunE: func(c *cobra.Command, _ []string) error {
				if err := cli.CheckEnding(out, figureEndings...); err != nil {
					return err
				}
				return d.show(c, out)
			},
		}
		cli.OutFlag(c, &out, "assets/"+d.file, "`FIGURE` to write, .png or .svg")
		all.AddCommand(c)
	}
	return all
}

// show runs the demonstration, and saves and announces its figure.
func (d demo) show(c *cobra.Command, path string) error {
	return d.showVectors(c, path, toy.Load())
}

func (d demo) showVectors(c *cobra.Command, path string, v toy.Vectors) error {
	f, err := d.run(c.OutOrStdout(), v)
	if err != nil {
		return err
	}
	return saveFigure(c, path, f)
}

// figureEndings are those of the files that saveFigure writes.
var figureEndings = []string{".png", ".svg"}

// saveFigure writes a figure, creating its folder, and says so.
func saveFigure(c *cobra.Command, path string, f figure.Figure) error {
	if err := cli.MakeDir(c, path); err != nil {
		return err
	}
	format := strings.TrimPrefix(strings.ToLower(filepath.Ext(path)), ".")
	if path == cli.Stdio {
		format = "png"
	}
	err := cli.WriteFile(c, path, func(w io.Writer) error { return figure.Encode(w, format, f) })
	if err != nil || path == cli.Stdio {
		return err
	}
	return cli.Saved(c, c.OutOrStdout(), path)
}

// checks collects the differences between what was computed and what was expected.
type checks struct {
	w      io.Writer
	failed int
}

// verdict prints the original's closing line, or returns an error if anything differed.
func (c *checks) verdict(name string) error {
	if c.failed > 0 {
		fmt.Fprintln(c.w, "* Test failed.")
		return fmt.Errorf("%s: %s from PyTorch's result", name, text.Plural(c.failed, "value")+" differ")
	}
	_, err := fmt.Fprintln(c.w, "* Test passed.")
	return err
}

// value compares one number.
func value[T comparable](c *checks, what string, got, want T) {
	if got != want {
		c.failed++
		fmt.Fprintf(c.w, "    %s: computed %v, expected %v\n", what, got, want)
	}
}

// values compares a matrix, row-major, with its expected rows.
func values[T comparable](c *checks, what string, got []T, want [][]T) {
	i := 0
	for r, row := range want {
		for k, v := range row {
			if i >= len(got) {
				value(c, what+": elements", len(got), i+1)
				return
			}
			value(c, fmt.Sprintf("%s[%d][%d]", what, r, k), got[i], v)
			i++
		}
	}
	value(c, what+": elements", len(got), i)
}
