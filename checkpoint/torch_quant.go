package checkpoint

import (
	"errors"
	"fmt"
	"slices"

	"linquant/internal/pickle"
	"linquant/quant"
	"linquant/tensor"
)

// params reads a quantizer's parameters: (per_tensor_affine, scale, zero point), or (per_channel_affine, scales, zero
// points, axis) with tensors or lists of them, which are read at once. Scales are doubles there; PyTorch computes with
// them rounded to float32 (dequantize_val in ATen/native/quantized/AffineQuantizerBase.cpp), and so they are kept.
func (f *torchFile) params(v pickle.Value, t *Tensor) (*quant.Params, error) {
	args, _ := sequence(v)
	var scheme pickle.Global
	if len(args) > 0 {
		scheme, _ = args[0].(pickle.Global)
	}
	switch {
	case !slices.Contains([]tensor.DType{tensor.Int8, tensor.Uint8, tensor.Int32}, t.DType):
		return nil, fmt.Errorf("a quantized tensor of %v codes: the file is damaged", t.DType)
	case scheme.Name == "per_tensor_affine" && len(args) == 3:
		scale, ok := number(args[1])
		zero, ok2 := args[2].(int64)
		if !ok || !ok2 {
			break
		}
		return torchParams(t, quant.Layout{}, []float64{scale}, []float64{float64(zero)})
	case scheme.Name == "per_channel_affine" && len(args) == 4:
		axis, ok := args[3].(int64)
		if !ok || axis < 0 || axis >= int64(len(t.Shape)) {
			break
		}
		channels := t.Shape[axis]
		// Each scale is at its place in the file, unless tensors share them over and over.
		if f.scales += int64(channels); f.scales > f.size {
			return nil, errors.New("the file has more channels than bytes: it is damaged")
		}
		scales, err := f.vector(args[1], channels)
		if err != nil {
			return nil, fmt.Errorf("its scales: %w", err)
		}
		zeros, err := f.vector(args[2], channels)
		if err != nil {
			return nil, fmt.Errorf("its zero points: %w", err)
		}
		return torchParams(t, quant.Layout{Per: quant.PerChannel, Axis: int(axis)}, scales, zeros)
	case scheme.Name != "" && scheme.Name != "per_tensor_affine" && scheme.Name != "per_channel_affine":
		return nil, unsupported("its quantization scheme %s is not supported; dequantize() it and save again", quote(scheme.String()))
	}
	return nil, errors.New("its quantization parameters are not the ones PyTorch writes: the file is damaged")
}

// torchParams rounds scales to float32 and checks them.
func torchParams(t *Tensor, l quant.Layout, scales, zeros []float64) (*quant.Params, error) {
	p := &quant.Params{Type: quant.Type{Bits: 8 * t.DType.Size(), Unsigned: t.DType == tensor.Uint8}, Layout: l}
	if t.Elements() == 0 && l.Per != quant.PerTensor {
		return p, nil
	}
	p.Scale, p.ZeroPoint = make([]float32, len(scales)), make([]int32, len(scales))
	for k, scale := range scales {
		p.Scale[k], p.ZeroPoint[k] = float32(scale), int32(zeros[k])
		if float64(p.ZeroPoint[k]) != zeros[k] {
			return nil, fmt.Errorf("zero point %d is %v: the file is damaged", k, zeros[k])
		}
	}
	if err := p.Check(t.Shape); err != nil {
		return nil, fmt.Errorf("%w: the file is damaged", err)
	}
	return p, nil
}

func number(v pickle.Value) (float64, bool) {
	switch v := v.(type) {
	case float64:
		return v, true
	case int64:
		return float64(v), true
	}
	return 0, false
}

// vector reads n numbers from a list or a one-dimensional tensor. Zero points, int64, pass through float64 exactly:
// they are codes of at most 32 bits.
func (f *torchFile) vector(v pickle.Value, n int) ([]float64, error) {
	if items, ok := sequence(v); ok {
		if err := hasLength(len(items), n); err != nil {
			return nil, err
		}
		out := make([]float64, len(items))
		for i, item := range items {
			if out[i], ok = number(item); !ok {
				return nil, errors.New("a list of other things than numbers")
			}
		}
		return out, nil
	}
	t, err := f.rebuild(v)
	if err != nil {
		return nil, err
	}
	if t == nil {
		return nil, errors.New("neither a list nor a tensor")
	}
	if err := hasLength(t.Elements(), n); err != nil {
		return nil, err
	}
	raw, err := t.Read()
	if err != nil {
		return nil, err
	}
	out := make([]float64, n)
	switch t.DType {
	case tensor.Float64:
		out, err = tensor.As[float64](raw)
	case tensor.Int64:
		ints, err := tensor.As[int64](raw)
		if err != nil {
			return nil, err
		}
		for i, v := range ints {
			out[i] = float64(v)
		}
	default: // float32, int32 and narrower, whose values float32 or codes have exactly
		var narrow []float32
		if narrow, err = raw.Float32s(); err == nil {
			for i, v := range narrow {
				out[i] = float64(v)
			}
		}
	}
	return out, err
}

func hasLength(have, want int) error {
	if have != want {
		return fmt.Errorf("%d of them for %d channels: the file is damaged", have, want)
	}
	return nil
}
