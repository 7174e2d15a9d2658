package file

import (
	"fmt"
	"slices"

	"linquant/internal/near"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/fault"
	"linquant/onnx/internal/operators"
)

// Deepest bounds how many branches of If stand within each other: each is decoded anew by the one around it.
const Deepest = 16

// Part is what of a file's network its outputs need.
type Part struct {
	Cut     bool            // it is not the whole network that was asked for
	Nodes   []bool          // whether a node is needed
	Reads   map[string]bool // what needed nodes read, in their branches too, and the outputs
	Inputs  []string        // values that are inputs in place of what makes them
	Outputs []string

	// Renamed are the names that outputs of needed nodes have in the part, where the outputs' own became those of inputs: a node may
	// make a value that is cut off beside one that is not.
	Renamed map[string]string
}

// PartOf returns the part of a network from some of its values, which become inputs, to others; of none, nil, it is the whole, but
// for nodes that no output needs. Errors are names that are made twice, and values that are asked for and not there.
func PartOf(g *onnxpb.Graph, inputs, outputs []string) (*Part, error) {
	made, err := makers(g)
	if err != nil {
		return nil, err
	}
	p := &Part{
		Cut: len(inputs) > 0 || outputs != nil, Nodes: make([]bool, len(g.Nodes)), Reads: map[string]bool{}, Inputs: inputs, Outputs: outputs,
	}
	if outputs == nil {
		for i := range g.Outputs {
			p.Outputs = append(p.Outputs, g.Outputs[i].Name)
		}
	}
	given := map[string]bool{}
	for i, name := range inputs {
		if why := p.notAnInput(i, g, made); why != "" {
			return nil, unknown("input", name, why, g, made)
		}
		given[name] = true
	}
	for i, name := range outputs {
		if why := p.notAnOutput(i, g, made); why != "" {
			return nil, unknown("output", name, why, g, made)
		}
	}
	for wanted := slices.Clone(p.Outputs); len(wanted) > 0; {
		last := len(wanted) - 1
		name := wanted[last]
		wanted = wanted[:last]
		i, ok := made[name]
		if p.Reads[name] = true; !ok || given[name] || p.Nodes[i] {
			continue
		}
		p.Nodes[i] = true
		wanted = append(wanted, g.Nodes[i].Inputs...)
		wanted = append(wanted, Captured(&g.Nodes[i], 0)...)
	}
	for _, name := range inputs {
		if !p.Reads[name] {
			return nil, fmt.Errorf("the input %q is asked for, and none of the outputs %s needs it", name, near.List(p.Outputs))
		}
	}
	p.rename(g, made)
	return p, nil
}

// notAnInput says why a value that is asked for as an input cannot be one; "" where it can.
func (p *Part) notAnInput(i int, g *onnxpb.Graph, made map[string]int) string {
	name := p.Inputs[i]
	_, computed := made[name]
	switch {
	case name == "":
		return noName
	case slices.Contains(p.Inputs[:i], name):
		return twice
	case computed, declares(g.Inputs, name):
		return ""
	case stored(g, name):
		return "it is an initializer, which always has the value that the file has for it"
	}
	return "no node computes it and it is no input"
}

// notAnOutput says why a value that is asked for as an output cannot be one; "" where it can.
func (p *Part) notAnOutput(i int, g *onnxpb.Graph, made map[string]int) string {
	name := p.Outputs[i]
	_, computed := made[name]
	switch {
	case name == "":
		return noName
	case slices.Contains(p.Outputs[:i], name):
		return twice
	case slices.Contains(p.Inputs, name):
		return "it is an input of the part, where it is not computed"
	case computed:
		return ""
	case stored(g, name):
		return "it is an initializer, which no node computes"
	case declares(g.Inputs, name):
		return "it is an input of the network, which no node computes"
	}
	return "no node computes it"
}

const noName, twice = "a value has a name", "it is so twice"

// stored reports whether the value is an initializer.
func stored(g *onnxpb.Graph, name string) bool {
	return slices.ContainsFunc(g.Initializers, func(t onnxpb.Tensor) bool { return t.Name == name })
}

