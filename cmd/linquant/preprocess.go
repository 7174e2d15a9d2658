package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/engine"
	"linquant/graph"
)

// inputFlags adds the flags that say how images become inputs.
func (m *modelFlags) inputFlags(c *cobra.Command) *pflag.FlagSet {
	return under(c, "How images become the network's input (default: what the model says)", func() {
		f := c.Flags()
		f.Float32Var(&m.divisor, "divide", 0, "`NUMBER` that pixels are divided by first (255 where no model says otherwise)")
		f.StringVar(&m.mean, "mean", "", "`NUMBERS` that are subtracted then: one, or one for each channel with commas between")
		f.StringVar(&m.std, "std", "", "`NUMBERS` that are divided by last: one, or one for each channel with commas between")
		f.BoolVar(&m.bgr, "bgr", false, "the network wants blue, green, red")
		f.IntVar(&m.resize, "resize", 0, "`PIXELS` of an image's shorter side before the middle is cut out (default: the least that fills it)")
		f.StringVar(&m.layout, "layout", "", "`ORDER` of its dimensions: nchw, or nhwc (default: as the model says, or what its shape tells)")
		m.shapeFlags.add(f)
	})
}

// labelsFlag adds --labels, for commands that write a network: nothing but the file's metadata has the labels.
func (m *modelFlags) labelsFlag(c *cobra.Command) {
	c.Flags().StringVar(&m.labels, "labels", "", "`FILE` with the names of the classes, one a line, for the model's metadata")
}

// preprocess writes what the flags of c say into p.
func (m *modelFlags) preprocess(c *cobra.Command, p *graph.Preprocess, g *graph.Graph) error {
	flags := c.Flags()
	if m.layout != "" && m.layout != "nchw" && m.layout != "nhwc" {
		return usagef("--layout %q: use nchw or nhwc", m.layout)
	}
	channels := 0
	if len(g.Inputs) > 0 {
		if v := g.Value(g.Inputs[0]); v != nil && len(v.Shape) == 4 {
			p.ChannelsLast = p.ChannelsLast || engine.ChannelsLast(v.Shape[1:])
			if flags.Changed("layout") {
				p.ChannelsLast = m.layout == "nhwc"
				_, _, _, fits := engine.ImageShape(v.Shape[1:], p.ChannelsLast)
				if _, _, _, other := engine.ImageShape(v.Shape[1:], !p.ChannelsLast); other && !fits {
					return usagef("--layout %s: the network's input has the shape %v, and is an image only the other way around", m.layout, v.Shape[1:])
				}
			}
			channels = v.Shape[1]
			if p.ChannelsLast {
				channels = v.Shape[3]
			}
		}
	}
	var err error
	if flags.Changed("mean") {
		if p.Mean, err = channelValues("--mean", m.mean, channels); err != nil {
			return err
		}
	}
	if flags.Changed("std") {
		if p.Std, err = channelValues("--std", m.std, channels); err != nil {
			return err
		}
		if slices.ContainsFunc(p.Std, func(s float32) bool { return s <= 0 }) {
			return usagef("--std %s: a deviation is above 0", m.std)
		}
	}
	if flags.Changed("divide") {
		if !(m.divisor > 0 && m.divisor <= math.MaxFloat32) {
			return usagef("--divide %g: use a number above 0", m.divisor)
		}
		p.Divisor = m.divisor
	}
	if flags.Changed("resize") {
		if m.resize < 0 || m.resize > 1<<14 {
			return usagef("--resize %d: use 1 to %d, or 0 for the least that fills the network's input", m.resize, 1<<14)
		}
		p.Resize = m.resize
	}
	if flags.Changed("bgr") {
		p.BGR = m.bgr
	}
	if flags.Changed("labels") {
		if p.Labels, err = readLabels(m.labels); err != nil {
			return err
		}
	}
	return nil
}

// channelValues reads "0.5" or "0.485,0.456,0.406". One number stands for every channel.
func channelValues(flag, text string, channels int) ([]float32, error) {
	var values []float32
	for field := range strings.SplitSeq(text, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(field), 32)
		if err != nil || v != v || v > 1e30 || v < -1e30 {
			return nil, usagef("%s %q: use a number, or one for each channel with commas between them", flag, text)
		}
		values = append(values, float32(v))
	}
	if channels == 0 || len(values) == channels {
		return values, nil
	}
	if len(values) > 1 {
		return nil, usagef("%s %s: %d numbers, but the network has %s", flag, text, len(values), plural(channels, "channel"))
	}
	for len(values) < channels {
		values = append(values, values[0])
	}
	return values, nil
}

// checkLabels refuses labels that are not as many as the classes that the network tells apart.
func (m *modelFlags) checkLabels(n *network) error {
	if m.labels == "" || len(n.graph.Outputs) != 1 {
		return nil
	}
	g, err := graph.InferShapes(n.graph)
	if err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	shape := g.Value(g.Outputs[0]).Shape
	if len(shape) < 2 {
		return nil
	}
	classes, err := shape[1:].Elements()
	if err != nil {
		return fmt.Errorf("%s: %w", n.name, err)
	}
	return sameNumber(m.labels, len(n.graph.Input.Labels), n.name, classes)
}

func sameNumber(path string, labels int, model string, classes int) error {
	if labels == classes {
		return nil
	}
	return fmt.Errorf("%s: it has %s, and %s has %s: give one for each, in their order", path, plural(labels, "label"), model,
		plural(classes, "output"))
}

// readLabels reads the names of classes, one a line.
func readLabels(path string) ([]string, error) {
	const most = 16 << 20
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err != nil {
		return nil, err
	}
	if len(text) > most {
		return nil, fmt.Errorf("%s: more than %s are no list of labels: give a text file with one a line", path, megabytes(most))
	}
	text = bytes.TrimPrefix(text, []byte("\ufeff")) // a byte order mark
	if !utf8.Valid(text) {
		return nil, fmt.Errorf("%s: it is no UTF-8 text: give a text file with one label a line", path)
	}
	lines := strings.Split(strings.TrimRight(strings.ReplaceAll(string(text), "\r\n", "\n"), "\n"), "\n")
	if len(lines) == 1 && lines[0] == "" {
		return nil, fmt.Errorf("%s: it is empty: give a text file with one label a line", path)
	}
	return lines, nil
}
