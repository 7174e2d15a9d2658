package flags

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/cmd/linquant/internal/cli"
	"linquant/cmd/linquant/internal/text"
	"linquant/pipeline"
	"linquant/vision"
)

// AddInput adds the flags that say how images become inputs.
func (m *Model) AddInput(c *cobra.Command) *pflag.FlagSet {
	added := cli.Under(c, "How images become the network's input (default: what the model says)", func() {
		f := c.Flags()
		f.StringVar(&m.prepare, "preprocess", "", whatPreprocess())
		f.Float32Var(&m.divisor, "divide", 0, "`NUMBER` that pixels are divided by first (255 where no model says otherwise)")
		f.StringVar(&m.mean, "mean", "", "`NUMBERS` that are subtracted then: one, or one for each channel with commas between")
		f.StringVar(&m.std, "std", "", "`NUMBERS` that are divided by last: one, or one for each channel with commas between")
		f.BoolVar(&m.bgr, "bgr", false, "the network wants blue, green, red")
		f.IntVar(&m.resize, "resize", 0, "`PIXELS` of an image's shorter side before the middle is cut out (default: the least that fills it)")
		f.StringVar(&m.layout, "layout", "", "`ORDER` of its dimensions: nchw, or nhwc (default: as the model says, or what its shape tells)")
	})
	added.AddFlagSet(cli.Under(c, "What an ONNX model leaves open, and which part of it is taken", func() {
		f := c.Flags()
		m.ONNX.Add(f)
		if f.Lookup("input") == nil { // which run has for arrays
			m.AddPart(f)
		}
	}))
	cli.Values(c, "preprocess", vision.Names()...)
	cli.Values(c, "layout", "nchw", "nhwc")
	return added
}

// whatPreprocess lists the preparations that have names.
func whatPreprocess() string {
	var list []string
	for _, name := range vision.Names() {
		list = append(list, name+" ("+vision.Meaning(name)+")")
	}
	return "`WAY` to prepare pixels: " + strings.Join(list, "; ")
}

// pixelFlags are those that say what becomes of a pixel.
var pixelFlags = []string{"preprocess", "divide", "mean", "std", "bgr"}

// CheckPixels refuses the flags about pixels where there are none.
func (m *Model) CheckPixels(c *cobra.Command, p pipeline.Preparation) error {
	if given := slices.IndexFunc(pixelFlags, c.Flags().Changed); given >= 0 && !p.Pixels {
		return cli.Usagef("--%s: the network is given %v, which are no pixels: leave it out, or save images as uint8", pixelFlags[given], p)
	}
	return nil
}

// WarnPixels warns where the flags about pixels change nothing of what was calibrated on, because that is no pixels; they are
// for what is said, such as "it is only written into the file".
func (m *Model) WarnPixels(c *cobra.Command, p pipeline.Preparation, data, use string) {
	if given := slices.IndexFunc(pixelFlags, c.Flags().Changed); given >= 0 && !p.Pixels {
		fmt.Fprintf(c.ErrOrStderr(), "linquant: warning: --%s changes nothing of the examples of %s, which are taken as %v and are no pixels: %s\n",
			pixelFlags[given], text.Printable(data), p, use)
	}
}

// AddLabels adds --labels, for commands that write a network: nothing but the file's metadata has the labels.
func (m *Model) AddLabels(c *cobra.Command) {
	c.Flags().StringVar(&m.Labels, "labels", "", "`FILE` with the names of the classes, one a line, for the model's metadata")
}

