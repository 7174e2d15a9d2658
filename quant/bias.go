package quant

import (
	"fmt"

	"linquant/internal/arith"
	"linquant/tensor"
)

// BiasParams returns the parameters of a bias that is added to int32 accumulators: scale Sx·Sw[c] for every output
// channel c, the product in float32, and zero point 0 (Jacob et al. 2018, section 2.4). input is the activation's
// single scale; weight has one scale, or one per output channel on axis 0. A product that is 0, subnormal or infinite
// is an error.
func BiasParams(input, weight Params) (Params, error) {
	if input.Per != PerTensor || len(input.Scale) != 1 {
		return Params{}, fmt.Errorf("an activation has one scale for the whole tensor, this one has %d", len(input.Scale))
	}
	if weight.Per == PerGroup || weight.Per == PerChannel && weight.Axis != 0 {
		return Params{}, fmt.Errorf("a weight quantized per %v on axis %d gives its accumulators no common scale: quantize it per tensor or per channel on axis 0", weight.Per, weight.Axis)
	}
	if err := checkScale(input.Scale[0]); err != nil {
		return Params{}, fmt.Errorf("input: %w", err) // two negative scales would have a positive product
	}
	p := Params{Type: Int(32), Layout: weight.Layout, Scale: make([]float32, len(weight.Scale))}
	for c, sw := range weight.Scale {
		p.Scale[c] = input.Scale[0] * sw
		if err := checkScale(p.Scale[c]); err != nil {
			return Params{}, fmt.Errorf("bias scale of output channel %d, input scale %g × weight scale %g: %w", c, input.Scale[0], sw, err)
		}
	}
	return p, nil
}

// QuantizeBias fills dst with RoundToEven(bias / (Sx·Sw[c])) as int32, both steps in float32 (the original's
// linear_quantize_bias_per_output_channel). bias has one element per output channel. Values beyond int32 saturate; a
// NaN is an error.
func QuantizeBias(dst []int32, bias []float32, input, weight Params) error {
	p, err := BiasParams(input, weight)
	if err != nil {
		return err
	}
	for c, b := range bias {
		if b != b {
			return fmt.Errorf("the bias of output channel %d is NaN", c)
		}
	}
	return Quantize(dst, bias, tensor.Shape{len(bias)}, p)
}

// FoldZeroPoint fills dst with bias[o] − zeroPoint·Σ weight[o], so that a layer can multiply its input's codes as they
// are: Σ(qx − zx)·qw + b = Σ qx·qw + (b − zx·Σqw) (Jacob et al. 2018, eq. 7; the original's shift_quantized_linear_bias
// and shift_quantized_conv2d_bias). weight is [out, …] in row-major order with out = len(bias): for a linear layer the
// sum runs over the inputs, for a convolution over input channels and kernel, and then the input must be padded with
// zeroPoint, never with 0. dst may be bias. A result beyond int32 is an error that names the channel.
func FoldZeroPoint(dst, bias []int32, weight []int8, zeroPoint int32) error {
	if len(dst) != len(bias) {
		return fmt.Errorf("%d destinations for %d biases", len(dst), len(bias))
	}
	if len(bias) == 0 || len(weight)%len(bias) != 0 {
		return fmt.Errorf("%d weights do not divide among %d output channels", len(weight), len(bias))
	}
	depth := len(weight) / len(bias)
	for o := range bias {
		var sum int64
		for _, w := range weight[o*depth : (o+1)*depth] {
			sum += int64(w)
		}
		v := int64(bias[o]) - int64(zeroPoint)*sum
		if v != int64(int32(v)) {
			return fmt.Errorf("output channel %d: bias %d less zero point %d × weight sum %d leaves int32", o, bias[o], zeroPoint, sum)
		}
		dst[o] = int32(v)
	}
	return nil
}

// checkAccumulator returns an error if an output channel's Σ(qx − zx)·qw + bias can leave int32 for some input. Partial
// sums may wrap: two's complement forgives them, and only the final value counts.
func checkAccumulator(weight []int8, bias []int32, input Params) error {
	qmin, qmax := input.Type.Range()
	lo, hi := int64(qmin-input.ZeroPointOf(0)), int64(qmax-input.ZeroPointOf(0)) // lo ≤ 0 ≤ hi
	depth := len(weight) / len(bias)
	for o, b := range bias {
		negative, positive := arith.Signs(weight[o*depth:(o+1)*depth], 0)
		if least, most, fits := arith.Reach(negative, positive, lo, hi, int64(b)); !fits {
			return fmt.Errorf("output channel %d: the accumulator can reach [%d, %d], beyond int32; use fewer bits or larger scales", o, least, most)
		}
	}
	return nil
}
