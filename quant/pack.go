package quant

import (
	"fmt"
	"math"

	"linquant/tensor"
)

// Packing says how the codes of a tensor lie in memory or in a file. Codes that share bytes stand in a stream of bits:
// each in two's complement of its type's width, the first in the lowest bits of the first byte, and one may straddle two
// bytes. Unused bits at the end are 0.
type Packing uint8

// The packings.
const (
	Unpacked   Packing = iota // one code an element of Type.Storage
	PackedRows                // a stream for each index of the first dimension, from a new byte on: linquant's safetensors
	Packed                    // one stream: ONNX's tensors of 2 and 4 bits
)

// Len returns the bytes that codes of the type t take in a tensor of the given shape. A type that does not pass Check, a
// shape that no tensor has, and a packing of codes of 32 bits are errors.
func (p Packing) Len(t Type, shape tensor.Shape) (int, error) {
	if err := t.Check(); err != nil {
		return 0, err
	}
	n, err := shape.Elements()
	if err != nil {
		return 0, err
	}
	switch {
	case p > Packed:
		return 0, fmt.Errorf("Packing(%d) is no packing", p)
	case p == Unpacked:
		size := t.Storage().Size()
		if n > math.MaxInt/size {
			return 0, fmt.Errorf("codes of shape %v have more bytes than this machine can address", shape)
		}
		return n * size, nil
	case t.Bits > 8:
		return 0, fmt.Errorf("%d-bit codes cannot be packed: use 2 to 8 bits", t.Bits)
	}
	rows, row := p.rows(n, shape)
	return rows * packedLen(row, t.Bits), nil
}

// rows returns how many streams of bits the n codes of a tensor are, and the codes of each.
func (p Packing) rows(n int, shape tensor.Shape) (rows, row int) {
	if p == PackedRows && len(shape) > 0 && n > 0 {
		return shape[0], n / shape[0]
	}
	return 1, n
}

// packedLen returns the bytes of a stream of n codes: ceil(n·bits/8).
func packedLen(n, bits int) int { return n/8*bits + (n%8*bits+7)/8 }

// pack fills dst with the stream of the codes in src. A code that does not fit is an error; its index counts from first.
func pack[Q int8 | uint8](dst []byte, src []Q, t Type, first int) error {
	lo, hi := t.Range()
	bits := t.Bits
	clear(dst)
	for i, code := range src {
		if int32(code) < lo || int32(code) > hi {
			return outsideType(int32(code), first+i, t)
		}
		bit := i % 8 * bits
		at := i/8*bits + bit/8
		v := uint16(uint8(code)&(1<<bits-1)) << (bit % 8)
		dst[at] |= byte(v)
		if v > 0xff {
			dst[at+1] |= byte(v >> 8)
		}
	}
	return nil
}

// unpack is the inverse of pack: signed codes are sign-extended.
func unpack[Q int8 | uint8](dst []Q, src []byte, bits int) {
	spare := 8 - bits
	for i := range dst {
		bit := i % 8 * bits
		at := i/8*bits + bit/8
		v := uint16(src[at])
		if bit%8+bits > 8 {
			v |= uint16(src[at+1]) << 8
		}
		dst[i] = Q(uint8(v>>(bit%8)<<spare)) >> spare // of a signed Q the shift copies the sign
	}
}

func outsideType(code int32, index int, t Type) error {
	lo, hi := t.Range()
	return fmt.Errorf("element %d is %d, outside %v's range [%d, %d]", index, code, t, lo, hi)
}
