// Package fuse makes the network that a raw graph means: quantization that is spelled out becomes values with parameters.
package fuse

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"linquant/graph"
	"linquant/internal/ended"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/fault"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// Graph returns the quantized network that a raw ONNX graph means. A raw graph has one node per ONNX node, scales and
// zero points as constant inputs, and quantization spelled out in one of two dialects:
//
//   - QDQ: float operators between DequantizeLinear and QuantizeLinear (qdq.go, qdq_layer.go);
//   - QOperator: QLinearConv and its relatives (qoperator.go).
//
// Both become the same nodes on codes. What has no form in integers stays a float operator between explicit
// DequantizeLinear and QuantizeLinear nodes, which is what the file says and always right. A graph without quantization
// is returned as it is. Errors are for what no reading makes sense of: scales that are not positive, parameters of the
// wrong type or length, codes that one node writes and another reads with different parameters; and for dynamic
// quantization that is not of a layer (package file); and ctx's, once it is done.
func Graph(ctx context.Context, g *raw.Graph) (*graph.Graph, error) {
	if !hasQuantization(g) {
		return floats(g), nil
	}
	for _, n := range g.Nodes {
		if len(n.Outputs) == 0 || n.Outputs[0] == "" {
			return nil, fmt.Errorf("%v has no output: remove it from the model", n)
		}
	}
	recognize(g)
	f, err := newFuser(ctx, g)
	if err != nil {
		return nil, err
	}
	for _, n := range f.raw.Nodes {
		if f.done[n] {
			continue
		}
		if err := ended.Err(ctx); err != nil {
			return nil, err
		}
		if err := f.node(n); err != nil {
			return nil, &fault.At{Value: n.Outputs[0], Err: fmt.Errorf("%v: %w", n, err)}
		}
	}
	if err := f.finish(); err != nil {
		return nil, err
	}
	f.out.Prune()
	return f.out, nil
}

// hasQuantization reports whether any node of the raw graph is about codes.
func hasQuantization(g *raw.Graph) bool {
	for _, n := range g.Nodes {
		if raw.HasParameters(n.Op) || dynamic[withoutDomain(n.Op)] {
			return true
		}
	}
	return false
}

// dynamic are the operators of networks whose parameters are computed while they run.
var dynamic = map[graph.Op]bool{
	"DynamicQuantizeLinear": true, "ConvInteger": true, "MatMulInteger": true,
	"MatMulIntegerToFloat": true,
}

// withoutDomain returns the operator without the domain of ONNX Runtime's own operators.
func withoutDomain(op graph.Op) graph.Op {
	return graph.Op(strings.TrimPrefix(string(op), raw.Microsoft+"."))
}

// kind says what a value of the raw graph has become.
type kind uint8

const (
	real  kind = iota // a float value of the same name
	coded             // a value that holds coded
	view              // reals that are the dequantized codes of a value; no node computes them unless one needs them
)

// operand is what a value of the raw graph has become.
type operand struct {
	kind kind
	name string // of the value in the new graph; of a view, the value with the codes
	node string // of a view: the name of its DequantizeLinear node
	made bool   // of a view: there is a DequantizeLinear node now
}

// fuser builds the quantized graph, one raw node after the other.
type fuser struct {
	ctx       context.Context // of the call
	raw       *raw.Graph
	out       *graph.Graph
	consumers map[string][]*raw.Node // of the raw graph
	values    map[string]operand     // by raw name; raw constants have no entry before they are read
	done      map[*raw.Node]bool     // raw nodes that an earlier one has taken with it
	bits      map[string]int         // codes narrower than their type, by name
	producer  map[string]*graph.Node // of the new graph
	makers    map[string]*raw.Node   // of the raw graph, once somebody asked
	ranks     map[string]int         // of the new graph's values, where nodes tell
	left      elements.Budget        // for what is made of constants
	recurrent map[string]string      // weights of dynamic LSTMs, by codes, scale and zero point
}

