package quant

import (
	"fmt"

	"linquant/internal/arith"
	"linquant/tensor"
)

// Codes is a quantized tensor: its codes as they are stored, and what they stand for.
type Codes struct {
	Params
	Shape   tensor.Shape
	Packing Packing
	Data    []byte // as Packing lays it out, row-major; codes of 32 bits little-endian
}

// Encode quantizes x, of the given shape, as Quantize does, into one code an element of p.Type.Storage.
func Encode(x []float32, shape tensor.Shape, p Params) (tensor.Tensor, error) {
	switch p.Type.Storage() {
	case tensor.Int8:
		return encode[int8](x, shape, p)
	case tensor.Uint8:
		return encode[uint8](x, shape, p)
	}
	return encode[int32](x, shape, p)
}

func encode[Q Code](x []float32, shape tensor.Shape, p Params) (tensor.Tensor, error) {
	codes := make([]Q, len(x))
	if err := Quantize(codes, x, shape, p); err != nil {
		return tensor.Tensor{}, err
	}
	return tensor.Of(shape, codes)
}

// Of returns the codes that an integer tensor holds, one an element.
func (p Params) Of(t tensor.Tensor) Codes { return Codes{Params: p, Shape: t.Shape, Data: t.Data} }

// Check returns an error unless the parameters are usable for the shape, and the data has its length and holds codes of
// the type only.
func (c Codes) Check() error {
	if err := c.Params.Check(c.Shape); err != nil {
		return err
	}
	if err := c.checkLength(); err != nil {
		return err
	}
	if c.Packing != Unpacked || c.Type.Bits >= 8 {
		return nil
	}
	lo, hi := c.Type.Range()
	for i, b := range c.Data {
		code := int32(b)
		if !c.Type.Unsigned {
			code = int32(int8(b))
		}
		if code < lo || code > hi {
			return outsideType(code, i, c.Type)
		}
	}
	return nil
}

func (c Codes) checkLength() error {
	want, err := c.Packing.Len(c.Type, c.Shape)
	if err != nil {
		return err
	}
	if len(c.Data) != want {
		n, _ := c.Shape.Elements()
		return fmt.Errorf("%d codes of %d bits take %d bytes, not %d", n, c.Type.Bits, want, len(c.Data))
	}
	return nil
}

// Unpack returns the codes one an element, c itself where they are. Scales and zero points are not looked at. Data of
// another length than the shape's is an error.
func (c Codes) Unpack() (Codes, error) {
	if err := c.checkLength(); err != nil || c.Packing == Unpacked {
		return c, err
	}
	n, _ := c.Shape.Elements()
	rows, row := c.Packing.rows(n, c.Shape)
	size := packedLen(row, c.Type.Bits)
	data := make([]byte, n)
	for r := range rows {
		to, from := data[r*row:(r+1)*row], c.Data[r*size:(r+1)*size]
		if c.Type.Unsigned {
			unpack(to, from, c.Type.Bits)
		} else {
			unpack(arith.Signed(to), from, c.Type.Bits)
		}
	}
	c.Packing, c.Data = Unpacked, data
	return c, nil
}

// Pack returns the codes in another packing. Scales and zero points are not looked at. Data of another length than the
// shape's, codes that do not fit the bits of the type, and codes of 32 bits are errors.
func (c Codes) Pack(to Packing) (Codes, error) {
	c, err := c.Unpack()
	if err != nil || to == Unpacked {
		return c, err
	}
	total, err := to.Len(c.Type, c.Shape)
	if err != nil {
		return c, err
	}
	data := make([]byte, total)
	rows, row := to.rows(len(c.Data), c.Shape)
	size := packedLen(row, c.Type.Bits)
	for r := range rows {
		dst, src := data[r*size:(r+1)*size], c.Data[r*row:(r+1)*row]
		if c.Type.Unsigned {
			err = pack(dst, src, c.Type, r*row)
		} else {
			err = pack(dst, arith.Signed(src), c.Type, r*row)
		}
		if err != nil {
			return c, err
		}
	}
	c.Packing, c.Data = to, data
	return c, nil
}

// Dequantize fills dst, one element a code, with the real values, as the function Dequantize does.
func (c Codes) Dequantize(dst []float32) error {
	u, err := c.Unpack()
	if err != nil {
		return err
	}
	switch u.Type.Storage() {
	case tensor.Int8:
		return Dequantize(dst, arith.Signed(u.Data), u.Shape, u.Params)
	case tensor.Uint8:
		return Dequantize(dst, u.Data, u.Shape, u.Params)
	}
	wide, err := tensor.As[int32](tensor.Tensor{DType: tensor.Int32, Shape: u.Shape, Data: u.Data})
	if err != nil {
		return err
	}
	return Dequantize(dst, wide, u.Shape, u.Params)
}

// Widen returns the codes of a tensor of int8, uint8 or int32, one an element, as they are. Codes of 32 bits share its
// memory.
func Widen(t tensor.Tensor) ([]int32, error) {
	switch t.DType {
	case tensor.Int8:
		return widen(arith.Signed(t.Data)), nil
	case tensor.Uint8:
		return widen(t.Data), nil
	case tensor.Int32:
		return tensor.As[int32](t)
	}
	return nil, fmt.Errorf("codes are int8, uint8 or int32, not %v", t.DType)
}

func widen[Q int8 | uint8](codes []Q) []int32 {
	wide := make([]int32, len(codes))
	for i, code := range codes {
		wide[i] = int32(code)
	}
	return wide
}
