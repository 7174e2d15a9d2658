package tensor

import "fmt"

// DType is the type of a tensor's elements as they are stored.
type DType uint8

// The element types that checkpoints hold. The float8 names follow the OCP 8-bit floating point specification and
// PyTorch: FN has no infinities, the FNUZ forms have no negative zero either.
const (
	Invalid DType = iota
	Float64
	Float32
	Float16
	BFloat16
	Float8E4M3FN
	Float8E5M2
	Float8E4M3FNUZ
	Float8E5M2FNUZ
	Int64
	Int32
	Int16
	Int8
	Uint64
	Uint32
	Uint16
	Uint8
	Bool
	Complex64
	Complex128
	numDTypes
)

var dtypes = [numDTypes]struct {
	name string
	size int
}{
	Invalid:        {"invalid", 0},
	Float64:        {"float64", 8},
	Float32:        {"float32", 4},
	Float16:        {"float16", 2},
	BFloat16:       {"bfloat16", 2},
	Float8E4M3FN:   {"float8_e4m3fn", 1},
	Float8E5M2:     {"float8_e5m2", 1},
	Float8E4M3FNUZ: {"float8_e4m3fnuz", 1},
	Float8E5M2FNUZ: {"float8_e5m2fnuz", 1},
	Int64:          {"int64", 8},
	Int32:          {"int32", 4},
	Int16:          {"int16", 2},
	Int8:           {"int8", 1},
	Uint64:         {"uint64", 8},
	Uint32:         {"uint32", 4},
	Uint16:         {"uint16", 2},
	Uint8:          {"uint8", 1},
	Bool:           {"bool", 1},
	Complex64:      {"complex64", 8},
	Complex128:     {"complex128", 16},
}

// String returns the name PyTorch gives the type, such as "float32" or "bfloat16".
func (d DType) String() string {
	if d >= numDTypes {
		return fmt.Sprintf("DType(%d)", uint8(d))
	}
	return dtypes[d].name
}

// Size returns the bytes of one element; 0 for Invalid.
func (d DType) Size() int {
	if d >= numDTypes {
		return 0
	}
	return dtypes[d].size
}

// IsFloat reports whether the type is a real floating-point type of any width.
func (d DType) IsFloat() bool { return d >= Float64 && d <= Float8E5M2FNUZ }

// IsInteger reports whether the type is a signed or unsigned integer; Bool is not one.
func (d DType) IsInteger() bool { return d >= Int64 && d <= Uint8 }

// IsComplex reports whether the elements are pairs of real and imaginary part.
func (d DType) IsComplex() bool { return d == Complex64 || d == Complex128 }
