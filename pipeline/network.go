package pipeline

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"strings"

	"linquant/checkpoint"

	"linquant/graph"
	"linquant/onnx"
	"linquant/tensor"
	"linquant/vision"
)

// Network is an opened network, float or quantized. Its methods may not be called from several goroutines at once; the
// models that it compiles to may.
type Network struct {
	Name string // as it was opened
	Size int64  // bytes of its files; 0 of one that Quantize made

	// Beside is what a checkpoint has beside the network's tensors; OpenConfig.Root chooses other ones.
	Beside []checkpoint.Group

	// Assumed is what reading it assumed, what of its codes is computed in reals, and which constants for inputs are not finite.
	Assumed []Warning

	graph  *graph.Graph
	folded *graph.Graph // graph, ready to run; nil until it was asked for
	pre    vision.Preprocess
	said   string   // who said what pre does to pixels, one of the Said constants
	kept   []string // parts of pre that the file said and the caller left, where the caller said others
	source *source  // the ONNX model that it was read from; nil: another kind of model, or one that is not told any more
	fixed  string   // why what is written of it has the shapes that it has, though the model that it was read from leaves some open
	closed bool
	close  func() error // nil: nothing to do
}

// NewNetwork makes a network of a graph that is at hand, which must not be changed afterwards. Errors: metadata that does
// not read (vision.Of).
func NewNetwork(g *graph.Graph) (*Network, error) {
	if g == nil {
		return nil, errors.New("there is no network: the graph is nil")
	}
	return newNetwork(g.Name, 0, g, nil)
}

// Close lets go of the file and of the graphs: whatever is asked of n afterwards is answered with ErrClosed, and where there is
// no error with nothing. Graphs that it gave, networks that were made of it and what was compiled stay as they are, and
// the memory that they share with the file is free once none of them is used. It may be called twice.
func (n *Network) Close() error {
	if n == nil {
		return nil
	}
	closer := n.close
	n.graph, n.folded, n.close, n.closed = nil, nil, nil, true
	if closer == nil {
		return nil
	}
	return closer()
}

// foreign reports whether the network is from a file that another tool wrote.
func (n *Network) foreign() bool {
	for key := range n.graph.Metadata {
		if strings.HasPrefix(key, "linquant.") {
			return false
		}
	}
	return n.Size > 0
}

// usable returns an error where there is no network, or none any more.
func (n *Network) usable() error {
	switch {
	case n == nil:
		return errNoNetwork
	case n.closed:
		return n.named(ErrClosed)
	case n.graph == nil:
		return errNoNetwork
	}
	return nil
}

var errNoNetwork = errors.New("there is no network: Open, Read and NewNetwork make one")

// Graph returns the network as it was read; nil after Close. It must not be changed.
func (n *Network) Graph() *graph.Graph {
	if n == nil {
		return nil
	}
	return n.graph
}

// Folded returns the network ready to be quantized or run: a float one simplified by graph.Fold, once, an integer one as
// it is. It must not be changed. Methods without a context that need it, such as CheckLabels and Export, fold what was
// not folded yet, and cannot be ended meanwhile: folding has a bound, some seconds of the largest networks.
func (n *Network) Folded(ctx context.Context) (*graph.Graph, error) {
	if err := n.usable(); err != nil {
		return nil, err
	}
	if n.folded == nil {
		g := n.graph
		if !g.Quantized() {
			var err error
			if g, err = graph.Fold(ctx, g); err != nil {
				return nil, n.named(err)
			}
		}
		n.folded = g
		n.source.is(g)
	}
	return n.folded, nil
}

// float is Folded for what becomes integers, and an error where it is in integers already.
func (n *Network) float(ctx context.Context) (*graph.Graph, error) {
	if n.Quantized() {
		return nil, n.named(ErrQuantized)
	}
	return n.Folded(ctx)
}

// Quantized reports whether the network computes in integers.
func (n *Network) Quantized() bool { return n.usable() == nil && n.graph.Quantized() }

// Preprocess returns how pixels become the first input, and the names of the classes.
func (n *Network) Preprocess() vision.Preprocess {
	if n == nil {
		return vision.Preprocess{}
	}
	return n.pre
}

