package graph

import (
	"fmt"
	"math"

	"linquant/tensor"
)

// Values of integers and booleans.
//
// A value without parameters has elements of Float32, or of an integer type or Bool, by which a file knows it. While a
// network runs all of them are float32: booleans 1 and 0, integers as they are. A float32 has every integer of up to 24 bits,
// and no result is rounded unnoticed: one beyond ±MostInteger, or that is no integer at all, is an error, in constants, in
// inputs and wherever an operator computes one.

// MostInteger is the largest integer, and less its sign the smallest, that a value of integers can have. The next one could
// be another that was rounded.
const MostInteger = 1<<24 - 1

// Counts reports whether elements of the type are integers or booleans, and not reals.
func Counts(d tensor.DType) bool { return d.IsInteger() || d == tensor.Bool }

// CheckIntegers returns an error unless all elements are integers, as a value of integers can have them.
func CheckIntegers(x []float32) error {
	for _, v := range x {
		if !(v >= -MostInteger && v <= MostInteger) || v != float32(math.Trunc(float64(v))) {
			return fmt.Errorf("%g is no integer from −%d to %d: integers are computed with as float32, which has no others exactly",
				v, MostInteger, MostInteger)
		}
	}
	return nil
}

// counted reports whether a value holds integers or booleans that are no codes.
func counted(v *Value) bool { return v != nil && v.Quant == nil && Counts(v.DType) }

// result returns the element type of the node's output, from those of its inputs.
func (s site) result(out *Value) (tensor.DType, error) {
	o := of(s.n)
	switch {
	case out.Quant != nil:
		return storage(out.Quant), nil
	case o.types != nil:
		return o.types(s)
	}
	first := 0
	if o.Class == ClassSelect {
		first = 1 // behind the condition
	}
	made := tensor.Float32
	if v := s.value(first); counted(v) {
		made = v.DType
	}
	for i := first; i < len(s.n.Inputs); i++ {
		v := s.value(i)
		switch {
		case v == nil || v.Quant != nil:
		case !o.Counting && counted(v) && v.Const == nil:
			return made, s.errorf("input %q has elements of %v, and the operator computes with reals: put a Cast before it", v.Name, v.DType)
		case o.Counting && counted(v) != Counts(made), counted(v) && v.DType != made:
			if v.Const == nil || o.Counting {
				return made, s.errorf("its inputs have elements of %v and of %v: put a Cast before one of them", made, v.DType)
			}
		}
	}
	if !o.Counting {
		return tensor.Float32, nil // constants are checked with the parameters
	}
	return made, nil
}

// ElementsOf returns the element type of what a node computes of reals, integers and booleans, whose inputs have those types: what
// reading a file notes of values before their shapes are known. A node of codes has that of its parameters.
func ElementsOf(n *Node, input func(i int) (d tensor.DType, constant bool)) (tensor.DType, error) {
	g := New("")
	for i, name := range n.Inputs {
		if name == "" {
			continue
		}
		v := &Value{Name: name}
		d, constant := input(i)
		if v.DType = d; constant {
			v.Const = &tensor.Tensor{DType: d}
		}
		g.Values[name] = v
	}
	return site{g, n}.result(&Value{})
}

// typeOf is the rule of operators that always make elements of one type.
func typeOf(d tensor.DType) func(site) (tensor.DType, error) {
	return func(site) (tensor.DType, error) { return d, nil }
}

// typeOfInput is the rule of operators whose output has the type of one of their inputs.
func typeOfInput(i int) func(site) (tensor.DType, error) {
	return func(s site) (tensor.DType, error) {
		if v := s.value(i); counted(v) {
			return v.DType, nil
		}
		return tensor.Float32, nil
	}
}
