package file

import (
	"fmt"
	"slices"

	"linquant/internal/onnxpb"
	"linquant/onnx/internal/fault"
	"linquant/onnx/internal/operators"
)

// Functions are those that a model defines, and what is left of the work that putting them in the place of nodes may be.
type Functions struct {
	of    map[function]*onnxpb.Function
	taken map[string]bool // names of values
	made  map[string]int  // how many names were made of one

	nodes int // that may still be made
	bytes int // that names and branches may still take
}

type function struct{ domain, name, overload string }

// NewFunctions returns those of a model in a file of that size. A function may be defined once.
func NewFunctions(m *onnxpb.Model, size int64) (*Functions, error) {
	if len(m.Functions) == 0 {
		return nil, nil
	}
	f := &Functions{
		of: map[function]*onnxpb.Function{}, taken: map[string]bool{}, made: map[string]int{},
		nodes: 8192 + int(size/16), bytes: 1<<20 + int(4*size),
	}
	for i := range m.Functions {
		fn := &m.Functions[i]
		key := function{operators.Domain(fn.Domain), fn.Name, fn.Overload}
		if f.of[key] != nil {
			return nil, fault.Errorf("there are two functions %s of the domain %q: the model is damaged", fn.Name, fn.Domain)
		}
		f.of[key] = fn
	}
	for i := range m.Graph.Nodes {
		for _, out := range m.Graph.Nodes[i].Outputs {
			f.taken[out] = true
		}
	}
	for i := range m.Graph.Initializers {
		f.taken[m.Graph.Initializers[i].Name] = true
	}
	for i := range m.Graph.Inputs {
		f.taken[m.Graph.Inputs[i].Name] = true
	}
	return f, nil
}

