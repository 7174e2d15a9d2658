package ptq

import (
	"context"
	"errors"
	"fmt"

	"linquant/checkpoint"
	"linquant/internal/ended"
	"linquant/quant"
	"linquant/tensor"
)

// weightQuantizer quantizes the weights of a checkpoint one by one, when they are written. Its buffers are reused from
// one to the next.
type weightQuantizer struct {
	ctx            context.Context // of the call that quantizes
	cfg            WeightConfig
	total          int // weights to quantize
	report         *Report
	real, restored []float32
	codes          []int8
}

// outputs returns what the file holds of a weight; it is quantized when that is written.
func (q *weightQuantizer) outputs(t *checkpoint.Tensor, metadata map[string]string) ([]checkpoint.Output, error) {
	if !t.DType.IsFloat() || t.Quant != nil {
		return nil, fmt.Errorf("it holds %v: only floating-point weights can be quantized", t.DType)
	}
	if t.Elements() == 0 {
		return nil, errors.New("it has no elements to quantize")
	}
	switch needs, err := q.cfg.Method.Needs(q.weight(t)); {
	case err != nil:
		return nil, err
	case len(needs) > 0:
		return nil, fmt.Errorf("%v quantizes weights by what their layers are shown, and a checkpoint has no layers: quantize the "+
			"whole network", q.cfg.Method)
	}
	size, err := q.cfg.scheme().Bytes(t.Shape)
	if err != nil {
		return nil, err
	}
	return q.cfg.scheme().Outputs(t.Name, t.Shape, metadata, func() (quant.Codes, error) { return q.quantize(t, size) })
}

// quantize reads a weight, which takes so many bytes in the file, chooses its parameters, reports what that came to, and
// returns its codes. They are valid until the next call.
func (q *weightQuantizer) quantize(t *checkpoint.Tensor, size int64) (quant.Codes, error) {
	if err := ended.Err(q.ctx); err != nil {
		return quant.Codes{}, err
	}
	if q.cfg.Progress != nil {
		q.cfg.Progress(len(q.report.Layers), q.total, t.Name)
	}
	var err error
	if q.real, err = t.Float32s(q.real); err != nil {
		return quant.Codes{}, err
	}
	q.codes = resize(q.codes, len(q.real))
	w := q.weight(t)
	w.Real = q.real
	params, _, err := q.cfg.Method.Quantize(q.ctx, w, q.codes)
	if err == nil {
		err = checkParams(w, params)
	}
	if err == nil && !w.Affine {
		err = checkSymmetric(q.codes, params)
	}
	if err != nil {
		return quant.Codes{}, err
	}
	q.restored = resize(q.restored, len(q.real))
	if err := quant.Dequantize(q.restored, q.codes, t.Shape, params); err != nil {
		return quant.Codes{}, err
	}
	layer := Layer{Name: t.Name, Shape: t.Shape, Scales: len(params.Scale), FloatBytes: t.Bytes(), Bytes: size}
	if err := layer.compare(q.real, q.restored); err != nil {
		return quant.Codes{}, err
	}
	q.report.Layers = append(q.report.Layers, layer)
	q.report.Bytes += size
	codes, err := tensor.Of(t.Shape, q.codes)
	return params.Of(codes), err
}

// weight returns what is known of a weight before it is read.
func (q *weightQuantizer) weight(t *checkpoint.Tensor) *LayerWeight {
	return &LayerWeight{Shape: t.Shape, Type: quant.Int(q.cfg.Bits), Layout: q.cfg.Layout, Affine: q.cfg.Affine}
}

// resize returns a slice of n elements, b's memory if it is large enough.
func resize[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}
