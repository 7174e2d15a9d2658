// Package write makes a file's messages of the raw form, in the form that an opset has for every operator.
package write

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// Config says how a file is written.
type Config struct {
	Opset    int
	Int4     bool   // codes of up to 4 bits as int4 and uint4 tensors
	Producer string // what makes the file
	Version  string // of it
}

// writer makes the messages of a file of the raw form.
type writer struct {
	g       *raw.Graph
	cfg     Config
	out     *onnxpb.Graph
	written map[string]bool // constants that are in out, and names that were made up
	domains map[string]bool
	names   map[string]bool // of nodes
}

// Model makes the messages of a raw graph: the inverse of package read.
func Model(g *raw.Graph, cfg Config) (*onnxpb.Model, error) {
	name := g.Name
	if name == "" {
		name = "network" // a graph must have a name
	}
	e := &writer{g, cfg, &onnxpb.Graph{Name: name}, map[string]bool{}, map[string]bool{}, map[string]bool{}}
	var err error
	if e.out.Inputs, err = e.infos(g.Inputs); err != nil {
		return nil, err
	}
	if e.out.Outputs, err = e.infos(g.Outputs); err != nil {
		return nil, err
	}
	var between []string
	for _, n := range g.Nodes {
		if err := e.node(n); err != nil {
			return nil, fmt.Errorf("%v: %w", n, err)
		}
		for _, out := range n.Outputs {
			if v := g.Values[out]; v != nil && v.Shape != nil && !g.IsOutput(out) {
				between = append(between, out)
			}
		}
	}
	for _, name := range g.Outputs {
		if err := e.constant(name); err != nil {
			return nil, err
		}
	}
	if e.out.Values, err = e.infos(between); err != nil {
		return nil, err
	}
	m := &onnxpb.Model{
		IRVersion: irVersion(cfg.Opset), Producer: cfg.Producer, ProducerVersion: cfg.Version, Graph: e.out,
		Opsets: []onnxpb.Opset{{Version: int64(cfg.Opset)}},
	}
	for _, d := range slices.Sorted(maps.Keys(e.domains)) {
		m.Opsets = append(m.Opsets, onnxpb.Opset{Domain: d, Version: 1})
	}
	return m, nil
}

// infos describes values.
func (e *writer) infos(names []string) ([]onnxpb.ValueInfo, error) {
	infos := make([]onnxpb.ValueInfo, len(names))
	for i, name := range names {
		v := e.g.Values[name]
		if v == nil || v.Shape == nil {
			return nil, fmt.Errorf("value %q has no shape", name)
		}
		typ, err := e.elementType(v)
		if err != nil {
			return nil, fmt.Errorf("value %q: %w", name, err)
		}
		infos[i] = onnxpb.ValueInfo{Name: name, Type: typ, HasShape: true, Dims: make([]onnxpb.Dim, len(v.Shape))}
		for d, n := range v.Shape {
			infos[i].Dims[d] = onnxpb.Dim{Value: int64(n)}
			if n == graph.Batch {
				infos[i].Dims[d].Param = "N"
			}
		}
	}
	return infos, nil
}

// elementType returns ONNX's type for a value's elements.
func (e *writer) elementType(v *raw.Value) (onnxpb.DataType, error) {
	small := e.cfg.Int4 && v.Type.Bits != 0 && v.Type.Bits <= 4
	switch v.DType {
	case tensor.Float32:
		return onnxpb.Float, nil
	case tensor.Int8:
		if small {
			return onnxpb.Int4, nil
		}
		return onnxpb.Int8, nil
	case tensor.Uint8:
		if small {
			return onnxpb.Uint4, nil
		}
		return onnxpb.Uint8, nil
	case tensor.Int32:
		return onnxpb.Int32, nil
	}
	if t, ok := otherTypes[v.DType]; ok {
		return t, nil
	}
	return 0, fmt.Errorf("elements of %v cannot be written: convert them to float32", v.DType)
}

// otherTypes are those of constants that nothing but an output is: the results of operators on shapes.
var otherTypes = map[tensor.DType]onnxpb.DataType{
	tensor.Int64: onnxpb.Int64, tensor.Int16: onnxpb.Int16, tensor.Uint64: onnxpb.Uint64, tensor.Uint32: onnxpb.Uint32,
	tensor.Uint16: onnxpb.Uint16, tensor.Bool: onnxpb.Bool,
}

