package quant

import (
	"fmt"

	"linquant/tensor"
)

// Type is the integer type of quantized codes: their width in bits and whether they have a sign. Elements have 2 to 8
// bits and are stored one to a byte (int8 or uint8); biases and accumulators have 32 and are signed.
type Type struct {
	Bits     int
	Unsigned bool
}

// Int returns the signed type of that many bits.
func Int(bits int) Type { return Type{Bits: bits} }

// Uint returns the unsigned type of that many bits.
func Uint(bits int) Type { return Type{Bits: bits, Unsigned: true} }

// Check returns an error unless t is a type that this package computes with: 2 to 8 bits, or 32 signed ones.
func (t Type) Check() error {
	if t.Bits >= 2 && t.Bits <= 8 || t == Int(32) {
		return nil
	}
	return fmt.Errorf("%d-bit codes are not supported: use 2 to 8 bits for elements, or 32 signed bits for biases", t.Bits)
}

// Range returns the smallest and the largest code: [-2^(b-1), 2^(b-1)-1] for signed types, [0, 2^b-1] for unsigned
// ones. A type that does not pass Check has the range [0, 0].
func (t Type) Range() (lo, hi int32) {
	if t.Check() != nil {
		return 0, 0
	}
	if t.Unsigned {
		return 0, int32(1)<<t.Bits - 1
	}
	half := int64(1) << (t.Bits - 1)
	return int32(-half), int32(half - 1)
}

// String returns "int8", "uint4" and the like.
func (t Type) String() string {
	if t.Unsigned {
		return fmt.Sprintf("uint%d", t.Bits)
	}
	return fmt.Sprintf("int%d", t.Bits)
}

// Storage returns the element type that holds codes one by one: int8, uint8 or, for more than 8 bits, int32.
func (t Type) Storage() tensor.DType {
	switch {
	case t.Bits > 8:
		return tensor.Int32
	case t.Unsigned:
		return tensor.Uint8
	}
	return tensor.Int8
}

// Code is a Go type that stores codes.
type Code interface{ int8 | uint8 | int32 }

// checkStorage returns an error unless every code of t fits a Q.
func checkStorage[Q Code](t Type) error {
	if err := t.Check(); err != nil {
		return err
	}
	ok := false
	switch any(Q(0)).(type) {
	case int8:
		ok = t.Bits <= 8 && (!t.Unsigned || t.Bits < 8)
	case uint8:
		ok = t.Unsigned
	case int32:
		ok = true
	}
	if !ok {
		return fmt.Errorf("codes of type %v do not fit a slice of %T", t, Q(0))
	}
	return nil
}
