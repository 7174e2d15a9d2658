package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"linquant/builtin"
	"linquant/checkpoint"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/models"
	"linquant/onnx"
)

// builtinName stands for the built-in network as MODEL or FILE, and for the built-in images as DATA.
const builtinName = "builtin"

// network is a network that a command works on.
type network struct {
	name  string // as the command line gave it
	bytes int64  // of its file
	graph *graph.Graph
	close func() error
}

// Close closes the file, whose memory the graph may share.
func (n *network) Close() error { return n.close() }

// modelFlags say how a network is read and what its inputs are.
type modelFlags struct {
	arch      string
	mean, std string
	divisor   float32
	bgr, hwc  bool
	labels    string
	threads   int
}

// archFlag adds --arch.
func archFlag(c *cobra.Command, arch *string) {
	c.Flags().StringVar(arch, "arch", "", "insist that the checkpoint is of this `ARCHITECTURE`: "+architectures())
}

// inputFlags adds the flags that say how images become inputs.
func (m *modelFlags) inputFlags(c *cobra.Command) *pflag.FlagSet {
	return under(c, "How images become the network's input (default: what the model says)", func() {
		f := c.Flags()
		f.Float32Var(&m.divisor, "divide", 0, "`NUMBER` that pixels are divided by first (default 255)")
		f.StringVar(&m.mean, "mean", "", "`NUMBERS` that are subtracted then: one, or one for each channel with commas between")
		f.StringVar(&m.std, "std", "", "`NUMBERS` that are divided by last: one, or one for each channel with commas between")
		f.BoolVar(&m.bgr, "bgr", false, "the network wants blue, green, red")
		f.BoolVar(&m.hwc, "nhwc", false, "the network wants [batch, height, width, channels]")
	})
}

// labelsFlag adds --labels, for commands that write a network: nothing but the file's metadata has the labels.
func (m *modelFlags) labelsFlag(c *cobra.Command) {
	c.Flags().StringVar(&m.labels, "labels", "", "`FILE` with the names of the classes, one a line, for the model's metadata")
}

func (m *modelFlags) threadsFlag(c *cobra.Command) {
	c.Flags().IntVar(&m.threads, "threads", 0, "`NUMBER` of threads that share the examples of a batch (default: one for each processor)")
}

// maxThreads keeps a slip of the finger from starting a million threads.
const maxThreads = 1024

// architectures lists the names for --arch.
func architectures() string {
	var names []string
	for _, a := range models.Known {
		names = append(names, a.Name)
	}
	return strings.Join(names, ", ")
}

// checkArch refuses what --arch cannot be.
func checkArch(arch string) error {
	if arch == "" || slices.ContainsFunc(models.Known, func(a models.Architecture) bool { return a.Name == arch }) {
		return nil
	}
	return usagef("--arch %s: there is no such architecture; known: %s", printable(arch), architectures())
}

