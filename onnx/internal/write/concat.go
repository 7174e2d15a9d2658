package write

import (
	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// concat repeats inputs that every example shares for the batch, which ONNX's Concat does not do by itself: the shape
// of an Expand is made of the batch, taken from the shape of an input that has one, and the other dimensions.
func (e *writer) concat(n *raw.Node, pb *onnxpb.Node) error {
	if out := e.g.Values[n.Outputs[0]].Shape; len(out) == 0 || out[0] != graph.Batch {
		return nil
	}
	batch := ""
	for i, in := range n.Inputs {
		if s := e.g.Values[in].Shape; len(s) == 0 || s[0] == graph.Batch {
			continue
		}
		if e.cfg.Opset < 8 {
			return parameters{writer: e}.tooOld("Expand, which a constant input of Concat needs", 8)
		}
		if batch == "" {
			var err error
			if batch, err = e.batchOf(n); err != nil {
				return err
			}
		}
		rest, err := e.integers(n, "rest", e.g.Values[in].Shape[1:])
		if err != nil {
			return err
		}
		shape, repeated := e.unwritten(in+"_shape"), e.unwritten(in+"_repeated")
		e.add(onnxpb.Node{
			Name: shape, Op: "Concat", Inputs: []string{batch, rest}, Outputs: []string{shape},
			Attrs: []onnxpb.Attr{{Name: "axis", Type: onnxpb.AttrInt}},
		})
		e.add(onnxpb.Node{Name: repeated, Op: "Expand", Inputs: []string{in, shape}, Outputs: []string{repeated}})
		pb.Inputs[i] = repeated
	}
	return nil
}

// batchOf adds the nodes that compute the number of examples, as a vector of one.
func (e *writer) batchOf(n *raw.Node) (string, error) {
	from := ""
	for _, in := range n.Inputs {
		if s := e.g.Values[in].Shape; len(s) > 0 && s[0] == graph.Batch {
			from = in
		}
	}
	first, err := e.integers(n, "first", []int{0})
	if err != nil {
		return "", err
	}
	shape, batch := e.unwritten(from+"_shape"), e.unwritten(from+"_batch")
	e.add(onnxpb.Node{Name: shape, Op: "Shape", Inputs: []string{from}, Outputs: []string{shape}})
	e.add(onnxpb.Node{Name: batch, Op: "Gather", Inputs: []string{shape, first}, Outputs: []string{batch}})
	return batch, nil
}

// integers adds a constant of integers.
func (e *writer) integers(n *raw.Node, what string, v []int) (string, error) {
	t, err := tensor.Of(tensor.Shape{len(v)}, elements.Int64s(v))
	return e.parameter(n, what, t, err)
}

// unwritten returns a name that nothing in the file has, like the one that is wanted.
func (e *writer) unwritten(name string) string {
	for e.g.Values[name] != nil || e.written[name] {
		name += "_"
	}
	e.written[name] = true
	return name
}
