package onnx

import (
	"encoding/binary"
	"fmt"
	"strings"

	"linquant/internal/onnxpb"
	"linquant/quant"
	"linquant/tensor"
)

// elementType says how elements of a type of ONNX become those of a graph.
type elementType struct {
	name  string
	bits  int          // of an element in the file; 0: not supported
	file  tensor.DType // what the bytes of the file are; for fewer than 8 bits, what they are unpacked to
	store tensor.DType // what the graph has
}

var elementTypes = map[onnxpb.DataType]elementType{
	onnxpb.Float:      {"float", 32, tensor.Float32, tensor.Float32},
	onnxpb.Uint8:      {"uint8", 8, tensor.Uint8, tensor.Uint8},
	onnxpb.Int8:       {"int8", 8, tensor.Int8, tensor.Int8},
	onnxpb.Uint16:     {"uint16", 16, tensor.Uint16, tensor.Uint16},
	onnxpb.Int16:      {"int16", 16, tensor.Int16, tensor.Int16},
	onnxpb.Int32:      {"int32", 32, tensor.Int32, tensor.Int32},
	onnxpb.Int64:      {"int64", 64, tensor.Int64, tensor.Int64},
	onnxpb.String:     {name: "string"},
	onnxpb.Bool:       {"bool", 8, tensor.Bool, tensor.Bool},
	onnxpb.Float16:    {"float16", 16, tensor.Float16, tensor.Float32},
	onnxpb.Double:     {"double", 64, tensor.Float64, tensor.Float32},
	onnxpb.Uint32:     {"uint32", 32, tensor.Uint32, tensor.Uint32},
	onnxpb.Uint64:     {"uint64", 64, tensor.Uint64, tensor.Uint64},
	onnxpb.Complex64:  {name: "complex64"},
	onnxpb.Complex128: {name: "complex128"},
	onnxpb.BFloat16:   {"bfloat16", 16, tensor.BFloat16, tensor.Float32},
	onnxpb.Uint4:      {"uint4", 4, tensor.Uint8, tensor.Uint8},
	onnxpb.Int4:       {"int4", 4, tensor.Int8, tensor.Int8},
	onnxpb.Uint2:      {"uint2", 2, tensor.Uint8, tensor.Uint8},
	onnxpb.Int2:       {"int2", 2, tensor.Int8, tensor.Int8},
}

func typeName(t onnxpb.DataType) string {
	if e, ok := elementTypes[t]; ok {
		return e.name
	}
	return fmt.Sprintf("type %d", t)
}

// codes returns what raw.Value.Type says of elements of fewer than 8 bits; the zero value for other types.
func (e elementType) codes() quant.Type {
	if e.bits == 0 || e.bits >= 8 {
		return quant.Type{}
	}
	return quant.Type{Bits: e.bits, Unsigned: e.store == tensor.Uint8}
}

// budget bounds the memory for elements that cannot be views: what is left, in bytes.
type budget int64

func newBudget(size int64) budget { return budget(1<<16 + 4*size) }

func (b *budget) take(n int64) error {
	if int64(*b) < n {
		return fmt.Errorf("the constants that must be converted or computed have far more elements than the file: it " +
			"is damaged")
	}
	*b -= budget(n)
	return nil
}

