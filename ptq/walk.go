package ptq

import (
	"context"
	"fmt"
	"slices"

	"linquant/calib"
	"linquant/graph"
	"linquant/tensor"
)

// walk runs a network once, node by node, over all examples: what later nodes read of what is computed is held, as codes
// where it is codes, so that no node runs twice while layers are quantized one after the other. The network may grow
// behind the nodes that ran.
type walk struct {
	compile func(g *graph.Graph, keep []string) (calib.Runner, error)
	g       *graph.Graph
	done    int // nodes that ran
	held    map[string]*held
}

// held is a value of every example, one after the other.
type held struct {
	n     int // elements of one example
	reals []float32
	codes []byte // instead of reals: codes as an index of table
	table *[256]float32
}

// example returns that example's value as reals, in buf where they are codes.
func (h *held) example(i int, buf []float32) []float32 {
	if h.codes == nil {
		return h.reals[i*h.n:][:h.n:h.n]
	}
	buf = resize(buf, h.n)
	for j, c := range h.codes[i*h.n:][:h.n] {
		buf[j] = h.table[c]
	}
	return buf
}

// batchExamples is how many examples a walk runs at a time, at most.
const batchExamples = 32

// batchFor is how many examples with inputs of so many elements a walk runs at a time.
func batchFor(elements int64) int64 {
	const most = 32 << 20 // bytes of their reals
	return min(max(most/4/max(elements, 1), 4), batchExamples)
}

// to runs the nodes up to the one of that index, itself left out, for all examples, and holds those of the values kept.
func (w *walk) to(ctx context.Context, end, examples int, kept func(value string) bool) error {
	s, err := w.stretch(end, examples, kept, "")
	if err != nil || s == nil {
		return err
	}
	for first := 0; first < examples; first += s.size {
		if err := s.run(ctx, first, min(s.size, examples-first), nil); err != nil {
			return err
		}
	}
	return s.finish()
}

// stretch is a part of a walk that runs over the examples batch by batch, all of them once and in order.
type stretch struct {
	walk     *walk
	examples int
	size     int // of a batch, at most
	runner   calib.Runner
	inputs   []string         // held values
	keep     []string         // values that are to be held
	made     map[string]*held // these, by the names under which the runner shows them
	as       []string         // these names, in the order of keep
	seen     map[string]int   // examples of each
	shown    string           // a value that is shown, whether it is held or not
	buffers  [][]float32
	batch    [][]float32
}

// stretch returns the nodes up to the one of that index, itself left out, which are to hold those of the values kept, and to show
// one; "" is none. nil: there is nothing to run.
func (w *walk) stretch(end, examples int, kept func(value string) bool, shown string) (*stretch, error) {
	nodes := w.g.Nodes[w.done:end]
	w.done = end
	s := &stretch{walk: w, examples: examples, made: map[string]*held{}, seen: map[string]int{}, shown: shown}
	for _, n := range nodes {
		for _, out := range n.Outputs {
			if out != "" && kept(out) {
				s.keep = append(s.keep, out)
			}
		}
	}
	outputs := s.keep
	if shown != "" && !slices.Contains(outputs, shown) {
		outputs = append(slices.Clip(outputs), shown)
	}
	if len(outputs) == 0 {
		return nil, nil
	}
	g, inputs, err := w.segment(nodes, outputs)
	if err != nil {
		return nil, err
	}
	if s.runner, err = w.compile(g, g.Outputs); err != nil {
		return nil, err
	}
	elements := 0
	for _, in := range inputs {
		elements += w.held[in].n
	}
	s.inputs, s.size = inputs, int(batchFor(int64(elements)))
	s.batch, s.buffers = make([][]float32, len(inputs)), make([][]float32, len(inputs))
	for i, value := range s.keep {
		s.made[g.Outputs[i]], s.as = w.room(value, examples), append(s.as, g.Outputs[i])
	}
	return s, nil
}

// run runs n examples from the first on, and calls show with what is to be shown of each.
func (s *stretch) run(ctx context.Context, first, n int, show func(x []float32) error) error {
	for k, in := range s.inputs {
		h := s.walk.held[in]
		if h.codes == nil {
			s.batch[k] = h.reals[first*h.n:][:n*h.n]
			continue
		}
		s.buffers[k] = resize(s.buffers[k], s.size*h.n)
		for i := range n {
			h.example(first+i, s.buffers[k][i*h.n:][:h.n:h.n])
		}
		s.batch[k] = s.buffers[k][:n*h.n]
	}
	return s.runner.Trace(ctx, s.batch, func(value string, x []float32) error {
		if h := s.made[value]; h != nil {
			if err := h.put(s.seen[value], x); err != nil {
				return err
			}
			s.seen[value]++
		}
		if value == s.shown {
			return show(x)
		}
		return nil
	})
}

