package pipeline

import (
	"context"
	"fmt"
	"sync"

	"linquant/dataset"
	"linquant/tensor"
	"linquant/vision"
)

// Data says which examples to take. The zero value is none.
type Data struct {
	Set   dataset.Set // the examples; they stay open. nil: Spec
	Spec  string      // as dataset.Open takes it; Builtin are the images of the built-in network
	Limit int         // the first so many; 0 means all
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
		if set, err = dataset.Open(ctx, d.Spec, split); err != nil {
			return nil, err
		}
	}
	if d.Limit > 0 {
		set = dataset.Limit(set, d.Limit)
	}
	return set, nil
}

// staysOpen is a set of somebody else.
type staysOpen struct{ dataset.Set }

func (staysOpen) Close() error          { return nil }
func (s staysOpen) Unwrap() dataset.Set { return s.Set }

// Prepare returns a set with the examples of s as inputs of a network: pixels prepared as pre says, and images of a
// folder made to fit; other values as they are. shape is that of the network's input without the batch: the set's own,
// the set's with its channels last where pre says so, or one dimension of as many elements, as a perceptron has. Closing
// it closes s.
//
// Errors: a set of another shape, a mean or deviation for another number of channels.
func Prepare(s dataset.Set, pre vision.Preprocess, shape tensor.Shape) (dataset.Set, error) {
	if c, h, w, ok := vision.ImageShape(shape, pre.ChannelsLast); ok {
		s, _ = dataset.Fit(s, dataset.ImageConfig{Channels: c, Height: h, Width: w, Resize: pre.Resize})
	}
	if err := checkShape(s, pre, shape); err != nil {
		return nil, err
	}
	p := &prepared{Set: s, pre: pre, shape: shape, image: s.Shape(), apply: s.Pixels() && len(s.Shape()) == 3}
	n, err := shape.Elements()
	if err != nil {
		return nil, err
	}
	if !p.apply {
		return p, nil
	}
	if err := pre.Apply(make([]float32, n), make([]float32, n), p.image); err != nil {
		return nil, fmt.Errorf("%s: %w", s.Name(), err)
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
	apply        bool
	pixels       sync.Pool // of *[]float32, one example's
}

func (p *prepared) Shape() tensor.Shape { return p.shape }
func (p *prepared) Pixels() bool        { return false }

func (p *prepared) Read(ctx context.Context, i int, dst []float32) (int, error) {
	if !p.apply {
		return p.Set.Read(ctx, i, dst)
	}
	buffer := p.pixels.Get().(*[]float32)
	defer p.pixels.Put(buffer)
	label, err := p.Set.Read(ctx, i, *buffer)
	if err == nil {
		err = p.pre.Apply(dst, *buffer, p.image)
	}
	return label, err
}

// examples is Prepare for the one input of the model.
func (m *Model) examples(s dataset.Set) (dataset.Set, error) {
	in, out := m.Inputs(), m.Outputs()
	if len(in) != 1 {
		return nil, &InputsError{m.Name, len(in), len(out), "an example of a data set is for one: calibrate and measure without it, " +
			"or run the network on arrays"}
	}
	return Prepare(s, m.Preprocess, in[0].Shape)
}
