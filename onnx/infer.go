package onnx

import (
	"slices"

	"linquant/graph"
	"linquant/tensor"
)

// shapeOf returns the shape of a value as far as it is known, for operators that compute with it: batchSize for the batch,
// unknownSize for what is not known. Most networks never ask.
func (im *importer) shapeOf(name string) []int64 {
	if v := im.g.Values[name]; v != nil && v.Const != nil {
		return int64s(v.Const.Shape)
	}
	shape := im.inferred(name)
	if shape == nil {
		// The rank is not known, but a network for images has no more, and what matters is that the batch is first.
		shape = slices.Repeat([]int64{unknownSize}, 8)
		if im.facts[name].batched {
			shape[0] = batchSize
		}
	}
	return shape
}

// inferred returns the shape that graph.InferShapes finds for a value, or nil. Only the nodes that came since it was last
// asked are inferred, with the values before them as inputs.
func (im *importer) inferred(name string) []int64 {
	if im.known == nil {
		im.known = map[string]tensor.Shape{}
		for _, in := range im.g.Inputs {
			im.known[in] = im.g.Values[in].Shape
		}
	}
	if nodes := im.g.Nodes[im.asked:]; im.known[name] == nil && len(nodes) > 0 {
		im.asked = len(im.g.Nodes)
		im.infer(nodes)
	}
	shape := im.known[name]
	if shape == nil {
		return nil
	}
	out := int64s(shape)
	if len(out) > 0 && out[0] == graph.Batch {
		out[0] = batchSize
	}
	return out
}

// infer notes the shapes of what the nodes compute, or nothing where a node is raw or does not fit: the error is for the
// inference of the whole network to report.
func (im *importer) infer(nodes []*graph.Node) {
	part := graph.New("")
	for _, n := range nodes {
		if isRaw(n.Op) {
			if n.Op != graph.QuantizeLinear && n.Op != graph.DequantizeLinear {
				return
			}
			n = &graph.Node{Name: n.Name, Op: graph.Identity, Inputs: n.Inputs[:1], Outputs: n.Outputs}
		}
		for _, in := range n.Inputs {
			switch v := im.g.Values[in]; {
			case in == "" || part.Values[in] != nil:
			case v.Const != nil:
				part.AddConst(in, *v.Const)
			case im.known[in] == nil:
				return
			default:
				part.AddInput(in, im.known[in])
			}
		}
		part.AddNode(n.Op, n.Name, n.Outputs[0], n.Attrs, n.Inputs...)
		part.Outputs = n.Outputs
	}
	part, err := graph.InferShapes(part)
	if err != nil {
		return
	}
	for _, n := range nodes {
		im.known[n.Outputs[0]] = part.Values[n.Outputs[0]].Shape
	}
}
