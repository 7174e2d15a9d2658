package follow

import (
	"fmt"

	"linquant/tensor"
)

// Dequantize returns the reals float32(code − zero point)·scale, rounded once, of codes of any integer type and any layout of
// ONNX: one scale, one for each index of the axis, or one for each block along it. Scales may be of any sign, and 0.
func Dequantize(q, scale tensor.Tensor, zero *tensor.Tensor, axis, block int) (tensor.Tensor, error) {
	s, err := scale.Float32s()
	if err != nil {
		return tensor.Tensor{}, err
	}
	z := make([]float32, len(s))
	if zero != nil {
		if z, err = zero.Float32s(); err != nil {
			return tensor.Tensor{}, err
		}
		if len(z) != len(s) {
			return tensor.Tensor{}, fmt.Errorf("%d zero points for %d scales", len(z), len(s))
		}
	}
	x, err := q.Float32s() // exact but for the last bits of large biases, which the product rounds
	if err != nil {
		return tensor.Tensor{}, err
	}
	out := make([]float32, len(x))
	if !Spread(q.Shape, scale.Shape, axis, block, func(i, k int) { out[i] = float32(x[i]-z[k]) * s[k] }) {
		return tensor.Tensor{}, fmt.Errorf("scales of shape %v do not fit codes of shape %v with axis %d and blocks of %d",
			scale.Shape, q.Shape, axis, block)
	}
	return tensor.Of(q.Shape, out)
}
