package onnx

import (
	"slices"

	"linquant/graph"
)

// pick writes the parameters of Gather, Expand and Tile as inputs.
func (p parameters) pick() error {
	switch p.n.Op {
	case graph.Gather:
		p.attrs["axis"] = fromFront([]int{p.attrs.Int("axis", 0)}, p.rank())[0]
		p.attrs["indices"] = fromFront(p.attrs.Ints("indices"), p.g.Values[p.n.Inputs[0]].Shape[p.attrs.Int("axis", 0)])
		return p.ints("indices")
	case graph.Tile:
		return p.ints("repeats")
	}
	if p.cfg.Opset < 8 {
		return p.tooOld("Expand", 8)
	}
	shape := slices.Clone(p.attrs.Ints("shape"))
	if len(shape) > 0 && shape[0] == graph.Batch {
		shape[0] = 1 // its input has the batch, which broadcasting keeps
	}
	p.attrs["shape"] = shape
	return p.ints("shape")
}