// rename finds other names for outputs of needed nodes that became inputs. They stay outputs: of operators such as Split the number of
// them counts.
func (p *Part) rename(g *onnxpb.Graph, made map[string]int) {
	var taken map[string]bool
	for _, name := range p.Inputs {
		i, ok := made[name]
		if !ok || !p.Nodes[i] {
			continue
		}
		if taken == nil {
			taken, p.Renamed = names(g), map[string]string{}
		}
		other := name + "_cut"
		for k := 2; taken[other]; k++ {
			other = fmt.Sprintf("%s_cut%d", name, k)
		}
		taken[other], p.Renamed[name] = true, other
	}
}

// names returns the names of all values of a network, those in branches too.
func names(g *onnxpb.Graph) map[string]bool {
	taken := map[string]bool{}
	add := func(g *onnxpb.Graph) {
		for i := range g.Initializers {
			taken[g.Initializers[i].Name] = true
		}
		for _, list := range [][]onnxpb.ValueInfo{g.Inputs, g.Outputs, g.Values} {
			for i := range list {
				taken[list[i].Name] = true
			}
		}
		for i := range g.Nodes {
			for _, name := range slices.Concat(g.Nodes[i].Inputs, g.Nodes[i].Outputs) {
				taken[name] = true
			}
		}
	}
	add(g)
	for i := range g.Nodes {
		within(&g.Nodes[i], 0, add)
	}
	return taken
}

// makers returns which node makes a value. Names that are made twice are errors.
func makers(g *onnxpb.Graph) (map[string]int, error) {
	known := make(map[string]bool, len(g.Initializers)+len(g.Inputs))
	for i := range g.Initializers {
		known[g.Initializers[i].Name] = true
	}
	for i := range g.Inputs {
		known[g.Inputs[i].Name] = true
	}
	return madeBy(g.Nodes, func(name string) bool { return known[name] })
}

// unknown is the error for a value that is asked for and cannot be had.
func unknown(what, name, why string, g *onnxpb.Graph, made map[string]int) error {
	var names []string
	for value := range made {
		names = append(names, value)
	}
	slices.Sort(names)
	meant := near.Names(name, names)
	hint := ""
	_, known := made[name]
	switch {
	case known, name == "", declares(g.Inputs, name), stored(g, name): // what is wrong is not the name
	case len(meant) > 0:
		hint = "; did you mean " + near.List(meant) + "?"
	case len(g.Outputs) > 0:
		last := make([]string, len(g.Outputs))
		for i := range g.Outputs {
			last[i] = g.Outputs[i].Name
		}
		hint = ": the file has the outputs " + near.List(last[:min(len(last), 3)])
	}
	return &fault.Unknown{Value: name, Text: fmt.Sprintf("the %s %q is asked for, and %s%s", what, name, why, hint)}
}

func declares(infos []onnxpb.ValueInfo, name string) bool {
	return slices.ContainsFunc(infos, func(v onnxpb.ValueInfo) bool { return v.Name == name })
}

// Apply leaves of a network what the part has. declare says what is known of values that become inputs.
func (p *Part) Apply(g *onnxpb.Graph, declare func(name string) onnxpb.ValueInfo) {
	var nodes []onnxpb.Node
	dropped := map[string]bool{} // what only nodes read that are left out
	for i := range g.Nodes {
		if p.Nodes[i] {
			nodes = append(nodes, p.renamed(g.Nodes[i]))
			continue
		}
		for _, in := range slices.Concat(g.Nodes[i].Inputs, Captured(&g.Nodes[i], 0)) {
			dropped[in] = !p.Reads[in]
		}
	}
	g.Nodes = nodes
	constants := map[string]bool{}
	g.Initializers = slices.DeleteFunc(slices.Clone(g.Initializers), func(t onnxpb.Tensor) bool {
		if slices.Contains(p.Inputs, t.Name) { // the default of an input, which is given
			return true
		}
		constants[t.Name] = dropped[t.Name]
		return dropped[t.Name]
	})
	g.Inputs = slices.DeleteFunc(slices.Clone(g.Inputs), func(v onnxpb.ValueInfo) bool {
		return constants[v.Name] || p.Cut && !p.Reads[v.Name]
	})
	for _, name := range p.Inputs {
		if !declares(g.Inputs, name) {
			g.Inputs = append(g.Inputs, declare(name))
		}
	}
	outputs := g.Outputs
	g.Outputs = nil
	for _, name := range p.Outputs {
		v := onnxpb.ValueInfo{Name: name}
		if i := slices.IndexFunc(outputs, func(v onnxpb.ValueInfo) bool { return v.Name == name }); i >= 0 {
			v = outputs[i]
		}
		g.Outputs = append(g.Outputs, v)
	}
}