// open reads the network. Preprocessing flags replace what the file says about it.
func (m *modelFlags) open(c *cobra.Command, name string) (*network, error) {
	if m.threads < 0 || m.threads > maxThreads {
		return nil, usagef("--threads %d: use 1 to %d, or 0 for one for each processor", m.threads, maxThreads)
	}
	n, err := openNetwork(name, m.arch)
	if err != nil {
		return nil, err
	}
	if err := m.preprocess(c, &n.graph.Input, n.graph); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// preprocess writes what the flags of c say into p.
func (m *modelFlags) preprocess(c *cobra.Command, p *graph.Preprocess, g *graph.Graph) error {
	flags := c.Flags()
	channels := 0
	if len(g.Inputs) > 0 {
		if v := g.Value(g.Inputs[0]); v != nil && len(v.Shape) == 4 {
			channels = v.Shape[1]
			if m.hwc || p.ChannelsLast {
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
	if flags.Changed("bgr") {
		p.BGR = m.bgr
	}
	if flags.Changed("nhwc") {
		p.ChannelsLast = m.hwc
	}
	if flags.Changed("labels") {
		text, err := os.ReadFile(m.labels)
		if err != nil {
			return err
		}
		p.Labels = strings.Split(strings.TrimSpace(strings.ReplaceAll(string(text), "\r\n", "\n")), "\n")
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

// openNetwork reads a network from an ONNX file, from a checkpoint whose architecture is recognised, or the built-in
// one.
func openNetwork(name, arch string) (*network, error) {
	if err := checkArch(arch); err != nil {
		return nil, err
	}
	var f *checkpoint.File
	err := checkpoint.ErrONNX
	if !isONNX(name) {
		f, err = openCheckpoint(name)
	}
	if errors.Is(err, checkpoint.ErrONNX) {
		if arch != "" {
			return nil, usagef("--arch %s: %s is an ONNX file, which says itself what its network is", arch, printable(name))
		}
		return openONNX(name)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	g, _, err := models.Build(f.Tensors(), arch)
	var mismatch *models.Mismatch
	switch {
	case err == nil:
	case arch == "" && errors.As(err, &mismatch):
		return nil, fmt.Errorf("%s: no network known here (%s) has these tensors; export it as ONNX where it was made: %w",
			f.Path, architectures(), err)
	case strings.HasPrefix(err.Error(), f.Path):
		return nil, err
	default:
		return nil, fmt.Errorf("%s: %w", f.Path, err)
	}
	return &network{name: name, bytes: f.Size, graph: g, close: func() error { return nil }}, nil
}

func openONNX(path string) (*network, error) {
	f, err := onnx.Open(path)
	if err != nil {
		return nil, err
	}
	return &network{name: path, bytes: f.Size, graph: f.Graph, close: f.Close}, nil
}

// openCheckpoint opens a checkpoint, or the one that is built in.
func openCheckpoint(name string) (*checkpoint.File, error) {
	if name != builtinName {
		return checkpoint.Open(name)
	}
	data := builtin.Checkpoint()
	return checkpoint.New(bytes.NewReader(data), int64(len(data)), builtinName)
}

// folded returns the network's graph ready to run: a float network simplified, an integer one as it is.
func (n *network) folded() (*graph.Graph, error) {
	if n.graph.Quantized() {
		return n.graph, nil
	}
	g, err := graph.Fold(n.graph)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", n.name, err)
	}
	return g, nil
}

// compile makes the network a program.
func (n *network) compile(cfg engine.Config) (*graph.Graph, *engine.Program, error) {
	if _, err := cpu.FromEnv(); err != nil {
		return nil, nil, err // of the whole program, not of this network
	}
	g, err := n.folded()
	if err != nil {
		return nil, nil, err
	}
	p, err := engine.Compile(g, cfg)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", n.name, err)
	}
	return g, p, nil
}

// kind describes the numbers a network computes with: "float32", "integers" or "integers, 3 nodes in float".
func kind(g *graph.Graph, p *engine.Program) string {
	if !g.Quantized() {
		return "float32"
	}
	if islands := p.Islands(); len(islands) > 0 {
		return fmt.Sprintf("integers, %s in float", plural(len(islands), "node"))
	}
	return "integers"
}

// warnIslands says on w which nodes of a quantized network run in floating point.
func warnIslands(w io.Writer, p *engine.Program) {
	for _, i := range p.Islands() {
		fmt.Fprintf(w, "linquant: note: %s node %s runs in floating point: %s\n", i.Op, printable(i.Node), i.Reason)
	}
}

// classifier returns the shape of a network's input and how many numbers it answers with, for a network with one input
// and one output.
func (n *network) classifier(p *engine.Program) (engine.IO, int, error) {
	in, out := p.Inputs(), p.Outputs()
	if len(in) != 1 || len(out) != 1 {
		return engine.IO{}, 0, fmt.Errorf("%s: it has %s and %s; accuracy is measured on a classifier, which has one of each",
			n.name, plural(len(in), "input"), plural(len(out), "output"))
	}
	classes, err := out[0].Shape.Elements()
	if err != nil {
		return engine.IO{}, 0, fmt.Errorf("%s: %w", n.name, err)
	}
	return in[0], classes, nil
}
