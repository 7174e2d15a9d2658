package checkpoint

import (
	"linquant/tensor"
)

// dequantize fills dst with the real values of the codes in raw: float32(Scale × (code − ZeroPoint)) with the product
// in float64.
func (t *Tensor) dequantize(dst []float32, raw tensor.Tensor) error {
	q := t.Quant
	code, err := codes(raw)
	if err != nil {
		return t.errorf("%w", err)
	}
	inner, channels := len(dst), 1
	if q.Axis >= 0 {
		channels, inner = t.Shape[q.Axis], 1
		for _, d := range t.Shape[q.Axis+1:] {
			inner *= d
		}
	}
	for i := range dst {
		c := i / inner % channels
		dst[i] = float32(q.Scale[c] * float64(code(i)-q.ZeroPoint[c]))
	}
	return nil
}

// codes returns a function that gives the integer at an index.
func codes(raw tensor.Tensor) (func(i int) int64, error) {
	switch raw.DType {
	case tensor.Int8:
		return func(i int) int64 { return int64(int8(raw.Data[i])) }, nil
	case tensor.Uint8:
		return func(i int) int64 { return int64(raw.Data[i]) }, nil
	}
	v, err := tensor.As[int32](raw)
	return func(i int) int64 { return int64(v[i]) }, err
}
