package pipeline

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"

	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// dtypes has the element types that constants of inputs can have, by those of files.
var dtypes = map[onnxpb.DataType]tensor.DType{
	onnxpb.Float: tensor.Float32, onnxpb.Double: tensor.Float64, onnxpb.Float16: tensor.Float16, onnxpb.Uint8: tensor.Uint8,
	onnxpb.Int8: tensor.Int8, onnxpb.Uint16: tensor.Uint16, onnxpb.Int16: tensor.Int16, onnxpb.Int32: tensor.Int32,
	onnxpb.Int64: tensor.Int64, onnxpb.Uint32: tensor.Uint32, onnxpb.Uint64: tensor.Uint64, onnxpb.Bool: tensor.Bool,
}

// Number returns what a number, or true or false, is as a constant for the input (OpenConfig.ONNX.Constants): one element of the
// input's type, rounded to the nearest where that is a float. Errors: no number, one that the type does not have, an input of several
// elements.
func (in Input) Number(text string) (tensor.Tensor, error) {
	shape := tensor.Shape{}
	for _, d := range in.Dims {
		if d > 1 || d == 0 {
			return tensor.Tensor{}, fmt.Errorf("input %q has the shape %v and is no single number: give an array", in.Name, in.Dims)
		}
		shape = append(shape, 1)
	}
	if in.DType == tensor.Bool {
		b, err := strconv.ParseBool(text)
		if err != nil {
			return tensor.Tensor{}, fmt.Errorf("input %q is a boolean, and %q is neither true nor false", in.Name, text)
		}
		x := uint8(0)
		if b {
			x = 1
		}
		return tensor.New(tensor.Bool, shape, []byte{x})
	}
	var given tensor.Tensor
	var err error
	if i, intErr := strconv.ParseInt(text, 10, 64); intErr == nil {
		given, err = tensor.Of(shape, []int64{i})
	} else {
		var f float64
		switch f, err = strconv.ParseFloat(text, 64); {
		case errors.Is(err, strconv.ErrRange):
			return tensor.Tensor{}, in.overflows(in.DType, text)
		case err != nil:
			return tensor.Tensor{}, fmt.Errorf("%q is no number", text)
		}
		given, err = tensor.Of(shape, []float64{f})
	}
	if err != nil {
		return tensor.Tensor{}, err
	}
	return in.Constant(given)
}

// Constant returns an array as a constant for the input: with the input's type, to which integers are brought if it has them all, and
// reals by rounding to the nearest. Errors: elements that the type does not have, and finite reals that are infinite in it, or in float32, in
// which networks compute.
func (in Input) Constant(t tensor.Tensor) (tensor.Tensor, error) {
	switch {
	case in.DType == tensor.Invalid:
		return tensor.Tensor{}, fmt.Errorf("the file does not say which numbers input %q takes, or they can be no constant", in.Name)
	case t.DType == in.DType && t.DType != tensor.Float64:
		return t, nil
	case t.DType == tensor.Bool || in.DType == tensor.Bool || !t.DType.IsInteger() && (!t.DType.IsFloat() || !in.DType.IsFloat()):
		return tensor.Tensor{}, in.refuses(t.DType)
	case !t.DType.IsInteger():
		return in.reals(t)
	}
	numbers := make([]byte, 0, t.Elements()*in.DType.Size())
	for i := range t.Elements() {
		v, ok := integer(t, i)
		if numbers, ok = appendInteger(numbers, in.DType, v, ok); !ok {
			return tensor.Tensor{}, fmt.Errorf("%w: it does not have %d", in.refuses(t.DType), v)
		}
	}
	return tensor.New(in.DType, t.Shape, numbers)
}

func (in Input) refuses(given tensor.DType) error {
	return fmt.Errorf("input %q takes %v, and the constant for it is of %v", in.Name, in.DType, given)
}

// reals converts floats to floats.
func (in Input) reals(t tensor.Tensor) (tensor.Tensor, error) {
	x, err := float64s(t)
	if err != nil {
		return tensor.Tensor{}, err
	}
	le := binary.LittleEndian
	numbers := make([]byte, 0, len(x)*in.DType.Size())
	for _, v := range x {
		computed := float32(v)
		switch in.DType {
		case tensor.Float64:
			numbers = le.AppendUint64(numbers, math.Float64bits(v))
		case tensor.Float16:
			half := tensor.Float32ToFloat16(computed)
			numbers, computed = le.AppendUint16(numbers, half), tensor.Float16ToFloat32(half)
		default:
			numbers = le.AppendUint32(numbers, math.Float32bits(computed))
		}
		if math.IsInf(float64(computed), 0) && !math.IsInf(v, 0) {
			return tensor.Tensor{}, in.overflows(in.DType, strconv.FormatFloat(v, 'g', -1, 64))
		}
	}
	return tensor.New(in.DType, t.Shape, numbers)
}