// renamed returns a node with the names that its outputs have in the part. Errors know it as before.
func (p *Part) renamed(n onnxpb.Node) onnxpb.Node {
	for i, out := range n.Outputs {
		if other, ok := p.Renamed[out]; ok {
			n.Name, n.Outputs = operators.NodeName(&n), slices.Clone(n.Outputs)
			n.Outputs[i] = other
		}
	}
	return n
}

// Captured returns the names that the branches of a node read, those made within among them; depth is that of the node.
func Captured(n *onnxpb.Node, depth int) []string {
	var names []string
	within(n, depth, func(g *onnxpb.Graph) {
		for k := range g.Nodes {
			names = append(names, g.Nodes[k].Inputs...)
		}
		for k := range g.Outputs {
			names = append(names, g.Outputs[k].Name)
		}
	})
	return names
}

// within calls visit for the networks that a node at a depth has as attributes, and for those within them.
func within(n *onnxpb.Node, depth int, visit func(g *onnxpb.Graph)) {
	for i := range n.Attrs {
		if n.Attrs[i].Graph == nil || depth >= Deepest {
			continue
		}
		g, err := onnxpb.ReadGraph(n.Attrs[i].Graph)
		if err != nil {
			continue // which is said when it is taken
		}
		visit(g)
		for k := range g.Nodes {
			within(&g.Nodes[k], depth+1, visit)
		}
	}
}

// Before returns the last values that can be computed without the nodes that make those of bad, and without what depends on these: of
// all that depends on an input other than by its shape, what is an output of the network, or read by what cannot be computed. The
// values from come in place of what makes them.
func Before(g *onnxpb.Graph, from []string, bad map[string]bool) []string {
	p, err := PartOf(g, from, nil)
	if err != nil {
		return nil
	}
	made, err := makers(g)
	if err != nil {
		return nil
	}
	order, _, err := Order(g.Nodes, func(name string) bool { _, ok := made[name]; return !ok })
	if err != nil {
		return nil
	}
	depends, lost := map[string]bool{}, map[string]bool{} // by value
	for i := range g.Inputs {
		depends[g.Inputs[i].Name] = true
	}
	for i := range g.Initializers {
		depends[g.Initializers[i].Name] = slices.Contains(from, g.Initializers[i].Name)
	}
	last := map[string]bool{}
	for i := range g.Outputs {
		last[g.Outputs[i].Name] = true
	}
	var computed []string
	for _, i := range order {
		n := &g.Nodes[i]
		if !p.Nodes[i] {
			continue
		}
		reads := slices.Concat(n.Inputs, Captured(n, 0))
		ends := slices.ContainsFunc(n.Outputs, func(out string) bool { return bad[out] || bad[p.Renamed[out]] }) ||
			slices.ContainsFunc(reads, func(in string) bool { return lost[in] })
		moved := n.Op != "Shape" && n.Op != "Size" && slices.ContainsFunc(reads, func(in string) bool { return depends[in] })
		for _, in := range reads {
			last[in] = last[in] || ends
		}
		for _, out := range n.Outputs {
			if slices.Contains(from, out) {
				depends[out] = true
				continue
			}
			depends[out], lost[out] = moved, ends
			if moved && !ends && out != "" {
				computed = append(computed, out)
			}
		}
	}
	return slices.DeleteFunc(computed, func(name string) bool { return !last[name] })
}
