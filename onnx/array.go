package onnx

import (
	"math"
	"slices"

	"linquant/tensor"
)

// array is a small tensor of integers that is known without running the network: a constant, or computed from constants
// and the shapes of values. PyTorch exports the target of x.view(x.size(0), -1) so, and even the pads of F.pad.
type array struct {
	shape []int
	v     []int64
}

// Elements that stand for a number that is not known.
const (
	batchSize   = math.MinInt64     // the number of examples
	unknownSize = math.MinInt64 + 1 // a dimension of a value
)

// maxArray bounds the elements: shapes, axes and pads are short.
const maxArray = 2 * maxRank

func vector(v ...int64) array { return array{[]int{len(v)}, v} }

// scalarOf returns the one element.
func (a array) one() (int64, bool) {
	if len(a.v) != 1 {
		return 0, false
	}
	return a.v[0], true
}

// build makes an array by a function of the index. ok is false where it would be too large.
func build(shape []int, at func(index []int) int64) (a array, ok bool) {
	n := 1
	for _, d := range shape {
		if d < 0 || d > maxArray || n*d > maxArray {
			return a, false
		}
		n *= d
	}
	if len(shape) > maxRank {
		return a, false
	}
	a = array{shape, make([]int64, n)}
	index := make([]int, len(shape))
	for i := range a.v {
		a.v[i] = at(index)
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return a, true
}

// at returns the element of an index.
func (a array) at(index []int) int64 {
	i := 0
	for d, n := range a.shape {
		i = i*n + index[d]
	}
	return a.v[i]
}

// axis returns the dimension that a number of a file means.
func (a array) axis(i int) (int, bool) {
	if i < 0 {
		i += len(a.shape)
	}
	return i, i >= 0 && i < len(a.shape)
}

// array returns the integers of a value, where they are known and few.
func (im *importer) array(name string) (array, bool) {
	if a, ok := im.arrays[name]; ok {
		return a, true
	}
	v := im.g.Values[name]
	if v == nil || v.Const == nil || v.DType != tensor.Int64 || v.Const.Elements() > maxArray {
		return array{}, false
	}
	x, err := tensor.As[int64](*v.Const)
	return array{v.Const.Shape, x}, err == nil
}

// ints returns input i, which is a list of known integers.
func (s site) ints(i int) ([]int, error) {
	a, ok := s.list(i)
	if !ok || slices.Contains(a, batchSize) || slices.Contains(a, unknownSize) {
		return nil, s.notConstant(i)
	}
	return clampAll(a), nil
}

// list returns input i, a list of integers of 64 or 32 bits.
func (s site) list(i int) ([]int64, bool) {
	name := s.n.Input(i)
	a, ok := s.im.array(name)
	if v := s.im.g.Values[name]; !ok && v != nil && v.Const != nil && v.DType == tensor.Int32 && v.Const.Elements() <= maxArray {
		a, ok = fromInt32(*v.Const)
	}
	return a.v, ok && len(a.shape) <= 1
}

func fromInt32(t tensor.Tensor) (array, bool) {
	x, err := tensor.As[int32](t)
	a := array{shape: t.Shape}
	for _, e := range x {
		a.v = append(a.v, int64(e))
	}
	return a, err == nil
}

func (s site) notConstant(i int) error {
	return s.errorf("input %d (%q) must be constant, and a few integers or a number as the operator wants: "+
		"parameters that are computed are not supported; simplify the model, or export it with fixed shapes", i, s.n.Input(i))
}
