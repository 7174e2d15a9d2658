package onnx

import (
	"slices"

	"linquant/tensor"
)

// The functions here are of operators that go along dimensions of arrays.

func cumSumArray(s site, in []array) (array, bool) {
	n, ok := in[1].number()
	if !ok {
		return array{}, false
	}
	a := in[0]
	axis, ok := a.axis(clamp(n))
	if !ok || a.unknown() {
		return array{}, false
	}
	exclusive, reverse := s.n.Attrs.Int("exclusive", 0) != 0, s.n.Attrs.Int("reverse", 0) != 0
	out, ok := s.im.make(a.dtype, a.shape)
	if !ok {
		return array{}, false
	}
	stride := 1
	for _, n := range a.shape[axis+1:] {
		stride *= n
	}
	each(a.shape, func(i int, index []int) {
		if index[axis] != 0 { // the first of a line sums all of it
			return
		}
		total, sum := 0.0, int64(0)
		for k := range a.shape[axis] {
			if reverse {
				k = a.shape[axis] - 1 - k
			}
			at := i + k*stride
			if out.float() {
				before := total
				total += float64(a.f[at])
				if out.f[at] = float32(total); exclusive {
					out.f[at] = float32(before)
				}
				continue
			}
			before := sum
			sum = wrap(sum+a.v[at], a.dtype)
			if out.v[at] = sum; exclusive {
				out.v[at] = before
			}
		}
	})
	return out, true
}

// reduced returns which dimensions a reduction removes, and the shape that is left with 1 in their place.
func (s site) reduced(in []array, axes []int) (gone []bool, shape []int, ok bool) {
	rank := len(in[0].shape)
	gone, shape = make([]bool, rank), slices.Clone(in[0].shape)
	for _, a := range fromFront(axes, rank) {
		if a < 0 || a >= rank {
			return nil, nil, false
		}
		gone[a] = true
	}
	if len(axes) == 0 && s.n.Attrs.Int("noop_with_empty_axes", 0) == 0 {
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
func (s site) without(shape []int, gone []bool) []int {
	if s.n.Attrs.Int("keepdims", 1) != 0 {
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

func reduceArray(op operation) func(s site, in []array) (array, bool) {
	return func(s site, in []array) (array, bool) {
		a := in[0]
		gone, shape, ok := s.reduced(in, s.numbers(in, 1, "axes"))
		if !ok || a.unknown() || slices.Contains(a.shape, 0) {
			return array{}, false
		}
		out, ok := s.im.make(a.dtype, shape)
		if !ok {
			return array{}, false
		}
		seen := make([]bool, a.elements())
		each(a.shape, func(i int, index []int) {
			o := out.offset(index)
			switch first := !seen[o]; {
			case out.float() && first:
				out.f[o] = a.f[i]
			case out.float():
				out.f[o] = op.floats(out.f[o], a.f[i])
			case first:
				out.v[o] = a.v[i]
			default:
				v, _ := op.integers(out.v[o], a.v[i], a.dtype == tensor.Uint64)
				out.v[o] = wrap(v, a.dtype)
			}
			seen[o] = true
		})
		return out.reshaped(s.without(shape, gone)), true
	}
}

// argArray returns the index of the element along an axis that op prefers.
func argArray(op operation) func(s site, in []array) (array, bool) {
	return func(s site, in []array) (array, bool) {
		a := in[0]
		axis, ok := a.axis(s.n.Attrs.Int("axis", 0))
		if !ok || a.unknown() || slices.Contains(a.shape, 0) {
			return array{}, false
		}
		gone, shape, _ := s.reduced(in, []int{axis})
		out, ok := s.im.make(tensor.Int64, shape)
		last := s.n.Attrs.Int("select_last_index", 0) != 0
		at := make([]int, len(shape))
		each(shape, func(i int, index []int) {
			copy(at, index)
			best := 0
			for k := 1; k < a.shape[axis]; k++ {
				at[axis] = best
				o := a.offset(at)
				at[axis] = k
				p := a.offset(at)
				better, same := false, false
				if a.float() {
					same = a.f[o] == a.f[p]
					better = !same && op.floats(a.f[o], a.f[p]) == a.f[p]
				} else {
					v, _ := op.integers(a.v[o], a.v[p], a.dtype == tensor.Uint64)
					same = a.v[o] == a.v[p]
					better = !same && v == a.v[p]
				}
				if better || same && last {
					best = k
				}
			}
			out.v[i] = int64(best)
		})
		return out.reshaped(s.without(shape, gone)), ok
	}
}
