// Package tensor holds dense arrays: a data type, a shape and row-major elements. It knows no arithmetic beyond the
// conversions between element types.
//
// A Tensor's bytes are little-endian, as every checkpoint format stores them, so that a tensor can be a view of a file.
// Of and As go between a Tensor and a typed slice without copying wherever the machine allows it.
package tensor

import (
	"fmt"
	"unsafe"
)

// Tensor is a dense array in row-major order.
type Tensor struct {
	DType DType
	Shape Shape
	Data  []byte // little-endian elements; len(Data) = elements × DType.Size()
}

// Element is a Go type that some DType stores bit for bit. (16-bit and 8-bit floats have no Go type: see Float32s.)
type Element interface {
	float64 | float32 | int64 | int32 | int16 | int8 | uint64 | uint32 | uint16 | uint8 | bool
}

// DTypeOf returns the DType that stores T.
func DTypeOf[T Element]() DType {
	switch any(*new(T)).(type) {
	case float64:
		return Float64
	case float32:
		return Float32
	case int64:
		return Int64
	case int32:
		return Int32
	case int16:
		return Int16
	case int8:
		return Int8
	case uint64:
		return Uint64
	case uint32:
		return Uint32
	case uint16:
		return Uint16
	case uint8:
		return Uint8
	case bool:
		return Bool
	}
	panic("unreachable: every Element is listed")
}

// New checks that data holds exactly the elements of shape and returns them as a Tensor, without copying.
func New(dtype DType, shape Shape, data []byte) (Tensor, error) {
	n, err := shape.Elements()
	if err != nil {
		return Tensor{}, err
	}
	size := dtype.Size()
	if size == 0 {
		return Tensor{}, fmt.Errorf("tensor of type %v: not an element type", dtype)
	}
	// Divide, so that a shape whose bytes overflow an int does not compare equal by accident.
	if len(data)%size != 0 || len(data)/size != n {
		return Tensor{}, fmt.Errorf("%v tensor of shape %v needs %d elements of %d bytes, have %d bytes", dtype, shape, n, size, len(data))
	}
	return Tensor{DType: dtype, Shape: shape, Data: data}, nil
}

// Of returns data as a Tensor of the given shape. On little-endian machines, which is all that Go's common ports are,
// the Tensor shares data's memory.
func Of[T Element](shape Shape, data []T) (Tensor, error) {
	return New(DTypeOf[T](), shape, bytesOf(data))
}

// As returns the elements of t as a slice of T, which must be the Go type of t.DType: an error otherwise. The slice
// shares t's memory where that is aligned for T (and the machine is little-endian), else it is a copy. Booleans are
// always copied, any non-zero byte as true.
func As[T Element](t Tensor) ([]T, error) {
	if want := DTypeOf[T](); t.DType != want {
		return nil, fmt.Errorf("tensor holds %v, not %v", t.DType, want)
	}
	size := t.DType.Size()
	n := len(t.Data) / size
	if n == 0 {
		return []T{}, nil
	}
	if p := unsafe.Pointer(unsafe.SliceData(t.Data)); littleEndian && uintptr(p)%unsafe.Alignof(*new(T)) == 0 && t.DType != Bool {
		return unsafe.Slice((*T)(p), n), nil
	}
	out := make([]T, n)
	copyElements(out, t.Data)
	return out, nil
}

// Elements returns the number of elements that t.Data holds.
func (t Tensor) Elements() int {
	if size := t.DType.Size(); size > 0 {
		return len(t.Data) / size
	}
	return 0
}
