package ptq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"

	"linquant/calib"
	"linquant/graph"
)

// Examples are what a WeightMethod that watches activations learns from.
type Examples struct {
	// Compile makes a network that shows the values to keep: engine.Compile, most of the time. It is called several times,
	// with parts of the float network and of what of it is quantized so far, whose inputs may be any values.
	Compile func(g *graph.Graph, keep []string) (calib.Runner, error)

	// Batches are the inputs, as calib.Run takes them. They are gone through once, and held. To stop early, yield an error.
	Batches iter.Seq2[[][]float32, error]

	Memory  int64 // bytes that held values may take, by which fewer examples are used where they are large; 0 means 640 MiB
	Threads int   // of what a method computes; 0 means GOMAXPROCS
}

// given reports whether there are any.
func (e Examples) given() bool { return e.Compile != nil && e.Batches != nil }

// heldMemory is what Examples.Memory is by default.
const heldMemory = 640 << 20

// fewestExamples are used whatever memory they take.
const fewestExamples = 8

// built is the network as it is quantized so far.
type built struct {
	g     *graph.Graph
	nodes int                         // that are complete
	names func(value string) []string // those that a value of the float network has there, as codes and as reals
	input string                      // of the layer that comes next, as it is read
}

// watcher walks through the float network and through the one that is being made, side by side, and shows layers what they
// are given in both. What it holds are the values of all examples that nodes still read.
type watcher struct {
	p        *plan
	examples int
	index    map[*graph.Node]int
	last     map[string]int // of a value of the float network: the index of the last node that reads it
	peak     int64          // bytes that are held at once, about
	float    *walk
	ints     *walk
}

// newWatcher reads the examples.
func newWatcher(p *plan, b built) (*watcher, error) {
	from := p.cfg.Examples
	if !from.given() {
		return nil, fmt.Errorf("%v quantizes weights by what their layers are shown: give examples (ptq.Config.Examples)", p.cfg.WeightMethod)
	}
	w := &watcher{
		p: p, index: map[*graph.Node]int{}, last: map[string]int{},
		float: &walk{compile: from.Compile, g: p.g, held: map[string]*held{}},
		ints:  &walk{compile: from.Compile, g: b.g, held: map[string]*held{}},
	}
	for i, n := range p.g.Nodes {
		w.index[n] = i
		for _, in := range n.Inputs {
			w.last[in] = i
		}
	}
	inputs := make([]*held, len(p.g.Inputs))
	for k, in := range p.g.Inputs {
		inputs[k] = &held{n: perExample(p.g.Value(in).Shape)}
		w.float.held[in], w.ints.held[in] = inputs[k], inputs[k]
	}
	each := w.heldBytes()
	most := max(cmp.Or(from.Memory, heldMemory)/max(each, 1), fewestExamples)
	for batch, err := range from.Batches {
		if err != nil {
			return nil, err
		}
		if len(batch) != len(inputs) {
			return nil, fmt.Errorf("a batch of examples has %d inputs, the network %d", len(batch), len(inputs))
		}
		for k, x := range batch {
			if h := inputs[k]; h.n == 0 || len(x)%h.n != 0 {
				return nil, fmt.Errorf("a batch of %d elements holds no examples of %d", len(x), h.n)
			}
			inputs[k].reals = append(inputs[k].reals, x...)
		}
		if h := inputs[0]; int64(len(h.reals)/h.n) >= most {
			for _, h := range inputs {
				h.reals = h.reals[:min(most*int64(h.n), int64(len(h.reals)))]
			}
			break
		}
	}
	for k, h := range inputs {
		if n := len(h.reals) / max(h.n, 1); k > 0 && n != w.examples {
			return nil, fmt.Errorf("there are %d examples of input %q, and %d of the first", n, p.g.Inputs[k], w.examples)
		}
		w.examples = len(h.reals) / max(h.n, 1)
	}
	if w.examples == 0 {
		return nil, errors.New("there are no examples to show to layers")
	}
	w.peak = each * int64(w.examples)
	return w, nil
}

// heldBytes returns about how many bytes both walks hold of an example when that is most: what is there before a layer and
// what is there after it, as reals and as codes.
func (w *watcher) heldBytes() int64 {
	live := func(value string, at int) bool { // before the node of that index
		made := -1
		if n := w.p.producers[value]; n != nil {
			made = w.index[n]
		}
		return made < at && w.last[value] >= at
	}
	var layers []int
	for i, n := range w.p.g.Nodes {
		if hasWeight(w.p.g, n) {
			layers = append(layers, i)
		}
	}
	most, before := int64(0), 0
	for _, at := range layers {
		sum := int64(0)
		for value := range w.last {
			if w.p.isActivation(value) && (live(value, before) || live(value, at)) {
				sum += 5 * int64(perExample(w.p.g.Value(value).Shape))
			}
		}
		most, before = max(most, sum), at
	}
	return most
}

