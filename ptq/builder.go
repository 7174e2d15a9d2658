package ptq

import (
	"errors"
	"fmt"

	"linquant/calib"
	"linquant/graph"
	"linquant/tensor"
)

// builder makes the quantized graph of a plan.
type builder struct {
	*plan
	out    *graph.Graph
	report *NetworkReport

	params  map[*group]Activation
	consts  map[string][]*graph.Value // what became of a constant: several values where layers quantize it differently
	codes   map[string]string         // names of activations as codes
	reals   map[string]string         // names of activations as reals
	floats  map[string]bool           // values that stay reals: islands read them, or they are outputs
	claimed map[string]bool           // names that the new graph has, or that a value of the old one has a right to
	nodes   map[string]bool           // names of the float network's nodes
}

func newBuilder(p *plan) *builder {
	b := &builder{
		plan: p, out: graph.New(p.g.Name), report: &NetworkReport{}, params: map[*group]Activation{},
		consts: map[string][]*graph.Value{}, codes: map[string]string{}, reals: map[string]string{},
		floats: map[string]bool{}, claimed: map[string]bool{}, nodes: map[string]bool{},
	}
	b.out.Inputs = append(b.out.Inputs, p.g.Inputs...)
	b.out.Outputs = append(b.out.Outputs, p.g.Outputs...)
	b.out.Requant = p.cfg.Requant
	for k, v := range p.g.Metadata {
		b.out.Metadata[k] = v
	}
	for _, out := range p.g.Outputs {
		b.floats[out] = true
		if isConst(p.g, out) {
			b.out.Values[out] = p.g.Value(out).Clone()
		}
	}
	for _, n := range p.g.Nodes {
		b.nodes[n.Name] = true
		if p.roles[n] == island {
			for _, in := range n.Inputs {
				b.floats[in] = true
			}
		}
	}
	for _, in := range p.activations() {
		b.claimed[in] = true
	}
	for name := range b.floats {
		b.claimed[name] = true
	}
	return b
}

// activations chooses the parameters of every group from the range of its point.
func (b *builder) activations(ranges calib.Ranges) error {
	for _, p := range b.points() {
		r, ok := ranges[p.Value]
		if !ok {
			return valueError(p.Value, errors.New("it has no range: calibrate the values that ptq.Points lists for this configuration"))
		}
		if err := r.Suits(p.Scheme); err != nil {
			return valueError(p.Value, err)
		}
		a, err := newActivation(p.Value, r, p.Scheme.Type, p.Scheme.Symmetric)
		if err != nil {
			return err
		}
		b.params[b.group(p.Value)] = a
		b.report.Activations = append(b.report.Activations, a)
	}
	return nil
}

// value adds an activation to the new graph, as reals, as codes or as both, once its producer is there.
func (b *builder) value(name string, float bool) {
	g := b.group(name)
	switch {
	case g == nil:
		b.addReal(name, name)
	case float:
		b.addReal(name, name)
		b.addCodes(name, b.unique(name+"_quantized"), g)
		b.convert(graph.QuantizeLinear, name, b.reals[name], b.codes[name])
	case !b.floats[name]:
		b.addCodes(name, name, g)
	default:
		codes, reals := name, ""
		if b.g.IsOutput(name) {
			codes, reals = b.unique(name+"_quantized"), name
		} else {
			reals = b.unique(name + "_dequantized")
		}
		b.rename(name, codes)
		b.addCodes(name, codes, g)
		b.addReal(name, reals)
		b.convert(graph.DequantizeLinear, name, codes, reals)
	}
}

// rename gives the last node's output its name in the new graph.
func (b *builder) rename(from, to string) {
	outputs := b.out.Nodes[len(b.out.Nodes)-1].Outputs
	for i := range outputs {
		if outputs[i] == from {
			outputs[i] = to
		}
	}
}

func (b *builder) addReal(name, as string) {
	v := b.g.Value(name).Clone()
	v.Name = as
	b.out.Values[as], b.reals[name] = v, as
}

func (b *builder) addCodes(name, as string, g *group) {
	v := b.g.Value(name).Clone()
	p := b.params[g].params()
	v.Name, v.DType, v.Quant = as, tensor.Int8, &p
	if p.Type.Unsigned {
		v.DType = tensor.Uint8
	}
	b.out.Values[as], b.codes[name] = v, as
}

// convert appends a QuantizeLinear or DequantizeLinear node. There is one for a value at most, so that its name is free if no
// node of the float network has it.
func (b *builder) convert(op graph.Op, name, from, to string) {
	node := name + "_" + string(op)
	for i := 1; b.nodes[node]; i++ {
		node = fmt.Sprintf("%s_%v_%d", name, op, i)
	}
	n := &graph.Node{Name: node, Op: op, Inputs: []string{from}, Outputs: []string{to}, Attrs: graph.Attrs{}}
	b.out.Nodes = append(b.out.Nodes, n)
}

// unique returns a name that no value of either graph has, and claims it.
func (b *builder) unique(name string) string {
	free := name
	for i := 1; b.claimed[free] || b.g.Values[free] != nil; i++ {
		free = fmt.Sprintf("%s_%d", name, i)
	}
	b.claimed[free] = true
	return free
}

// claim returns the name of a constant as codes: its own, unless an island reads it as reals or another layer has
// quantized it otherwise.
func (b *builder) claim(name string) string {
	if b.claimed[name] {
		return b.unique(name + "_quantized")
	}
	b.claimed[name] = true
	return name
}
