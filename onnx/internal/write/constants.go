package write

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/elements"
	"linquant/tensor"
)

func (p parameters) gather() error {
	axis := elements.FromFront([]int{p.n.Int("axis")}, p.rank())[0]
	p.attrs["axis"] = axis
	if p.n.Input(1) != "" {
		delete(p.attrs, "indices") // those that are computed are
		return nil
	}
	p.attrs["indices"] = elements.FromFront(p.n.Ints("indices"), p.g.Values[p.n.Inputs[0]].Shape[axis])
	return nil
}

func (p parameters) expand() error {
	shape := slices.Clone(p.n.Ints("shape"))
	if len(shape) > 0 && shape[0] == graph.Batch {
		shape[0] = 1 // its input has the batch, which broadcasting keeps
	}
	p.attrs["shape"] = shape
	return nil
}

// where writes a constant condition as booleans.
func (p parameters) where() error {
	v := p.g.Values[p.n.Inputs[0]]
	if v.Const == nil {
		return nil
	}
	x, err := v.Const.Float32s()
	if err != nil {
		return err
	}
	condition := make([]bool, len(x))
	for i := range x {
		condition[i] = x[i] != 0
	}
	t, err := tensor.Of(v.Const.Shape, condition)
	p.pb.Inputs[0], err = p.parameter(p.n, "condition", t, err)
	return err
}
