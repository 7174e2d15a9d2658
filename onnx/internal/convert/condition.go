package convert

import (
	"linquant/onnx/internal/build"
	"linquant/tensor"
)

// where takes a constant condition, which the graph has as floats: 1 and 0.
func where(s build.Node) error {
	c, ok := s.Net.Array(s.Raw.Inputs[0])
	if !ok || c.DType != tensor.Bool {
		return s.Errorf("its condition %q is computed while the network runs: only constant ones are supported; export the "+
			"model with a fixed mask", s.Raw.Inputs[0])
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
