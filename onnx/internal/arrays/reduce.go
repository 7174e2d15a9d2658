package arrays

import (
	"slices"

	"linquant/onnx/internal/elements"
	"linquant/tensor"
)

// The functions here are of operators that go along dimensions of arrays.

func cumSum(c Call, in []Array) (Array, bool) {
	n, ok := in[1].number()
	if !ok {
		return Array{}, false
	}
	a := in[0]
	axis, ok := a.Axis(elements.Clamp(n))
	if !ok || a.Unknown() {
		return Array{}, false
	}
	exclusive, reverse := c.Node.Int("exclusive") != 0, c.Node.Int("reverse") != 0
	out, ok := c.make(a.DType, a.Shape)
	if !ok {
		return Array{}, false
	}
	stride := 1
	for _, n := range a.Shape[axis+1:] {
		stride *= n
	}
	each(a.Shape, func(i int, index []int) {
		if index[axis] != 0 { // the first of a line sums all of it
			return
		}
		total, sum := 0.0, int64(0)
		for k := range a.Shape[axis] {
			if reverse {
				k = a.Shape[axis] - 1 - k
			}
			at := i + k*stride
			if out.Float() {
				before := total
				total += float64(a.Floats[at])
				if out.Floats[at] = float32(total); exclusive {
					out.Floats[at] = float32(before)
				}
				continue
			}
			before := sum
			sum = wrap(sum+a.Ints[at], a.DType)
			if out.Ints[at] = sum; exclusive {
				out.Ints[at] = before
			}
		}
	})
	return out, true
}

// reduced returns which dimensions a reduction removes, and the shape that is left with 1 in their place.
func (c Call) reduced(in []Array, axes []int) (gone []bool, shape []int, ok bool) {
	rank := len(in[0].Shape)
	gone, shape = make([]bool, rank), slices.Clone(in[0].Shape)
	for _, a := range elements.FromFront(axes, rank) {
		if a < 0 || a >= rank {
			return nil, nil, false
		}
		gone[a] = true
	}
	if len(axes) == 0 && c.Node.Int("noop_with_empty_axes") == 0 {
		gone = slices.Repeat([]bool{true}, rank)
	}
	for d := range shape {
		if gone[d] {
			shape[d] = 1
		}
	}
	return gone, shape, true
}

// without returns the shape without the dimensions that are gone, or with them where the node keeps them.
func (c Call) without(shape []int, gone []bool) []int {
	if c.Node.Int("keepdims") != 0 {
		return shape
	}
	left := []int{}
	for d, n := range shape {
		if !gone[d] {
			left = append(left, n)
		}
	}
	return left
}

func reduce(op operation) func(c Call, in []Array) (Array, bool) {
	return func(c Call, in []Array) (Array, bool) {
		a := in[0]
		gone, shape, ok := c.reduced(in, c.numbers(in, 1, "axes"))
		if !ok || a.Unknown() || slices.Contains(a.Shape, 0) {
			return Array{}, false
		}
		out, ok := c.make(a.DType, shape)
		if !ok {
			return Array{}, false
		}
		seen := make([]bool, a.Elements())
		each(a.Shape, func(i int, index []int) {
			o := out.offset(index)
			switch first := !seen[o]; {
			case out.Float() && first:
				out.Floats[o] = a.Floats[i]
			case out.Float():
				out.Floats[o] = op.floats(out.Floats[o], a.Floats[i])
			case first:
				out.Ints[o] = a.Ints[i]
			default:
				v, _ := op.integers(out.Ints[o], a.Ints[i], a.DType == tensor.Uint64)
				out.Ints[o] = wrap(v, a.DType)
			}
			seen[o] = true
		})
		return out.reshaped(c.without(shape, gone)), true
	}
}

// argOf returns the index of the element along an axis that op prefers.
func argOf(op operation) func(c Call, in []Array) (Array, bool) {
	return func(c Call, in []Array) (Array, bool) {
		a := in[0]
		axis, ok := a.Axis(c.Node.Int("axis"))
		if !ok || a.Unknown() || slices.Contains(a.Shape, 0) {
			return Array{}, false
		}
		gone, shape, _ := c.reduced(in, []int{axis})
		out, ok := c.make(tensor.Int64, shape)
		last := c.Node.Int("select_last_index") != 0
		at := make([]int, len(shape))
		each(shape, func(i int, index []int) {
			copy(at, index)
			best := 0
			for k := 1; k < a.Shape[axis]; k++ {
				at[axis] = best
				o := a.offset(at)
				at[axis] = k
				p := a.offset(at)
				better, same := false, false
				if a.Float() {
					same = a.Floats[o] == a.Floats[p]
					better = !same && op.floats(a.Floats[o], a.Floats[p]) == a.Floats[p]
				} else {
					v, _ := op.integers(a.Ints[o], a.Ints[p], a.DType == tensor.Uint64)
					same = a.Ints[o] == a.Ints[p]
					better = !same && v == a.Ints[p]
				}
				if better || same && last {
					best = k
				}
			}
			out.Ints[i] = int64(best)
		})
		return out.reshaped(c.without(shape, gone)), ok
	}
}
