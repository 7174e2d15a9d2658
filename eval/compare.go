package eval

import (
	"context"
	"fmt"

	"linquant/dataset"
	"linquant/graph"
	"linquant/stats"
)

// Tracer shows values of a network, example by example. *engine.Program is one: it shows what it was told to keep.
type Tracer interface {
	// Trace runs the network and calls visit with each kept value, never concurrently; x is valid during the call.
	Trace(ctx context.Context, inputs [][]float32, visit func(value string, x []float32) error) error
}

// Layer is how far one value of a network is from the same value of its reference.
type Layer struct {
	Name    string // of the value
	Op      graph.Op
	Node    string
	SQNR    float64 // signal to quantization noise in dB; +Inf where nothing differs, NaN where there is no signal
	Cosine  float64
	MaxAbs  float64 // the largest absolute difference
	Clipped float64 // the fraction of the reference's values beyond what the value's codes can express; 0 for floats
}

// Points returns the values of the graph other that a comparison with ref is about, in the order in which they are
// computed: those of both that a node computes and whose real values mean the same. Left out is what a fused layer never
// shows: the value before a Relu or Clip that is its only reader, whose codes are those after it.
func Points(ref, other *graph.Graph) []string {
	inRef := ref.Producers()
	consumers := other.Consumers()
	var names []string
	for _, n := range other.Nodes {
		for _, name := range n.Outputs {
			if inRef[name] == nil || foldsIntoClamp(other, consumers[name], name) {
				continue
			}
			names = append(names, name)
		}
	}
	return names
}

func foldsIntoClamp(g *graph.Graph, consumers []*graph.Node, name string) bool {
	return g.Values[name].Quant != nil && !g.IsOutput(name) && len(consumers) == 1 &&
		(consumers[0].Op == graph.Relu || consumers[0].Op == graph.Clip)
}

// Compare runs both networks on every example of s, which are their inputs as they are, and measures how far the given values of other are from those of
// ref. Each must keep them. g is other's graph, which says what its codes can express. Memory: the values of one example
// of each network.
func Compare(ctx context.Context, ref, other Tracer, g *graph.Graph, points []string, s dataset.Set, cfg Config) ([]Layer, error) {
	if s.Len() == 0 {
		return nil, fmt.Errorf("%s: it has no examples", s.Name())
	}
	c := newComparison(g, points)
	done := 0
	for b, err := range dataset.Each(ctx, s, 1) {
		if err != nil {
			return nil, err
		}
		if err := c.example(ctx, ref, other, b.Inputs); err != nil {
			return nil, err
		}
		done++
		if cfg.Progress != nil {
			cfg.Progress(done, s.Len())
		}
	}
	return c.layers(), nil
}

// comparison accumulates what Compare reports.
type comparison struct {
	points []point
	index  map[string]int
}

type point struct {
	name           string
	node           *graph.Node
	lo, hi         float32 // what the codes can express
	quantized      bool
	ref            []float32 // the current example's
	err            stats.Error
	seen, clipped  int64
	inRef, inOther bool // shown for the current example
}

func newComparison(g *graph.Graph, names []string) *comparison {
	c := &comparison{index: make(map[string]int, len(names))}
	producers := g.Producers()
	for i, name := range names {
		p := point{name: name, node: producers[name]}
		if v := g.Values[name]; v != nil && v.Quant != nil && len(v.Quant.Scale) == 1 {
			lo, hi := v.Quant.Type.Range()
			zeroPoint := v.Quant.ZeroPointOf(0)
			p.quantized = true
			// Half a step beyond the outermost codes still rounds to them.
			p.lo = (float32(lo-zeroPoint) - 0.5) * v.Quant.Scale[0]
			p.hi = (float32(hi-zeroPoint) + 0.5) * v.Quant.Scale[0]
		}
		c.points = append(c.points, p)
		c.index[name] = i
	}
	return c
}

// example adds one example to every point.
func (c *comparison) example(ctx context.Context, ref, other Tracer, inputs [][]float32) error {
	for i := range c.points {
		c.points[i].inRef, c.points[i].inOther = false, false
	}
	err := ref.Trace(ctx, inputs, func(name string, v []float32) error {
		if i, ok := c.index[name]; ok {
			c.points[i].ref = append(c.points[i].ref[:0], v...)
			c.points[i].inRef = true
		}
		return nil
	})
	if err != nil {
		return err
	}
	err = other.Trace(ctx, inputs, func(name string, v []float32) error {
		i, ok := c.index[name]
		if !ok || !c.points[i].inRef {
			return nil
		}
		c.points[i].inOther = true
		return c.points[i].add(v)
	})
	if err != nil {
		return err
	}
	for _, p := range c.points {
		if !p.inOther {
			return fmt.Errorf("the value %q is not shown by both networks: compile them to keep it", p.name)
		}
	}
	return nil
}

func (p *point) add(v []float32) error {
	if err := p.err.Add(p.ref, v); err != nil {
		return fmt.Errorf("the value %q: %w", p.name, err)
	}
	p.seen += int64(len(v))
	if p.quantized {
		for _, r := range p.ref {
			if r < p.lo || r > p.hi {
				p.clipped++
			}
		}
	}
	return nil
}

func (c *comparison) layers() []Layer {
	var layers []Layer
	for i := range c.points {
		p := &c.points[i]
		l := Layer{Name: p.name, SQNR: p.err.SQNR(), Cosine: p.err.Cosine(), MaxAbs: p.err.MaxAbs()}
		if p.node != nil {
			l.Op, l.Node = p.node.Op, p.node.Name
		}
		if p.seen > 0 {
			l.Clipped = float64(p.clipped) / float64(p.seen)
		}
		layers = append(layers, l)
	}
	return layers
}
