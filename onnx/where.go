package onnx

import (
	"linquant/graph"
	"linquant/tensor"
)

// where takes a constant condition, which the graph has as floats: 1 and 0.
func (s site) where() error {
	c, ok := s.im.array(s.n.Inputs[0])
	if !ok || c.dtype != tensor.Bool {
		return s.errorf("its condition %q is computed while the network runs: only constant ones are supported; export the "+
			"model with a fixed mask", s.n.Inputs[0])
	}
	if err := s.im.left.take(4 * int64(len(c.v))); err != nil {
		return s.errorf("%w", err)
	}
	x := make([]float32, len(c.v))
	for i, v := range c.v {
		x[i] = float32(v)
	}
	var err error
	s.n.Inputs[0], err = s.constantOf("condition", c.shape, x)
	return err
}

// where writes the condition as booleans.
func (p parameters) where() error {
	v := p.g.Values[p.n.Inputs[0]]
	x, err := v.Const.Float32s()
	if err != nil {
		return err
	}
	if p.cfg.Opset < 9 {
		return p.tooOld(string(graph.Where), 9)
	}
	condition := make([]bool, len(x))
	for i := range x {
		condition[i] = x[i] != 0
	}
	t, err := tensor.Of(v.Const.Shape, condition)
	p.pb.Inputs[0], err = p.parameter(p.n, "condition", t, err)
	return err
}
