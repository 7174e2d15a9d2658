package ptq

import (
	"context"
	"fmt"

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

// batchExamples is how many examples a walk runs at a time.
const batchExamples = 32

// to runs the nodes up to the one of that index, itself left out, for all examples, and holds those of the values kept.
func (w *walk) to(ctx context.Context, end, examples int, kept func(value string) bool) error {
	nodes := w.g.Nodes[w.done:end]
	w.done = end
	var keep []string
	for _, n := range nodes {
		for _, out := range n.Outputs {
			if out != "" && kept(out) {
				keep = append(keep, out)
			}
		}
	}
	if len(keep) == 0 {
		return nil
	}
	g, inputs, err := w.segment(nodes, keep)
	if err != nil {
		return err
	}
	r, err := w.compile(g, g.Outputs)
	if err != nil {
		return err
	}
	made := map[string]*held{}
	for i, out := range g.Outputs {
		made[out] = w.room(keep[i], examples)
	}
	at := map[string]int{}
	batch, buffers := make([][]float32, len(inputs)), make([][]float32, len(inputs))
	for first := 0; first < examples; first += batchExamples {
		n := min(batchExamples, examples-first)
		for k, in := range inputs {
			h := w.held[in]
			if h.codes == nil {
				batch[k] = h.reals[first*h.n:][:n*h.n]
				continue
			}
			buffers[k] = resize(buffers[k], batchExamples*h.n)
			for i := range n {
				h.example(first+i, buffers[k][i*h.n:][:h.n:h.n])
			}
			batch[k] = buffers[k][:n*h.n]
		}
		err := r.Trace(ctx, batch, func(value string, x []float32) error {
			h := made[value]
			if h == nil {
				return nil
			}
			i := at[value]
			at[value]++
			return h.put(i, x)
		})
		if err != nil {
			return err
		}
	}
	for i, out := range g.Outputs {
		if at[out] != examples {
			return fmt.Errorf("value %q was shown %d times for %d examples", out, at[out], examples)
		}
		w.held[keep[i]] = made[out]
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
