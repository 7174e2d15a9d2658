package ptq

import (
	"context"
	"errors"
	"fmt"
	"iter"

	"linquant/calib"
	"linquant/graph"
)

// Examples are what a WeightMethod that watches activations learns from.
type Examples struct {
	// Compile makes a network that shows the values to keep: engine.Compile, most of the time. It may be called several
	// times for each layer, with the float network and with what of it is quantized so far.
	Compile func(g *graph.Graph, keep []string) (calib.Runner, error)

	// Batches are the inputs, as calib.Run takes them. They are gone through once for each layer that is watched, and must
	// be the same each time. To stop early, yield an error.
	Batches iter.Seq2[[][]float32, error]
}

// show gives the observers of a layer's weight what they need. quantized returns the network that is quantized up to the
// layer, and which of its values is the layer's input as reals; it is only called where one is needed.
func (p *plan) show(n *graph.Node, w *LayerWeight, quantized func(*graph.Node) (*graph.Graph, string, error)) error {
	if len(w.Seen) == 0 {
		return nil
	}
	from := p.cfg.Examples
	if from.Compile == nil || from.Batches == nil {
		return fmt.Errorf("%v quantizes weights by what their layers are shown: give examples (ptq.Config.Examples)", p.cfg.WeightMethod)
	}
	names := [...]string{InFloat: n.Input(0), InQuantized: n.Input(0) + ", quantized", InBoth: n.Input(0) + ", real and quantized"}
	observers := map[string][]calib.Observer{}
	var wanted [len(names)]bool
	for _, s := range w.Seen {
		if int(s.In) >= len(names) || s.Observer == nil {
			return fmt.Errorf("%v asks to watch no network that there is, or with no observer", p.cfg.WeightMethod)
		}
		observers[names[s.In]] = append(observers[names[s.In]], s.Observer)
		wanted[s.In] = true
	}
	r := runners{names: names, both: wanted[InBoth]}
	var err error
	if wanted[InFloat] || wanted[InBoth] {
		r.values[0] = n.Input(0)
		if r.float, err = from.Compile(p.g, r.values[:1]); err != nil {
			return err
		}
	}
	if wanted[InQuantized] || wanted[InBoth] {
		var g *graph.Graph
		if g, r.values[1], err = quantized(n); err != nil {
			return err
		}
		if r.quantized, err = from.Compile(g, r.values[1:]); err != nil {
			return err
		}
	}
	return calib.Observe(p.ctx, &r, from.Batches, observers, nil)
}

// runners are the networks in which a layer's input is looked at, as one that shows what Network lists.
type runners struct {
	float, quantized calib.Runner // nil where nobody looks
	values           [2]string    // the layer's input in each
	names            [3]string    // under which values of a Network are shown
	both             bool
	kept             []float32 // of the float network, a batch
	pair             []float32
}

// Trace runs both networks on the batch.
func (r *runners) Trace(ctx context.Context, inputs [][]float32, visit func(value string, x []float32) error) error {
	r.kept = r.kept[:0]
	if r.float != nil {
		err := r.float.Trace(ctx, inputs, func(value string, x []float32) error {
			if value != r.values[0] {
				return nil
			}
			if r.both {
				r.kept = append(r.kept, x...)
			}
			return visit(r.names[InFloat], x)
		})
		if err != nil {
			return err
		}
	}
	if r.quantized == nil {
		return nil
	}
	left := r.kept
	return r.quantized.Trace(ctx, inputs, func(value string, x []float32) error {
		if value != r.values[1] {
			return nil
		}
		if err := visit(r.names[InQuantized], x); err != nil || !r.both {
			return err
		}
		if len(left) < len(x) {
			return errors.New("the quantized network shows more examples than the float one")
		}
		r.pair = append(append(r.pair[:0], left[:len(x)]...), x...)
		left = left[len(x):]
		return visit(r.names[InBoth], r.pair)
	})
}

// soFar returns the network as it is built before n, the last node, and the name there of the reals that n's input stands
// for.
func (b *builder) soFar(n *graph.Node) (*graph.Graph, string, error) {
	g := b.out.Clone()
	g.Nodes = g.Nodes[:len(g.Nodes)-1]
	in := n.Input(0)
	v := b.g.Value(in).Clone()
	v.Name = g.Unique(in + "_watched")
	g.Values[v.Name] = v
	g.AddNode(graph.DequantizeLinear, v.Name, v.Name, graph.Attrs{}, b.codes[in])
	g.Outputs = []string{v.Name}
	return g, v.Name, graph.Check(g)
}
