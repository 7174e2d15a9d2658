package read

import (
	"maps"
	"slices"

	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/fault"
	"linquant/onnx/internal/file"
	"linquant/onnx/internal/operators"
)

// branch puts the nodes of one branch of an If in its place, where the condition is known before the network runs: it is a
// constant, or follows from shapes and constants. The other branch is not looked at. Names of the branch that the network has
// already become others.
func branch(s build.Node) error {
	im := s.Net
	a, ok := im.Array(s.Raw.Inputs[0])
	if !ok || len(a.Ints) != 1 || a.Unknown() {
		return s.Errorf("%w", &fault.Condition{Value: s.Raw.Inputs[0], Inputs: deciding(im, s.File.Inputs[0])})
	}
	if t := im.Cfg.Trace; t != nil {
		t.Conditions = append(t.Conditions, s.Raw.Inputs[0])
	}
	which := "else_branch"
	if a.Ints[0] != 0 {
		which = "then_branch"
	}
	i := slices.IndexFunc(s.File.Attrs, func(a onnxpb.Attr) bool { return a.Name == which && a.Graph != nil })
	if i < 0 || im.Depth >= file.Deepest {
		return s.Errorf("it has no %s, or one within more than %d others", which, file.Deepest)
	}
	g, err := onnxpb.ReadGraph(s.File.Attrs[i].Graph)
	if err != nil {
		return s.Errorf("its %s: %w", which, err)
	}
	if len(g.Outputs) != len(s.Raw.Outputs) || g.Sparse > 0 {
		return s.Errorf("its %s has %d outputs and the node %d, or sparse initializers", which, len(g.Outputs), len(s.Raw.Outputs))
	}
	if in := s.File.Inline; in != nil && in.Opsets != nil {
		for k := range g.Nodes { // which stand in the function too
			overload := ""
			if g.Nodes[k].Inline != nil {
				overload = g.Nodes[k].Inline.Overload
			}
			g.Nodes[k].Inline = &onnxpb.Inline{Overload: overload, Opsets: in.Opsets, Within: in.Within}
		}
	}
	if g.Nodes, err = im.Functions.Inline(g.Nodes); err != nil {
		return err
	}
	if err := operators.Known(g.Nodes, im.Opsets); err != nil {
		return err
	}
	names := maps.Clone(im.Scope) // what is around it has other names too
	if names == nil {
		names = map[string]string{}
	}
	define := func(name string) string {
		if name == "" {
			return ""
		}
		fresh := im.Fresh(name)
		for _, taken := im.Arrays[fresh]; taken; _, taken = im.Arrays[fresh] {
			fresh = im.Fresh(fresh + "_")
		}
		names[name] = fresh
		return fresh
	}
	for k := range g.Initializers {
		t := g.Initializers[k]
		t.Name = define(t.Name)
		if err := im.Constant(t.Name, &t); err != nil {
			return s.Errorf("its %s: initializer %q: %w", which, t.Name, err)
		}
	}
	for k := range g.Nodes { // which are in order, as ONNX wants them
		n := &g.Nodes[k]
		n.Inputs = renamed(names, n.Inputs)
		n.Outputs = slices.Clone(n.Outputs)
		for j, name := range n.Outputs {
			n.Outputs[j] = define(name)
		}
	}
	for k, out := range s.Raw.Outputs { // they are read under their own names
		if out != "" {
			from := renamed(names, []string{g.Outputs[k].Name})
			g.Nodes = append(g.Nodes, onnxpb.Node{Op: "Identity", Name: out, Inputs: from, Outputs: []string{out}})
		}
	}
	im.Inlined(g.Nodes)
	outer := im.Scope
	im.Depth, im.Scope = im.Depth+1, names
	defer func() { im.Depth, im.Scope = im.Depth-1, outer }()
	for k := range g.Nodes {
		for _, in := range g.Nodes[k].Inputs {
			if _, known := im.Arrays[in]; in != "" && !known && im.Graph.Values[in] == nil && im.Pending[in].Perm == nil {
				return s.Errorf("its %s reads %q, which nothing makes before it: the model is damaged", which, in)
			}
		}
		if err := node(im, &g.Nodes[k]); err != nil {
			return err
		}
	}
	return nil
}

// deciding returns the inputs of the network from which a value is computed, in their order.
func deciding(im *build.Network, name string) []string {
	from, wanted := map[string]bool{}, []string{name}
	for len(wanted) > 0 {
		last := len(wanted) - 1
		name := wanted[last]
		if wanted = wanted[:last]; name == "" || from[name] {
			continue
		}
		from[name] = true
		if i, ok := im.Makers[name]; ok {
			n := &im.File.Nodes[i]
			wanted = append(append(wanted, n.Inputs...), file.Captured(n, 0)...)
		}
	}
	var inputs []string
	for _, name := range im.Graph.Inputs {
		if from[name] {
			inputs = append(inputs, name)
		}
	}
	return inputs
}

func renamed(names map[string]string, list []string) []string {
	out := slices.Clone(list)
	for i, name := range out {
		if to, ok := names[name]; ok {
			out[i] = to
		}
	}
	return out
}
