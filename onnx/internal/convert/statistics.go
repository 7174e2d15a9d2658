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

// simplifiedNorm is RMSNormalization; its second output is a statistic for training.
func simplifiedNorm(s build.Node) error {
	if outputs := s.Raw.Outputs; len(outputs) > 1 && s.Net.Reads(outputs[1]) {
		return s.Errorf("its second output (%q) is used, a statistic for training: save the model without ONNX Runtime's optimizations", outputs[1])
	}
	s.Raw.Op, s.Raw.Outputs = graph.RMSNormalization, s.Raw.Outputs[:1]
	return nil
}

// lpNormalization divides by the length along an axis. Where that is 0 so are the elements, and stay so.
func lpNormalization(s build.Node) error {
	axis, p := s.Raw.Int("axis"), s.Raw.Int("p")
	op, ok := map[int]graph.Op{1: graph.ReduceL1, 2: graph.ReduceL2}[p]
	if !ok {
		return s.Errorf("p is %d: use 1 or 2", p)
	}
	x := s.Raw.Inputs[0]
	length, err := s.Insert("length", op, graph.Attrs{"axes": []int{axis}, "keepdims": 1}, x)
	if err != nil {
		return err
	}
	least, err := s.ConstantOf("least", tensor.Shape{}, []float32{0x1p-126})
	if err != nil {
		return err
	}
	if length, err = s.Insert("divisor", graph.Max, graph.Attrs{}, length, least); err != nil {
		return err
	}
	s.Raw.Op, s.Raw.Attrs, s.Raw.Inputs = graph.Div, graph.Attrs{}, []string{x, length}
	return nil
}
