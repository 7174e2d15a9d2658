// Package raw is what stands between an ONNX file and a graph.Graph: the network as the file spells it, quantization
// included. Reading makes it and fuse takes it; lower makes it and writing takes it.
//
//   - Operators of package graph have the form that graph describes: parameters are attributes, also those that the file
//     has as constant inputs (the bounds of Clip, the axes of Squeeze, the shape of Reshape). Constant, Identity and Cast
//     of a constant have become constants; other nodes of constant floats are still nodes. Nodes that compute with
//     shapes, integers and booleans are gone. Split has become Slices, and other operators those that onnx.Operators
//     lists. Convolutions and pools of one dimension are of two, and a Transpose that moves the batch is behind the nodes
//     that choose from what it made.
//   - QuantizeLinear, DequantizeLinear and the QLinear operators have the inputs and attributes of ONNX, scales and zero
//     points included (an optional input that is left out is "" or missing at the end). Operators of another domain have
//     it before their name: "com.microsoft.QLinearAdd". ReadsCodes tells them.
//   - Nodes are in topological order, names are unique, every name that is read exists.
//   - Clip and Pad on codes: the attributes min, max and value are the codes as float32.
//   - Metadata holds everything but linquant.requant, which is Graph.Requant.
//     fuse removes linquant.bits, and lower adds it where there are codes with fewer bits than their type.
package raw

import (
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// Graph is a network in the raw form.
type Graph struct {
	Name     string
	Inputs   []string
	Outputs  []string
	Nodes    []*Node // in topological order
	Values   map[string]*Value
	Requant  quant.Convention
	Metadata map[string]string

	// Of a lowered graph: the nodes of the network by the outputs of the nodes here that compute what they do, and for every value of
	// the network one that has its shape, the reals or the codes.
	Of    map[string]*graph.Node
	Holds map[string]string
}

// Value is an input, a constant, or the output of a node.
type Value struct {
	Name string

	// DType is Float32, or Int8 and Uint8 for codes, Int32 for biases and accumulators. Types of 4 and 2 bits are Int8
	// and Uint8 too, one code a byte. float16, bfloat16 and float64 have become Float32. Constants that nothing but an
	// output is can have other types.
	DType tensor.DType

	// Shape is set only for inputs and constants where a file was read. A lowered graph has the shapes that are known,
	// which are written as value_info.
	Shape tensor.Shape
	Const *tensor.Tensor

	// Type is that of codes where it has other bits than DType: a file's 4 or 2, and in a lowered graph those that are to
	// be written. The zero value says that DType tells.
	Type quant.Type
}

// Node is one operator of the raw form. Its fields are those of a node of a graph, so that one of an operator that the
// graph has converts to it (InGraph).
type Node graph.Node

// New returns a graph without nodes.
func New(name string) *Graph {
	return &Graph{Name: name, Values: map[string]*Value{}, Metadata: map[string]string{}}
}

// AddInput adds an input of floats.
func (g *Graph) AddInput(name string, shape tensor.Shape) {
	g.Inputs = append(g.Inputs, name)
	g.Values[name] = &Value{Name: name, DType: tensor.Float32, Shape: shape}
}

// AddConst adds a constant and returns its value.
func (g *Graph) AddConst(name string, t tensor.Tensor) *Value {
	v := &Value{Name: name, DType: t.DType, Shape: t.Shape, Const: &t}
	g.Values[name] = v
	return v
}

// AddNode appends a node with one output and returns the output's name. The value is added, of floats and without a
// shape, unless there is one.
func (g *Graph) AddNode(op graph.Op, name, output string, attrs graph.Attrs, inputs ...string) string {
	g.Nodes = append(g.Nodes, &Node{Name: name, Op: op, Inputs: inputs, Outputs: []string{output}, Attrs: attrs})
	if g.Values[output] == nil {
		g.Values[output] = &Value{Name: output, DType: tensor.Float32}
	}
	return output
}

// Const returns the elements of a constant, nil for any other value and for none.
func (g *Graph) Const(name string) *tensor.Tensor {
	if v := g.Values[name]; v != nil {
		return v.Const
	}
	return nil
}

// Producers returns for every value that a node computes that node.
func (g *Graph) Producers() map[string]*Node {
	m := make(map[string]*Node, len(g.Nodes))
	for _, n := range g.Nodes {
		for _, o := range n.Outputs {
			if o != "" {
				m[o] = n
			}
		}
	}
	return m
}

// Consumers returns for every value the nodes that read it, in order, a node once however often it reads the value.
func (g *Graph) Consumers() map[string][]*Node {
	m := make(map[string][]*Node, len(g.Values))
	for _, n := range g.Nodes {
		for i, in := range n.Inputs {
			if in != "" && !slices.Contains(n.Inputs[:i], in) {
				m[in] = append(m[in], n)
			}
		}
	}
	return m
}

// IsOutput reports whether the value is an output of the graph.
func (g *Graph) IsOutput(name string) bool { return slices.Contains(g.Outputs, name) }

// Unused returns name, or name with the first number behind it that no value has here and in another graph (nil: none).
func (g *Graph) Unused(name string, other *graph.Graph) string {
	candidate := name
	for i := 2; g.Values[candidate] != nil || other != nil && other.Values[candidate] != nil; i++ {
		candidate = fmt.Sprintf("%s_%d", name, i)
	}
	return candidate
}

// RemoveDead removes the nodes and values that no output depends on. Inputs stay, used or not.
func (g *Graph) RemoveDead() {
	needed := make(map[string]bool, len(g.Values))
	for _, name := range g.Outputs {
		needed[name] = true
	}
	first := len(g.Nodes)
	for i := len(g.Nodes) - 1; i >= 0; i-- { // from the end, because the outputs are known first
		n := g.Nodes[i]
		if !slices.ContainsFunc(n.Outputs, func(out string) bool { return needed[out] }) {
			continue
		}
		first--
		g.Nodes[first] = n
		for _, names := range [][]string{n.Inputs, n.Outputs} {
			for _, name := range names {
				needed[name] = true
			}
		}
	}
	g.Nodes = g.Nodes[first:]
	for _, name := range g.Inputs {
		needed[name] = true
	}
	for name := range g.Values {
		if !needed[name] {
			delete(g.Values, name)
		}
	}
}

// Codes returns the integer type of a value of codes, and false for one of reals, or of integers that are none, and for
// nil.
func (v *Value) Codes() (quant.Type, bool) {
	switch {
	case v == nil:
	case v.Type != quant.Type{}:
		return v.Type, true
	case v.DType == tensor.Int8:
		return quant.Int(8), true
	case v.DType == tensor.Uint8:
		return quant.Uint(8), true
	case v.DType == tensor.Int32:
		return quant.Int(32), true
	}
	return quant.Type{}, false
}

// Clone returns a copy; attributes' slices are shared.
func (n *Node) Clone() *Node { return (*Node)(n.InGraph().Clone()) }

// String names the node in errors.
func (n *Node) String() string { return n.InGraph().String() }

// Input returns the name of input i, "" where it is left out.
func (n *Node) Input(i int) string { return n.InGraph().Input(i) }

// InGraph returns the node as one of a graph, which one is whose operator the graph has with these inputs. It shares
// everything with n.
func (n *Node) InGraph() *graph.Node { return (*graph.Node)(n) }
