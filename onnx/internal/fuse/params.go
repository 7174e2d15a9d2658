package fuse

import (
	"fmt"
	"math"
	"slices"

	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// smallestNormal is the smallest normal float32; what is below it has lost bits.
const smallestNormal = 0x1p-126

// quantized names the constants that say what codes stand for.
type quantized struct {
	scale, zeroPoint string
	axis             int          // of several scales
	block            int          // elements that share a scale along the axis; 0: all
	shape            tensor.Shape // of the codes, nil where it is not known
}

// linearParams names those of a QuantizeLinear or DequantizeLinear node, for codes of a known shape or nil.
func linearParams(n *raw.Node, shape tensor.Shape) quantized {
	return quantized{
		scale: n.Input(1), zeroPoint: n.Input(2),
		axis: n.Int("axis"), block: n.Int("block_size"), shape: shape,
	}
}

// params reads parameters from the constants of a raw graph. t is the type of the codes; where it is the zero value the
// zero point has it (ONNX: uint8 where there is no zero point).
func (f *fuser) params(q quantized, t quant.Type) (quant.Params, error) {
	var p quant.Params
	zero, zeroType, err := f.zeroPoints(q.zeroPoint)
	if err != nil {
		return p, err
	}
	switch {
	case t == quant.Type{} && zero == nil:
		t = quant.Uint(8)
	case t == quant.Type{}:
		t = zeroType
	case zero != nil && t != zeroType && (t.Unsigned != zeroType.Unsigned || t.Bits == 32 != (zeroType.Bits == 32)):
		return p, fmt.Errorf("zero point %q is %v, the codes are %v: make the types agree", q.zeroPoint, zeroType, t)
	}
	scale, shape, err := f.scales(q.scale)
	if err != nil {
		return p, err
	}
	if zero != nil && len(zero) != len(scale) {
		return p, fmt.Errorf("zero point %q has %d elements, scale %q has %d: they must be as many",
			q.zeroPoint, len(zero), q.scale, len(scale))
	}
	lo, hi := t.Range()
	for _, z := range zero {
		if z < lo || z > hi {
			return p, fmt.Errorf("zero point %q is %d, outside %v's range [%d, %d]", q.zeroPoint, z, t, lo, hi)
		}
	}
	p = quant.Params{Type: t, Scale: scale, ZeroPoint: zero}
	if p.Layout, err = q.layout(len(scale), shape); err != nil {
		return p, err
	}
	if p.ZeroPoint == nil && t.Bits != 32 && p.Per == quant.PerTensor {
		p.ZeroPoint = []int32{0}
	}
	return p, nil
}

// layout says which scale belongs to which element.
func (q quantized) layout(scales int, shape tensor.Shape) (quant.Layout, error) {
	var l quant.Layout
	if scales == 1 && q.block == 0 {
		return l, nil
	}
	if q.block < 0 {
		return l, fmt.Errorf("block_size %d: a block has at least one element", q.block)
	}
	axis := q.axis
	if axis < 0 && q.shape != nil {
		axis += len(q.shape)
	}
	if axis < 0 || q.shape != nil && axis >= len(q.shape) {
		return l, fmt.Errorf("axis %d: codes of shape %v have no such dimension", q.axis, q.shape)
	}
	if q.block == 0 {
		if len(shape) != 1 || q.shape != nil && q.shape[axis] != scales {
			return l, fmt.Errorf("scale %q of shape %v does not fit codes of shape %v: give it one element per index of axis %d",
				q.scale, shape, q.shape, axis)
		}
		return quant.Layout{Per: quant.PerChannel, Axis: axis}, nil
	}
	// Blocks of ONNX lie along an axis of any tensor; ours, within the rows of a matrix.
	if len(q.shape) != 2 || axis != 1 || len(shape) != 2 || shape[0] != q.shape[0] ||
		shape[1] != (q.shape[1]-1)/q.block+1 {
		return l, fmt.Errorf("scale %q of shape %v in blocks of %d along axis %d of %v is not supported: "+
			"blocks along axis 1 of a matrix are", q.scale, shape, q.block, axis, q.shape)
	}
	return quant.Layout{Per: quant.PerGroup, Axis: 0, GroupSize: q.block}, nil
}

// scales reads a constant of scales.
func (f *fuser) scales(name string) ([]float32, tensor.Shape, error) {
	v := f.raw.Values[name]
	switch {
	case name == "":
		return nil, nil, fmt.Errorf("it has no scale: give it one")
	case v == nil || v.Const == nil:
		return nil, nil, fmt.Errorf("scale %q is not a constant: dynamic quantization is read as ONNX Runtime's quantize_dynamic writes it", name)
	case v.Const.DType != tensor.Float32:
		return nil, nil, fmt.Errorf("scale %q is %v: only float32 scales are supported", name, v.Const.DType)
	}
	if err := f.spend(v.Const.Elements()); err != nil {
		return nil, nil, fmt.Errorf("scale %q: %w", name, err)
	}
	s, err := tensor.As[float32](*v.Const)
	if err != nil {
		return nil, nil, fmt.Errorf("scale %q: %w", name, err)
	}
	if len(s) == 0 {
		return nil, nil, fmt.Errorf("scale %q has no elements", name)
	}
	for i, x := range s {
		if !(x >= smallestNormal && x <= math.MaxFloat32) {
			return nil, nil, fmt.Errorf("scale %q is %v at index %d; a scale is positive, finite and not subnormal: "+
				"quantize the model again", name, x, i)
		}
	}
	return s, v.Const.Shape, nil
}

// zeroPoints reads a constant of zero points; nil where there is none.
func (f *fuser) zeroPoints(name string) ([]int32, quant.Type, error) {
	if name == "" {
		return nil, quant.Type{}, nil
	}
	v := f.raw.Values[name]
	t, ok := v.Codes()
	switch {
	case v == nil || v.Const == nil:
		return nil, t, fmt.Errorf("zero point %q is not a constant: dynamic quantization is read as ONNX Runtime's quantize_dynamic writes it", name)
	case !ok:
		return nil, t, fmt.Errorf("zero point %q is %v: only codes of 8 or 4 bits, and biases of 32, are supported",
			name, v.DType)
	}
	z, err := f.wide(*v.Const)
	return z, t, err
}

// sameCodes reports whether equal codes stand for equal reals with both parameters, whatever the types' widths.
func sameCodes(a, b quant.Params) bool {
	return a.Type.Storage() == b.Type.Storage() && a.Layout == b.Layout && slices.Equal(a.Scale, b.Scale) &&
		slices.Equal(codes.Zeros(a), codes.Zeros(b))
}

// severalScales is the error for a value that is computed and has more than one scale.
func severalScales(name string, p quant.Params) error {
	return fmt.Errorf("activation %q has one scale per %v: only weights can; quantize activations per tensor", name, p.Per)
}

// onePerTensor reports whether p has the form of an activation's parameters.
func onePerTensor(p quant.Params) bool { return p.Per == quant.PerTensor && p.Type.Bits <= 8 }

// narrowed returns the type of a value's codes: t, or as narrow as the metadata says.
func (f *fuser) narrowed(name string, t quant.Type) quant.Type {
	if b, ok := f.bits[name]; ok && b < t.Bits && t.Bits <= 8 {
		t.Bits = b
	}
	return t
}
