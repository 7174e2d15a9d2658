package convert

import (
	"linquant/graph"
	"linquant/onnx/internal/build"
	"linquant/tensor"
)

// layerNorm computes the mean and the inverse of the standard deviation, its second and third output, by nodes of their
// own where somebody reads them.
func layerNorm(s build.Node) error {
	outputs := s.Raw.Outputs
	s.Raw.Outputs = outputs[:1]
	if len(outputs) == 1 {
		return nil
	}
	dims, err := s.Dims(0)
	if err != nil {
		return err
	}
	rank, axis := len(dims), s.Raw.Int("axis")
	if axis < 0 {
		axis += rank
	}
	var axes []int
	for a := max(axis, 0); a < rank; a++ {
		axes = append(axes, a)
	}
	x := s.Raw.Inputs[0]
	mean := outputs[1]
	if mean == "" {
		mean = s.Net.Fresh(outputs[0] + "_mean")
	}
	reduce := graph.Attrs{"axes": axes, "keepdims": 1}
	if err := s.Beside(graph.ReduceMean, mean, reduce, x); err != nil {
		return err
	}
	if len(outputs) < 3 || !s.Net.Reads(outputs[2]) {
		return nil
	}
	centered, err := s.Insert("centered", graph.Sub, graph.Attrs{}, x, mean)
	if err != nil {
		return err
	}
	square, err := s.Insert("square", graph.Mul, graph.Attrs{}, centered, centered)
	if err != nil {
		return err
	}
	variance, err := s.Insert("variance", graph.ReduceMean, reduce, square)
	if err != nil {
		return err
	}
	name, err := s.ConstantOf("epsilon", tensor.Shape{}, []float32{s.Raw.Float("epsilon")})
	if err != nil {
		return err
	}
	if variance, err = s.Insert("shifted", graph.Add, graph.Attrs{}, variance, name); err != nil {
		return err
	}
	deviation, err := s.Insert("deviation", graph.Sqrt, graph.Attrs{}, variance)
	if err != nil {
		return err
	}
	return s.Beside(graph.Reciprocal, outputs[2], graph.Attrs{}, deviation)
}
