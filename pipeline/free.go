package pipeline

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"

	"linquant/graph"
	"linquant/internal/ended"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/tensor"
)

// source is the ONNX model that a network was read from.
type source struct {
	path string // "": it is data
	data []byte
	cfg  onnx.ImportConfig

	mu      sync.Mutex   // networks that were made of one share it
	folded  *graph.Graph // the network as it was read, folded; nil until somebody asked for that
	varies  bool         // whether what follows is known
	varying *onnx.Varying
	bound   *onnx.BoundError
}

// FreeDimensions says that dimensions of inputs for which nobody has a number were given some.
type FreeDimensions struct {
	Network string
	Inputs  []FreeInput
}

// FreeInput is an input with such dimensions and the shape that it was given.
type FreeInput struct {
	Name  string
	Shape tensor.Shape
}

// Warning is one line.
func (w FreeDimensions) Warning() string {
	inputs := make([]string, len(w.Inputs))
	for i, in := range w.Inputs {
		inputs[i] = fmt.Sprintf("%q %s", in.Name, dimsOf(in.Shape))
	}
	return fmt.Sprintf("%s leaves dimensions of its inputs open: it is read with %s; give the inputs shapes for others", w.Network, strings.Join(inputs, ", "))
}

func dimsOf(s tensor.Shape) string {
	dims := make([]string, len(s))
	for i, d := range s {
		if dims[i] = strconv.Itoa(d); d == graph.Batch {
			dims[i] = "N"
		}
	}
	return "[" + strings.Join(dims, ", ") + "]"
}

// freeNumbers are numbers for open dimensions, the first of which a network can be read with is taken: lengths, and sizes of pictures.
var freeNumbers = []int{64, 32, 16, 128, 224, 8, 512, 1}

// vary reads a model that was refused for dimensions without a number with some, and returns the shapes that it gave.
func (cfg *OpenConfig) vary(refused error, inputs func() ([]Input, error), read func(onnx.ImportConfig) error) (map[string]tensor.Shape, error) {
	var open *onnx.OpenShapeError
	if !cfg.Vary || !errors.As(refused, &open) {
		return nil, refused
	}
	list, err := inputs()
	if err != nil {
		return nil, refused
	}
	for _, number := range freeNumbers {
		given := map[string]tensor.Shape{}
		for _, in := range list {
			_, bound := cfg.ONNX.Constants[in.Name]
			if _, said := cfg.ONNX.Shapes[in.Name]; bound || said || !in.Open() || in.Dims == nil {
				continue
			}
			shape := slices.Clone(tensor.Shape(in.Dims))
			for i, d := range shape {
				switch {
				case i == 0 && d < 1:
					shape[i] = graph.Batch
				case d < 1:
					shape[i] = number
				}
			}
			given[in.Name] = shape
		}
		c := cfg.ONNX
		c.Shapes = maps.Clone(given)
		maps.Copy(c.Shapes, cfg.ONNX.Shapes)
		if err := read(c); err == nil {
			cfg.ONNX = c
			return given, nil
		} else if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
			return nil, err
		}
	}
	return nil, refused
}

// freed notes what shapes inputs were given.
func (n *Network) freed(shapes map[string]tensor.Shape) {
	if len(shapes) == 0 {
		return
	}
	w := FreeDimensions{Network: n.Name}
	for _, name := range n.graph.Inputs {
		if _, ok := shapes[name]; ok {
			w.Inputs = append(w.Inputs, FreeInput{name, n.graph.Value(name).Shape})
		}
	}
	n.Assumed = append(n.Assumed, w)
}

// inputsOf is Inputs for a model in memory.
func inputsOf(data []byte) []Input {
	m, err := onnxpb.Read(data)
	if err != nil || m.Graph == nil {
		return nil
	}
	var inputs []Input
	for _, v := range declared(m) {
		inputs = append(inputs, newInput(v))
	}
	return inputs
}

// varying returns what the model that the network was read from says of open dimensions; nil where there are none. bound says why they
// cannot be open.
func (n *Network) varying(ctx context.Context) (*onnx.Varying, *onnx.BoundError) {
	s := n.source
	if s == nil {
		return nil, nil
	}
	if _, err := n.Folded(ctx); err != nil {
		return nil, nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.varies && !s.open() {
		return nil, nil
	}
	if n.fixed != "" {
		return nil, &onnx.BoundError{Reason: n.fixed}
	}
	if !s.varies {
		v, err := s.read(ctx)
		if ended.Err(ctx) != nil {
			return nil, &onnx.BoundError{Reason: ended.Err(ctx).Error()}
		}
		if err != nil && !errors.As(err, &s.bound) {
			s.bound = &onnx.BoundError{Reason: err.Error()}
		}
		s.varying, s.varies = v, true
	}
	return s.varying, s.bound
}

func (s *source) read(ctx context.Context) (*onnx.Varying, error) {
	if s.path == "" {
		return s.cfg.VaryingOf(ctx, s.data, s.folded)
	}
	return s.cfg.Varying(ctx, s.path, s.folded)
}

// is notes what the network is as it was read, folded.
func (s *source) is(g *graph.Graph) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.folded == nil {
		s.folded = g
	}
}

// open reports whether the model leaves dimensions open that the network has numbers for.
func (s *source) open() bool {
	inputs, err := inputsOf(s.data), error(nil)
	if s.path != "" {
		inputs, err = Inputs(s.path)
	}
	if err != nil || s.folded == nil {
		return false
	}
	for _, in := range inputs {
		v := s.folded.Value(in.Name)
		if v == nil || v.Const != nil {
			continue
		}
		for i, d := range v.Shape {
			if d != graph.Batch && (i >= len(in.Dims) || in.Dims[i] < 1) {
				return true
			}
		}
	}
	return false
}