// preprocess replaces what the network says about its input by what the flags of c say.
func (m *Model) preprocess(c *cobra.Command, n *pipeline.Network) error {
	p := n.Preprocess()
	flags := c.Flags()
	changed := flags.Changed
	if given := slices.IndexFunc(pixelFlags, changed); given >= 0 && n.TakesPixels() {
		if m.Pair {
			changed = func(name string) bool { return !slices.Contains(pixelFlags, name) && flags.Changed(name) }
		} else {
			return cli.Usagef("--%s: %s takes raw pixels and prepares them itself", pixelFlags[given], text.Printable(n.Name))
		}
	}
	if m.layout != "" && m.layout != "nchw" && m.layout != "nhwc" {
		return cli.Usagef("--layout %q: use nchw or nhwc", m.layout)
	}
	channels := 0
	if shape := n.InputShape(); len(shape) == 3 {
		p.ChannelsLast = p.ChannelsLast || vision.ChannelsLast(shape)
		if changed("layout") {
			p.ChannelsLast = m.layout == "nhwc"
			_, _, _, fits := vision.ImageShape(shape, p.ChannelsLast)
			if _, _, _, other := vision.ImageShape(shape, !p.ChannelsLast); other && !fits {
				return cli.Usagef("--layout %s: the network's input has the shape %v, and is an image only the other way around", m.layout, shape)
			}
		}
		channels = shape[0]
		if p.ChannelsLast {
			channels = shape[2]
		}
	}
	var err error
	if slices.ContainsFunc([]string{"mean", "std", "divide"}, changed) {
		p.Assumed = false
		if changed("preprocess") {
			return cli.Usagef("--preprocess says all that becomes of a pixel: give it without --mean, --std and --divide")
		}
	}
	if changed("preprocess") {
		named, err := vision.Named(m.prepare, channels)
		if err != nil {
			return cli.Usagef("--preprocess: %w", err)
		}
		p.Divisor, p.Mean, p.Std, p.Assumed = named.Divisor, named.Mean, named.Std, false
	}
	if changed("mean") {
		if p.Mean, err = channelValues("--mean", m.mean, channels); err != nil {
			return err
		}
	}
	if changed("std") {
		if p.Std, err = channelValues("--std", m.std, channels); err != nil {
			return err
		}
		if slices.ContainsFunc(p.Std, func(s float32) bool { return s <= 0 }) {
			return cli.Usagef("--std %s: a deviation is above 0", m.std)
		}
	}
	if changed("divide") {
		if !(m.divisor > 0 && m.divisor <= math.MaxFloat32) {
			return cli.Usagef("--divide %g: use a number above 0", m.divisor)
		}
		p.Divisor = m.divisor
	}
	if changed("resize") {
		if m.resize < 0 || m.resize > 1<<14 {
			return cli.Usagef("--resize %d: use 1 to %d, or 0 for the least that fills the network's input", m.resize, 1<<14)
		}
		p.Resize = m.resize
	}
	if changed("bgr") {
		p.BGR = m.bgr
	}
	if changed("labels") {
		if p.Labels, err = readLabels(m.Labels); err != nil {
			return err
		}
	}
	return n.SetPreprocess(p)
}

// channelValues reads "0.5" or "0.485,0.456,0.406". One number stands for every channel.
func channelValues(flag, given string, channels int) ([]float32, error) {
	var values []float32
	for field := range strings.SplitSeq(given, ",") {
		v, err := strconv.ParseFloat(strings.TrimSpace(field), 32)
		if err != nil || v != v || v > 1e30 || v < -1e30 {
			return nil, cli.Usagef("%s %q: use a number, or one for each channel with commas between them", flag, given)
		}
		values = append(values, float32(v))
	}
	if channels == 0 || len(values) == channels {
		return values, nil
	}
	if len(values) > 1 {
		return nil, cli.Usagef("%s %s: %d numbers, but the network has %s", flag, given, len(values), text.Plural(channels, "channel"))
	}
	for len(values) < channels {
		values = append(values, values[0])
	}
	return values, nil
}

// CheckLabels refuses labels that are not as many as the classes that the network tells apart.
func (m *Model) CheckLabels(ctx context.Context, n *pipeline.Network) error {
	if m.Labels == "" {
		return nil
	}
	if _, err := n.Folded(ctx); err != nil { // what follows needs it, and has no context
		return err
	}
	return m.ExplainLabels(n.CheckLabels())
}

// ExplainLabels makes an error about labels one about the file that they came from.
func (m *Model) ExplainLabels(err error) error {
	var labels *pipeline.LabelsError
	if m.Labels == "" || !errors.As(err, &labels) {
		return err
	}
	return fmt.Errorf("%s: it has %s, and %s has %s: give one for each, in their order", m.Labels, text.Plural(labels.Labels, "label"),
		labels.Name, text.Plural(labels.Classes, "output"))
}

// readLabels reads the names of classes, one a line.
func readLabels(path string) ([]string, error) {
	f, err := cli.OpenStream(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	labels, err := vision.ReadLabels(f)
	var reading *fs.PathError
	switch {
	case errors.As(err, &reading):
		return nil, err // it names the file
	case err != nil:
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return labels, nil
}
