// Package lower is the inverse of fuse: it spells quantization out in the raw form that is written.
package lower

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"strings"

	"linquant/graph"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// Config says how a quantized network is written.
type Config struct {
	QOperator bool // as operators on codes where the standard has them, and QDQ elsewhere
	Int4      bool // constants of up to 4 bits as int4 and uint4
	FloatBias bool // codes of 32 bits, which biases have, as the reals that they stand for
	Opset     int  // which must have all operators; 0: whatever they need
}

// Graph is the inverse of fuse: it makes the raw graph that is written.
//
//   - Float: the nodes as they are.
//   - QDQ: every node on codes becomes DequantizeLinear → operator → QuantizeLinear (qdq.go).
//   - QOperator: operators on codes where the ONNX standard has them (qoperator.go), QDQ elsewhere.
//
// Codes of fewer than 8 bits are clipped to their range behind the QuantizeLinear or QLinear operator that makes them,
// and the metadata has their widths. Names follow from those of the graph: for the codes X_quantized there are
// X_scale, X_zero_point, and X and X_dequantized for the reals before and after, with a number where a name is taken.
func Graph(g *graph.Graph, cfg Config) (*raw.Graph, error) {
	if !g.Quantized() {
		r := rawOf(g)
		r.Of, r.Holds = map[string]*graph.Node{}, map[string]string{}
		for _, n := range g.Nodes {
			r.Of[n.Outputs[0]] = n
		}
		for name := range g.Values {
			r.Holds[name] = name
		}
		return r, nil
	}
	if cfg.QOperator && cfg.Int4 {
		return nil, fmt.Errorf("the operators of the format qoperator have no 4-bit types: use the format qdq, " +
			"or leave the codes in 8 bits")
	}
	l := newLowerer(ownWeights(g), cfg)
	for _, n := range l.g.Nodes {
		err, before := error(nil), len(l.out.Nodes)
		if cfg.QOperator {
			err = l.qoperator(n)
		} else {
			err = l.qdq(n)
		}
		if err != nil {
			return nil, fmt.Errorf("%v: %w", n, err)
		}
		for _, m := range l.out.Nodes[before:] {
			if m.Op == n.Op && len(m.Inputs) == len(n.Inputs) {
				l.out.Of[m.Outputs[0]] = n
			}
		}
	}
	l.holds()
	if cfg.Opset != 0 && cfg.Opset < l.opset {
		text := fmt.Sprintf("opset %d does not do for %s: use %d or later", cfg.Opset, l.because, l.opset)
		return nil, operators.OpsetError{Text: text, Needs: l.opset}
	}
	return l.out, l.noteBits()
}

// ownWeights returns g with a weight of its own for every integer layer: of what several share, all but the first get a
// copy under another name. ONNX Runtime brings signed weights to unsigned codes where its sums would saturate otherwise
// (session.x64quantprecision), a new constant for each layer under a name made of the weight's, and refuses the file where
// there is one of that name. g stays as it is.
func ownWeights(g *graph.Graph) *graph.Graph {
	readers, own := map[string]int{}, g
	for i, n := range g.Nodes {
		switch n.Op {
		case graph.Conv, graph.Gemm, graph.MatMul:
		default:
			continue
		}
		w := g.Values[n.Inputs[1]]
		if w.Const == nil || w.Quant == nil || graph.IsDynamic(n) {
			continue
		}
		if readers[w.Name]++; readers[w.Name] == 1 {
			continue
		}
		if own == g {
			own = g.Clone()
		}
		c, number := w.Clone(), readers[w.Name]
		for c.Name = fmt.Sprintf("%s_%d", w.Name, number); own.Values[c.Name] != nil; number++ {
			c.Name = fmt.Sprintf("%s_%d", w.Name, number)
		}
		own.Values[c.Name], own.Nodes[i].Inputs[1] = c, c.Name
	}
	return own
}

// holds notes for every value what has its shape.
func (l *lowerer) holds() {
	made := l.out.Producers()
	for _, name := range l.out.Inputs {
		made[name] = &raw.Node{}
	}
	for name, v := range l.g.Values {
		if v.Const != nil {
			continue
		}
		for _, candidate := range []string{name, l.alias[name], l.reals[name]} {
			if made[candidate] != nil {
				l.out.Holds[name] = candidate
				break
			}
		}
	}
}

