package follow

import (
	"math"

	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// Spread calls visit for every element of a tensor, in order, with the number of its scale: scales of that shape are one for the tensor,
// one for each index of an axis, or one for each block of elements along the axis (ONNX, DequantizeLinear). It reports false
// where they are none of these.
func Spread(shape, scales tensor.Shape, axis, block int, visit func(i, scale int)) bool {
	n, err := shape.Elements()
	count, err2 := scales.Elements()
	if err != nil || err2 != nil || block < 0 {
		return false
	}
	if count == 1 && block == 0 {
		for i := range n {
			visit(i, 0)
		}
		return true
	}
	if axis < 0 {
		axis += len(shape)
	}
	if axis < 0 || axis >= len(shape) || n == 0 {
		return false
	}
	outer, inner := 1, 1
	for d, size := range shape {
		if d < axis {
			outer *= size
		} else if d > axis {
			inner *= size
		}
	}
	along := shape[axis]
	switch {
	case block == 0:
		if len(scales) != 1 || count != along {
			return false
		}
		for i := range n {
			visit(i, i/inner%along)
		}
		return true
	case len(scales) != len(shape):
		return false
	}
	blocks := (along-1)/block + 1
	for d := range shape {
		if d != axis && scales[d] != shape[d] || d == axis && scales[d] != blocks {
			return false
		}
	}
	i := 0
	for o := range outer {
		for a := range along {
			for k := range inner {
				visit(i, (o*blocks+a/block)*inner+k)
				i++
			}
		}
	}
	return true
}

// parameters returns the scales and zero points of a node, 0 where it has none.
func parameters(in []Value) (scale, zero []float32, ok bool) {
	if len(in) < 2 || in[1].DType != tensor.Float32 {
		return nil, nil, false
	}
	scale, err := in[1].Float32s()
	if err != nil {
		return nil, nil, false
	}
	zero = make([]float32, len(scale))
	if len(in) > 2 && in[2].Data != nil {
		if zero, err = in[2].Float32s(); err != nil || len(zero) != len(scale) {
			return nil, nil, false
		}
	}
	return scale, zero, true
}

// dequantize computes float32(code − zero point) · scale.
func (v *Values) dequantize(n *raw.Node, in []Value) (tensor.Tensor, bool) {
	if len(in) < 2 || !in[0].DType.IsInteger() || !v.take(4*in[0].Elements()+8*in[1].Elements()) {
		return tensor.Tensor{}, false
	}
	t, err := Dequantize(in[0].Tensor, in[1].Tensor, zeroOf(in), n.Int("axis"), n.Int("block_size"))
	return t, err == nil
}

func zeroOf(in []Value) *tensor.Tensor {
	if len(in) > 2 && in[2].Data != nil {
		return &in[2].Tensor
	}
	return nil
}

// quantize computes codes of 8 bits and fewer: RoundToEven(x / scale) + zero point, clamped to the type.
func (v *Values) quantize(n *raw.Node, in []Value) (Value, bool) {
	scale, zero, ok := parameters(in)
	if !ok || in[0].DType != tensor.Float32 || !v.take(in[0].Elements()+8*in[1].Elements()) {
		return Value{}, false
	}
	made := v.graph.Values[n.Outputs[0]]
	t, ok := made.Codes()
	if len(in) > 2 && in[2].Data != nil {
		made = &raw.Value{DType: in[2].DType, Type: in[2].Type}
		t, ok = made.Codes()
	}
	x, err := in[0].Float32s()
	if !ok || t.Bits > 8 || err != nil {
		return Value{}, false
	}
	lo, hi := t.Range()
	out := make([]byte, len(x))
	valid := true
	ok = Spread(in[0].Shape, in[1].Shape, n.Int("axis"), n.Int("block_size"), func(i, k int) {
		q := float32(math.RoundToEven(float64(x[i]/scale[k]))) + zero[k]
		valid = valid && q == q
		out[i] = byte(int32(min(max(q, float32(lo)), float32(hi))))
	})
	if !ok || !valid {
		return Value{}, false
	}
	c, err := tensor.New(t.Storage(), in[0].Shape, out)
	return Value{c, made.Type}, err == nil
}