// Inline returns nodes in which the bodies of functions stand in place of the nodes that call them, functions within functions too. Values
// within get names of their own, after the node that calls. Errors are functions that come to themselves, and calls that do not fit.
func (f *Functions) Inline(nodes []onnxpb.Node) ([]onnxpb.Node, error) {
	if f == nil {
		return nodes, nil
	}
	var list []onnxpb.Node
	for i := range nodes {
		var err error
		if list, err = f.node(list, nodes[i], nil); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// node appends a node, or what it stands for; stack are the functions around it.
func (f *Functions) node(list []onnxpb.Node, n onnxpb.Node, stack []*onnxpb.Function) ([]onnxpb.Node, error) {
	key := function{operators.Domain(n.Domain), n.Op, ""}
	if n.Inline != nil {
		key.overload = n.Inline.Overload
	}
	fn := f.of[key]
	if fn == nil {
		return append(list, n), nil
	}
	const deepest = 64
	switch {
	case slices.Contains(stack, fn) || len(stack) >= deepest:
		return nil, fault.Errorf("%s: the function %s comes to itself, or functions stand in each other more than %d deep: the model is damaged",
			Label(&n), fn.Name, deepest)
	case len(n.Inputs) > len(fn.Inputs) || len(n.Outputs) > len(fn.Outputs):
		return nil, fault.Errorf("%s: it has %d inputs and %d outputs, and the function %d and %d: the model is damaged", Label(&n),
			len(n.Inputs), len(n.Outputs), len(fn.Inputs), len(fn.Outputs))
	}
	c := &call{Functions: f, node: &n, fn: fn, names: map[string]string{}, opsets: map[string]int64{}, within: Maker(&n)}
	for _, o := range fn.Opsets {
		c.opsets[operators.Domain(o.Domain)] = o.Version
	}
	body, err := c.body()
	if err != nil {
		return nil, err
	}
	stack = append(slices.Clip(stack), fn)
	for i := range body {
		if list, err = f.node(list, body[i], stack); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// call is a node on its way to become the body of a function.
type call struct {
	*Functions
	node   *onnxpb.Node
	fn     *onnxpb.Function
	names  map[string]string // of the function's values in the network
	opsets map[string]int64
	within string
}

// body returns the function's nodes as nodes of the network.
func (c *call) body() ([]onnxpb.Node, error) {
	for i, in := range c.fn.Inputs {
		c.names[in] = ""
		if i < len(c.node.Inputs) {
			c.names[in] = c.node.Inputs[i]
		}
	}
	var behind []onnxpb.Node // outputs that are inputs, or others
	for i, out := range c.node.Outputs {
		own := c.fn.Outputs[i]
		if _, taken := c.names[own]; !taken {
			if c.names[own] = out; out == "" {
				delete(c.names, own)
			}
			continue
		}
		if out != "" {
			behind = append(behind, onnxpb.Node{Op: "Identity", Name: out, Inputs: []string{own}, Outputs: []string{out}})
		}
	}
	var list []onnxpb.Node
	for i := range c.fn.Nodes {
		n := c.fn.Nodes[i]
		if err := c.take(len(n.Name)); err != nil {
			return nil, err
		}
		n.Name = operators.NodeName(c.node) + "/" + operators.NodeName(&n)
		inputs, outputs := make([]string, len(n.Inputs)), make([]string, len(n.Outputs))
		for j, in := range n.Inputs {
			name, ok := c.names[in]
			if in != "" && !ok {
				return nil, fault.Errorf("%s: node %q of the function %s reads %q, which nothing makes before it: the model is damaged", Label(c.node),
					operators.NodeName(&c.fn.Nodes[i]), c.fn.Name, in)
			}
			inputs[j] = name
		}
		var err error
		if n.Attrs, err = c.attributes(n.Attrs, 0); err != nil {
			return nil, err
		}
		for j, out := range n.Outputs {
			if outputs[j], err = c.define(out); err != nil {
				return nil, err
			}
		}
		n.Inputs, n.Outputs = inputs, outputs
		inline := &onnxpb.Inline{Opsets: c.opsets, Within: c.within}
		if n.Inline != nil {
			inline.Overload = n.Inline.Overload
		}
		n.Inline = inline
		list = append(list, n)
	}
	for i := range behind {
		behind[i].Inputs[0] = c.names[behind[i].Inputs[0]]
		behind[i].Inline = &onnxpb.Inline{Opsets: c.opsets, Within: c.within}
	}
	return append(list, behind...), nil
}

// take counts a node of so many bytes.
func (c *call) take(bytes int) error {
	c.nodes--
	c.bytes -= bytes + len(c.node.Name)
	if c.nodes < 0 || c.bytes < 0 {
		return fault.Errorf("%s: the functions of the model become far more nodes than the file has: it is damaged, or made to take memory",
			Label(c.node))
	}
	return nil
}

// define returns the name that a value of the function has in the network.
func (c *call) define(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	if to, ok := c.names[name]; ok {
		if slices.Contains(c.fn.Outputs, name) && !slices.Contains(c.fn.Inputs, name) { // which the node that calls has named
			return to, nil
		}
		return "", fault.Errorf("%s: the function %s makes %q twice: the model is damaged", Label(c.node), c.fn.Name, name)
	}
	fresh := operators.NodeName(c.node) + "/" + name
	if c.bytes -= len(fresh); c.bytes < 0 {
		return "", c.take(0)
	}
	for base := fresh; c.taken[fresh]; {
		c.made[base]++
		fresh = fmt.Sprintf("%s_%d", base, c.made[base])
	}
	c.taken[fresh], c.names[name] = true, fresh
	return fresh, nil
}

// attributes returns attributes of a node of the function: those that stand for one of the function have its value, or are left out where the
// node that calls has none, and in branches names are those of the network. depth is that of the branch that the node is in.
func (c *call) attributes(attrs []onnxpb.Attr, depth int) ([]onnxpb.Attr, error) {
	if !slices.ContainsFunc(attrs, func(a onnxpb.Attr) bool { return a.Ref != "" || a.Graph != nil }) {
		return attrs, nil
	}
	var list []onnxpb.Attr
	for _, a := range attrs {
		if a.Ref != "" {
			named := func(other onnxpb.Attr) bool { return other.Name == a.Ref }
			from := c.node.Attrs
			i := slices.IndexFunc(from, named)
			if i < 0 {
				from = c.fn.Defaults
				i = slices.IndexFunc(from, named)
			}
			if i < 0 {
				continue
			}
			value := from[i]
			if value.Name = a.Name; a.Type != 0 && value.Type != a.Type {
				return nil, fault.Errorf("%s: the attribute %q of the function %s is of type %d where %d is wanted: the model is damaged",
					Label(c.node), a.Ref, c.fn.Name, value.Type, a.Type)
			}
			list = append(list, value)
			continue
		}
		if a.Graph != nil {
			var err error
			if a.Graph, err = c.branch(a.Graph, depth); err != nil {
				return nil, err
			}
		}
		list = append(list, a)
	}
	return list, nil
}

// branch returns the message of a branch with the names of the network for values of the function, and values for its attributes.
func (c *call) branch(msg []byte, depth int) ([]byte, error) {
	if c.bytes -= len(msg); c.bytes < 0 || depth >= Deepest {
		return nil, c.take(c.bytes + 1)
	}
	g, err := onnxpb.ReadGraph(msg)
	if err != nil {
		return nil, fault.Errorf("%s: a branch in the function %s: %w", Label(c.node), c.fn.Name, err)
	}
	own := map[string]bool{}
	for i := range g.Initializers {
		own[g.Initializers[i].Name] = true
	}
	for i := range g.Inputs {
		own[g.Inputs[i].Name] = true
	}
	for i := range g.Nodes {
		for _, out := range g.Nodes[i].Outputs {
			own[out] = true
		}
	}
	rename := func(name string) string {
		if to, ok := c.names[name]; ok && !own[name] {
			return to
		}
		return name
	}
	for i := range g.Nodes {
		n := &g.Nodes[i]
		for j := range n.Inputs {
			n.Inputs[j] = rename(n.Inputs[j])
		}
		if n.Attrs, err = c.attributes(n.Attrs, depth+1); err != nil {
			return nil, err
		}
	}
	for i := range g.Outputs {
		g.Outputs[i].Name = rename(g.Outputs[i].Name)
	}
	return g.Encode(), nil
}
