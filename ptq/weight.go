package ptq

import (
	"errors"
	"fmt"
	"io"

	"linquant/checkpoint"
	"linquant/quant"
	"linquant/tensor"
)

// weight is one weight on its way into integers. Its parameters are known once its codes have been written.
type weight struct {
	tensor     *checkpoint.Tensor
	scaleShape tensor.Shape // [], [channels] or [channels, groups]
	channels   int          // rows of a packed weight
	params     quant.Params
	layer      Layer
}

// buffers are reused from one weight to the next.
type buffers struct {
	real, restored []float32
	codes          []int8
	packed         []byte
}

func newWeight(t *checkpoint.Tensor, cfg WeightConfig) (*weight, error) {
	if !t.DType.IsFloat() || t.Quant != nil {
		return nil, fmt.Errorf("it holds %v: only floating-point weights can be quantized", t.DType)
	}
	if t.Elements() == 0 {
		return nil, errors.New("it has no elements to quantize")
	}
	scaleShape, err := cfg.Layout.ScaleShape(t.Shape)
	if err != nil {
		return nil, err
	}
	w := &weight{tensor: t, scaleShape: scaleShape, channels: 1}
	if len(t.Shape) > 0 {
		w.channels = t.Shape[0]
	}
	return w, nil
}

// output returns the codes, quantized when they are written.
func (q *weight) output(cfg WeightConfig, buf *buffers) checkpoint.Output {
	t := q.tensor
	out := checkpoint.Output{Name: t.Name, DType: tensor.Int8, Shape: t.Shape}
	if cfg.Pack {
		out.DType = tensor.Uint8
		out.Shape = tensor.Shape{q.channels, q.packedRow(cfg.Bits)}
	}
	out.Write = func(w io.Writer) error {
		if err := q.quantize(cfg, buf); err != nil {
			return err
		}
		if cfg.Pack {
			return q.writePacked(w, cfg.Bits, buf)
		}
		return writeElements(w, buf.codes)
	}
	return out
}

// quantize reads the weight, chooses its parameters and leaves its codes in buf.codes.
func (q *weight) quantize(cfg WeightConfig, buf *buffers) error {
	t := q.tensor
	var err error
	if buf.real, err = t.Float32s(buf.real); err != nil {
		return err
	}
	buf.codes = resize(buf.codes, len(buf.real))
	s := scheme{typ: quant.Int(cfg.Bits), layout: cfg.Layout, affine: cfg.Affine, choose: cfg.Range}
	if q.params, err = s.quantize(buf.codes, buf.real, t.Shape); err != nil {
		return err
	}
	buf.restored = resize(buf.restored, len(buf.real))
	if err := quant.Dequantize(buf.restored, buf.codes, t.Shape, q.params); err != nil {
		return err
	}
	codeBytes := len(buf.codes)
	if cfg.Pack {
		codeBytes = q.channels * q.packedRow(cfg.Bits)
	}
	q.layer = Layer{
		Name: t.Name, Shape: t.Shape, Scales: len(q.params.Scale), FloatBytes: t.Bytes(),
		Bytes: int64(codeBytes + 4*len(q.params.Scale) + 4*len(q.params.ZeroPoint)),
	}
	return q.layer.compare(buf.real, buf.restored)
}

// packedRow returns the bytes of one packed channel.
func (q *weight) packedRow(bits int) int {
	return quant.PackedLen(q.tensor.Elements()/q.channels, bits)
}

func (q *weight) writePacked(w io.Writer, bits int, buf *buffers) error {
	depth := len(buf.codes) / q.channels
	buf.packed = resize(buf.packed, q.packedRow(bits))
	for c := range q.channels {
		if err := quant.Pack(buf.packed, buf.codes[c*depth:(c+1)*depth], bits); err != nil {
			return err
		}
		if _, err := w.Write(buf.packed); err != nil {
			return err
		}
	}
	return nil
}

// scales returns the outputs that go with the codes; the codes must have been written before them. An affine weight
// always has zero points: which of them are 0 is not known when the file's header is written.
func (q *weight) scales(cfg WeightConfig) []checkpoint.Output {
	outputs := []checkpoint.Output{{
		Name: q.tensor.Name + ".scale", DType: tensor.Float32, Shape: q.scaleShape,
		Write: func(w io.Writer) error { return writeElements(w, q.params.Scale) },
	}}
	if cfg.Affine {
		outputs = append(outputs, checkpoint.Output{
			Name: q.tensor.Name + ".zero_point", DType: tensor.Int32, Shape: q.scaleShape,
			Write: func(w io.Writer) error { return writeElements(w, q.params.ZeroPoint) },
		})
	}
	return outputs
}

func writeElements[T tensor.Element](w io.Writer, data []T) error {
	t, err := tensor.Of(tensor.Shape{len(data)}, data)
	if err != nil {
		return err
	}
	_, err = w.Write(t.Data)
	return err
}

// resize returns a slice of n elements, b's memory if it is large enough.
func resize[T any](b []T, n int) []T {
	if cap(b) < n {
		return make([]T, n)
	}
	return b[:n]
}
