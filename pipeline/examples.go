package pipeline

import (
	"context"
	"fmt"
	"sync"

	"linquant/dataset"
	"linquant/graph"
	"linquant/tensor"
	"linquant/vision"
)

// Data says which examples to take. The zero value is none.
type Data struct {
	Set   dataset.Set // the examples; they stay open. nil: Spec
	Spec  string      // as dataset.Open takes it; Builtin are the images of the built-in network
	Limit int         // the first so many; 0 means all

	// Inputs are what an example has arrays for (dataset.OpenInputs). nil: the inputs of the network (Network.DataInputs) where there is one.
	Inputs []dataset.Input
}

// none reports whether nothing is named.
func (d Data) none() bool { return d.Set == nil && d.Spec == "" }

// open returns the examples. Where the Spec does not name a split, split is meant. Closing what it returns leaves d.Set
// open.
func (d Data) open(ctx context.Context, field, split string) (dataset.Set, error) {
	if d.Limit < 0 {
		return nil, &ConfigError{field + ".Limit", fmt.Sprint(d.Limit), "use 1 or more, or 0 for all"}
	}
	var set dataset.Set = staysOpen{d.Set}
	if d.Set == nil {
		if _, err := dataset.ParseSpec(d.Spec); err != nil {
			return nil, &ConfigError{field + ".Spec", "", err.Error()}
		}
		var err error
		if set, err = dataset.OpenInputs(ctx, d.Spec, split, d.Inputs); err != nil {
			return nil, err
		}
	}
	if d.Limit > 0 {
		set = dataset.Limit(set, d.Limit)
	}
	return set, nil
}

// forNetwork is d for a network.
func (d Data) forNetwork(n *Network) Data {
	if d.Inputs == nil {
		d.Inputs = n.DataInputs()
	}
	return d
}

// DataInputs returns what an example of data for the network consists of, for dataset.OpenInputs.
func (n *Network) DataInputs() []dataset.Input {
	if n.usable() != nil {
		return nil
	}
	var list []dataset.Input
	for _, name := range n.graph.Inputs {
		in := dataset.Input{Name: name}
		if v := n.graph.Value(name); v != nil && v.Shape != nil {
			in.Shape = graph.ExampleShape(v.Shape)
		}
		list = append(list, in)
	}
	return list
}

// staysOpen is a set of somebody else.
type staysOpen struct{ dataset.Set }

func (staysOpen) Close() error          { return nil }
func (s staysOpen) Unwrap() dataset.Set { return s.Set }

// Prepare returns a set with the examples of s as inputs of a network: pixels prepared as pre says, and images of a
// folder made to fit; other values as they are. shape is that of the network's input without the batch: the set's own,
// the set's with its channels last where pre says so, or one dimension of as many elements, as a perceptron has. Closing
// it closes s. A set of several arrays (dataset.Arrays) is for Model.Examples.
//
// Errors: a set of another shape, a mean or deviation for another number of channels.
func Prepare(s dataset.Set, pre vision.Preprocess, shape tensor.Shape) (dataset.Set, error) {
	if c, h, w, ok := vision.ImageShape(shape, pre.ChannelsLast); ok {
		s, _ = dataset.Fit(s, dataset.ImageConfig{Channels: c, Height: h, Width: w, Resize: pre.Resize})
	}
	if err := checkShape(s, pre, shape); err != nil {
		return nil, err
	}
	return prepare(&prepared{Set: s, pre: pre, shape: shape, image: s.Shape()})
}

// prepare fills in the rest of p.
func prepare(p *prepared) (dataset.Set, error) {
	n, err := p.shape.Elements()
	if err != nil {
		return nil, err
	}
	if p.apply = arePixels(p.Set); !p.apply {
		return p, nil
	}
	if p.first, err = p.image.Elements(); err != nil {
		return nil, err
	}
	if err := p.pre.Apply(make([]float32, p.first), make([]float32, p.first), p.image); err != nil {
		return nil, fmt.Errorf("%s: %w", p.Set.Name(), err)
	}
	p.pixels.New = func() any { x := make([]float32, n); return &x }
	return p, nil
}

// checkShape returns an error unless examples of s can be inputs of that shape.
func checkShape(s dataset.Set, pre vision.Preprocess, shape tensor.Shape) error {
	have := s.Shape()
	if s.Pixels() && pre.ChannelsLast && len(have) == 3 {
		have = tensor.Shape{have[1], have[2], have[0]}
	}
	if have.Equal(shape) {
		return nil
	}
	a, errA := have.Elements()
	b, errB := shape.Elements()
	if len(shape) == 1 && errA == nil && errB == nil && a == b {
		return nil
	}
	return fmt.Errorf("%s: its examples have the shape %v and the network's input has %v: use data of the network's kind and size",
		s.Name(), have, shape)
}

// prepared is a set of inputs.
type prepared struct {
	dataset.Set
	pre          vision.Preprocess
	shape, image tensor.Shape
	first        int // elements of the image, with which an example begins
	apply        bool
	pixels       sync.Pool // of *[]float32, one example's
}

func (p *prepared) Shape() tensor.Shape { return p.shape }
func (p *prepared) Pixels() bool        { return false }
func (p *prepared) Unwrap() dataset.Set { return p.Set }

func (p *prepared) Read(ctx context.Context, i int, dst []float32) (int, error) {
	if !p.apply {
		return p.Set.Read(ctx, i, dst)
	}
	buffer := p.pixels.Get().(*[]float32)
	defer p.pixels.Put(buffer)
	label, err := p.Set.Read(ctx, i, *buffer)
	if err == nil {
		err = p.pre.Apply(dst[:p.first], (*buffer)[:p.first], p.image)
		copy(dst[p.first:], (*buffer)[p.first:])
	}
	return label, err
}

// Examples returns a set with the examples of s as inputs of the model: what Prepare does for the one input, and for several the arrays of
// dataset.OpenInputs, of which pixels for the first are prepared. Closing it closes s. Errors: those of Prepare, and *InputsError where s has
// not an array for each input, of its shape.
func (m *Model) Examples(s dataset.Set) (dataset.Set, error) {
	in, arrays := m.Inputs(), dataset.Arrays(s)
	if len(in) == 1 && arrays == nil {
		return Prepare(s, m.Preprocess, in[0].Shape)
	}
	fail := func(format string, args ...any) error {
		return &InputsError{m.Name, len(in), len(m.Outputs()), fmt.Sprintf(format, args...)}
	}
	if arrays == nil {
		return nil, fail("an example of %s is for one input: give an array for each, as npz:FILE", s.Name())
	}
	if len(arrays) != len(in) {
		return nil, fail("%s has %s in an example: give an array for each input", s.Name(), count(len(arrays), "array"))
	}
	total := 0
	for i, a := range arrays {
		if a.Name != in[i].Name {
			return nil, fail("%s has the array %q where the input %q is: open it for this network", s.Name(), a.Name, in[i].Name)
		}
		want := in[i].Shape
		if i == 0 && a.DType == tensor.Uint8 && m.Preprocess.ChannelsLast && len(want) == 3 {
			want = tensor.Shape{want[2], want[0], want[1]}
		}
		if !a.Shape.Equal(want) {
			return nil, fail("the examples of array %q of %s have the shape %v, and the input wants %v", a.Name, s.Name(), a.Shape, want)
		}
		n, err := a.Shape.Elements()
		if err != nil {
			return nil, err
		}
		total += n
	}
	return prepare(&prepared{Set: s, pre: m.Preprocess, shape: tensor.Shape{total}, image: arrays[0].Shape})
}