// finish holds what was made of all examples.
func (s *stretch) finish() error {
	for i, value := range s.keep {
		if seen := s.seen[s.as[i]]; seen != s.examples {
			return fmt.Errorf("value %q was shown %d times for %d examples", value, seen, s.examples)
		}
		s.walk.held[value] = s.made[s.as[i]]
	}
	return nil
}

// room returns memory for a value of all examples.
func (w *walk) room(value string, examples int) *held {
	v := w.g.Value(value)
	h := &held{n: perExample(v.Shape)}
	if v.Quant == nil {
		h.reals = make([]float32, examples*h.n)
		return h
	}
	h.codes = make([]byte, examples*h.n)
	h.table = new([256]float32)
	lowest, highest := v.Quant.Type.Range()
	scale, zero := v.Quant.Scale[0], v.Quant.ZeroPointOf(0)
	for c := lowest; c <= highest; c++ {
		h.table[c-lowest] = scale * float32(c-zero)
	}
	return h
}

// put stores the value of an example.
func (h *held) put(i int, x []float32) error {
	if len(x) != h.n {
		return fmt.Errorf("example %d has %d elements, not %d", i, len(x), h.n)
	}
	if h.codes == nil {
		copy(h.reals[i*h.n:], x)
		return nil
	}
	// The reals are those of codes: table is in order, and linear.
	step := float64(h.table[1]) - float64(h.table[0])
	to := h.codes[i*h.n:][:h.n]
	for j, v := range x {
		to[j] = byte((float64(v)-float64(h.table[0]))/step + 0.5)
	}
	return nil
}

// segment returns a network of these nodes, whose outputs are the values to keep as reals, and which held values its inputs
// are.
func (w *walk) segment(nodes []*graph.Node, keep []string) (*graph.Graph, []string, error) {
	g := graph.New(w.g.Name)
	g.Requant = w.g.Requant
	var inputs []string
	made := map[string]bool{}
	for _, n := range nodes {
		for _, out := range n.Outputs {
			made[out] = true
		}
	}
	// Names that no value of the whole network has.
	fresh := func(name string) string {
		for w.g.Values[name] != nil || g.Values[name] != nil {
			name += "_"
		}
		return name
	}
	real := func(value string) string {
		v := w.g.Value(value).Clone()
		v.Name, v.Quant, v.DType = fresh(value+"_held"), nil, tensor.Float32
		g.Values[v.Name] = v
		return v.Name
	}
	for _, n := range nodes {
		for _, in := range n.Inputs {
			if in == "" || g.Values[in] != nil {
				continue
			}
			v := w.g.Value(in)
			g.Values[in] = v
			if v.Const != nil || made[in] {
				continue
			}
			if w.held[in] == nil {
				return nil, nil, fmt.Errorf("value %q is read after it was let go of", in)
			}
			inputs = append(inputs, in)
			if v.Quant == nil {
				g.Inputs = append(g.Inputs, in)
				continue
			}
			r := real(in)
			g.Inputs = append(g.Inputs, r)
			g.AddNode(graph.QuantizeLinear, r, in, graph.Attrs{}, r)
		}
	}
	for _, n := range nodes {
		for _, out := range n.Outputs {
			if out != "" {
				g.Values[out] = w.g.Value(out)
			}
		}
	}
	g.Nodes = append(g.Nodes, nodes...)
	for _, value := range keep {
		if w.g.Value(value).Quant == nil {
			g.Outputs = append(g.Outputs, value)
			continue
		}
		r := real(value)
		g.AddNode(graph.DequantizeLinear, r, r, graph.Attrs{}, value)
		g.Outputs = append(g.Outputs, r)
	}
	return g, inputs, graph.Check(g)
}

// perExample returns the number of elements of an example of a batch of that shape.
func perExample(shape tensor.Shape) int {
	n := 1
	for _, d := range shape {
		if d != graph.Batch {
			n *= d
		}
	}
	return n
}
