package pipeline

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"linquant/dataset"
	"linquant/eval"
	"linquant/graph"
	"linquant/internal/ended"
)

// After quantizing, the values of the two networks are compared on a few of the examples that ranges were measured on, so
// that a value which integers have ruined is named and not found weeks later.

const (
	// LeastSQNR is the floor of LowSQNR in decibels: below it a third of a value's amplitude is error, and whatever is
	// computed from it has lost its meaning.
	LeastSQNR = 10

	comparedExamples = 8 // of the calibration's: its cost is that of as many examples more, of both networks
	namedLosses      = 3
)

// LowSQNR warns that a value of the quantized network is far from the same value of the float network, on the first
// examples of the calibration, though what it is computed from is not, or weights of few bits are a reason of its own.
type LowSQNR struct {
	Value, Node string
	Op          graph.Op
	SQNR        float64  // signal to quantization noise in dB, less than LeastSQNR
	Overrides   []string // that mend it: NODE=w8, =a8 for more bits of its weights or values, NODE=float
	Others      int      // that are as bad and are not named; of the last warning
	Below, Of   int      // values below LeastSQNR, of all that were compared; of the last warning
}

// Warning is one line.
func (w LowSQNR) Warning() string {
	return w.MendedBy("overrides of " + strings.Join(w.Overrides, ", "))
}

// MendedBy is the warning with another way to say what its Overrides do.
func (w LowSQNR) MendedBy(how string) string {
	text := fmt.Sprintf("%s node %q makes %q with %.1f dB of signal to quantization noise, below %d: %s would help",
		w.Op, w.Node, w.Value, w.SQNR, LeastSQNR, how)
	if w.Others > 0 {
		text += fmt.Sprintf(" (%s as bad)", count(w.Others, "other value"))
	}
	if 2*w.Below > w.Of {
		text += fmt.Sprintf("; most of the network, %d of %d values, is below it", w.Below, w.Of)
		if slices.ContainsFunc(w.Overrides, fewBits) {
			text += ": give all of it more bits"
		}
	}
	return text
}

// losses warns of values of the quantized network that are far from the float network's. What cannot be compared is not.
func (r *Result) losses(ctx context.Context, cfg Config) error {
	set, _, err := cfg.Calibration.Open(ctx, r.Float.Name)
	if err != nil {
		return err
	}
	defer set.Close()
	compared, err := Compare(ctx, r.source(), r.Network, dataset.Limit(set, comparedExamples), MeasureConfig{Threads: cfg.Threads})
	if err != nil {
		return ended.Err(ctx)
	}
	g, err := r.source().Folded(ctx)
	if err != nil {
		return err
	}
	r.Warnings = append(r.Warnings, lowest(g, r.Network.graph, compared.Layers)...)
	return nil
}

// lowest returns the warnings about values below the floor that are computed from values above it.
func lowest(float, integers *graph.Graph, layers []eval.Layer) []Warning {
	sqnr := make(map[string]float64, len(layers))
	for _, l := range layers {
		sqnr[l.Name] = l.SQNR
	}
	producers := float.Producers()
	known := map[string]bool{}
	var below func(name string) bool // whether the value, or where it is not compared what it is computed from, is
	below = func(name string) bool {
		if db, ok := sqnr[name]; ok {
			return db < LeastSQNR
		}
		if _, ok := known[name]; !ok {
			n := producers[name]
			known[name] = n != nil && fromBelow(n, below)
		}
		return known[name]
	}
	var list []Warning
	others, count := 0, 0
	named := map[string]bool{} // overrides
	for _, l := range layers {
		n := producers[l.Name]
		if !(l.SQNR < LeastSQNR) || n == nil {
			continue
		}
		count++
		overrides := mending(integers, n.Label())
		if fromBelow(n, below) && (!slices.ContainsFunc(overrides, fewBits) || named[strings.Join(overrides, " ")]) {
			continue // it is as bad for the same reason; weights of few bits are a reason of their own
		}
		named[strings.Join(overrides, " ")] = true
		if len(list) == namedLosses {
			others++
			continue
		}
		list = append(list, LowSQNR{Value: l.Name, Node: n.Label(), Op: n.Op, SQNR: l.SQNR, Overrides: overrides})
	}
	if len(list) > 0 {
		last := list[len(list)-1].(LowSQNR)
		last.Others, last.Below, last.Of = others, count, len(layers)
		list[len(list)-1] = last
	}
	return list
}

// fewBits reports whether an override gives weights more bits.
func fewBits(override string) bool { return strings.HasSuffix(override, "=w8") }

func fromBelow(n *graph.Node, below func(string) bool) bool {
	for _, in := range n.Inputs {
		if below(in) {
			return true
		}
	}
	return false
}

// mending returns the overrides that give more bits to what the node of that name in the quantized network multiplies by,
// reads and makes, or, where these have 8, leave it in floating point with the nodes before and behind it whose codes it
// reads and makes.
func mending(g *graph.Graph, name string) []string {
	i := slices.IndexFunc(g.Nodes, func(n *graph.Node) bool { return n.Label() == name })
	if i < 0 {
		return []string{name + "=float"}
	}
	last, producers := g.Nodes[i], g.Producers()
	n := last
	if from := maker(g, producers, n.Outputs[0]); from != nil { // a Relu clamps what a layer makes
		n, name = from, from.Label()
	}
	var bits, floats []string
	narrow := func(value string) bool {
		v := g.Values[value]
		return v != nil && v.Quant != nil && v.Quant.Type.Bits < 8
	}
	weight := ""
	if graph.NoLayer(g, n) == "" {
		weight = n.Inputs[1]
	}
	if weight != "" && narrow(weight) {
		bits = append(bits, name+"=w8")
	}
	for _, in := range n.Inputs {
		v, from := g.Values[in], maker(g, producers, in)
		switch {
		case v == nil || v.Quant == nil || v.Const != nil:
		case from == nil: // reals are made codes where integers read them
			floats = append(floats, name+"=float")
		case narrow(in):
			bits = append(bits, from.Label()+"=a8")
		default:
			floats = append(floats, from.Label()+"=float")
		}
	}
	out := last.Outputs[0]
	if narrow(out) {
		bits = append(bits, name+"=a8")
	}
	if bits != nil {
		return unique(bits)
	}
	floats = append(floats, name+"=float", last.Label()+"=float")
	if v := g.Values[out]; v != nil && v.Quant != nil {
		for _, reader := range g.Consumers()[out] {
			if reader.Op != graph.DequantizeLinear {
				floats = append(floats, reader.Label()+"=float")
			}
		}
	}
	return unique(floats)
}

// maker returns the node that has made the codes of a value, which others may have passed on; nil for those of reals, and
// for reals.
func maker(g *graph.Graph, producers map[string]*graph.Node, value string) *graph.Node {
	if v := g.Values[value]; v == nil || v.Quant == nil {
		return nil
	}
	for {
		n := producers[value]
		if n == nil || n.Op == graph.QuantizeLinear {
			return nil
		}
		in := g.Values[n.Input(0)]
		if in == nil || in.Const != nil || !graph.SameParams(in.Quant, g.Values[value].Quant) {
			return n
		}
		value = in.Name
	}
}

// unique returns the list without what stands in it before.
func unique(list []string) []string {
	var once []string
	for _, s := range list {
		if !slices.Contains(once, s) {
			once = append(once, s)
		}
	}
	return once
}
