package conformance

import (
	"context"
	"fmt"

	"linquant/engine"
	"linquant/tensor"
)

// engine runs the test in the engine, where the first dimension is the batch, or the whole input one example.
func (c *test) engine(constants map[string]tensor.Tensor) error {
	if len(constants) == len(c.inputs) {
		return Refused{fmt.Errorf("nothing is left to run")}
	}
	g, err := c.config(constants, false).Import(context.Background(), c.model, "model.onnx")
	if err != nil {
		return Refused{unnamed(err)}
	}
	p, err := engine.Compile(context.Background(), g, engine.Config{Threads: 1})
	if err != nil {
		return Refused{err}
	}
	rest, batch := c.rest(constants), 1
	in := make([][]float32, 0, len(rest))
	for _, io := range p.Inputs() {
		t := rest[io.Name]
		v := g.Values[io.Name]
		x, err := t.Float32s()
		if v.Quant != nil || err != nil {
			return Refused{fmt.Errorf("input %q holds codes", io.Name)}
		}
		if len(t.Shape) > len(io.Shape) {
			batch = t.Shape[0]
		}
		in = append(in, x)
	}
	out := make([][]float32, 0, len(c.want))
	for _, io := range p.Outputs() {
		n, err := io.Shape.Elements()
		if err != nil {
			return Refused{err}
		}
		out = append(out, make([]float32, n*batch))
	}
	if err := p.Run(context.Background(), out, in); err != nil {
		return Refused{err}
	}
	for i, want := range c.want {
		y, err := want.Float32s()
		if err != nil || g.Values[p.Outputs()[i].Name].Quant != nil {
			return Refused{fmt.Errorf("output %d holds codes", i)}
		}
		if len(out[i]) != len(y) {
			return fmt.Errorf("%w: output %d has %d elements instead of %d", ErrWrong, i, len(out[i]), len(y))
		}
		if err := near(out[i], y, relativeOf(want.DType)); err != nil {
			return fmt.Errorf("%w: output %d of the engine: %w", ErrWrong, i, err)
		}
	}
	return nil
}