// needs notes that the model needs an opset.
func (l *lowerer) needs(opset int, because string) {
	if opset > l.opset {
		l.opset, l.because = opset, because
	}
}

// lowerer builds the raw graph, one node after the other.
type lowerer struct {
	g          *graph.Graph
	out        *raw.Graph
	int4       bool
	floatBias  bool
	consumers  map[string][]*graph.Node // of g
	producer   map[string]*graph.Node   // of g
	parameters map[string][2]string     // scale and zero point, by value
	reals      map[string]string        // the raw value of reals that codes stand for, by value
	alias      map[string]string        // the raw value of codes that holds those of another
	nodes      map[string]bool          // names of nodes; ONNX Runtime insists that they differ
	opset      int                      // the first that has all operators, where it is not 10
	because    string                   // of what
	target     int                      // the opset of the file
	kernels    [][2]string              // weights under another name, and the name that they have in g
	quantizers map[string]dynamicValue  // what a DynamicQuantizeLinear makes of a value
	transposed map[string]*graph.Value  // weights of dynamic layers, transposed
	recurrent  map[string]*raw.Node     // LSTMs that quantize their inputs, by operands and attributes
}

func newLowerer(g *graph.Graph, cfg Config) *lowerer {
	l := &lowerer{
		g: g, out: raw.New(g.Name), int4: cfg.Int4, floatBias: cfg.FloatBias, consumers: g.Consumers(), producer: g.Producers(),
		parameters: map[string][2]string{}, reals: map[string]string{}, alias: map[string]string{},
		nodes: map[string]bool{}, target: cmp.Or(cfg.Opset, operators.MaxOpset),
	}
	l.out.Inputs, l.out.Outputs = g.Inputs, g.Outputs
	l.out.Of, l.out.Holds = map[string]*graph.Node{}, map[string]string{}
	l.out.Requant = g.Requant
	maps.Copy(l.out.Metadata, g.Metadata)
	for _, name := range g.Inputs {
		l.out.Values[name] = l.rawValue(g.Values[name])
	}
	return l
}

// noteBits writes the widths of narrow codes to the metadata.
func (l *lowerer) noteBits() error {
	bits := map[string]int{}
	for name, v := range l.g.Values {
		if v.Quant != nil && v.Quant.Type.Bits < 8 && l.out.Values[name] != nil {
			bits[name] = v.Quant.Type.Bits
		}
	}
	for _, k := range l.kernels {
		bits[k[0]] = l.g.Values[k[1]].Quant.Type.Bits
	}
	delete(l.out.Metadata, raw.KeyBits)
	if len(bits) == 0 {
		return nil
	}
	s, err := json.Marshal(bits)
	l.out.Metadata[raw.KeyBits] = string(s)
	return err
}

// rawValue returns a value as the raw form has it: of the parameters, only the type.
func (l *lowerer) rawValue(v *graph.Value) *raw.Value {
	out := rawFloat(v)
	if v.Quant != nil {
		out.DType, out.Type = v.Quant.Type.Storage(), l.rawType(v)
	}
	return out
}

func rawFloat(v *graph.Value) *raw.Value {
	return &raw.Value{Name: v.Name, DType: v.DType, Shape: v.Shape, Const: v.Const}
}

// rawOf returns a float network in the raw form. They share what they are made of.
func rawOf(g *graph.Graph) *raw.Graph {
	r := &raw.Graph{
		Name: g.Name, Inputs: g.Inputs, Outputs: g.Outputs, Nodes: make([]*raw.Node, len(g.Nodes)),
		Values:  make(map[string]*raw.Value, len(g.Values)),
		Requant: g.Requant, Metadata: g.Metadata,
	}
	for i, n := range g.Nodes {
		r.Nodes[i] = (*raw.Node)(n)
	}
	for name, v := range g.Values {
		r.Values[name] = rawFloat(v)
	}
	return r
}

