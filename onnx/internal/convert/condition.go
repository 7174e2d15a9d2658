package convert

import (
	"linquant/onnx/internal/build"
	"linquant/tensor"
)

// where: a constant condition is floats in the graph, 1 and 0.
func where(s build.Node) error {
	c, ok := s.Net.Array(s.Raw.Inputs[0])
	if !ok {
		return nil // it is computed while the network runs
	}
	if c.DType != tensor.Bool {
		return s.Errorf("its condition %q has elements of %v: it must be booleans", s.Raw.Inputs[0], c.DType)
	}
	if err := s.Net.Left.Take(4 * int64(len(c.Ints))); err != nil {
		return s.Errorf("%w", err)
	}
	x := make([]float32, len(c.Ints))
	for i, v := range c.Ints {
		x[i] = float32(v)
	}
	var err error
	s.Raw.Inputs[0], err = s.ConstantOf("condition", c.Shape, x)
	return err
}