func (e *writer) node(n *raw.Node) error {
	pb := onnxpb.Node{Name: n.Name, Op: string(n.Op), Inputs: slices.Clone(n.Inputs), Outputs: n.Outputs}
	if dot := strings.LastIndexByte(pb.Op, '.'); dot >= 0 {
		pb.Domain, pb.Op = pb.Op[:dot], pb.Op[dot+1:]
		e.domains[pb.Domain] = true
	}
	for i, in := range n.Inputs {
		if n.Op == graph.Where && i == 0 {
			continue // its condition is written as booleans
		}
		if err := e.constant(in); err != nil {
			return err
		}
	}
	if n.Op == graph.Concat {
		if err := e.concat(n, &pb); err != nil {
			return err
		}
	}
	attrs := maps.Clone(n.Attrs)
	if i, ok := attrs[graph.OutputAttr].(int); ok && i > 0 {
		pb.Outputs = nil
		for range i { // ONNX Runtime wants a name for each
			pb.Outputs = append(pb.Outputs, e.unwritten(n.Outputs[0]+"_unread"))
		}
		pb.Outputs = append(pb.Outputs, n.Outputs[0])
	} else if n.Op == graph.TopK { // whose outputs are not optional
		pb.Outputs = []string{n.Outputs[0], e.unwritten(n.Outputs[0] + "_unread")}
	}
	delete(attrs, graph.OutputAttr)
	if err := e.parameters(n, &pb, attrs); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(attrs)) {
		a, err := attribute(name, attrs[name])
		if err != nil {
			return err
		}
		pb.Attrs = append(pb.Attrs, a)
	}
	e.add(pb)
	return nil
}

// add appends a node. ONNX Runtime insists that names of nodes differ.
func (e *writer) add(pb onnxpb.Node) {
	name := pb.Name
	for i := 2; name != "" && e.names[pb.Name]; i++ {
		pb.Name = fmt.Sprintf("%s_%d", name, i)
	}
	e.names[pb.Name] = true
	e.out.Nodes = append(e.out.Nodes, pb)
}

func attribute(name string, value any) (onnxpb.Attr, error) {
	a := onnxpb.Attr{Name: name}
	switch v := value.(type) {
	case int:
		a.Type, a.Int = onnxpb.AttrInt, int64(v)
	case float32:
		a.Type, a.Float = onnxpb.AttrFloat, v
	case string:
		if name == "activations" { // a list in files
			a.Type, a.Strings = onnxpb.AttrStrings, strings.Split(v, ",")
			return a, nil
		}
		a.Type, a.String = onnxpb.AttrString, v
	case []int:
		a.Type, a.Ints = onnxpb.AttrInts, elements.Int64s(v)
	case []float32:
		a.Type, a.Floats = onnxpb.AttrFloats, v
	default:
		return a, fmt.Errorf("attribute %q is neither a number nor a text nor a list of numbers, and has no form in ONNX", name)
	}
	return a, nil
}

// constant writes a value's elements as an initializer, if it is a constant and was not written before.
func (e *writer) constant(name string) error {
	v := e.g.Values[name]
	if v == nil || v.Const == nil || e.written[name] {
		return nil
	}
	e.written[name] = true
	t, typ := *v.Const, onnxpb.DataType(0)
	if t.DType.IsFloat() && t.DType != tensor.Float32 {
		x, err := t.Float32s()
		if err != nil {
			return fmt.Errorf("constant %q: %w", name, err)
		}
		if t, err = tensor.Of(t.Shape, x); err != nil {
			return fmt.Errorf("constant %q: %w", name, err)
		}
	}
	typ, err := e.elementType(&raw.Value{DType: t.DType, Type: v.Type})
	if err != nil {
		return fmt.Errorf("constant %q: %w", name, err)
	}
	data := t.Data
	if typ == onnxpb.Int4 || typ == onnxpb.Uint4 {
		c := quant.Codes{Params: quant.Params{Type: quant.Type{Bits: 4, Unsigned: typ == onnxpb.Uint4}}, Shape: t.Shape, Data: data}
		if c, err = c.Pack(quant.Packed); err != nil {
			return fmt.Errorf("constant %q: %w", name, err)
		}
		data = c.Data
	}
	e.out.Initializers = append(e.out.Initializers, onnxpb.Tensor{Name: name, Dims: elements.Int64s(t.Shape), Type: typ, Raw: data})
	return nil
}

// parameter adds a constant for a node's parameter and returns its name.
func (e *writer) parameter(n *raw.Node, what string, t tensor.Tensor, err error) (string, error) {
	if err != nil {
		return "", err
	}
	name := e.unwritten(n.Outputs[0] + "_" + what)
	typ, err := e.elementType(&raw.Value{DType: t.DType})
	v := onnxpb.Tensor{Name: name, Dims: elements.Int64s(t.Shape), Type: typ, Raw: t.Data}
	e.out.Initializers = append(e.out.Initializers, v)
	return name, err
}

// irVersion returns the version of the file format that goes with an opset: that of the first ONNX release with both,
// but at least 4, in which initializers are no inputs.
func irVersion(opset int) int64 {
	switch {
	case opset <= 9:
		return 4
	case opset == 10:
		return 5
	case opset == 11:
		return 6
	case opset <= 14:
		return 7
	case opset <= 18:
		return 8
	case opset <= 20:
		return 9
	case opset <= 22:
		return 10
	case opset == 23:
		return 11
	case opset == 24:
		return 12
	}
	return 13
}
