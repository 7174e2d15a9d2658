package fuse

import (
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// Nodes can share a constant, and the parameters of each have its elements: many nodes that read one long scale would
// take far more memory than the file has. So what is made of constants is bounded by the constants there are.

// fuseBudget returns a budget of four times the constants' bytes.
func fuseBudget(g *raw.Graph) elements.Budget {
	size := int64(0)
	for _, v := range g.Values {
		if v.Const != nil {
			size += int64(len(v.Const.Data))
		}
	}
	return elements.NewBudget(size)
}

// spend takes the memory of elements of 4 bytes from the budget. A few are free: they are no more than their node.
func (f *fuser) spend(elements int) error {
	const few = 8
	if elements <= few {
		return nil
	}
	return f.left.Take(4 * int64(elements))
}

// wide returns a tensor's codes as int32.
func (f *fuser) wide(t tensor.Tensor) ([]int32, error) {
	if err := f.spend(t.Elements()); err != nil {
		return nil, err
	}
	return quant.Widen(t)
}

// fits reports whether all codes of t are codes of the narrower type.
func fits(t tensor.Tensor, narrow quant.Type) bool {
	lo, hi := narrow.Range()
	for _, b := range t.Data {
		code := int32(b)
		if t.DType == tensor.Int8 {
			code = int32(int8(b))
		}
		if code < lo || code > hi {
			return false
		}
	}
	return t.DType == tensor.Int8 || t.DType == tensor.Uint8
}
