// Package arrays computes what follows from constants and shapes alone, without running a network: PyTorch exports the
// target of x.view(x.size(0), -1) so, and even the pads of F.pad. Numbers that are known only when the network runs, such
// as the batch, stand in arrays as BatchSize and UnknownSize.
package arrays

import (
	"math"
	"slices"

	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// Array is a tensor that is known without running the network: a constant, or computed from constants and the shapes of
// values. PyTorch exports the target of x.view(x.size(0), -1) so, and even the pads of F.pad.
type Array struct {
	DType  tensor.DType // Float32, an integer type or Bool
	Shape  []int
	Ints   []int64   // of integers and booleans; those of uint64 by their bits
	Floats []float32 // of floats
	Sizes  bool      // elements can be batchSize or unknownSize
}

// Elements that stand for a number that is not known.
const (
	BatchSize   = math.MinInt64     // the number of examples
	UnknownSize = math.MinInt64 + 1 // a dimension of a value
)

// MaxArray bounds the elements of parameters: shapes, axes and pads are short.
const MaxArray = 2 * elements.MaxRank

func Vector(v ...int64) Array {
	return Array{DType: tensor.Int64, Shape: []int{len(v)}, Ints: v, Sizes: slices.ContainsFunc(v, IsSize)}
}

func IsSize(v int64) bool { return v <= UnknownSize }

// number returns the one element, an integer.
func (a Array) number() (int64, bool) {
	if len(a.Ints) != 1 || a.Sizes && IsSize(a.Ints[0]) {
		return 0, false
	}
	return a.Ints[0], true
}

// Elements returns how many there are.
func (a Array) Elements() int { return max(len(a.Ints), len(a.Floats)) }

// Float reports whether the elements are floats.
func (a Array) Float() bool { return a.DType == tensor.Float32 }

// Unknown reports whether an element is not known.
func (a Array) Unknown() bool { return a.Sizes && slices.ContainsFunc(a.Ints, IsSize) }

// Call is a node that is computed of arrays.
type Call struct {
	Node *raw.Node
	Left *elements.Budget // for what is made
}

// make returns an array of zeros. ok is false where it would have more elements than a file of this size should make.
func (c Call) make(dtype tensor.DType, shape []int) (a Array, ok bool) {
	n := int64(1)
	for _, d := range shape {
		if d < 0 || d > math.MaxInt32 {
			return a, false
		}
		if n *= int64(d); n > math.MaxInt32 {
			return a, false
		}
	}
	if len(shape) > elements.MaxRank || c.Left.Take(8*n) != nil {
		return a, false
	}
	a = Array{DType: dtype, Shape: slices.Clone(shape)}
	if a.Float() {
		a.Floats = make([]float32, n)
	} else {
		a.Ints = make([]int64, n)
	}
	return a, true
}

// pick makes an array of the elements of others: at says which element of which of them stands at an index; a negative
// element is none, and 0 stands there.
func (c Call) pick(in []Array, shape []int, at func(index []int) (operand, element int)) (Array, bool) {
	out, ok := c.make(in[0].DType, shape)
	if !ok {
		return out, false
	}
	for _, a := range in {
		if out.Sizes = out.Sizes || a.Sizes; a.Float() != out.Float() {
			return out, false
		}
	}
	each(shape, func(i int, index []int) {
		from, e := at(index)
		switch {
		case e < 0:
		case out.Float():
			out.Floats[i] = in[from].Floats[e]
		default:
			out.Ints[i] = in[from].Ints[e]
		}
	})
	return out, true
}

// move is pick from one array, by the index of an element in it.
func (c Call) move(a Array, shape []int, from func(index []int) []int) (Array, bool) {
	return c.pick([]Array{a}, shape, func(index []int) (int, int) { return 0, a.offset(from(index)) })
}

// each calls visit for every index of a shape in row-major order, with its number. index is only lent.
func each(shape []int, visit func(i int, index []int)) {
	if slices.Contains(shape, 0) {
		return
	}
	index := make([]int, len(shape))
	for i := 0; ; i++ {
		visit(i, index)
		d := len(shape) - 1
		for ; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
		if d < 0 {
			return
		}
	}
}

// offset returns where the element of an index is. Indices are those of dimensions; one of a dimension of 1 is not
// looked at, and there may be more dimensions in front: broadcasting.
func (a Array) offset(index []int) int {
	index = index[len(index)-len(a.Shape):]
	at := 0
	for d, n := range a.Shape {
		if at *= n; n != 1 {
			at += index[d]
		}
	}
	return at
}

// Axis returns the dimension that a number of a file means.
func (a Array) Axis(i int) (int, bool) {
	if i < 0 {
		i += len(a.Shape)
	}
	return i, i >= 0 && i < len(a.Shape)
}

// Decode returns the elements of a tensor: floats, where they are, as they lie there.
func (c Call) Decode(t tensor.Tensor) (a Array, ok bool) {
	if t.DType == tensor.Float32 {
		x, err := tensor.As[float32](t)
		return Array{DType: t.DType, Shape: t.Shape, Floats: x}, err == nil
	}
	size := t.DType.Size()
	if !t.DType.IsInteger() && t.DType != tensor.Bool {
		return a, false
	}
	if a, ok = c.make(t.DType, t.Shape); !ok {
		return a, false
	}
	for i := range a.Ints {
		a.Ints[i] = wrap(littleEndian(t.Data[i*size:(i+1)*size]), t.DType)
	}
	return a, true
}

func littleEndian(b []byte) int64 {
	v := uint64(0)
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	return int64(v)
}

// wrap brings an integer to the range of a type as conversions between integers do, without the high bits.
func wrap(v int64, d tensor.DType) int64 {
	switch d {
	case tensor.Int32:
		return int64(int32(v))
	case tensor.Int16:
		return int64(int16(v))
	case tensor.Int8:
		return int64(int8(v))
	case tensor.Uint32:
		return int64(uint32(v))
	case tensor.Uint16:
		return int64(uint16(v))
	case tensor.Uint8:
		return int64(uint8(v))
	case tensor.Bool:
		return int64(elements.Truth(v != 0))
	}
	return v
}

// Tensor returns the array as a constant of a graph. Every element must be known.
func (a Array) Tensor() (tensor.Tensor, error) {
	if a.Float() {
		return tensor.Of(tensor.Shape(a.Shape), a.Floats)
	}
	return tensor.New(a.DType, tensor.Shape(a.Shape), elements.EncodeInts(a.Ints, a.DType.Size()))
}
