package ptq

import (
	"context"
	"fmt"
	"math"

	"linquant/graph"
	"linquant/internal/arith"
	"linquant/internal/ended"
	"linquant/tensor"
)

// Equalization is what Equalize did.
type Equalization struct {
	Layers   int      // with weights that become codes
	Scaled   []string // those whose weights were changed, in the order in which they run
	Channels int      // that were scaled
	Clips    []string // Clips that became a Relu and a Min, whose bound is scaled for each channel

	corrected int                  // biases, so far
	means     map[string][]float64 // of activations of the equalized network, of each channel, as batch normalizations say them
}

// Equalize returns a folded float network that computes the same, up to rounding, whose weights share scales better:
// cross-layer equalization (Nagel et al. 2019, arXiv:1906.04721), which needs no data. A channel that one layer writes and
// another reads is divided by a factor in the first layer's weights and bias, and multiplied by it in the second's weights; with
// r₁ and r₂ the largest magnitudes of the channel's weights in the two, the factor √(r₁/r₂) makes both √(r₁·r₂). Where
// several layers write or read a channel, as in a residual network, it is the factor that makes the geometric means of both
// sides equal. Layers in a row have factors on both sides, which are found in turn until they stay.
//
// Between the layers may be what commutes with a positive factor: Relu, LeakyRelu, PRelu, pooling, Flatten, Add of two
// activations, Concat of channels, a Mul with what is not scaled, and a Clip from 0, whose upper bound is scaled with the
// channel: it becomes a Relu and a Min with a constant. Inputs and outputs of the network keep their channels, and so does
// what anything else reads or computes. Channels whose weights are all zero on one side are left alone, and factors are
// between 2⁻¹⁰ and 2¹⁰. Weights and biases keep their names.
//
// norms are the moments of what batch normalizations computed before they were folded (graph.BatchMoments), by which Equalized
// corrects biases; nil where there are none. Ranges of activations that were measured on g are none of the result's. g is not changed; without a channel to scale the result is g
// itself. Errors: a graph that is quantized or not sound, weights that are not finite, ctx's.
func Equalize(ctx context.Context, g *graph.Graph, norms map[string]graph.Moments) (*graph.Graph, *Equalization, error) {
	if err := check(g); err != nil {
		return nil, nil, err
	}
	e := &equalizer{g: g, consumers: g.Consumers(), channels: map[string][]int{}}
	if err := e.find(); err != nil {
		return nil, nil, err
	}
	if err := e.balance(ctx); err != nil {
		return nil, nil, err
	}
	out, r, err := e.apply()
	if err != nil {
		return nil, nil, err
	}
	r.means = expect(g, norms)
	for value, list := range r.means {
		if classes := e.channels[value]; len(classes) == len(list) {
			for i, c := range classes {
				list[i] /= e.factor(c)
			}
		}
	}
	return out, r, nil
}

const (
	equalSweeps = 200
	equalEnough = 1e-5 // change of a factor's logarithm at which it stays
	largestLog  = 10 * math.Ln2
)

// side is a layer's weight from one channel.
type side struct {
	layer *equalLayer
	at    int // index of the output, or of the input as columns has it
}

// equalLayer is a layer whose channels may be scaled.
type equalLayer struct {
	n       *graph.Node
	in, out []int       // classes of the channels of its input, and of its output
	inputs  int         // of one group
	most    [][]float64 // the largest magnitude, [output][column]
	columns []int       // classes of neighbouring inputs of a group that have the same, [group × column]
	widths  int         // columns of a group
	kernel  int
}

// balance finds the factors.
func (e *equalizer) balance(ctx context.Context) error {
	e.logs, e.factors = make([]float64, len(e.parent)), make([]float64, len(e.parent))
	for c := range e.parent {
		e.parent[c], e.factors[c] = e.root(c), 1
	}
	writes, reads := make([][]side, len(e.parent)), make([][]side, len(e.parent))
	for _, l := range e.layers {
		for i, c := range l.out {
			writes[e.root(c)] = append(writes[e.root(c)], side{l, i})
		}
		for i, c := range l.columns {
			reads[e.root(c)] = append(reads[e.root(c)], side{l, i})
		}
	}
	for range equalSweeps {
		moved := 0.0
		for c := range e.parent {
			if e.parent[c] != c || e.frozen[c] || len(writes[c]) == 0 || len(reads[c]) == 0 {
				continue
			}
			w, okWrites := mean(writes[c], e.written)
			r, okReads := mean(reads[c], e.read)
			if !okWrites || !okReads {
				continue
			}
			f := min(max(e.logs[c]+(w-r)/2, -largestLog), largestLog)
			moved = max(moved, math.Abs(f-e.logs[c]))
			e.logs[c], e.factors[c] = f, arith.Exp(f)
		}
		if moved < equalEnough {
			break
		}
		if err := ended.Err(ctx); err != nil {
			return err
		}
	}
	return nil
}

// mean returns the mean logarithm of what is not 0; ok is false where all is.
func mean(of []side, size func(side) float64) (m float64, ok bool) {
	n := 0
	for _, s := range of {
		if x := size(s); x > 0 {
			m += arith.Log(x)
			n++
		}
	}
	return m / float64(max(n, 1)), n > 0
}