// overflows is the error about a finite number that is infinite in the type of the input, or in that in which networks compute.
func (in Input) overflows(to tensor.DType, number string) error {
	if to == tensor.Float64 {
		return fmt.Errorf("input %q is computed in %v, and %s is beyond its largest number", in.Name, tensor.Float32, number)
	}
	return fmt.Errorf("input %q takes %v, and %s is beyond its largest number", in.Name, to, number)
}

// float64s returns the elements of a tensor of floats.
func float64s(t tensor.Tensor) ([]float64, error) {
	x := make([]float64, t.Elements())
	if t.DType == tensor.Float64 {
		for i := range x {
			x[i] = math.Float64frombits(binary.LittleEndian.Uint64(t.Data[8*i:]))
		}
		return x, nil
	}
	narrow, err := t.Float32s()
	for i, v := range narrow {
		x[i] = float64(v)
	}
	return x, err
}

// undefined warns of constants that are not finite, in the order of their names.
func undefined(constants map[string]tensor.Tensor) []Warning {
	var list []Warning
	for _, name := range slices.Sorted(maps.Keys(constants)) {
		t := constants[name]
		if !t.DType.IsFloat() {
			continue
		}
		x, err := float64s(t)
		if err != nil {
			continue // opening the network says so
		}
		w := UndefinedConstant{Input: name}
		for _, v := range x {
			switch {
			case math.IsNaN(v):
				w.NaN++
			case math.IsInf(v, 0):
				w.Inf++
			}
		}
		if w.NaN > 0 || w.Inf > 0 {
			list = append(list, w)
		}
	}
	return list
}

// integer returns an element of a tensor of integers. ok is false beyond int64.
func integer(t tensor.Tensor, i int) (v int64, ok bool) {
	le := binary.LittleEndian
	switch t.DType {
	case tensor.Int64:
		return int64(le.Uint64(t.Data[8*i:])), true
	case tensor.Uint64:
		u := le.Uint64(t.Data[8*i:])
		return int64(u), u <= math.MaxInt64
	case tensor.Int32:
		return int64(int32(le.Uint32(t.Data[4*i:]))), true
	case tensor.Uint32:
		return int64(le.Uint32(t.Data[4*i:])), true
	case tensor.Int16:
		return int64(int16(le.Uint16(t.Data[2*i:]))), true
	case tensor.Uint16:
		return int64(le.Uint16(t.Data[2*i:])), true
	case tensor.Int8:
		return int64(int8(t.Data[i])), true
	}
	return int64(t.Data[i]), true
}

// appendInteger appends v as an element of a type. ok is false where the type does not have it.
func appendInteger(b []byte, to tensor.DType, v int64, fits bool) (_ []byte, ok bool) {
	le := binary.LittleEndian
	within := func(lo, hi int64) bool { return fits && lo <= v && v <= hi }
	switch to {
	case tensor.Int64:
		return le.AppendUint64(b, uint64(v)), fits
	case tensor.Uint64:
		return le.AppendUint64(b, uint64(v)), within(0, math.MaxInt64)
	case tensor.Int32:
		return le.AppendUint32(b, uint32(v)), within(math.MinInt32, math.MaxInt32)
	case tensor.Uint32:
		return le.AppendUint32(b, uint32(v)), within(0, math.MaxUint32)
	case tensor.Int16:
		return le.AppendUint16(b, uint16(v)), within(math.MinInt16, math.MaxInt16)
	case tensor.Uint16:
		return le.AppendUint16(b, uint16(v)), within(0, math.MaxUint16)
	case tensor.Int8:
		return append(b, byte(v)), within(math.MinInt8, math.MaxInt8)
	case tensor.Uint8:
		return append(b, byte(v)), within(0, math.MaxUint8)
	case tensor.Float32:
		return le.AppendUint32(b, math.Float32bits(float32(v))), within(-1<<24, 1<<24)
	case tensor.Float64:
		return le.AppendUint64(b, math.Float64bits(float64(v))), within(-1<<53, 1<<53)
	case tensor.Float16:
		return le.AppendUint16(b, tensor.Float32ToFloat16(float32(v))), within(-1<<11, 1<<11)
	}
	return b, false
}
