package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/quant"
	"linquant/vision"
)

// Model is a compiled network with what its file says about its input and its answers. Its methods may be called from
// several goroutines at once.
type Model struct {
	*engine.Program
	Name       string            // of the network
	Preprocess vision.Preprocess // of the first input; it must not be changed
	Numbers    Numbers

	foreign int // dynamic layers of a file that another tool wrote
	wraps   []SumsWrap
	said    string   // who said what Preprocess does to pixels
	kept    []string // as Network's
	answers vision.Answers
}

// Numbers says what a network computes with.
type Numbers struct {
	Integers bool // else float32
	Dynamic  int  // layers that quantize their inputs while they run
	Floats   int  // nodes that run in floating point in the network of integers
}

// String describes them: "float32", "integers" or "integers, 3 nodes in float".
func (n Numbers) String() string {
	switch {
	case !n.Integers:
		return "float32"
	case n.Dynamic > 0:
		return "integers, " + count(n.Dynamic, "layer") + " dynamic"
	case n.Floats > 0:
		return "integers, " + count(n.Floats, "node") + " in float"
	}
	return "integers"
}

// Load reads a model of any kind and compiles it. Data that a program embeds is given as a [bytes.Reader]. Nothing of
// what was read is kept but packed weights.
//
// Errors: those of r, of Read and of Network.Compile; ctx's, soon after it is done, though r is read to its end. Where the
// model needs more than these two know, such as a shape for its inputs, take the steps.
func Load(ctx context.Context, r io.Reader, cfg engine.Config) (*Model, error) {
	if r == nil {
		return nil, missing("reader")
	}
	data, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	n, err := Read(ctx, data, "model", OpenConfig{})
	if err != nil {
		return nil, err
	}
	defer n.Close()
	return n.Compile(ctx, cfg)
}

// LoadFile is Load for what Open opens.
func LoadFile(ctx context.Context, path string, cfg engine.Config) (*Model, error) {
	n, err := Open(ctx, path, OpenConfig{})
	if err != nil {
		return nil, err
	}
	defer n.Close()
	return n.Compile(ctx, cfg)
}

// Compile makes the network a program. The model refers neither to n nor to its file afterwards. Where the network does
// not say that channels are last and its input's shape does (vision.ChannelsLast), the model's Preprocess says it too.
// Errors: those of Folded and of engine.Compile.
func (n *Network) Compile(ctx context.Context, cfg engine.Config) (*Model, error) {
	g, err := n.Folded(ctx)
	if err != nil {
		return nil, err
	}
	if cfg.CPU == "" {
		if _, err := cpu.FromEnv(); err != nil {
			return nil, err // of the whole program, not of this network
		}
	}
	p, err := engine.Compile(ctx, g, cfg)
	if err != nil {
		return nil, n.named(err)
	}
	m := &Model{Program: p, Name: n.Name, Preprocess: n.pre, said: n.said, kept: n.kept, answers: vision.AnswersOf(g)}
	for _, node := range g.Nodes {
		if w := graph.Wrapping(g, node); w.Channels > 0 {
			m.wraps = append(m.wraps, SumsWrap{Node: node.Label(), Op: string(node.Op), Wrap: w})
		}
	}
	if m.Numbers = numbersOf(g, p.Islands()); n.foreign() {
		m.foreign = m.Numbers.Dynamic
	}
	m.Preprocess.ChannelsLast = m.Preprocess.ChannelsLast || vision.ChannelsLast(p.Inputs()[0].Shape)
	return m, nil
}

// numbersOf says what a network computes with.
func numbersOf(g *graph.Graph, islands []engine.Island) Numbers {
	return Numbers{g.Quantized(), dynamicLayers(g), len(islands)}
}

// CompileGraph is Compile for a graph that is at hand, under its own name.
func CompileGraph(ctx context.Context, g *graph.Graph, cfg engine.Config) (*Model, error) {
	n, err := NewNetwork(g)
	if err != nil {
		return nil, err
	}
	return n.Compile(ctx, cfg)
}

// usable returns an error where nothing was compiled.
func (m *Model) usable() error {
	if m == nil || m.Program == nil || len(m.Inputs()) == 0 {
		return errors.New("there is no model: Network.Compile, Load and LoadFile make one")
	}
	return nil
}

// Warnings lists what of an integer network runs in floating point, and whose sums leave int32; and of another tool's file with dynamic layers, that each
// example has its own range (RangeOfExample).
func (m *Model) Warnings() []Warning {
	if m.usable() != nil {
		return nil
	}
	var list []Warning
	if m.foreign > 0 {
		list = append(list, RangeOfExample{m.Name, m.foreign})
	}
	for _, i := range m.Islands() {
		list = append(list, FloatNode(i))
	}
	for _, w := range m.wraps {
		list = append(list, w)
	}
	return list
}

// Classify runs a network with one input and one output on an image, pixels 0 to 255 of the shape [channels, height,
// width] of ImageShape with red first, prepares them as Preprocess says, and returns the k most probable classes, the
// most probable first. dataset.ReadImage makes such pixels of image files.
//
// Probabilities are the network's own where it ends in a Softmax or a Sigmoid, and a softmax of its output elsewhere.
//
// Errors: a network that is no classifier of images, another number of pixels, and those of Run.
func (m *Model) Classify(ctx context.Context, pixels []uint8, k int) ([]vision.Class, error) {
	channels, height, width, err := m.ImageShape()
	if err != nil {
		return nil, err
	}
	if len(m.Inputs()) != 1 || len(m.Outputs()) != 1 {
		return nil, fmt.Errorf("the network has %d inputs and %d outputs, a classifier has one of each: use Run",
			len(m.Inputs()), len(m.Outputs()))
	}
	if len(pixels) != channels*height*width {
		return nil, fmt.Errorf("%d pixels are no image of %d channels and %d×%d pixels", len(pixels), channels, height, width)
	}
	classes, err := m.Outputs()[0].Shape.Elements()
	if err != nil {
		return nil, err
	}
	y := make([]float32, classes)
	if m.takesPixels() {
		err = m.RunUint8(ctx, [][]float32{y}, [][]uint8{pixels})
	} else {
		x := make([]float32, len(pixels))
		if err := m.Pixels(x, pixels); err != nil {
			return nil, err
		}
		err = m.Run(ctx, [][]float32{y}, [][]float32{x})
	}
	if err != nil {
		return nil, err
	}
	return m.Top(y, k), nil
}

// takesPixels reports whether the input is pixels as Classify has them.
func (m *Model) takesPixels() bool {
	q, p := m.Inputs()[0].Quant, &m.Preprocess
	return q != nil && q.Type == quant.Uint(8) && q.Scale[0] == 1 && q.ZeroPointOf(0) == 0 &&
		p.Divisor == 1 && p.Mean == nil && p.Std == nil && !p.BGR && !p.ChannelsLast
}

// Top returns the k most probable classes of one example's first output, the most probable first and of equals the
// first, as Classify does; what is no number comes last. It changes y.
func (m *Model) Top(y []float32, k int) []vision.Class {
	return m.answers.Top(y, k, m.Preprocess.Labels)
}
