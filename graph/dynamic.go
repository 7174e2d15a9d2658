package graph

import (
	"context"
	"math"

	"linquant/internal/integer"
	"linquant/tensor"
)

// dynamicAttr marks a Conv, Gemm, MatMul or LSTM whose input is quantized while the network runs: see the operators.
const dynamicAttr = "dynamic"

// IsDynamic reports whether the node is a Conv, Gemm, MatMul or LSTM that reads and makes reals, and multiplies the codes of
// its input, whose scale it finds while it runs, by a weight of codes.
func IsDynamic(n *Node) bool {
	switch n.Op {
	case Conv, Gemm, MatMul, LSTM:
		return n.Int(dynamicAttr) != 0
	}
	return false
}

// SetDynamic makes a Conv, Gemm, MatMul or LSTM one that quantizes its input while it runs. Its attributes are not shared
// with other nodes afterwards.
func SetDynamic(n *Node) {
	attrs := Attrs{}
	for k, v := range n.Attrs {
		attrs[k] = v
	}
	attrs[dynamicAttr] = 1
	n.Attrs = attrs
}

// checkDynamic checks a dynamic layer.
func (s site) checkDynamic(out *Value) error {
	if s.value(0).Quant != nil || out.Quant != nil {
		return s.errorf("it quantizes its input while it runs: input %q and output %q must be reals",
			s.n.Inputs[0], out.Name)
	}
	if s.n.Op == LSTM {
		return s.checkDynamicLSTM()
	}
	w := s.value(1)
	rank := 2
	if s.n.Op == Conv {
		rank = 4
	}
	if w.Const == nil || w.Quant == nil || len(w.Const.Shape) != rank {
		return s.errorf("it quantizes its input while it runs: its weight %q must be a constant of codes with %d dimensions",
			w.Name, rank)
	}
	if err := s.checkWeightCodes(); err != nil {
		return err
	}
	if b := s.value(2); b != nil {
		channels := w.Const.Shape[ChannelAxis(s.n, rank)]
		if b.Quant != nil || b.Const == nil || !b.Const.DType.IsFloat() || !b.Const.Shape.Equal(tensor.Shape{channels}) {
			return s.errorf("bias %q must be a constant of reals, [%d]", b.Name, channels)
		}
	}
	return s.checkDynamicSums()
}

// checkDynamicSums proves that no sum of a dynamic layer leaves int32: a code less the zero point, which may be any, is
// at least −z and at most 255 − z.
func (s site) checkDynamicSums() error {
	w := s.value(1)
	if s.depth()*255*255 <= math.MaxInt32 {
		return nil
	}
	a := sumsOf(s.n, w.Const.Shape)
	for c := range a.channels {
		negative, positive := a.signed(w.Const.Data, 0, c, w.Quant)
		if most := 255 * max(-negative, positive); most > math.MaxInt32 {
			return s.errorf("output channel %d: the accumulator can reach %d, beyond int32: use fewer bits", c, most)
		}
	}
	return nil
}

// evalDynamic computes a dynamic layer, example by example:
//
//	y = float32(Σ(qx − zx)·(qw − zw)) · (sx·sw) + bias
//
// with sums of integers, and every other step rounded to float32. The scale and zero point zx of the input are those of
// the example (Dynamic). ONNX Runtime has one for the whole tensor, and so for all examples of a batch together; with a
// batch of one that is the same. An example with a NaN or an infinity becomes NaNs.
func (s site) evalDynamic(ctx context.Context, in []array, shape tensor.Shape) (array, error) {
	x, w, bias := in[0], in[1], in[2]
	p, err := s.product(x.shape, w.shape, shape)
	if err != nil {
		return array{}, err
	}
	examples := 1
	if batched(s.shape(0)) {
		examples = x.shape[0]
	}
	codes, scales, n := make([]int32, len(x.real)), make([]float32, examples), len(x.real)/examples
	for e := range examples {
		scales[e] = integer.Centred(codes[e*n:][:n], x.real[e*n:][:n])
	}
	y := make([]float32, perExample(shape))
	perOutput := len(y) / examples
	err = p.each(ctx, func(i, channel int, pairs func(func(x, w int))) {
		k := min(channel, len(w.quant.Scale)-1)
		zero, sum := w.quant.ZeroPointOf(k), int32(0)
		pairs(func(at, k int) { sum += codes[at] * (w.code[k] - zero) })
		v := float32(sum) * float32(scales[i/perOutput]*w.quant.Scale[k])
		if bias.real != nil {
			v = float32(v) + bias.real[channel]
		}
		y[i] = v
	})
	return array{shape: shape, real: y}, err
}

// ClearDynamic removes what SetDynamic added.
func ClearDynamic(attrs Attrs) { delete(attrs, dynamicAttr) }