// decode returns the elements of a tensor, a view of the file wherever the file has them as the graph needs them.
func decode(t *onnxpb.Tensor, ext *external, left *budget) (tensor.Tensor, elementType, error) {
	e, err := supported(t.Type)
	if err != nil {
		return tensor.Tensor{}, e, err
	}
	shape, n, err := dims(t.Dims)
	if err != nil {
		return tensor.Tensor{}, e, err
	}
	if t.Segment {
		return tensor.Tensor{}, e, fmt.Errorf("it is only a segment of a tensor, which no known tool writes: the " +
			"model is damaged")
	}
	need := (int64(n)*int64(e.bits) + 7) / 8
	data := t.Raw
	switch {
	case t.Outside:
		if data, err = ext.bytes(t.External, need, left); err != nil {
			return tensor.Tensor{}, e, err
		}
	case data == nil && len(t.Varints) > 0 && e.file != tensor.Float32 && e.file != tensor.Float64:
		// Elements of 4 and 2 bits share a number there as they share a byte elsewhere.
		size := int64(max(e.bits/8, 1))
		if have := onnxpb.Numbers(t.Varints); int64(have)*size != need {
			return tensor.Tensor{}, e, fmt.Errorf("it has %d elements, and its shape %v needs %d", have, shape, n)
		}
		if err := left.take(need); err != nil {
			return tensor.Tensor{}, e, err
		}
		data = onnxpb.AppendNumbers(make([]byte, 0, need), t.Varints, int(size))
	case data == nil && (e.file == tensor.Float32 || e.file == tensor.Float64):
		data = t.Packed
	}
	if int64(len(data)) != need {
		return tensor.Tensor{}, e, fmt.Errorf("it has %d bytes, and its type %s and shape %v need %d",
			len(data), e.name, shape, need)
	}
	if e.bits < 8 {
		if err := left.take(int64(n)); err != nil {
			return tensor.Tensor{}, e, err
		}
		t := quant.Type{Bits: e.bits, Unsigned: e.store == tensor.Uint8}
		c, err := quant.Codes{Params: quant.Params{Type: t}, Shape: shape, Packing: quant.Packed, Data: data}.Unpack()
		if err != nil {
			return tensor.Tensor{}, e, err
		}
		data = c.Data
	}
	v, err := tensor.New(e.file, shape, data)
	if err != nil || e.file == e.store {
		return v, e, err
	}
	v, err = toFloat32(v, left)
	return v, e, err
}

// toFloat32 converts the elements of a tensor.
func toFloat32(v tensor.Tensor, left *budget) (tensor.Tensor, error) {
	if v.DType == tensor.Float32 {
		return v, nil
	}
	if err := left.take(4 * int64(v.Elements())); err != nil {
		return v, err
	}
	x, err := v.Float32s()
	if err != nil {
		return v, err
	}
	return tensor.Of(v.Shape, x)
}

func supported(t onnxpb.DataType) (elementType, error) {
	e, ok := elementTypes[t]
	if !ok || e.bits == 0 {
		return e, fmt.Errorf("elements of %s are not supported: use float, float16, bfloat16, double, int8, uint8, "+
			"int4, uint4, int32, int64 or other integers", typeName(t))
	}
	return e, nil
}

// dims returns a shape and its number of elements.
func dims(d []int64) (tensor.Shape, int, error) {
	if len(d) > maxRank {
		return nil, 0, fmt.Errorf("it has %d dimensions: more than %d are not supported", len(d), maxRank)
	}
	shape := make(tensor.Shape, len(d))
	for i, v := range d {
		shape[i] = int(v)
		if v < 0 || int64(shape[i]) != v {
			return nil, 0, fmt.Errorf("its shape %s has a dimension that no tensor has", list(d))
		}
	}
	n, err := shape.Elements()
	return shape, n, err
}

// encodeInts writes numbers as little-endian integers of the given bytes each.
func encodeInts(v []int64, size int) []byte {
	data, word := make([]byte, 0, len(v)*size), [8]byte{}
	for _, x := range v {
		binary.LittleEndian.PutUint64(word[:], uint64(x))
		data = append(data, word[:size]...)
	}
	return data
}

// list formats numbers of a file for an error, not all where there are many.
func list(v []int64) string {
	const most = 16
	s := strings.ReplaceAll(fmt.Sprint(v[:min(len(v), most)]), " ", ", ")
	if len(v) > most {
		s = fmt.Sprintf("%s, … %d in all]", s[:len(s)-1], len(v))
	}
	return s
}
