package quant

import (
	"fmt"

	"linquant/tensor"
)

// Linear is a fully quantized fully-connected layer: 8-bit inputs and weights, int32 accumulators and biases, 8-bit
// outputs, and no floating point but the requantization's. It is the plain reference; it is immutable once made.
type Linear struct {
	In, Out int
	Weight  []int8  // [Out, In]
	Bias    []int32 // [Out], with the input's zero point folded in
	Input   Params
	Output  Params
	Stage   *Requantizer
}

// NewLinear makes a layer from the codes of its weight [out, in], which are symmetric, per tensor or per output
// channel; its float bias [out], or nil; and the parameters of its input and output, one scale each. Errors: shapes
// that do not agree, parameters that no integer layer can have, an accumulator that could leave int32. The layer keeps
// weight, which must not change afterwards.
func NewLinear(weight []int8, shape tensor.Shape, wp Params, bias []float32, input, output Params, c Convention) (*Linear, error) {
	if len(shape) != 2 || shape[0] < 1 || shape[1] < 1 {
		return nil, fmt.Errorf("a linear layer's weight has shape [out, in], not %v", shape)
	}
	if _, err := wp.check(shape, len(weight)); err != nil {
		return nil, fmt.Errorf("weight: %w", err)
	}
	for _, z := range wp.ZeroPoint {
		if z != 0 {
			return nil, fmt.Errorf("weight: zero point %d: quantize weights symmetrically, with zero point 0", z)
		}
	}
	if _, err := input.check(nil, 0); err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	if input.Type.Bits > 8 || wp.Type.Bits > 8 {
		return nil, fmt.Errorf("inputs and weights have 2 to 8 bits, not %d and %d", input.Type.Bits, wp.Type.Bits)
	}
	if err := checkStorage[int8](wp.Type); err != nil {
		return nil, fmt.Errorf("weight: %w", err)
	}
	l := &Linear{Out: shape[0], In: shape[1], Weight: weight, Bias: make([]int32, shape[0]), Input: input, Output: output}
	if bias == nil {
		bias = make([]float32, l.Out)
	}
	if len(bias) != l.Out {
		return nil, fmt.Errorf("%d biases for %d output channels", len(bias), l.Out)
	}
	if err := QuantizeBias(l.Bias, bias, input, wp); err != nil {
		return nil, err
	}
	if err := checkAccumulator(weight, l.Bias, input); err != nil {
		return nil, err
	}
	if err := FoldZeroPoint(l.Bias, l.Bias, weight, input.ZeroPointOf(0)); err != nil {
		return nil, err
	}
	if len(output.Scale) != 1 {
		return nil, fmt.Errorf("output: one scale for the whole tensor, not %d", len(output.Scale))
	}
	multiplier := make([]float64, len(wp.Scale))
	for o, sw := range wp.Scale {
		multiplier[o] = c.Multiplier(input.Scale[0], sw, output.Scale[0])
	}
	var err error
	if l.Stage, err = NewRequantizer(c, multiplier, output); err != nil {
		return nil, fmt.Errorf("output: %w", err)
	}
	return l, nil
}

// Forward runs the layer on x [batch, In] and fills dst [batch, Out]: the original's quantized_linear. The slices'
// types are those of the layer's input and output codes. It allocates nothing.
func Forward[X, Y int8 | uint8](l *Linear, dst []Y, x []X) error {
	if err := checkStorage[X](l.Input.Type); err != nil {
		return fmt.Errorf("input: %w", err)
	}
	if err := checkStorage[Y](l.Output.Type); err != nil {
		return fmt.Errorf("output: %w", err)
	}
	batch := len(x) / l.In
	if len(x)%l.In != 0 || len(dst)%l.Out != 0 || len(dst)/l.Out != batch {
		return fmt.Errorf("%d inputs and %d outputs make no batch of a layer with %d inputs and %d outputs", len(x), len(dst), l.In, l.Out)
	}
	for b := range batch {
		row := x[b*l.In : (b+1)*l.In]
		for o := range l.Out {
			acc := l.Bias[o]
			for i, w := range l.Weight[o*l.In : (o+1)*l.In] {
				acc += int32(row[i]) * int32(w)
			}
			channel := o
			if l.Stage.Channels() == 1 {
				channel = 0
			}
			dst[b*l.Out+o] = Y(l.Stage.Code(acc, channel))
		}
	}
	return nil
}