// SetPreprocess replaces that. It travels with what the network is quantized, compiled and exported to. Where it prepares
// pixels as the network said, its being a guess stays one. Inside stays what it is. Errors: those of vision.Preprocess.Store, and
// a *ConfigError about a mean or deviation for another number of channels.
func (n *Network) SetPreprocess(p vision.Preprocess) error {
	if err := n.usable(); err != nil {
		return err
	}
	said, kept := n.said, n.kept
	p.Inside = n.pre.Inside // which is nodes
	if !p.SamePixels(n.pre) || !p.Assumed && n.pre.Assumed {
		kept = nil
		if n.said == SaidByModel || len(n.kept) > 0 {
			kept = keeps(p, n.pre)
		}
		p.Assumed, said = false, SaidByCaller
	}
	if c, _, _, ok := vision.ImageShape(n.InputShape(), p.ChannelsLast); ok {
		for _, per := range [][]float32{p.Mean, p.Std} {
			if per != nil && len(per) != c {
				return n.named(&ConfigError{"Preprocess", "", fmt.Sprintf("mean and std have %d values for %d channels: give one for each", len(per), c)})
			}
		}
	}
	own := *n.graph // the metadata is this network's own, the rest is shared
	own.Metadata = maps.Clone(n.graph.Metadata)
	if err := p.Store(&own); err != nil {
		return n.named(err)
	}
	if n.folded != nil {
		folded := *n.folded
		folded.Metadata = own.Metadata
		n.folded = &folded
	}
	n.graph, n.pre, n.said, n.kept = &own, p, said, kept
	return nil
}

// InputShape returns the shape of the first input without the batch, as the file gives it.
func (n *Network) InputShape() tensor.Shape {
	if n.usable() != nil || len(n.graph.Inputs) == 0 {
		return nil
	}
	if v := n.graph.Value(n.graph.Inputs[0]); v != nil && len(v.Shape) > 0 {
		return graph.ExampleShape(v.Shape)
	}
	return nil
}

// classes returns how many numbers the one output has, 0 where that is not known or there are several outputs.
func (n *Network) classes() (int, error) {
	g, err := n.Folded(context.Background())
	if err != nil || len(g.Outputs) != 1 {
		return 0, err
	}
	shape := graph.ExampleShape(g.Value(g.Outputs[0]).Shape)
	if len(shape) < 1 {
		return 0, nil
	}
	classes, err := shape.Elements()
	if err != nil {
		return 0, n.named(err)
	}
	return classes, nil
}

// CheckLabels returns a *LabelsError unless there are as many labels as the network has classes, or it has none.
func (n *Network) CheckLabels() error {
	classes, err := n.classes()
	if err != nil || classes == 0 || len(n.pre.Labels) == 0 || len(n.pre.Labels) == classes {
		return err
	}
	return &LabelsError{n.Name, len(n.pre.Labels), classes}
}

// TakesPixels reports whether the network prepares raw pixels itself (see vision.PixelInput).
func (n *Network) TakesPixels() bool {
	if n.usable() != nil {
		return false
	}
	g := n.graph
	return len(g.Inputs) > 0 && g.Values[g.Inputs[0]].Quant != nil && n.pre.Divisor == 1
}

// WithPixels returns a quantized network with another input: raw pixels, uint8 from 0 to 255, that the network prepares
// itself, with the same integers after it. Errors: those of vision.PixelInput.
func (n *Network) WithPixels() (*Network, error) {
	g, err := n.Folded(context.Background())
	if err != nil {
		return nil, err
	}
	if g, err = vision.PixelInput(g); err != nil {
		return nil, n.named(err)
	}
	made, err := newNetwork(n.Name, n.Size, g, nil)
	if err == nil && n.source != nil {
		made.source, made.fixed = n.source, "it takes raw pixels"
	}
	return made, err
}

// Export writes the network as ONNX, a float one folded. Of an ONNX model that leaves dimensions of its inputs open these stay open, also
// of a network in integers that was made of it, where nothing but the numbers depends on them and cfg.Fixed is not set; else cfg.Bound is told why not. Errors: those
// of Folded, of onnx.Export and of w.
func (n *Network) Export(w io.Writer, cfg onnx.ExportConfig) error {
	if w == nil {
		return missing("writer")
	}
	g, err := n.Folded(context.Background())
	if err != nil {
		return err
	}
	if cfg.Varying == nil && !cfg.Fixed {
		var bound *onnx.BoundError
		if cfg.Varying, bound = n.varying(context.Background()); bound != nil && cfg.Bound != nil {
			cfg.Bound(bound)
		}
	}
	return onnx.Export(w, g, cfg)
}

// made returns a network that the one was turned into, which shares its memory.
func (n *Network) made(g *graph.Graph) *Network {
	return &Network{Name: n.Name, graph: g, pre: n.pre, said: n.said, kept: n.kept, source: n.source, fixed: n.fixed}
}
