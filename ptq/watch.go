package ptq

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"runtime"
	"slices"
	"time"

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
	held     int64          // bytes of values of all examples that are held at once, about
	memory   int64          // bytes of all that choosing codes takes at once, about
	work     []float64      // of each layer, in any unit
	done     float64        // of it
	took     time.Duration  // that
	float    *walk
	ints     *walk
}

// newWatcher reads the examples. Layers read codes, or reals where those are chosen while the network runs.
func newWatcher(p *plan, b built, codes bool) (*watcher, error) {
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
	layers := w.layersHold()
	each := int64(0)
	for _, l := range layers {
		each = max(each, l.held)
	}
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
	w.held = each * int64(w.examples)
	p.finished = p.resume(inputs)
	return w, w.estimate(layers, codes)
}

// left is about how long the layers from that one on will take; 0 before one has taken any time.
func (w *watcher) left(layer int) time.Duration {
	left := 0.0
	for _, work := range w.work[min(layer, len(w.work)):] {
		left += work
	}
	if w.done == 0 {
		return 0
	}
	return time.Duration(float64(w.took) / w.done * left)
}

// layerHolds is what both walks hold of an example while a layer is shown what it is to be shown.
type layerHolds struct {
	node *graph.Node
	held int64 // bytes
}

// layersHold returns for every layer whose weight becomes codes about what is held then: what the float network reads from this layer
// on, and from the next layer on, and codes of what is read from the layer before on, and from this one on.
func (w *watcher) layersHold() []layerHolds {
	var list []layerHolds
	before := 0
	for at, n := range w.p.g.Nodes {
		if !w.p.quantizes(n) {
			continue
		}
		l, next := layerHolds{node: n}, w.next(at)
		for value, last := range w.last {
			if !w.p.isActivation(value) {
				continue
			}
			made := -1
			if n := w.p.producers[value]; n != nil {
				made = w.index[n]
			}
			live := func(at int) bool { return made < at && last >= at } // before the node of that index
			size := int64(perExample(w.p.g.Value(value).Shape))
			if live(at) || live(next) {
				l.held += 4 * size
			}
			if live(before) || live(at) {
				l.held += size
			}
		}
		list, before = append(list, l), at
	}
	return list
}

// estimate finds what choosing codes takes at once, at most, and how the work is divided among layers.
func (w *watcher) estimate(layers []layerHolds, codes bool) error {
	room := need{}
	for _, l := range layers {
		lw, err := w.p.layerWeight(l.node)
		if err != nil {
			return err
		}
		if codes && !w.p.cfg.Alone {
			lw.Input.Scale = 1 // whatever it is
		}
		if r, ok := w.p.cfg.WeightMethod.(Reconstruct); ok {
			room = room.with(r.needs(lw, w.examples))
		}
		in, out := int64(perExample(lw.InputShape)), int64(perExample(w.p.g.Value(l.node.Outputs[0]).Shape))
		weights, _ := lw.Shape.Elements()
		// A worker of the engine has a value before and behind each node, and both engines pack the weight; its reals are there as well.
		running := 4*(batchFor(in)*in+2*int64(cmp.Or(w.p.cfg.Examples.Threads, runtime.GOMAXPROCS(0)))*(in+out)) + 3*4*int64(weights)
		places := float64(out) / float64(max(lw.Shape[lw.Axis], 1))
		w.work = append(w.work, room.work+2*float64(w.examples)*float64(weights)*places)
		w.memory = max(w.memory, l.held*int64(w.examples)+room.bytes()+running)
	}
	return nil
}

// show gives the observers of a layer's weight what they need; b is the network that is quantized up to the layer.
func (p *plan) show(n *graph.Node, lw *LayerWeight, b built) error {
	if len(lw.Seen) == 0 {
		return nil
	}
	w, ctx := p.watcher, p.ctx
	if w.memory > collectAbove {
		runtime.GC() // of what the layer before left
		defer runtime.GC()
	}
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
		observers[names[s.In]] = append(observers[names[s.In]], s.Observer)
		wanted[s.In] = true
	}
	w.expect(lw)
	r := &shown{names: names, examples: w.examples, size: batchExamples}
	if wanted[InFloat] || wanted[InBoth] || wanted[OfOutput] || p.cfg.Alone {
		if err := w.float.to(ctx, max(at, w.float.done), w.examples, func(value string) bool { return w.last[value] >= at }); err != nil {
			return err
		}
		w.float.letGo(w.last, at, floatNames)
		r.float = w.float.held[in]
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
	next := w.next(at)
	if wanted[OfOutput] {
		var err error
		if r.output, err = w.float.stretch(next, w.examples, func(value string) bool { return w.last[value] >= next }, out); err != nil {
			return err
		}
		r.size = r.output.size
	}
	batches := func(yield func([][]float32, error) bool) {
		for first := 0; first < w.examples && yield(nil, nil); first += r.size {
		}
	}
	for i, s := range wanted {
		if s && Network(i) != OfOutput {
			r.wanted = append(r.wanted, Network(i))
		}
	}
	if err := calib.Observe(ctx, r, batches, observers, nil); err != nil {
		return err
	}
	if r.output == nil {
		return nil
	}
	if err := r.output.finish(); err != nil {
		return err
	}
	w.float.letGo(w.last, next, floatNames)
	return nil
}

// floatNames are those that a value of the float network has in its walk.
func floatNames(value string) []string { return []string{value} }

// next returns the index of the layer behind that one; without any, of the node behind it.
func (w *watcher) next(at int) int {
	for i, n := range w.p.g.Nodes[at+1:] {
		if w.p.quantizes(n) {
			return at + 1 + i
		}
	}
	return at + 1
}

// expect tells the observers of a layer how many examples there are.
func (w *watcher) expect(lw *LayerWeight) {
	for _, s := range lw.Seen {
		if e, ok := s.Observer.(expecter); ok {
			e.expect(w.examples)
		}
	}
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

// shown shows what is held, and what a layer of the float network makes of it, as a network whose values a layer's observers are for.
type shown struct {
	names            [4]string
	wanted           []Network // of what is held
	examples, next   int
	size             int // of a batch, at most
	float, ints      *held
	output           *stretch // that shows the output; nil where it is not wanted
	summand, brought *held    // what the output is added to, in the float and in the quantized network; nil where nothing is known
	reals, pair      []float32
}

// Trace shows the next examples.
func (r *shown) Trace(ctx context.Context, _ [][]float32, visit func(value string, x []float32) error) error {
	end := min(r.next+r.size, r.examples)
	if r.output != nil {
		i := r.next
		err := r.output.run(ctx, r.next, end-r.next, func(x []float32) error {
			if r.summand != nil && r.brought != nil {
				x = r.missing(i, x)
			}
			i++
			return visit(r.names[OfOutput], x)
		})
		if err != nil {
			return err
		}
	}
	for ; r.next < end; r.next++ {
		for _, in := range r.wanted {
			var x []float32
			switch in {
			case InFloat:
				x = r.float.example(r.next, nil)
			default:
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
func (r *shown) missing(example int, x []float32) []float32 {
	r.pair = append(r.pair[:0], x...)
	r.reals = resize(r.reals, r.brought.n)
	was, is := r.summand.example(example, nil), r.brought.example(example, r.reals)
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
