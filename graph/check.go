package graph

import (
	"errors"
	"fmt"
	"maps"
	"slices"
)

// Check returns an error unless the graph can be run: every input of a node is defined before the node, every value has
// one origin, outputs exist, operators have the inputs and attribute types they need, and quantized values are what the
// package's comment says. It needs no shapes, but uses those of constants; InferShapes checks the rest.
func Check(g *Graph) error {
	if err := checkStructure(g); err != nil {
		return err
	}
	if err := checkQuant(g); err != nil {
		return err
	}
	return checkCodes(g)
}

// checkStructure checks names, order and arity.
func checkStructure(g *Graph) error {
	if g == nil {
		return errors.New("there is no graph: it is nil")
	}
	origin := make(map[string]any, len(g.Values)) // of the values defined so far: words, or the node
	for _, name := range g.names() {
		v := g.Values[name]
		switch {
		case v == nil || v.Name != name:
			return fmt.Errorf("the graph lists a value as %q that has another name or is nil", name)
		case v.Const == nil:
			continue
		case v.Const.DType.Size() == 0:
			return valueErrorf("constant", name, " has no element type")
		}
		size, data := int64(v.Const.DType.Size()), int64(len(v.Const.Data))
		if n, err := v.Const.Shape.Elements(); err != nil || int64(n)*size != data {
			return valueErrorf("constant", name, ": its shape %v and its %d bytes of %v do not agree", v.Const.Shape, len(v.Const.Data), v.Const.DType)
		}
		if err := checkDims(v.Const.Shape); err != nil || batched(v.Const.Shape) {
			return valueErrorf("constant", name, " has the shape %v: every dimension is at least 1, with at most %d elements in all", v.Const.Shape, maxElements)
		}
		origin[name] = "a constant"
	}
	for _, name := range g.Inputs {
		if g.Values[name] == nil {
			return valueErrorf("input", name, " has no value: add it with AddInput")
		}
		if o := origin[name]; o != nil {
			return valueErrorf("input", name, " is already %s: a value has one origin", o)
		}
		origin[name] = "an input"
	}
	for _, n := range g.Nodes {
		if n == nil {
			return fmt.Errorf("the graph has a nil node")
		}
		if err := checkNode(n); err != nil {
			return err
		}
		for _, in := range n.Inputs {
			if in != "" && origin[in] == nil {
				return undefined(g, n, in)
			}
		}
		out := n.Outputs[0]
		if g.Values[out] == nil {
			return n.errorf("the output %q has no value: add it to Values", out)
		}
		switch o := origin[out].(type) {
		case *Node:
			return n.errorf("the output %q is already computed by the %v: a value has one origin", out, o)
		case string:
			return n.errorf("the output %q is already %s: a value has one origin", out, o)
		}
		origin[out] = n
	}
	if len(g.Outputs) == 0 {
		return fmt.Errorf("the graph has no outputs")
	}
	for _, name := range g.Outputs {
		if origin[name] == nil {
			return valueErrorf("output", name, " is not defined: no input, constant or node has this name")
		}
	}
	return nil
}

// names returns the names of all values in order, so that of several errors always the same is reported.
func (g *Graph) names() []string {
	names := slices.AppendSeq(make([]string, 0, len(g.Values)), maps.Keys(g.Values))
	slices.Sort(names)
	return names
}

// undefined says why an input of a node is not there yet.
func undefined(g *Graph, n *Node, in string) error {
	for _, later := range g.Nodes {
		if later != nil && slices.Contains(later.Outputs, in) {
			return n.errorf("input %q is computed later, by the %v: apply graph.Sort first", in, later)
		}
	}
	return n.errorf("input %q is not defined: no input, constant or node has this name", in)
}