func newFuser(ctx context.Context, g *raw.Graph) (*fuser, error) {
	skipIdentities(g)
	left := fuseBudget(g)
	known(ctx, g, &left)
	f := &fuser{
		ctx: ctx,
		raw: g, out: graph.New(g.Name), consumers: g.Consumers(),
		values: map[string]operand{}, done: map[*raw.Node]bool{}, producer: map[string]*graph.Node{},
		ranks: map[string]int{}, left: left, recurrent: map[string]string{},
	}
	f.out.Inputs, f.out.Outputs = g.Inputs, g.Outputs
	f.out.Requant = g.Requant
	maps.Copy(f.out.Metadata, g.Metadata)
	delete(f.out.Metadata, raw.KeyBits)
	var err error
	if f.bits, err = raw.NarrowTypes(g.Metadata); err != nil {
		return nil, err
	}
	for _, name := range g.Inputs {
		if err := f.input(name); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// input adds a graph input. One that holds codes gets its parameters from the first node that reads them.
func (f *fuser) input(name string) error {
	from := f.raw.Values[name]
	if from == nil {
		return fmt.Errorf("input %q has no type", name)
	}
	v := floatValue(from)
	f.out.Values[name] = v
	if v.DType != tensor.Int8 && v.DType != tensor.Uint8 {
		f.values[name] = operand{kind: real, name: name}
		return nil
	}
	p, err := f.readAs(name, map[string]bool{})
	if err != nil {
		return err
	}
	if p == nil { // they are numbers
		f.values[name] = operand{kind: real, name: name}
		return nil
	}
	p.Type = f.narrowed(name, p.Type)
	v.Quant = p
	f.values[name] = operand{kind: coded, name: name}
	return nil
}

// node brings one raw node to the new graph.
func (f *fuser) node(n *raw.Node) error {
	switch n.Op {
	case graph.QuantizeLinear, raw.MSQuantizeLinear:
		return f.quantize(n)
	case graph.DequantizeLinear, raw.MSDequantizeLinear:
		return f.dequantize(n)
	}
	switch {
	case raw.IsDynamic(n.Op):
		return f.dynamicLayer(n)
	case dynamic[withoutDomain(n.Op)]:
		return fmt.Errorf("dynamic quantization in this form is not supported: " + operators.DynamicAdvice)
	case raw.HasParameters(n.Op):
		return f.qoperator(n)
	}
	return f.operator(n)
}

// finish makes sure that the outputs have their names.
func (f *fuser) finish() error {
	for _, name := range f.out.Outputs {
		o, ok := f.values[name]
		if !ok || o.kind != coded {
			if _, err := f.real(name); err != nil {
				return fmt.Errorf("output %q: %w", name, err)
			}
			continue
		}
		if o.name != name { // the same codes as another value
			p := *f.out.Values[o.name].Quant
			f.emit(graph.Identity, name, nil, []string{o.name}, name, &p)
		}
	}
	return nil
}

// emit appends a node to the new graph; p is the output's parameters, nil for reals.
func (f *fuser) emit(op graph.Op, node string, attrs graph.Attrs, inputs []string, output string, p *quant.Params) {
	f.out.AddNode(op, node, output, attrs, inputs...)
	n := f.out.Nodes[len(f.out.Nodes)-1]
	if len(inputs) > 0 {
		f.ranks[output] = f.rankOf(n)
	}
	f.producer[output] = n
	v := f.out.Values[output]
	if from := f.raw.Values[output]; from != nil {
		v.Shape = from.Shape
	}
	if p != nil {
		v.Quant, v.DType = p, p.Type.Storage()
	}
}

// fresh returns a name that no value has yet.
func (f *fuser) fresh(name string) string { return f.raw.Unused(name, f.out) }

// skipIdentities lets every reader of an Identity or Dropout read its input instead, so that the patterns need not look
// through them. The nodes stay only for outputs.
func skipIdentities(g *raw.Graph) {
	alias := map[string]string{}
	kept := g.Nodes[:0]
	for _, n := range g.Nodes {
		for i, in := range n.Inputs {
			if to, ok := alias[in]; ok {
				n.Inputs[i] = to
			}
		}
		if (n.Op == graph.Identity || n.Op == graph.Dropout) && n.Input(0) != "" && len(n.Outputs) == 1 {
			alias[n.Outputs[0]] = n.Inputs[0]
			if !g.IsOutput(n.Outputs[0]) {
				continue
			}
		}
		kept = append(kept, n)
	}
	g.Nodes = kept
}