// rawType returns the type that the file has for a value's codes. Activations of fewer bits have 8 there, with a Clip: ONNX
// has no Clip for 4 bits, and ONNX Runtime moves 4-bit codes through operators that do not take them (a MaxPool between
// DequantizeLinear and QuantizeLinear), and then refuses the file.
func (l *lowerer) rawType(v *graph.Value) quant.Type {
	t := v.Quant.Type
	switch {
	case t.Bits == 32, l.int4 && v.Const != nil && t.Bits <= 4:
		return t
	}
	return quant.Type{Bits: 8, Unsigned: t.Unsigned}
}

// fresh returns a name that no value has.
func (l *lowerer) fresh(name string) string { return l.out.Unused(name, l.g) }

// emit appends a node whose output are reals, with the shape of a value of the graph.
func (l *lowerer) emit(op graph.Op, node string, attrs graph.Attrs, inputs []string, output string, like *graph.Value) {
	v := &raw.Value{Name: output, DType: tensor.Float32, Shape: like.Shape}
	if like.Quant == nil && graph.Counts(like.DType) {
		v.DType = like.DType
	}
	l.out.Values[output] = v
	l.out.AddNode(op, l.nodeName(node), output, attrs, inputs...)
}

// nodeName returns name, or name with the first number behind it that no node has.
func (l *lowerer) nodeName(name string) string {
	if name == "" {
		return ""
	}
	unique := name
	for i := 2; l.nodes[unique]; i++ {
		unique = fmt.Sprintf("%s_%d", name, i)
	}
	l.nodes[unique] = true
	return unique
}

// emitCodes is emit for an output of codes of type t.
func (l *lowerer) emitCodes(
	op graph.Op, node string, attrs graph.Attrs, inputs []string, output string, like *graph.Value, t quant.Type,
) {
	if op == graph.Clip || op == graph.MaxPool {
		l.needs(12, string(op)+" of integer codes")
	}
	l.emit(op, node, attrs, inputs, output, like)
	v := l.out.Values[output]
	v.DType, v.Type = t.Storage(), t
}

// codes returns the raw value of a value's codes; a constant's are copied when they are first read.
func (l *lowerer) codes(name string) string {
	if to, ok := l.alias[name]; ok {
		return to
	}
	if l.out.Values[name] == nil {
		l.out.Values[name] = l.rawValue(l.g.Values[name])
	}
	return name
}

// stem is what the names around a value are made of.
func stem(name string) string { return strings.TrimSuffix(name, codes.CodesSuffix) }

// scale returns the names of the constants with a value's scale and zero point, which are added when they are first
// asked for. A node that passes codes on passes the constants on too.
func (l *lowerer) scale(v *graph.Value) (scale, zero string) {
	if p, ok := l.parameters[v.Name]; ok {
		return p[0], p[1]
	}
	if n := l.producer[v.Name]; n != nil && n.Op != graph.QuantizeLinear {
		if x := l.g.Values[n.Inputs[0]]; graph.SameParams(x.Quant, v.Quant) {
			scale, zero = l.scale(x)
			l.parameters[v.Name] = [2]string{scale, zero}
			return scale, zero
		}
	}
	p := v.Quant
	shape := tensor.Shape{}
	if p.Per != quant.PerTensor {
		shape, _ = p.ScaleShape(v.Const.Shape) // Check has looked at it
	}
	scale = l.fresh(stem(v.Name) + "_scale")
	t, _ := tensor.Of(shape, p.Scale) // as many as the shape says: Check has counted
	l.out.AddConst(scale, t)
	zero = l.fresh(stem(v.Name) + "_zero_point")
	rt := l.rawType(v)
	z := tensor.Tensor{DType: rt.Storage(), Shape: shape}
	for _, c := range codes.Zeros(*p) {
		z.Data = append(z.Data, byte(c))
		if rt.Bits == 32 {
			z.Data = append(z.Data, byte(c>>8), byte(c>>16), byte(c>>24))
		}
	}
	l.out.AddConst(zero, z).Type = rt
	l.parameters[v.Name] = [2]string{scale, zero}
	return scale, zero
}
