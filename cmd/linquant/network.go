package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"linquant/builtin"
	"linquant/checkpoint"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/models"
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
	resize    int
	bgr       bool
	layout    string
	labels    string
	threads   int
	shapeFlags
}

// archFlag adds --arch.
func archFlag(c *cobra.Command, arch *string) {
	c.Flags().StringVar(arch, "arch", "", "insist that the checkpoint is of this `ARCHITECTURE`: "+architectures())
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
	n, err := m.shapeFlags.open(name, m.arch)
	if err != nil {
		return nil, err
	}
	if err := m.preprocess(c, &n.graph.Input, n.graph); err != nil {
		n.Close()
		return nil, err
	}
	return n, nil
}

// openNetwork reads a network from an ONNX file, from a checkpoint whose architecture is recognised, or the built-in
// one.
func openNetwork(name, arch string) (*network, error) { return shapeFlags{}.open(name, arch) }

func (s shapeFlags) open(name, arch string) (*network, error) {
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
		return openONNX(name, s)
	}
	if err != nil {
		return nil, orONNX(err)
	}
	defer f.Close()
	if s.given() {
		return nil, usagef("--size and --shape are for ONNX models: %s is a checkpoint, and its network takes images of one size", printable(name))
	}
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

// orONNX adds to the error for a file that is nothing known what else it could have been.
func orONNX(err error) error {
	if errors.Is(err, checkpoint.ErrFormat) {
		return fmt.Errorf("%w; a whole network may also be an ONNX model", err)
	}
	return err
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
	if dynamic := dynamicLayers(g); dynamic > 0 {
		return fmt.Sprintf("integers, %s dynamic", plural(dynamic, "layer"))
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

// imageInput returns the one input of a network that is run on images.
func (n *network) imageInput(p *engine.Program) (engine.IO, error) {
	in := p.Inputs()
	if len(in) != 1 {
		return engine.IO{}, fmt.Errorf("%s: it has %s, and an example of DATA is for one; without DATA there are "+
			"linquant quantize --dynamic and linquant run", n.name, plural(len(in), "input"))
	}
	return in[0], nil
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
