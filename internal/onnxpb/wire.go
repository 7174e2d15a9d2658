package onnxpb

import (
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"unicode/utf8"
	"unsafe"

	"google.golang.org/protobuf/encoding/protowire"
)

// field is one field of a message: its number and, by its type, its number or its bytes.
type field struct {
	num   protowire.Number
	typ   protowire.Type
	value uint64 // VarintType, Fixed32Type, Fixed64Type
	bytes []byte // BytesType: a view
}

var errTruncated = errors.New("the message ends within a field")

// next splits the first field from a message. A field of an obsolete group is skipped with all it holds, as type
// StartGroupType.
func next(msg []byte) (f field, rest []byte, err error) {
	num, typ, n := protowire.ConsumeTag(msg)
	if n < 0 {
		return f, nil, wireError(n)
	}
	msg = msg[n:]
	f.num, f.typ = num, typ
	switch typ {
	case protowire.VarintType:
		f.value, n = protowire.ConsumeVarint(msg)
	case protowire.Fixed32Type:
		var v uint32
		v, n = protowire.ConsumeFixed32(msg)
		f.value = uint64(v)
	case protowire.Fixed64Type:
		f.value, n = protowire.ConsumeFixed64(msg)
	case protowire.BytesType:
		f.bytes, n = protowire.ConsumeBytes(msg)
	default:
		n = protowire.ConsumeFieldValue(num, typ, msg)
	}
	if n < 0 {
		return f, nil, wireError(n)
	}
	return f, msg[n:], nil
}

func wireError(code int) error {
	err := protowire.ParseError(code)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return errTruncated
	}
	return err
}

// counts says how often each of the fields 0 to 31 occurs in a message, for slices to be made in their final size.
type counts struct {
	all [32]int
	// messages leaves out those that are too short to have a name or operator, which are refused when they are read:
	// an empty message has two bytes, and would claim a struct of more than a hundred.
	messages [32]int
}

// slack and grown bound what one list takes in memory: slack, and grown times the message that it is in. A node or an
// attribute in memory is more than ten times as large as the smallest that a file can have; those of networks are not
// that small.
const (
	slack = 1 << 20
	grown = 4
)

// room makes a list for n elements of a message, nil for none, unless there is an error, before or now.
func room[T any](err *error, msg []byte, n int) []T {
	size := int64(unsafe.Sizeof(*new(T)))
	if *err == nil && int64(n)*size > slack+grown*int64(len(msg)) {
		*err = fmt.Errorf("it has %d parts in %d bytes, which is more than a network has: the file is damaged", n, len(msg))
	}
	if *err != nil || n == 0 {
		return nil
	}
	return make([]T, 0, n)
}

// count is the first pass over a message and finds everything that is wrong with its encoding.
func count(msg []byte) (c counts, err error) {
	for len(msg) > 0 {
		var f field
		if f, msg, err = next(msg); err != nil {
			return c, err
		}
		if int(f.num) >= len(c.all) || f.typ == protowire.StartGroupType {
			continue
		}
		c.all[f.num]++
		if len(f.bytes) > 2 {
			c.messages[f.num]++
		}
	}
	return c, nil
}

// each calls visit for every field of a message.
func each(msg []byte, visit func(f field) error) error {
	for len(msg) > 0 {
		f, rest, err := next(msg)
		if err != nil {
			return err
		}
		if f.typ != protowire.StartGroupType {
			if err := visit(f); err != nil {
				return err
			}
		}
		msg = rest
	}
	return nil
}

func (f field) is(typ protowire.Type) error {
	if f.typ != typ {
		return fmt.Errorf("field %d has wire type %d instead of %d", f.num, f.typ, typ)
	}
	return nil
}

// message returns the bytes of an embedded message.
func (f field) message() ([]byte, error) { return f.bytes, f.is(protowire.BytesType) }

func (f field) text(dst *string) error {
	if err := f.is(protowire.BytesType); err != nil {
		return err
	}
	if !utf8.Valid(f.bytes) {
		return fmt.Errorf("field %d is text that is not valid UTF-8", f.num)
	}
	*dst = string(f.bytes)
	return nil
}