// show gives the observers of a layer's weight what they need; b is the network that is quantized up to the layer.
func (p *plan) show(n *graph.Node, lw *LayerWeight, b built) error {
	if len(lw.Seen) == 0 {
		return nil
	}
	if p.watcher == nil {
		var err error
		if p.watcher, err = newWatcher(p, b); err != nil {
			return err
		}
	}
	w := p.watcher
	ctx := p.ctx
	in, out, at := n.Input(0), n.Outputs[0], w.index[n]
	names := [...]string{
		InFloat: in, InQuantized: in + ", quantized", InBoth: in + ", real and quantized", OfOutput: out,
	}
	observers := map[string][]calib.Observer{}
	var wanted [len(names)]bool
	for _, s := range lw.Seen {
		if int(s.In) >= len(names) || s.Observer == nil {
			return fmt.Errorf("%v asks to watch no network that there is, or with no observer", p.cfg.WeightMethod)
		}
		if e, ok := s.Observer.(expecter); ok {
			e.expect(w.examples)
		}
		observers[names[s.In]] = append(observers[names[s.In]], s.Observer)
		wanted[s.In] = true
	}
	r := &shown{names: names, examples: w.examples}
	if wanted[InFloat] || wanted[InBoth] || wanted[OfOutput] || p.cfg.Alone {
		end := at
		if wanted[OfOutput] {
			end++
		}
		kept := func(value string) bool { return w.last[value] >= at || value == out }
		if err := w.float.to(ctx, max(end, w.float.done), w.examples, kept); err != nil {
			return err
		}
		w.float.letGo(w.last, at, func(value string) []string { return []string{value} })
		r.float, r.output = w.float.held[in], w.float.held[out]
	}
	other := ""
	if wanted[OfOutput] && !p.cfg.Alone {
		other = w.summand(n)
	}
	if p.cfg.Alone {
		r.ints = w.float.held[in]
	} else if wanted[InQuantized] || wanted[InBoth] || other != "" {
		read := map[string]bool{}
		for value, last := range w.last {
			if last >= at {
				for _, name := range b.names(value) {
					read[name] = true
				}
			}
		}
		if err := w.ints.to(ctx, b.nodes, w.examples, func(value string) bool { return read[value] }); err != nil {
			return err
		}
		w.ints.letGo(w.last, at, b.names)
		r.ints = w.ints.held[b.input]
	}
	if other != "" {
		r.summand = w.float.held[other]
		for _, name := range b.names(other) {
			if h := w.ints.held[name]; h != nil {
				r.brought = h
				break
			}
		}
	}
	batches := func(yield func([][]float32, error) bool) {
		for first := 0; first < w.examples && yield(nil, nil); first += batchExamples {
		}
	}
	for i, s := range wanted {
		if s {
			r.wanted = append(r.wanted, Network(i))
		}
	}
	return calib.Observe(ctx, r, batches, observers, nil)
}

// summand returns the value that the layer's output is added to, where nothing else reads the output and that value is there
// already, in both networks; "" where it is not so.
func (w *watcher) summand(n *graph.Node) string {
	out := n.Outputs[0]
	readers := w.p.consumers[out]
	if w.p.g.IsOutput(out) || len(readers) != 1 || readers[0].Op != graph.Add || len(readers[0].Inputs) != 2 {
		return ""
	}
	other := readers[0].Inputs[0]
	if other == out {
		other = readers[0].Inputs[1]
	}
	v := w.p.g.Value(other)
	if other == out || v == nil || v.Const != nil || !v.Shape.Equal(w.p.g.Value(out).Shape) {
		return ""
	}
	if producer := w.p.producers[other]; producer != nil && w.index[producer] > w.index[n] {
		return ""
	}
	return other
}

// letGo forgets values that no node reads from the one of that index on.
func (w *walk) letGo(last map[string]int, at int, names func(value string) []string) {
	for value, i := range last {
		if i >= at {
			continue
		}
		delete(w.held, value)
		for _, name := range names(value) {
			delete(w.held, name)
		}
	}
}

// shown shows what is held, as a network whose values a layer's observers are for.
type shown struct {
	names               [4]string
	wanted              []Network
	examples, next      int
	float, output, ints *held
	summand, brought    *held // what the output is added to, in the float and in the quantized network; nil where nothing is known
	reals, pair         []float32
}

// Trace shows the next examples.
func (r *shown) Trace(_ context.Context, _ [][]float32, visit func(value string, x []float32) error) error {
	for end := min(r.next+batchExamples, r.examples); r.next < end; r.next++ {
		for _, in := range r.wanted {
			var x []float32
			switch in {
			case InFloat:
				x = r.float.example(r.next, nil)
			case OfOutput:
				x = r.output.example(r.next, nil)
				if r.summand != nil && r.brought != nil {
					x = r.missing(x)
				}
			case InQuantized, InBoth:
				r.reals = resize(r.reals, r.ints.n)
				x = r.ints.example(r.next, r.reals)
				if in == InBoth {
					r.pair = append(append(r.pair[:0], r.float.example(r.next, nil)...), x...)
					x = r.pair
				}
			}
			if err := visit(r.names[in], x); err != nil {
				return err
			}
		}
	}
	return nil
}

// missing returns what the layer would have to compute for the sum that its output is part of to be that of the float
// network: the output and what the other summand has lost.
func (r *shown) missing(x []float32) []float32 {
	r.pair = append(r.pair[:0], x...)
	r.reals = resize(r.reals, r.brought.n)
	was, is := r.summand.example(r.next, nil), r.brought.example(r.next, r.reals)
	for i := range r.pair {
		r.pair[i] += was[i] - is[i]
	}
	return r.pair
}

// soFar returns the network as it is built before its last node, whose copy n is.
func (b *builder) soFar(n *graph.Node) built {
	return built{
		g: b.out, nodes: len(b.out.Nodes) - 1, input: b.codes[n.Input(0)],
		names: func(value string) []string {
			return slices.DeleteFunc([]string{b.codes[value], b.reals[value]}, func(s string) bool { return s == "" })
		},
	}
}
