package fuse

import (
	"fmt"
	"math"
	"slices"

	"linquant/onnx/internal/follow"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// constantCodes are codes with parameters that have a form here.
type constantCodes struct {
	codes  tensor.Tensor
	params quant.Params
	block  int          // elements that share a scale along rows; 0: no blocks
	moved  bool         // with blocks: the codes are [rows, elements of the axis]
	shape  tensor.Shape // that the reals have with the axis last
	perm   []int        // that brings the axis back
}

// positive returns the codes of a DequantizeLinear of a constant with scales that are positive: a code q of the negative scale s and
// the zero point z stands for s·(q − z) = −s·((m − q) − (m − z)), m being the sum of the least and the largest code of the type, so
// that m − q is a code too; with the zero point 0, −q is taken where the least code of a signed type does not occur. Codes of
// the scale 0 become the zero point, of the least of the other scales. It returns nil where the codes have more than 8 bits, or a scale is subnormal, infinite or no number.
func (f *fuser) positive(n *raw.Node) (*constantCodes, error) {
	in := f.raw.Values[n.Inputs[0]]
	scaleTensor, zeroTensor := f.raw.Const(n.Input(1)), f.raw.Const(n.Input(2))
	if scaleTensor == nil || scaleTensor.DType != tensor.Float32 || n.Input(2) != "" && zeroTensor == nil {
		return nil, fmt.Errorf("scale %q and zero point %q must be constants, of float32 and of the codes' type", n.Input(1), n.Input(2))
	}
	t, ok := in.Codes()
	if !ok || t.Bits > 8 || zeroTensor != nil && zeroTensor.DType != in.DType { // what is wrong with it, dequantizedReals says
		return nil, nil
	}
	scale, err := scaleTensor.Float32s()
	if err != nil {
		return nil, err
	}
	if err := f.left.Take(int64(in.Const.Elements() + 8*len(scale))); err != nil { // what is kept
		return nil, err
	}
	zero := make([]int32, len(scale))
	if zeroTensor != nil {
		if zero, err = quant.Widen(*zeroTensor); err != nil || len(zero) != len(scale) {
			return nil, fmt.Errorf("zero point %q has %d elements, scale %q has %d: they must be as many", n.Input(2), len(zero), n.Input(1), len(scale))
		}
		zero = slices.Clone(zero)
	}
	for _, s := range scale {
		if m := float32(math.Abs(float64(s))); m != 0 && !(m >= smallestNormal && m <= math.MaxFloat32) {
			return nil, nil
		}
	}
	axis, block, shape := n.Int("axis"), n.Int("block_size"), in.Const.Shape
	q, err := quant.Widen(*in.Const)
	if err != nil {
		return nil, err
	}
	lo, hi := t.Range()
	least := make([]bool, len(scale)) // whether the least code occurs
	if !follow.Spread(shape, scaleTensor.Shape, axis, block, func(i, k int) { least[k] = least[k] || q[i] == lo }) {
		return nil, fmt.Errorf("scale %q of shape %v does not fit codes of shape %v along axis %d in blocks of %d", n.Input(1), scaleTensor.Shape, shape, axis, block)
	}
	sum := make([]int32, len(scale)) // a code becomes this less itself
	positive := make([]float32, len(scale))
	smallest := float32(math.Inf(1))
	for _, s := range scale {
		if m := float32(math.Abs(float64(s))); m != 0 {
			smallest = min(smallest, m)
		}
	}
	if math.IsInf(float64(smallest), 1) {
		smallest = 1
	}
	for k, s := range scale {
		sum[k] = lo + hi
		if zero[k] == 0 && !t.Unsigned && !least[k] {
			sum[k] = 0
		}
		switch {
		case s < 0:
			positive[k] = -s
		case s == 0:
			positive[k] = smallest
		default:
			positive[k] = s
		}
	}
	follow.Spread(shape, scaleTensor.Shape, axis, block, func(i, k int) {
		switch {
		case scale[k] < 0:
			q[i] = sum[k] - q[i]
		case scale[k] == 0:
			q[i] = zero[k]
		}
	})
	for k, s := range scale {
		if s < 0 {
			zero[k] = sum[k] - zero[k]
		}
	}
	c := &constantCodes{params: quant.Params{Type: t, Scale: positive, ZeroPoint: zero}}
	if block == 0 {
		c.params.ZeroPoint = normalZeros(c.params)
		if c.params.Layout, err = (quantized{axis: axis, shape: shape}).layout(len(scale), scaleTensor.Shape); err != nil {
			return nil, err
		}
		c.codes, err = narrowCodes(q, in.DType, shape)
		return c, err
	}
	return c, c.rows(q, in.DType, shape, axis, block)
}

// narrowCodes returns codes of 8 bits or fewer as they are stored.
func narrowCodes(q []int32, d tensor.DType, shape tensor.Shape) (tensor.Tensor, error) {
	b := make([]byte, len(q))
	for i, v := range q {
		b[i] = byte(v)
	}
	return tensor.New(d, shape, b)
}

// rows brings the axis of the blocks to the end, and takes what is before it as rows.
func (c *constantCodes) rows(q []int32, d tensor.DType, shape tensor.Shape, axis, block int) error {
	if axis < 0 {
		axis += len(shape)
	}
	along, inner, outer := shape[axis], 1, 1
	for i, n := range shape {
		switch {
		case i < axis:
			outer *= n
			c.shape, c.perm = append(c.shape, n), append(c.perm, i)
		case i > axis:
			inner *= n
		}
	}
	c.perm = append(c.perm, len(shape)-1)
	for i, n := range shape[axis+1:] {
		c.shape, c.perm = append(c.shape, n), append(c.perm, axis+i)
	}
	c.shape = append(c.shape, along)
	blocks := (along-1)/block + 1
	rows := outer * inner
	codes, scale, zero := make([]int32, len(q)), make([]float32, rows*blocks), make([]int32, rows*blocks)
	for o := range outer {
		for k := range inner {
			row := o*inner + k
			for a := range along {
				codes[row*along+a] = q[(o*along+a)*inner+k]
			}
			for b := range blocks {
				scale[row*blocks+b], zero[row*blocks+b] = c.params.Scale[(o*blocks+b)*inner+k], c.params.ZeroPoint[(o*blocks+b)*inner+k]
			}
		}
	}
	c.block, c.moved = block, axis != 1 || len(shape) != 2
	c.params.Scale, c.params.ZeroPoint = scale, zero
	c.params.ZeroPoint = normalZeros(c.params)
	c.params.Layout = quant.Layout{Per: quant.PerGroup, Axis: 0, GroupSize: min(block, along)}
	var err error
	c.codes, err = narrowCodes(codes, d, tensor.Shape{rows, along})
	return err
}
