// Package elements decodes the tensors of a file: views of it, or of the files of external data, wherever they have the
// elements as a graph needs them, and conversions within a budget.
package elements

import (
	"fmt"

	"linquant/internal/onnxpb"
	"linquant/onnx/internal/fault"
	"linquant/quant"
	"linquant/tensor"
)

// Type says how elements of a type of ONNX become those of a graph.
type Type struct {
	Name  string
	Bits  int          // of an element in the file; 0: not supported
	File  tensor.DType // what the bytes of the file are; for fewer than 8 bits, what they are unpacked to
	Store tensor.DType // what the graph has
}

var Types = map[onnxpb.DataType]Type{
	onnxpb.Float:      {"float", 32, tensor.Float32, tensor.Float32},
	onnxpb.Uint8:      {"uint8", 8, tensor.Uint8, tensor.Uint8},
	onnxpb.Int8:       {"int8", 8, tensor.Int8, tensor.Int8},
	onnxpb.Uint16:     {"uint16", 16, tensor.Uint16, tensor.Uint16},
	onnxpb.Int16:      {"int16", 16, tensor.Int16, tensor.Int16},
	onnxpb.Int32:      {"int32", 32, tensor.Int32, tensor.Int32},
	onnxpb.Int64:      {"int64", 64, tensor.Int64, tensor.Int64},
	onnxpb.String:     {Name: "string"},
	onnxpb.Bool:       {"bool", 8, tensor.Bool, tensor.Bool},
	onnxpb.Float16:    {"float16", 16, tensor.Float16, tensor.Float32},
	onnxpb.Double:     {"double", 64, tensor.Float64, tensor.Float32},
	onnxpb.Uint32:     {"uint32", 32, tensor.Uint32, tensor.Uint32},
	onnxpb.Uint64:     {"uint64", 64, tensor.Uint64, tensor.Uint64},
	onnxpb.Complex64:  {Name: "complex64"},
	onnxpb.Complex128: {Name: "complex128"},
	onnxpb.BFloat16:   {"bfloat16", 16, tensor.BFloat16, tensor.Float32},
	onnxpb.Uint4:      {"uint4", 4, tensor.Uint8, tensor.Uint8},
	onnxpb.Int4:       {"int4", 4, tensor.Int8, tensor.Int8},
	onnxpb.Uint2:      {"uint2", 2, tensor.Uint8, tensor.Uint8},
	onnxpb.Int2:       {"int2", 2, tensor.Int8, tensor.Int8},
}

func Name(t onnxpb.DataType) string {
	if e, ok := Types[t]; ok {
		return e.Name
	}
	return fmt.Sprintf("type %d", t)
}

// Codes returns what raw.Value.Type says of elements of fewer than 8 bits; the zero value for other types.
func (e Type) Codes() quant.Type {
	if e.Bits == 0 || e.Bits >= 8 {
		return quant.Type{}
	}
	return quant.Type{Bits: e.Bits, Unsigned: e.Store == tensor.Uint8}
}

// Budget bounds the memory for elements that cannot be views: what is left, in bytes.
type Budget int64

func NewBudget(size int64) Budget { return Budget(1<<16 + 4*size) }

func (b *Budget) Take(n int64) error {
	if int64(*b) < n {
		return fault.Errorf("the constants that must be converted or computed have far more elements than the file: it " +
			"is damaged")
	}
	*b -= Budget(n)
	return nil
}

// Decode returns the elements of a tensor, a view of the file wherever the file has them as the graph needs them.
func Decode(t *onnxpb.Tensor, ext *External, left *Budget) (tensor.Tensor, Type, error) {
	e, err := Supported(t.Type)
	if err != nil {
		return tensor.Tensor{}, e, err
	}
	shape, n, err := dims(t.Dims)
	if err != nil {
		return tensor.Tensor{}, e, err
	}
	if t.Segment {
		return tensor.Tensor{}, e, fault.Errorf("it is only a segment of a tensor, which no known tool writes: the " +
			"model is damaged")
	}
	need := (int64(n)*int64(e.Bits) + 7) / 8
	data := t.Raw
	switch {
	case t.Outside:
		if data, err = ext.bytes(t.External, need, left); err != nil {
			return tensor.Tensor{}, e, err
		}
	case data == nil && len(t.Varints) > 0 && e.File != tensor.Float32 && e.File != tensor.Float64:
		// Elements of 4 and 2 bits share a number there as they share a byte elsewhere.
		size := int64(max(e.Bits/8, 1))
		if have := onnxpb.Numbers(t.Varints); int64(have)*size != need {
			return tensor.Tensor{}, e, fault.Errorf("it has %d elements, and its shape %v needs %d", have, shape, n)
		}
		if err := left.Take(need); err != nil {
			return tensor.Tensor{}, e, err
		}
		data = onnxpb.AppendNumbers(make([]byte, 0, need), t.Varints, int(size))
	case data == nil && (e.File == tensor.Float32 || e.File == tensor.Float64):
		data = t.Packed
	}
	if int64(len(data)) != need {
		return tensor.Tensor{}, e, fault.Errorf("it has %d bytes, and its type %s and shape %v need %d",
			len(data), e.Name, shape, need)
	}
	if e.Bits < 8 {
		if err := left.Take(int64(n)); err != nil {
			return tensor.Tensor{}, e, err
		}
		t := quant.Type{Bits: e.Bits, Unsigned: e.Store == tensor.Uint8}
		c, err := quant.Codes{Params: quant.Params{Type: t}, Shape: shape, Packing: quant.Packed, Data: data}.Unpack()
		if err != nil {
			return tensor.Tensor{}, e, err
		}
		data = c.Data
	}
	v, err := tensor.New(e.File, shape, data)
	if err != nil || e.File == e.Store {
		return v, e, err
	}
	v, err = ToFloat32(v, left)
	return v, e, err
}

// ToFloat32 converts the elements of a tensor.
func ToFloat32(v tensor.Tensor, left *Budget) (tensor.Tensor, error) {
	if v.DType == tensor.Float32 {
		return v, nil
	}
	if err := left.Take(4 * int64(v.Elements())); err != nil {
		return v, err
	}
	x, err := v.Float32s()
	if err != nil {
		return v, err
	}
	return tensor.Of(v.Shape, x)
}

func Supported(t onnxpb.DataType) (Type, error) {
	e, ok := Types[t]
	if !ok || e.Bits == 0 {
		return e, fmt.Errorf("elements of %s are not supported: use float, float16, bfloat16, double, int8, uint8, "+
			"int4, uint4, int32, int64 or other integers", Name(t))
	}
	return e, nil
}

// dims returns a shape and its number of elements.
func dims(d []int64) (tensor.Shape, int, error) {
	if len(d) > MaxRank {
		return nil, 0, fmt.Errorf("it has %d dimensions: more than %d are not supported", len(d), MaxRank)
	}
	shape := make(tensor.Shape, len(d))
	for i, v := range d {
		shape[i] = int(v)
		if v < 0 || int64(shape[i]) != v {
			return nil, 0, fault.Errorf("its shape %s has a dimension that no tensor has", List(d))
		}
	}
	n, err := shape.Elements()
	return shape, n, err
}

// MaxRank bounds the dimensions of a value, as NumPy did before version 2; networks have up to 6.
const MaxRank = 32
