package convert

import (
	"linquant/graph"
	"linquant/onnx/internal/build"
	"linquant/tensor"
)

// lrn, local response normalization: x / (bias + alpha/size · Σ x²)^beta, summed over size neighbouring channels. With
// channels for the height of a picture the sum divided by size is a pool by average.
func lrn(s build.Node) error {
	dims, err := s.Dims(0)
	if err != nil {
		return err
	}
	size, x, shape := s.Raw.Int("size"), s.Raw.Inputs[0], build.Dimensions(dims)
	if len(shape) != 4 || size < 1 {
		return s.Errorf("it normalizes %d channels of a value with %d dimensions: it needs at least 1, and 4", size, len(shape))
	}
	y, err := s.Insert("square", graph.Mul, graph.Attrs{}, x, x)
	if err != nil {
		return err
	}
	pool := graph.Attrs{
		"kernel_shape": []int{size, 1}, "pads": []int{(size - 1) / 2, 0, size / 2, 0}, "strides": []int{1, 1}, "count_include_pad": 1,
	}
	for _, part := range []struct {
		name  string
		op    graph.Op
		attrs graph.Attrs
	}{
		{"channels", graph.Reshape, graph.Attrs{"shape": []int{shape[0], 1, shape[1], shape[2] * shape[3]}}},
		{"mean", graph.AveragePool, pool},
		{"pixels", graph.Reshape, graph.Attrs{"shape": shape}},
	} {
		if y, err = s.Insert(part.name, part.op, part.attrs, y); err != nil {
			return err
		}
	}
	for _, part := range []struct {
		name, attr string
		op         graph.Op
	}{{"scaled", "alpha", graph.Mul}, {"shifted", "bias", graph.Add}, {"power", "beta", graph.Pow}} {
		name, err := s.ConstantOf(part.attr, tensor.Shape{}, []float32{s.Raw.Float(part.attr)})
		if err != nil {
			return err
		}
		if y, err = s.Insert(part.name, part.op, graph.Attrs{}, y, name); err != nil {
			return err
		}
	}
	s.Raw.Op, s.Raw.Attrs, s.Raw.Inputs = graph.Div, graph.Attrs{}, []string{x, y}
	return nil
}
