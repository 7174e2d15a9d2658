package onnx

import (
	"slices"

	"linquant/graph"
)

// uncoerce replaces every Softmax and LogSoftmax of opset 12 and before, which normalizes over all dimensions from axis
// on together, by one over a single dimension: between two Reshapes where there is more than one. graph.InferShapes has
// accepted g, so that axis is a dimension other than the batch.
func uncoerce(g *graph.Graph) (*graph.Graph, error) {
	if !slices.ContainsFunc(g.Nodes, func(n *graph.Node) bool { return n.Attrs[coerced] != nil }) {
		return g, nil
	}
	out := g.Clone()
	out.Nodes = nil
	for _, n := range g.Nodes {
		if n.Attrs[coerced] == nil {
			out.Nodes = append(out.Nodes, n)
			continue
		}
		shape := g.Values[n.Inputs[0]].Shape
		axis := fromFront([]int{n.Attrs.Int("axis", 1)}, len(shape))[0]
		n = n.Clone()
		delete(n.Attrs, coerced)
		n.Attrs["axis"] = axis
		if axis == len(shape)-1 {
			out.Nodes = append(out.Nodes, n)
			continue
		}
		flat := append(slices.Clone(shape[:axis]), 1)
		for _, d := range shape[axis:] {
			flat[axis] *= d
		}
		in, name := n.Inputs[0], n.Outputs[0]
		before, after := unused(out, name+"_flat"), unused(out, name+"_softmax")
		n.Inputs, n.Outputs = []string{before}, []string{after}
		out.AddNode(graph.Reshape, n.Name+"_flatten", before, graph.Attrs{"shape": []int(flat)}, in)
		out.AddNode(n.Op, n.Name, after, n.Attrs, before)
		out.AddNode(graph.Reshape, n.Name+"_restore", name, graph.Attrs{"shape": []int(slices.Clone(shape))}, after)
	}
	return graph.InferShapes(out)
}

// unused returns a name that no value has, like the one that is wanted.
func unused(g *graph.Graph, name string) string {
	for g.Values[name] != nil {
		name += "_"
	}
	return name
}
