package onnx

import (
	"math"
	"slices"

	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// array is a tensor that is known without running the network: a constant, or computed from constants and the shapes of
// values. PyTorch exports the target of x.view(x.size(0), -1) so, and even the pads of F.pad.
type array struct {
	dtype tensor.DType // Float32, an integer type or Bool
	shape []int
	v     []int64   // of integers and booleans; those of uint64 by their bits
	f     []float32 // of floats
	sizes bool      // elements can be batchSize or unknownSize
}

// Elements that stand for a number that is not known.
const (
	batchSize   = math.MinInt64     // the number of examples
	unknownSize = math.MinInt64 + 1 // a dimension of a value
)

// maxArray bounds the elements of parameters: shapes, axes and pads are short.
const maxArray = 2 * maxRank

func vector(v ...int64) array {
	return array{dtype: tensor.Int64, shape: []int{len(v)}, v: v, sizes: slices.ContainsFunc(v, isSize)}
}

func isSize(v int64) bool { return v <= unknownSize }

// number returns the one element, an integer.
func (a array) number() (int64, bool) {
	if len(a.v) != 1 || a.sizes && isSize(a.v[0]) {
		return 0, false
	}
	return a.v[0], true
}

// elements returns how many there are.
func (a array) elements() int { return max(len(a.v), len(a.f)) }

// float reports whether the elements are floats.
func (a array) float() bool { return a.dtype == tensor.Float32 }

// unknown reports whether an element is not known.
func (a array) unknown() bool { return a.sizes && slices.ContainsFunc(a.v, isSize) }

// make returns an array of zeros. ok is false where it would have more elements than a file of this size should make.
func (im *importer) make(dtype tensor.DType, shape []int) (a array, ok bool) {
	n := int64(1)
	for _, d := range shape {
		if d < 0 || d > math.MaxInt32 {
			return a, false
		}
		if n *= int64(d); n > math.MaxInt32 {
			return a, false
		}
	}
	if len(shape) > maxRank || im.left.take(8*n) != nil {
		return a, false
	}
	a = array{dtype: dtype, shape: slices.Clone(shape)}
	if a.float() {
		a.f = make([]float32, n)
	} else {
		a.v = make([]int64, n)
	}
	return a, true
}

// pick makes an array of the elements of others: at says which element of which of them stands at an index; a negative
// element is none, and 0 stands there.
func (s site) pick(in []array, shape []int, at func(index []int) (operand, element int)) (array, bool) {
	out, ok := s.im.make(in[0].dtype, shape)
	if !ok {
		return out, false
	}
	for _, a := range in {
		if out.sizes = out.sizes || a.sizes; a.float() != out.float() {
			return out, false
		}
	}
	each(shape, func(i int, index []int) {
		from, e := at(index)
		switch {
		case e < 0:
		case out.float():
			out.f[i] = in[from].f[e]
		default:
			out.v[i] = in[from].v[e]
		}
	})
	return out, true
}

// move is pick from one array, by the index of an element in it.
func (s site) move(a array, shape []int, from func(index []int) []int) (array, bool) {
	return s.pick([]array{a}, shape, func(index []int) (int, int) { return 0, a.offset(from(index)) })
}

// each calls visit for every index of a shape in row-major order, with its number. index is only lent.
func each(shape []int, visit func(i int, index []int)) {
	if slices.Contains(shape, 0) {
		return
	}
	index := make([]int, len(shape))
	for i := 0; ; i++ {
		visit(i, index)
		d := len(shape) - 1
		for ; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
		if d < 0 {
			return
		}
	}
}

// offset returns where the element of an index is. Indices are those of dimensions; one of a dimension of 1 is not
// looked at, and there may be more dimensions in front: broadcasting.
func (a array) offset(index []int) int {
	index = index[len(index)-len(a.shape):]
	at := 0
	for d, n := range a.shape {
		if at *= n; n != 1 {
			at += index[d]
		}
	}
	return at
}

// axis returns the dimension that a number of a file means.
func (a array) axis(i int) (int, bool) {
	if i < 0 {
		i += len(a.shape)
	}
	return i, i >= 0 && i < len(a.shape)
}

// array returns the elements of a value that is known.
func (im *importer) array(name string) (array, bool) {
	for _, known := range []map[string]array{im.arrays, im.decoded} {
		if a, ok := known[name]; ok {
			return a, true
		}
	}
	v := im.g.Values[name]
	if v == nil || v.Const == nil {
		return array{}, false
	}
	a, ok := im.decodeArray(*v.Const)
	if ok && v.DType != tensor.Float32 {
		im.decoded[name] = a
	}
	return a, ok
}

// decodeArray returns the elements of a tensor: floats, where they are, as they lie there.
func (im *importer) decodeArray(t tensor.Tensor) (a array, ok bool) {
	if t.DType == tensor.Float32 {
		x, err := tensor.As[float32](t)
		return array{dtype: t.DType, shape: t.Shape, f: x}, err == nil
	}
	size := t.DType.Size()
	if !t.DType.IsInteger() && t.DType != tensor.Bool {
		return a, false
	}
	if a, ok = im.make(t.DType, t.Shape); !ok {
		return a, false
	}
	for i := range a.v {
		a.v[i] = wrap(littleEndian(t.Data[i*size:(i+1)*size]), t.DType)
	}
	return a, true
}

func littleEndian(b []byte) int64 {
	v := uint64(0)
	for i, x := range b {
		v |= uint64(x) << (8 * i)
	}
	return int64(v)
}

// wrap brings an integer to the range of a type as conversions between integers do, without the high bits.
func wrap(v int64, d tensor.DType) int64 {
	switch d {
	case tensor.Int32:
		return int64(int32(v))
	case tensor.Int16:
		return int64(int16(v))
	case tensor.Int8:
		return int64(int8(v))
	case tensor.Uint32:
		return int64(uint32(v))
	case tensor.Uint16:
		return int64(uint16(v))
	case tensor.Uint8:
		return int64(uint8(v))
	case tensor.Bool:
		return int64(truth(v != 0))
	}
	return v
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// tensor returns the array as a constant of a graph. Every element must be known.
func (a array) tensor() (tensor.Tensor, error) {
	if a.float() {
		return tensor.Of(tensor.Shape(a.shape), a.f)
	}
	return tensor.New(a.dtype, tensor.Shape(a.shape), encodeInts(a.v, a.dtype.Size()))
}

// materialize makes a constant of an array, so that nodes can read it, unless one of its elements is not known.
func (im *importer) materialize(name string) *raw.Value {
	a, ok := im.arrays[name]
	if !ok || a.unknown() {
		return nil
	}
	t, err := a.tensor()
	if err != nil || im.left.take(int64(len(t.Data))) != nil {
		return nil
	}
	im.g.AddConst(name, t)
	return im.g.Values[name]
}

// ints returns input i, which is a list of known integers.
func (s site) ints(i int) ([]int, error) {
	a, ok := s.list(i)
	if !ok || slices.ContainsFunc(a, isSize) {
		return nil, s.notConstant(i)
	}
	return clampAll(a), nil
}

// list returns input i, a list of few integers.
func (s site) list(i int) ([]int64, bool) {
	if v := s.im.g.Values[s.n.Input(i)]; v != nil && v.Const != nil && v.Const.Elements() > maxArray {
		return nil, false
	}
	a, ok := s.im.array(s.n.Input(i))
	if ok = ok && !a.float() && len(a.shape) <= 1 && len(a.v) <= maxArray; ok && !a.sizes && slices.ContainsFunc(a.v, isSize) {
		a.v = slices.Clone(a.v)
		for j, v := range a.v { // such as the end of a Slice backwards, which PyTorch writes so: no number that is not known
			a.v[j] = max(v, unknownSize+1)
		}
	}
	return a.v, ok
}

func (s site) notConstant(i int) error {
	return s.errorf("input %d (%q) must be constant, and a few integers or a number as the operator wants: "+
		"parameters that are computed are not supported; simplify the model, or export it with fixed shapes", i, s.n.Input(i))
}