// maxName bounds the bytes of a name: an error that quotes one should not be longer than the file.
const maxName = 1 << 16

func (f field) name(dst *string) error {
	if len(f.bytes) > maxName {
		return fmt.Errorf("field %d is a name of %d bytes: more than %d are not supported", f.num, len(f.bytes), maxName)
	}
	return f.text(dst)
}

func names(list *[]string, f field) error {
	var s string
	err := f.name(&s)
	*list = append(*list, s)
	return err
}

func (f field) integer(dst *int64) error {
	*dst = int64(f.value)
	return f.is(protowire.VarintType)
}

// enum reads an int32 or an enumeration, which takes the low bits of its number.
func enum[T ~int32](f field, dst *T) error {
	*dst = T(int32(f.value))
	return f.is(protowire.VarintType)
}

func (f field) float(dst *float32) error {
	*dst = math.Float32frombits(uint32(f.value))
	return f.is(protowire.Fixed32Type)
}

// maxIntegers bounds a list of integers that are no elements: a shape, or what an attribute has.
const maxIntegers = 1 << 16

// integers appends a repeated integer: one number, or several packed in a field.
func (f field) integers(dst []int64) ([]int64, error) {
	if f.typ == protowire.VarintType {
		return append(dst, int64(f.value)), nil
	}
	if err := f.is(protowire.BytesType); err != nil {
		return nil, err
	}
	n := Numbers(f.bytes)
	if len(dst)+n > maxIntegers {
		return nil, fmt.Errorf("field %d has %d integers: more than %d are not supported", f.num, len(dst)+n, maxIntegers)
	}
	dst = slices.Grow(dst, n)
	for b := f.bytes; len(b) > 0; {
		v, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return nil, wireError(n)
		}
		dst = append(dst, int64(v))
		b = b[n:]
	}
	return dst, nil
}

// varints appends a repeated integer as it is encoded. The first packed run is returned as a view.
func (f field) varints(dst []byte) ([]byte, error) {
	if f.typ == protowire.VarintType {
		return protowire.AppendVarint(dst, f.value), nil
	}
	if err := f.is(protowire.BytesType); err != nil {
		return nil, err
	}
	for b := f.bytes; len(b) > 0; {
		_, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return nil, wireError(n)
		}
		b = b[n:]
	}
	if dst == nil {
		return f.bytes[:len(f.bytes):len(f.bytes)], nil // no room, so that append copies
	}
	return append(dst, f.bytes...), nil
}

// Numbers counts the varints that are one after the other in packed: each ends with a byte below 0x80.
func Numbers(packed []byte) int {
	n := 0
	for _, b := range packed {
		if b < 0x80 {
			n++
		}
	}
	return n
}

// AppendNumbers appends the varints that are one after the other in packed, which Read has checked, as little-endian
// integers of size bytes, without the bits above.
func AppendNumbers(dst, packed []byte, size int) []byte {
	for len(packed) > 0 {
		v, n := protowire.ConsumeVarint(packed)
		if n < 0 {
			return dst
		}
		for i := range size {
			dst = append(dst, byte(v>>(8*i)))
		}
		packed = packed[n:]
	}
	return dst
}

// fixed appends the bytes of a repeated float or double of the given size: one number, or several packed in a field.
// The first packed run is returned as a view.
func (f field) fixed(dst []byte, size int) ([]byte, error) {
	switch {
	case f.typ == protowire.Fixed32Type && size == 4:
		return protowire.AppendFixed32(dst, uint32(f.value)), nil
	case f.typ == protowire.Fixed64Type && size == 8:
		return protowire.AppendFixed64(dst, f.value), nil
	}
	if err := f.is(protowire.BytesType); err != nil {
		return nil, err
	}
	if len(f.bytes)%size != 0 {
		return nil, fmt.Errorf("field %d has %d bytes, which is no multiple of %d", f.num, len(f.bytes), size)
	}
	if dst == nil {
		return f.bytes[:len(f.bytes):len(f.bytes)], nil // no room, so that append copies
	}
	return append(dst, f.bytes...), nil
}
