package graph

import (
	"linquant/quant"
	"linquant/tensor"
)

// array is a value while the reference evaluator runs: reals, or codes with their parameters, in row-major order.
type array struct {
	shape tensor.Shape
	real  []float32
	code  []int32 // widened, whatever they are stored as
	quant *quant.Params
}

// number is what the evaluator's loops work on.
type number interface{ float32 | int32 }

// constant returns a constant's elements.
func constant(v *Value) (array, error) {
	a := array{shape: v.Const.Shape, quant: v.Quant}
	var err error
	if v.Quant != nil {
		a.code, err = quant.Widen(*v.Const)
	} else {
		a.real, err = v.Const.Float32s()
		if err == nil && Counts(v.Const.DType) {
			err = CheckIntegers(a.real)
		}
	}
	return a, err
}

// tensor returns the elements as they are stored outside.
func (a array) tensor() (tensor.Tensor, error) {
	switch storage(a.quant) {
	case tensor.Int32:
		return tensor.Of(a.shape, a.code)
	case tensor.Int8:
		return tensor.Of(a.shape, store[int8](a.code))
	case tensor.Uint8:
		return tensor.Of(a.shape, store[uint8](a.code))
	}
	return tensor.Of(a.shape, a.real)
}

// tensorOf is tensor for elements of a type: what counts is brought to it.
func (a array) tensorOf(d tensor.DType) (tensor.Tensor, error) {
	if a.quant != nil || !Counts(d) {
		return a.tensor()
	}
	return CountsOf(a.shape, a.real, d)
}

// CountsOf returns integers and booleans that are at hand as float32 as a tensor of their type.
func CountsOf(shape tensor.Shape, x []float32, d tensor.DType) (tensor.Tensor, error) {
	size := d.Size()
	data := make([]byte, len(x)*size)
	for i, v := range x {
		bits := uint64(int64(v))
		for k := range size {
			data[i*size+k] = byte(bits >> (8 * k))
		}
	}
	return tensor.New(d, shape, data)
}

func store[T int8 | uint8](codes []int32) []T {
	out := make([]T, len(codes))
	for i, q := range codes {
		out[i] = T(q)
	}
	return out
}

// reals returns the elements as reals.
func (a array) reals() ([]float32, error) {
	if a.quant == nil {
		return a.real, nil
	}
	out := make([]float32, len(a.code))
	return out, quant.Dequantize(out, a.code, a.shape, *a.quant)
}

// quantized returns reals as codes with the parameters p.
func quantized(shape tensor.Shape, x []float32, p *quant.Params) (array, error) {
	codes := make([]int32, len(x))
	return array{shape: shape, code: codes, quant: p}, quant.Quantize(codes, x, shape, *p)
}

// strides returns how far apart in memory neighbours along each dimension are.
func strides(s tensor.Shape) []int {
	out, n := make([]int, len(s)), 1
	for d := len(s) - 1; d >= 0; d-- {
		out[d] = n
		n *= s[d]
	}
	return out
}

// gather returns for every element of a value of the given shape the index of the element that it comes from: the sum
// over the dimensions d of steps[d][position], or −1 where one of them is −1.
func gather(shape tensor.Shape, steps [][]int) []int {
	index := []int{0}
	for d, length := range shape {
		next := make([]int, 0, len(index)*length)
		for _, base := range index {
			for _, step := range steps[d] {
				if base < 0 || step < 0 {
					next = append(next, -1)
					continue
				}
				next = append(next, base+step)
			}
		}
		index = next
	}
	return index
}

// take returns the elements at the given indices, and fill for −1.
func take[T number](x []T, index []int, fill T) []T {
	if x == nil {
		return nil
	}
	out := make([]T, len(index))
	for i, at := range index {
		out[i] = fill
		if at >= 0 {
			out[i] = x[at]
		}
	}
	return out
}
