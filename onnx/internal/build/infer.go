package build

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// ShapeOf returns the shape of a value as far as it is known, for operators that compute with it: batchSize for the
// batch, unknownSize for what is not known. Most networks never ask.
func (im *Network) ShapeOf(name string) []int64 {
	if v := im.Graph.Values[name]; v != nil && v.Const != nil {
		return elements.Int64s(v.Const.Shape)
	}
	if a, ok := im.Arrays[name]; ok {
		return elements.Int64s(a.Shape)
	}
	shape := im.Inferred(name)
	if wait, ok := im.Pending[name]; ok {
		from := im.ShapeOf(wait.From)
		for _, p := range wait.Perm {
			if len(from) == len(wait.Perm) {
				shape = append(shape, from[p])
			}
		}
	}
	if shape == nil {
		// The rank is not known, but a network for images has no more, and what matters is that the batch is first.
		shape = slices.Repeat([]int64{arrays.UnknownSize}, 8)
		if im.Facts[name].Batched {
			shape[0] = arrays.BatchSize
		}
	}
	return shape
}

// Inferred returns the shape that graph.InferShapes finds for a value, or nil. Only the nodes that came since it was
// last asked are inferred, with the values before them as inputs.
func (im *Network) Inferred(name string) []int64 {
	if im.shapes == nil {
		im.shapes = map[string]tensor.Shape{}
		for _, in := range im.Graph.Inputs {
			im.shapes[in] = im.Graph.Values[in].Shape
		}
	}
	if nodes := im.Graph.Nodes[im.asked:]; im.shapes[name] == nil && len(nodes) > 0 {
		im.asked = len(im.Graph.Nodes)
		im.infer(nodes)
	}
	shape := im.shapes[name]
	if shape == nil {
		return nil
	}
	out := elements.Int64s(shape)
	if len(out) > 0 && out[0] == graph.Batch {
		out[0] = arrays.BatchSize
	}
	return out
}

// infer notes the shapes of what the nodes compute, or nothing where a node does not fit: the error is for the
// inference of the whole network to report.
func (im *Network) infer(nodes []*raw.Node) {
	part := graph.New("")
	for _, n := range nodes {
		ofReals := raw.HasParameters(n.Op)
		if ofReals {
			n = inReals(n)
		}
		turned := n.Op == graph.LSTM && ofReals // its weights have rows for columns
		for _, in := range n.Inputs {
			switch v := im.Graph.Values[in]; {
			case in == "" || part.Values[in] != nil:
			case v.Const != nil && v.DType == tensor.Float32:
				part.AddConst(in, *v.Const)
			case v.Const != nil && turned && len(v.Const.Shape) == 3:
				s := v.Const.Shape
				addInput(part, v, tensor.Shape{s[0], s[2], s[1]}, ofReals)
			case v.Const != nil: // codes, which stand for reals of the same shape, or integers
				addInput(part, v, v.Const.Shape, ofReals)
			case im.shapes[in] == nil:
				return
			default:
				addInput(part, v, im.shapes[in], ofReals)
			}
		}
		part.AddNode(n.Op, n.Name, n.Outputs[0], n.Attrs, n.Inputs...)
		part.Outputs = n.Outputs
	}
	if err := part.Infer(); err != nil {
		return
	}
	for _, n := range nodes {
		im.shapes[n.Outputs[0]] = part.Values[n.Outputs[0]].Shape
	}
}

// addInput adds an input that stands for a value: of integers or booleans, or of reals, as codes do, a bias of int32 too.
func addInput(g *graph.Graph, v *raw.Value, shape tensor.Shape, ofReals bool) {
	g.AddInput(v.Name, shape)
	if _, codes := v.Codes(); !ofReals && (!codes || v.DType.Size() > 1) {
		g.Values[v.Name].DType = v.DType
	}
}

// inReals returns the node of reals whose output has the shape that a raw node's has.
func inReals(n *raw.Node) *raw.Node {
	m := &raw.Node{Name: n.Name, Op: graph.Identity, Inputs: n.Inputs[:1], Outputs: n.Outputs}
	op, computes := raw.FloatOp(n.Op)
	if !computes {
		return m
	}
	m.Op, m.Inputs, m.Attrs = op, nil, n.FloatAttrs()
	if raw.IsDynamic(n.Op) {
		m.Inputs = append(m.Inputs, n.Input(0))
	}
	for _, s := range n.Reads() {
		m.Inputs = append(m.Inputs, n.Input(s.Codes))
	}
	return m
}