// factor returns the factor by which the channels of a class are divided.
func (e *equalizer) factor(class int) float64 { return e.factors[e.parent[class]] }

// written returns the largest magnitude of an output's weights, as they are scaled so far.
func (e *equalizer) written(s side) float64 {
	l, most := s.layer, 0.0
	first := s.at / (len(l.out) / l.groups()) * l.widths
	for i, x := range l.most[s.at] {
		if x > 0 {
			most = max(most, float64(x*e.factor(l.columns[first+i])))
		}
	}
	return most / e.factor(l.out[s.at])
}

// read returns the largest magnitude of the weights of a column.
func (e *equalizer) read(s side) float64 {
	l, most := s.layer, 0.0
	outputs := len(l.out) / l.groups()
	first := s.at / l.widths * outputs
	for o := first; o < first+outputs; o++ {
		if x := l.most[o][s.at%l.widths]; x > 0 {
			most = max(most, x/e.factor(l.out[o]))
		}
	}
	return float64(most * e.factor(l.columns[s.at]))
}

func (l *equalLayer) groups() int { return len(l.in) / l.inputs }

// apply scales the constants of a copy of the graph.
func (e *equalizer) apply() (*graph.Graph, *Equalization, error) {
	r := &Equalization{Layers: e.all}
	counted := map[int]bool{}
	same := true
	for c, f := range e.logs {
		if math.Abs(f) > 10*equalEnough {
			same = false
			counted[c] = true
		}
	}
	r.Channels = len(counted)
	if same {
		return e.g, r, nil
	}
	scaled := func(classes []int) bool {
		for _, c := range classes {
			if counted[e.parent[c]] {
				return true
			}
		}
		return false
	}
	out := e.g.Clone()
	for _, l := range e.layers {
		if !scaled(l.in) && !scaled(l.out) {
			continue
		}
		r.Scaled = append(r.Scaled, l.n.Label())
		if err := e.scale(out, l); err != nil {
			return nil, nil, nodeError(l.n, err)
		}
	}
	nodes := make([]*graph.Node, 0, len(out.Nodes))
	for _, n := range out.Nodes {
		if n.Op == graph.Clip && scaled(e.channels[n.Outputs[0]]) {
			r.Clips = append(r.Clips, n.Label())
			if relu := e.unclip(out, n); relu != nil {
				nodes = append(nodes, relu)
			}
		}
		nodes = append(nodes, n)
	}
	out.Nodes = nodes
	if err := graph.Check(out); err != nil {
		return nil, nil, fmt.Errorf("the equalized network is not sound: %w", err)
	}
	return out, r, nil
}

// scale gives a layer of the copy its weight and bias.
func (e *equalizer) scale(g *graph.Graph, l *equalLayer) error {
	v := g.Value(l.n.Inputs[1])
	w, err := v.Const.Float32s()
	if err != nil {
		return err
	}
	scaled := make([]float32, len(w))
	perGroup := len(l.out) / l.groups()
	transposed := l.n.Op == graph.MatMul // [inputs, outputs]
	for o, class := range l.out {
		divisor := e.factor(class)
		for i := range l.inputs {
			f := e.factor(l.in[o/perGroup*l.inputs+i]) / divisor
			for k := range l.kernel {
				at := (o*l.inputs+i)*l.kernel + k
				if transposed {
					at = i*len(l.out) + o
				}
				scaled[at] = float32(float64(w[at]) * f)
			}
		}
	}
	t, err := tensor.Of(v.Const.Shape, scaled)
	if err != nil {
		return err
	}
	g.AddConst(v.Name, t)
	b := g.Value(l.n.Input(2))
	if b == nil {
		return nil
	}
	old, err := b.Const.Float32s()
	if err != nil {
		return err
	}
	bias := make([]float32, len(l.out))
	for o, class := range l.out {
		bias[o] = float32(float64(old[min(o, len(old)-1)]) / e.factor(class))
	}
	if t, err = tensor.Of(tensor.Shape{len(bias)}, bias); err != nil {
		return err
	}
	g.AddConst(b.Name, t)
	return nil
}

// unclip makes n, a Clip of the copy from 0 to a bound, a Min with a bound for each channel, and returns the Relu before it.
func (e *equalizer) unclip(g *graph.Graph, n *graph.Node) *graph.Node {
	_, high := bounds(n)
	relu := &graph.Node{Name: n.Label() + "_Relu", Op: graph.Relu, Inputs: n.Inputs[:1:1], Attrs: graph.Attrs{}}
	y := g.Value(n.Outputs[0])
	below := g.Unique(y.Name + "_relu")
	v := y.Clone()
	v.Name = below
	g.Values[below] = v
	relu.Outputs = []string{below}
	classes := e.channels[y.Name]
	bound := make([]float32, len(classes))
	for i, c := range classes {
		bound[i] = float32(high / e.factor(c))
	}
	shape := tensor.Shape{len(bound)}
	for range len(y.Shape) - 2 {
		shape = append(shape, 1)
	}
	t, err := tensor.Of(shape, bound)
	if err != nil {
		panic(err) // it has as many elements as its shape
	}
	name := g.Unique(y.Name + "_bound")
	g.AddConst(name, t)
	n.Op, n.Inputs, n.Attrs = graph.Min, []string{below, name}, graph.Attrs{}
	return relu
}
