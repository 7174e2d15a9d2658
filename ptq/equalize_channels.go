package ptq

import (
	"errors"
	"fmt"
	"math"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// equalizer knows which channels have to be scaled together: they are of one class. A class that is frozen stays as it is.
type equalizer struct {
	g         *graph.Graph
	consumers map[string][]*graph.Node
	channels  map[string][]int // of an activation: the class of each index of its dimension 1; nil where it has none
	parent    []int            // of a class: the one that it became part of, or itself
	frozen    []bool
	layers    []*equalLayer
	all       int       // layers with weights that become codes
	factors   []float64 // of classes: what their channels are divided by
	logs      []float64 // of these
}

func (e *equalizer) root(c int) int {
	for e.parent[c] != c {
		c = e.parent[c]
	}
	return c
}

// join makes two classes one.
func (e *equalizer) join(a, b int) {
	a, b = e.root(a), e.root(b)
	e.frozen[a] = e.frozen[a] || e.frozen[b]
	e.parent[b] = a
}

func (e *equalizer) freeze(value string) {
	for _, c := range e.channels[value] {
		e.frozen[e.root(c)] = true
	}
}

// fresh gives a value channels of its own.
func (e *equalizer) fresh(value string, frozen bool) {
	shape := e.g.Value(value).Shape
	if len(shape) < 2 || shape[0] != graph.Batch {
		return
	}
	list := make([]int, shape[1])
	for i := range list {
		list[i] = len(e.parent)
		e.parent, e.frozen = append(e.parent, list[i]), append(e.frozen, frozen)
	}
	e.channels[value] = list
}

// find walks through the network.
func (e *equalizer) find() error {
	for _, in := range e.g.Inputs {
		e.fresh(in, true)
	}
	for _, n := range e.g.Nodes {
		if graph.NoLayer(e.g, n) == "" {
			e.all++
			if ok, err := e.layer(n); err != nil {
				return nodeError(n, err)
			} else if ok {
				continue
			}
		}
		if e.commutes(n) {
			continue
		}
		for _, in := range n.Inputs {
			e.freeze(in)
		}
		for _, out := range n.Outputs {
			e.fresh(out, true)
		}
	}
	for _, out := range e.g.Outputs {
		e.freeze(out)
	}
	return nil
}

// layer notes a layer; ok is false where its weight or bias is not its own, or its channels are not those of dimension 1.
func (e *equalizer) layer(n *graph.Node) (ok bool, err error) {
	x, y := n.Input(0), n.Outputs[0]
	in := e.channels[x]
	for _, name := range n.Inputs[1:] {
		if v := e.g.Value(name); v != nil && (len(e.consumers[name]) != 1 || e.g.IsOutput(name) || v.Const == nil || v.DType != tensor.Float32) {
			return false, nil
		}
	}
	if n.Op != graph.Conv && len(e.g.Value(x).Shape) != 2 || len(in) == 0 {
		return false, nil
	}
	if n.Input(1) == n.Input(2) {
		return false, nil
	}
	v := e.g.Value(n.Inputs[1])
	w, err := v.Const.Float32s()
	if err == nil {
		_, err = quant.AbsMax(w)
	}
	if err != nil {
		return false, fmt.Errorf("weight %q: %w", v.Name, err)
	}
	e.fresh(y, false)
	l := &equalLayer{n: n, in: in, out: e.channels[y], kernel: 1}
	shape := v.Const.Shape
	l.inputs = shape[1]
	for _, d := range shape[2:] {
		l.kernel *= d
	}
	if n.Op == graph.MatMul {
		l.inputs = shape[0]
	}
	if len(l.out) == 0 || l.inputs == 0 || len(l.in)%l.inputs != 0 || len(l.out)%l.groups() != 0 {
		return false, errors.New("its channels and its weight do not fit")
	}
	e.measure(l, w)
	e.layers = append(e.layers, l)
	return true, nil
}

// measure finds the largest magnitudes. Neighbouring inputs of one class, as Flatten makes them, are one column where all
// groups of the convolution have them so.
func (e *equalizer) measure(l *equalLayer, w []float32) {
	column := make([]int, l.inputs)
	for i := 1; i < l.inputs; i++ {
		column[i] = column[i-1]
		for first := 0; first < len(l.in); first += l.inputs {
			if l.in[first+i] != l.in[first+i-1] {
				column[i]++
				break
			}
		}
	}
	l.widths = column[l.inputs-1] + 1
	for i, c := range l.in {
		if i%l.inputs == 0 || column[i%l.inputs] != column[i%l.inputs-1] {
			l.columns = append(l.columns, c)
		}
	}
	l.most = make([][]float64, len(l.out))
	for o := range l.most {
		row := make([]float64, l.widths)
		for i := range l.inputs {
			for k := range l.kernel {
				at := (o*l.inputs+i)*l.kernel + k
				if l.n.Op == graph.MatMul {
					at = i*len(l.out) + o
				}
				row[column[i]] = max(row[column[i]], math.Abs(float64(w[at])))
			}
		}
		l.most[o] = row
	}
}

// commutes gives the output of a node the channels of its input, where it computes c·y of c·x for every c > 0.
func (e *equalizer) commutes(n *graph.Node) bool {
	x, y := n.Input(0), n.Outputs[0]
	in, to := e.channels[x], e.g.Value(y).Shape
	if len(in) == 0 && n.Op != graph.Concat && n.Op != graph.Mul || len(to) < 2 {
		return false
	}
	switch n.Op {
	case graph.Relu, graph.LeakyRelu, graph.Identity, graph.Dropout, graph.MaxPool, graph.AveragePool, graph.GlobalAveragePool, graph.GlobalMaxPool:
	case graph.PRelu:
		if v := e.g.Value(n.Input(1)); v == nil || v.Const == nil {
			return false
		}
	case graph.Clip:
		if low, high := bounds(n); low != 0 || !(high > 0) || math.IsInf(high, 0) {
			return false
		}
	case graph.Flatten, graph.Reshape:
		return e.flattens(in, e.g.Value(x).Shape, y, to)
	case graph.Add:
		other := e.channels[n.Input(1)]
		if len(other) != len(in) || len(to) != len(e.g.Value(x).Shape) || len(to) != len(e.g.Value(n.Input(1)).Shape) {
			return false
		}
		for i, c := range other {
			e.join(in[i], c)
		}
	case graph.Mul:
		return e.gated(n, y, to)
	case graph.Concat:
		return e.concatenates(n, y, to)
	default:
		return false
	}
	if len(in) != to[1] {
		return false
	}
	e.channels[y] = in
	return true
}

// flattens is commutes of a node that makes [batch, C·H·W] of [batch, C, H, W].
func (e *equalizer) flattens(in []int, from tensor.Shape, y string, to tensor.Shape) bool {
	if len(to) != 2 || to[0] != graph.Batch || to[1]%len(in) != 0 || len(from) < 2 || from[1] != len(in) {
		return false
	}
	var list []int
	for _, c := range in {
		for range to[1] / len(in) {
			list = append(list, c)
		}
	}
	e.channels[y] = list
	return true
}

// gated is commutes of a product: one factor is scaled, and the other one not at all.
func (e *equalizer) gated(n *graph.Node, y string, to tensor.Shape) bool {
	for i := range 2 {
		x, gate := n.Inputs[i], n.Inputs[1-i]
		in, v := e.channels[x], e.g.Value(x)
		if len(in) == 0 || len(in) != to[1] || len(v.Shape) != len(to) || x == gate {
			continue
		}
		still := e.g.Value(gate).Const != nil || len(e.channels[gate]) > 0
		for _, c := range e.channels[gate] {
			still = still && e.frozen[e.root(c)]
		}
		if still {
			e.channels[y] = in
			return true
		}
	}
	return false
}

// concatenates is commutes of a Concat of channels.
func (e *equalizer) concatenates(n *graph.Node, y string, to tensor.Shape) bool {
	if axis := n.Int("axis"); axis != 1 && axis != 1-len(to) {
		return false
	}
	var list []int
	for _, in := range n.Inputs {
		list = append(list, e.channels[in]...)
	}
	if len(list) != to[1] {
		return false
	}
	e.channels[y] = list
	return true
}

// bounds returns those of a Clip.
func bounds(n *graph.Node) (low, high float64) {
	return float64(n.Float("min")), float64(n.Float("max"))
}
