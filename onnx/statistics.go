package onnx

import (
	"linquant/graph"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// layerNorm computes the mean and the inverse of the standard deviation, its second and third output, by nodes of their
// own where somebody reads them.
func (s site) layerNorm() error {
	outputs := s.n.Outputs
	s.n.Outputs = outputs[:1]
	if len(outputs) == 1 {
		return nil
	}
	dims, err := s.dims(0)
	if err != nil {
		return err
	}
	rank, axis := len(dims), s.n.Attrs.Int("axis", -1)
	if axis < 0 {
		axis += rank
	}
	var axes []int
	for a := max(axis, 0); a < rank; a++ {
		axes = append(axes, a)
	}
	x := s.n.Inputs[0]
	mean := outputs[1]
	if mean == "" {
		mean = s.im.fresh(outputs[0] + "_mean")
	}
	reduce := graph.Attrs{"axes": axes, "keepdims": 1}
	if err := s.aside(graph.ReduceMean, mean, reduce, x); err != nil {
		return err
	}
	if len(outputs) < 3 || !s.im.reads(outputs[2]) {
		return nil
	}
	centered, err := s.emit("centered", graph.Sub, graph.Attrs{}, x, mean)
	if err != nil {
		return err
	}
	square, err := s.emit("square", graph.Mul, graph.Attrs{}, centered, centered)
	if err != nil {
		return err
	}
	variance, err := s.emit("variance", graph.ReduceMean, reduce, square)
	if err != nil {
		return err
	}
	name, err := s.constantOf("epsilon", tensor.Shape{}, []float32{s.n.Attrs.Float("epsilon", 1e-5)})
	if err != nil {
		return err
	}
	if variance, err = s.emit("shifted", graph.Add, graph.Attrs{}, variance, name); err != nil {
		return err
	}
	deviation, err := s.emit("deviation", graph.Sqrt, graph.Attrs{}, variance)
	if err != nil {
		return err
	}
	return s.aside(graph.Reciprocal, outputs[2], graph.Attrs{}, deviation)
}

// aside adds a node that computes another output of s.
func (s site) aside(op graph.Op, output string, attrs graph.Attrs, inputs ...string) error {
	part := s
	part.n = &raw.Node{Name: output, Op: op, Inputs: inputs, Outputs: []string{output}, Attrs: attrs}
	part.least = len(inputs)
	return part.add()
}
