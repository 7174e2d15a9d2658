package vary

import (
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// moving are operators that do nothing to elements but move them, so that they can be codes.
var moving = map[string]bool{
	"Concat": true, "Expand": true, "Flatten": true, "Gather": true, "Identity": true, "Reshape": true, "Slice": true, "Squeeze": true,
	"Tile": true, "Transpose": true, "Unsqueeze": true,
}

// heavy are operators with weights, which the network has in another form.
var heavy = map[string]bool{"Conv": true, "ConvTranspose": true, "Gemm": true, "GRU": true, "LSTM": true, "MatMul": true, "RNN": true}

// emit returns the nodes of a cone as they stand in the model for r, which a node of the network was lowered to.
func (p *planner) emit(k *cone, n *graph.Node, r *raw.Node) (*part, error) {
	out, names, coded := &part{}, map[string]string{k.to: r.Outputs[0]}, false
	for name := range k.data {
		if i := slices.Index(n.Inputs, name); i >= 0 {
			names[name] = r.Inputs[i]
			if v := p.Raw.Values[r.Inputs[i]]; v != nil && v.DType.Size() == 1 && v.DType != tensor.Bool {
				coded = true
			}
			continue
		}
		if p.computed[name] {
			names[name] = name
			continue
		}
		if v := p.Made.Value(name); v == nil || v.Quant != nil || p.Raw.Holds[name] != name {
			return nil, bound("%v depends on them and on %q, which is codes", n, name)
		}
		names[name] = name
	}
	for _, i := range k.nodes {
		if err := p.add(out, &p.Trace.Nodes[i], k, names, coded); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// add appends a node, unless it stands in the model already. names are those that values of this cone alone have.
func (p *planner) add(to *part, n *onnxpb.Node, k *cone, names map[string]string, coded bool) error {
	c := onnxpb.Node{Name: n.Name, Op: n.Op, Domain: n.Domain, Attrs: n.Attrs, Inputs: slices.Clone(n.Inputs), Outputs: slices.Clone(n.Outputs)}
	if c.Domain == "ai.onnx" {
		c.Domain = ""
	}
	program := true // it follows from shapes and constants alone
	if source, ok := k.sized[first(n.Inputs)]; ok && (n.Op == "Shape" || n.Op == "Size") {
		c.Inputs = []string{p.Raw.Holds[p.holder(source)]}
	} else {
		for i, in := range n.Inputs {
			if in == "" {
				continue
			}
			if as, ok := names[in]; ok {
				c.Inputs[i], program = as, false
				continue
			}
			if as, ok := p.programs[in]; ok {
				c.Inputs[i] = as
				continue
			}
			as, err := p.initializer(to, in)
			if err != nil {
				return err
			}
			c.Inputs[i] = as
		}
	}
	if slices.Contains(n.Outputs, k.to) {
		program = false
	}
	if program && p.programs[first(n.Outputs)] != "" {
		return nil
	}
	if !program {
		if heavy[n.Op] && slices.ContainsFunc(n.Inputs[1:], p.constant) {
			return bound("the file computes %q by %s, which is other nodes for other shapes", k.to, n.Op)
		}
		if coded && !moving[n.Op] {
			return bound("%q depends on them, and %s of codes is another operator", k.to, n.Op)
		}
		if err := p.floats(n); err != nil {
			return err
		}
	}
	for i, name := range n.Outputs {
		if name == "" {
			continue
		}
		as, ok := names[name]
		if !ok {
			as = p.fresh(name)
		}
		if c.Outputs[i] = as; program {
			p.programs[name] = as
		} else {
			names[name] = as
		}
	}
	return p.upgraded(to, n, c)
}

func first(names []string) string {
	if len(names) == 0 {
		return ""
	}
	return names[0]
}

// floats refuses elements that the network has as float32.
func (p *planner) floats(n *onnxpb.Node) error {
	other := func(t onnxpb.DataType) bool { return t == onnxpb.Float16 || t == onnxpb.BFloat16 || t == onnxpb.Double }
	for _, in := range n.Inputs {
		if t, ok := p.Trace.Constants[in]; ok && other(t.Type) {
			return bound("%q is of another type than float32", in)
		}
	}
	for i := range n.Attrs {
		if a := &n.Attrs[i]; a.Name == "to" && other(onnxpb.DataType(a.Int)) || a.Tensor != nil && other(a.Tensor.Type) {
			return bound("%q is of another type than float32", first(n.Outputs))
		}
	}
	return nil
}

// initializer adds a constant of the file to the model, once.
func (p *planner) initializer(to *part, name string) (string, error) {
	t, ok := p.Trace.Constants[name]
	if !ok {
		if t, ok = p.Bound[name]; !ok {
			return "", bound("nothing that is known makes %q", name)
		}
	}
	if t.Outside {
		return "", bound("%q is in another file", name)
	}
	t.Name = p.fresh(name)
	p.programs[name] = t.Name
	to.constants = append(to.constants, t)
	return t.Name, nil
}

// fresh returns a name that nothing in the model has.
func (p *planner) fresh(name string) string {
	candidate := name
	for i := 2; p.used[candidate] || p.available(candidate); i++ {
		candidate = fmt.Sprintf("%s_%d", name, i)
	}
	p.used[candidate] = true
	return candidate
}

// unchanged are operators that mean the same in every opset from 11 to 25, in the forms that files have.
var unchanged = map[string]bool{
	"Abs": true, "Add": true, "And": true, "Cast": true, "Ceil": true, "Clip": true, "Concat": true, "Constant": true, "ConstantOfShape": true,
	"Cos": true, "CumSum": true, "Div": true, "Equal": true, "Erf": true, "Exp": true, "Expand": true, "Flatten": true, "Floor": true, "Gather": true,
	"GatherElements": true, "GatherND": true, "Greater": true, "Identity": true, "Less": true, "Log": true, "Max": true, "MatMul": true, "Min": true,
	"Mod": true, "Mul": true, "Neg": true, "Not": true, "Or": true, "Pad": true, "Pow": true, "Range": true, "Reciprocal": true, "Relu": true,
	"Reshape": true, "ScatterND": true, "Shape": true, "Sigmoid": true, "Sign": true, "Sin": true, "Size": true, "Slice": true, "Sqrt": true,
	"Sub": true, "Tanh": true, "Tile": true, "Transpose": true, "Where": true,
}

// upgraded appends a node of the file's opset as the model's has it.
func (p *planner) upgraded(to *part, n *onnxpb.Node, c onnxpb.Node) error {
	from := p.Trace.Opsets[""]
	if n.Inline != nil && n.Inline.Opsets != nil {
		from = n.Inline.Opsets[""]
	}
	last := func(opsets ...int64) bool { // whether the operator did not change behind an opset up to the model's
		return !slices.ContainsFunc(opsets, func(o int64) bool { return from < o && o <= p.Opset })
	}
	switch {
	case c.Domain != "":
		return bound("%q is made by an operator of the domain %s", first(n.Outputs), c.Domain)
	case from == p.Opset, from >= 11 && from <= p.Opset && unchanged[c.Op]:
	case (c.Op == "Squeeze" || c.Op == "Unsqueeze" || c.Op == "ReduceSum") && from >= 11 && from < 13 && p.Opset >= 13:
		p.axes(to, &c)
	case (c.Op == "Squeeze" || c.Op == "Unsqueeze" || c.Op == "ReduceSum" || c.Op == "Softmax") && from >= 13 && from <= p.Opset:
	case c.Op == "Resize" && from <= p.Opset && last(11, 13, 18):
	case (c.Op == "ReduceMax" || c.Op == "ReduceMin" || c.Op == "ReduceProd" || c.Op == "ReduceMean") && from >= 11 && from < 18 && p.Opset < 18:
	case (c.Op == "ReduceMax" || c.Op == "ReduceMin" || c.Op == "ReduceProd" || c.Op == "ReduceMean") && from >= 11 && from < 18 && from <= p.Opset:
		p.axes(to, &c)
	case (c.Op == "MaxPool" || c.Op == "AveragePool" || c.Op == "GlobalAveragePool") && from >= 11 && from <= p.Opset:
	default:
		return bound("%q is made by %s of opset %d, and the model has opset %d", first(n.Outputs), c.Op, from, p.Opset)
	}
	to.nodes = append(to.nodes, c)
	return nil
}

// axes makes the attribute axes an input.
func (p *planner) axes(to *part, c *onnxpb.Node) {
	i := slices.IndexFunc(c.Attrs, func(a onnxpb.Attr) bool { return a.Name == "axes" })
	if i < 0 {
		return
	}
	t := onnxpb.Tensor{Name: p.fresh(first(c.Outputs) + "_axes"), Dims: []int64{int64(len(c.Attrs[i].Ints))}, Type: onnxpb.Int64, Raw: []byte{}}
	for _, v := range c.Attrs[i].Ints {
		for shift := 0; shift < 64; shift += 8 {
			t.Raw = append(t.Raw, byte(v>>shift))
		}
	}
	c.Attrs = slices.Delete(slices.Clone(c.Attrs), i, i+1)
	c.Inputs = append(c.Inputs[:1:1], t.Name)
	to.constants = append(to.constants, t)
}

// prune leaves out nodes and constants that no output needs.
func prune(m *onnxpb.Graph) {
	needed := map[string]bool{}
	for i := range m.Outputs {
		needed[m.Outputs[i].Name] = true
	}
	kept := make([]bool, len(m.Nodes))
	for i := len(m.Nodes) - 1; i >= 0; i-- {
		n := &m.Nodes[i]
		if kept[i] = slices.ContainsFunc(n.Outputs, func(out string) bool { return needed[out] }); kept[i] {
			for _, in := range n.Inputs {
				needed[in] = true
			}
		}
	}
	nodes := m.Nodes[:0:0]
	for i := range m.Nodes {
		if kept[i] {
			nodes = append(nodes, m.Nodes[i])
		}
	}
	m.Nodes = nodes
	m.Initializers = slices.DeleteFunc(m.Initializers, func(t onnxpb.Tensor) bool { return !needed[t.Name] })
}

// ordered returns an error unless all that a node reads is made before it; names of nodes become unique.
func ordered(m *onnxpb.Graph) error {
	made, names := map[string]bool{"": true}, map[string]bool{}
	for i := range m.Inputs {
		made[m.Inputs[i].Name] = true
	}
	for i := range m.Initializers {
		made[m.Initializers[i].Name] = true
	}
	for i := range m.Nodes {
		n := &m.Nodes[i]
		for _, in := range n.Inputs {
			if !made[in] {
				return bound("%q is needed before it is computed", in)
			}
		}
		for _, out := range n.Outputs {
			made[out] = true
		}
		name := n.Name
		for k := 2; name != "" && names[name]; k++ {
			name = fmt.Sprintf("%s_%d", n.Name, k)
		}
		n.Name, names[name] = name, true
	}
	return nil
}
