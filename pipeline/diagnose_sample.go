package pipeline

import (
	"context"
	"slices"

	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/stats"
)

// sample is examples on which networks are compared with the float one.
type sample struct {
	n        *Network // the float one
	threads  int
	examples int
	inputs   [][]float32
	of       []int       // values of each input, of an example
	sizes    []int       // values of each output, of an example
	outputs  [][]float32 // of the float network, for all examples

	held   int                  // examples of which values are held
	values map[string][]float32 // of the float network
}

// heldBytes bounds the values that are held of the float network.
const heldBytes = 256 << 20

// sampleBatch is how many examples run at a time.
const sampleBatch = 32

// sample reads the examples of the set, and what the network answers, a float one.
func (n *Network) sample(ctx context.Context, set dataset.Set, threads int) (*sample, error) {
	m, err := n.Compile(ctx, engine.Config{Threads: threads})
	if err != nil {
		return nil, err
	}
	examples, err := m.Examples(set)
	if err != nil {
		return nil, n.named(err)
	}
	s := &sample{n: n, threads: threads, examples: examples.Len()}
	for _, in := range m.Inputs() {
		size, err := in.Shape.Elements()
		if err != nil {
			return nil, n.named(err)
		}
		s.of = append(s.of, size)
		s.inputs = append(s.inputs, make([]float32, 0, s.examples*size))
	}
	for _, out := range m.Outputs() {
		size, err := out.Shape.Elements()
		if err != nil {
			return nil, n.named(err)
		}
		s.sizes = append(s.sizes, size)
		s.outputs = append(s.outputs, make([]float32, s.examples*size))
	}
	for b, err := range dataset.Each(ctx, examples, sampleBatch) {
		if err != nil {
			return nil, err
		}
		for i, x := range b.Inputs {
			s.inputs[i] = append(s.inputs[i], x...)
		}
	}
	return s, s.run(ctx, m.Program, s.examples, func(first, n int, outputs [][]float32) error {
		for k, size := range s.sizes {
			copy(s.outputs[k][first*size:], outputs[k][:n*size])
		}
		return nil
	})
}

// run runs a network on the first examples, and shows its outputs batch by batch.
func (s *sample) run(ctx context.Context, p *engine.Program, examples int, see func(first, n int, outputs [][]float32) error) error {
	var sizes []int
	outputs := make([][]float32, len(p.Outputs()))
	for k, out := range p.Outputs() {
		size, err := out.Shape.Elements()
		if err != nil {
			return err
		}
		sizes = append(sizes, size)
		outputs[k] = make([]float32, sampleBatch*size)
	}
	for first := 0; first < examples; first += sampleBatch {
		n := min(sampleBatch, examples-first)
		batch := make([][]float32, len(outputs))
		for k, size := range sizes {
			batch[k] = outputs[k][:n*size]
		}
		inputs := make([][]float32, len(s.inputs))
		for i, size := range s.of {
			inputs[i] = s.inputs[i][first*size : (first+n)*size]
		}
		if err := p.Run(ctx, batch, inputs); err != nil {
			return s.n.named(err)
		}
		if err := see(first, n, batch); err != nil {
			return err
		}
	}
	return nil
}

// compile compiles a graph made of the network's.
func (s *sample) compile(ctx context.Context, g *graph.Graph) (*engine.Program, error) {
	p, err := engine.Compile(ctx, g, engine.Config{Threads: s.threads})
	if err != nil {
		return nil, s.n.named(err)
	}
	return p, nil
}

// hold keeps values of the float network, of as many examples as there is memory for.
func (s *sample) hold(ctx context.Context, float *graph.Graph, names []string) error {
	g := float.Clone()
	g.Outputs = nil
	s.values = map[string][]float32{}
	perExample := 0
	for _, name := range names {
		size, err := graph.ExampleShape(g.Value(name).Shape).Elements()
		if err != nil {
			return s.n.named(err)
		}
		if perExample += size; g.Producers()[name] != nil {
			g.Outputs = append(g.Outputs, name)
		}
	}
	s.held = max(1, min(s.examples, heldBytes/4/max(perExample, 1)))
	for _, name := range names {
		if !g.IsOutput(name) { // an input
			i := slices.Index(g.Inputs, name)
			s.values[name] = s.inputs[i][:s.held*s.of[i]]
		}
	}
	if len(g.Outputs) == 0 {
		return nil
	}
	p, err := s.compile(ctx, g)
	if err != nil {
		return err
	}
	return s.run(ctx, p, s.held, func(_, _ int, outputs [][]float32) error {
		for k, name := range g.Outputs {
			s.values[name] = append(s.values[name], outputs[k]...)
		}
		return nil
	})
}

// loss is how far the outputs of a network are from those of the float one.
func (s *sample) loss(ctx context.Context, g *graph.Graph) (Loss, error) {
	l, _, err := s.losses(ctx, g, "", "")
	return l, err
}

// losses is loss, and how far the value seen of the network is from that of the float one, of the examples of which that is held.
func (s *sample) losses(ctx context.Context, g *graph.Graph, seen, value string) (outputs, at Loss, err error) {
	list := g.Outputs
	watched := -1
	if seen != "" {
		for k, out := range list {
			if out == seen {
				watched = k
			}
		}
		if watched < 0 {
			own := *g
			watched = len(list)
			own.Outputs = append(list[:len(list):len(list)], seen)
			g = &own
		}
	}
	p, err := s.compile(ctx, g)
	if err != nil {
		return Loss{}, Loss{}, err
	}
	var of, there stats.Error
	err = s.run(ctx, p, s.examples, func(first, n int, y [][]float32) error {
		for k, size := range s.sizes {
			if err := of.Add(s.outputs[k][first*size:(first+n)*size], y[k]); err != nil {
				return err
			}
		}
		if watched < 0 || first >= s.held {
			return nil
		}
		n = min(n, s.held-first)
		size := len(s.values[value]) / s.held
		return there.Add(s.values[value][first*size:(first+n)*size], y[watched][:n*size])
	})
	return Loss{of.SQNR(), of.Cosine()}, Loss{there.SQNR(), there.Cosine()}, err
}
