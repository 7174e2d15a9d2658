// Package graph is the one representation of a network that the rest of the module speaks: a list of operators shaped
// after ONNX, connected by named values.
//
// A float network and a quantized one are the same Graph. What makes a value quantized is its Quant field: its elements
// are then integer codes, and a node computes with what they stand for. A node between quantized values means
// "dequantize the inputs, compute in real numbers, quantize the output", except that operators with an accumulator
// (Conv, Gemm, MatMul, pooling by average) bring it to the output's codes by the graph's requantization convention.
// Where floats become codes and back, the graph has the nodes QuantizeLinear and DequantizeLinear. A layer that finds the
// scale of its input while it runs is a node of reals with a weight of codes: see SetDynamic.
//
// Tensors are NCHW, as in ONNX; the batch is symbolic, or the whole input is one example and all dimensions are numbers:
// see Whole. Passes such as Recognize are functions from graph to graph
// that leave their argument alone; Fold is all that a float network needs before it is quantized. Recognize makes one
// node of operators that exporters spell out in pieces.
// Check and InferShapes refuse what no network can be, so that whoever walks a graph after them need not look again.
//
// What is known of an operator is its row in one table: Operators and Lookup. What a quantized node computes exactly is
// defined once, by Eval, and by the parts that it shares with faster evaluators: Stage, PairCode, ClampBounds, Unary,
// Binary and the packages internal/arith and internal/integer.
package graph

import (
	"fmt"
	"slices"

	"linquant/quant"
	"linquant/tensor"
)

// Batch stands for the number of examples in a shape, which is not known until the network runs. Only dimension 0 of a
// value that depends on an input may have it, and every such value has it where an input does.
const Batch = -1

// Graph is a network: nodes in an order in which they can be computed, and the values that connect them.
type Graph struct {
	Name    string
	Inputs  []string // names of the values that the caller provides
	Outputs []string // names of the values that the network is run for
	Nodes   []*Node  // in topological order
	Values  map[string]*Value

	// Requant is how integer layers bring their accumulators to codes. It says nothing about a float network.
	Requant quant.Convention

	// Metadata is what else is known about the network, such as what made the file, and what the program around it has to
	// know: how examples become its inputs (package vision). Passes and files carry it unread.
	Metadata map[string]string
}

// Value is a tensor of the network: an input, a constant, or the output of one node.
type Value struct {
	Name  string
	DType tensor.DType

	// Shape has Batch as its first dimension where the value depends on an input, unless the network is Whole. It is nil
	// until InferShapes has run; a scalar's is empty and not nil.
	Shape tensor.Shape

	// Const holds the elements of a constant, such as a weight. They may be a view of a file in memory and are never
	// written to.
	Const *tensor.Tensor

	// Quant is set where the elements are integer codes, and says what they stand for. The codes of a type with fewer
	// than 8 bits are stored one to a byte.
	Quant *quant.Params
}

// Node is one operator.
type Node struct {
	Name    string
	Op      Op
	Inputs  []string // names of values; "" stands for an optional input that is left out
	Outputs []string
	Attrs   Attrs
}

// New returns a graph without nodes. The zero Graph is one without a name.
func New(name string) *Graph {
	return &Graph{Name: name, Values: map[string]*Value{}, Metadata: map[string]string{}}
}

// Value returns the value of that name, nil where there is none.
func (g *Graph) Value(name string) *Value { return g.Values[name] }

// AddInput adds an input of the given shape, which starts with Batch, or has numbers alone in a network that is Whole.
func (g *Graph) AddInput(name string, shape tensor.Shape) {
	g.Inputs = append(g.Inputs, name)
	g.add(&Value{Name: name, DType: tensor.Float32, Shape: shape})
}

// add adds a value. The zero Graph has no map yet.
func (g *Graph) add(v *Value) {
	if g.Values == nil {
		g.Values = map[string]*Value{}
	}
	g.Values[v.Name] = v
}

// AddConst adds a constant.
func (g *Graph) AddConst(name string, t tensor.Tensor) {
	g.add(&Value{Name: name, DType: t.DType, Shape: t.Shape, Const: &t})
}

// AddNode appends a node with one output and returns the output's name. The value is added without a shape.
func (g *Graph) AddNode(op Op, name, output string, attrs Attrs, inputs ...string) string {
	g.Nodes = append(g.Nodes, &Node{Name: name, Op: op, Inputs: inputs, Outputs: []string{output}, Attrs: attrs})
	if g.Values[output] == nil {
		g.add(&Value{Name: output, DType: tensor.Float32})
	}
	return output
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
// A graph output has no entry of its own: see IsOutput.
func (g *Graph) Consumers() map[string][]*Node {
	m := make(map[string][]*Node, len(g.Values))
	for _, n := range g.Nodes {
		for _, in := range n.Inputs {
			if in == "" {
				continue
			}
			if r := m[in]; len(r) == 0 || r[len(r)-1] != n {
				m[in] = append(r, n)
			}
		}
	}
	return m
}

// IsOutput reports whether the value is an output of the graph.
func (g *Graph) IsOutput(name string) bool { return slices.Contains(g.Outputs, name) }

// Clone returns a graph that can be changed without changing g. Constants' elements, which nobody writes to, are
// shared.
func (g *Graph) Clone() *Graph {
	c := *g
	c.Inputs, c.Outputs = slices.Clone(g.Inputs), slices.Clone(g.Outputs)
	c.Nodes = make([]*Node, len(g.Nodes))
	for i, n := range g.Nodes {
		c.Nodes[i] = n.Clone()
	}
	c.Values = make(map[string]*Value, len(g.Values))
	for name, v := range g.Values {
		c.Values[name] = v.Clone()
	}
	c.Metadata = make(map[string]string, len(g.Metadata))
	for k, v := range g.Metadata {
		c.Metadata[k] = v
	}
	return &c
}

// Clone returns a copy; the elements of a constant and the scales of a quantized value are shared.
func (v *Value) Clone() *Value {
	c := *v
	c.Shape = slices.Clone(v.Shape)
	return &c
}

// Clone returns a copy; attributes' slices are shared.
func (n *Node) Clone() *Node {
	c := *n
	c.Inputs, c.Outputs = slices.Clone(n.Inputs), slices.Clone(n.Outputs)
	c.Attrs = make(Attrs, len(n.Attrs))
	for k, v := range n.Attrs {
		c.Attrs[k] = v
	}
	return &c
}

// String names the node in errors: its operator and name, or its first output where it has no name.
func (n *Node) String() string { return fmt.Sprintf("%s node %q", n.Op, n.Label()) }

// Label is what reports, errors and overrides know the node by: its name, or where it has none its first output.
func (n *Node) Label() string {
	if n.Name == "" && len(n.Outputs) > 0 {
		return n.Outputs[0]
	}
	return n.Name
}

// Input returns the name of input i, "" where it is left out.
func (n *Node) Input(i int) string {
	if i < len(n.Inputs) {
		return n.Inputs[i]
	}
	return ""
}
