package ptq

import (
	"context"
	"fmt"
	"io"
	"maps"

	"linquant/checkpoint"
	"linquant/quant"
	"linquant/stats"
	"linquant/tensor"
)

// WeightConfig says how weights are quantized.
type WeightConfig struct {
	Bits   int          // 2 to 8; 0 means 8
	Layout quant.Layout // which elements share a scale; the zero value is one scale per tensor
	Affine bool         // ranges from minimum to maximum with a zero point, instead of symmetric ones
	Method WeightMethod // how codes are made, by a method that watches no activations; nil means AbsMax
	Pack   bool         // write codes of less than 8 bits as a bit stream (see Weights) instead of one to a byte

	// Progress, if set, is called before each layer with the number of layers done, their total and the layer's name.
	Progress func(done, total int, name string)
}

// Layer is what the quantization of one weight came to.
type Layer struct {
	Name       string
	Shape      tensor.Shape
	Scales     int     // how many scales it has
	FloatBytes int64   // as stored in the checkpoint
	Bytes      int64   // as written: codes, scales and zero points
	SQNR       float64 // signal to quantization noise in dB; +Inf where nothing was lost
	MaxError   float64 // the largest |w − scale·(code − zeroPoint)|
}

// Report is what the quantization of a checkpoint's weights came to.
type Report struct {
	Layers     []Layer
	InputBytes int64 // all tensors as stored in the checkpoint
	Bytes      int64 // all tensors as written
	Copied     int   // tensors that were copied unchanged
}

// Weights quantizes the given weights of a checkpoint and writes all its tensors to w as safetensors. For a weight
// NAME:
//
//   - NAME holds the codes, int8 in the weight's shape. Packed, it is uint8 [channels, bytes]: for each channel its
//     codes as quant.PackedRows says, and the metadata linquant.shape.NAME gives the weight's shape;
//   - NAME.scale holds the scales: float32, a scalar, [channels] or [channels, groups];
//   - NAME.zero_point, only with Affine, holds int32 in the shape of the scales.
//
// The other tensors are copied unchanged. The metadata is the checkpoint's own, the given one, and linquant.bits,
// linquant.per, linquant.axis, linquant.group_size and linquant.packed as they apply. One weight at a time is held in
// memory, beside its codes.
//
// Errors name the checkpoint and the tensor: a weight with NaN or infinities, a name that is taken, a tensor that does
// not read. A checkpoint that Weights itself wrote is refused: its metadata has room for one configuration, and the new
// one would make its codes unreadable. A ctx that is done ends it with ctx's error, when w has a part of the file.
func Weights(ctx context.Context, w io.Writer, file *checkpoint.File, weights []*checkpoint.Tensor, metadata map[string]string, cfg WeightConfig) (*Report, error) {
	if cfg.Bits == 0 {
		cfg.Bits = 8
	}
	if len(weights) == 0 {
		return nil, fmt.Errorf("%s: no weights to quantize were chosen", file.Path)
	}
	if err := checkBits("weights", cfg.Bits); err != nil {
		return nil, fmt.Errorf("%s: %w", file.Path, err)
	}
	if cfg.Method == nil {
		cfg.Method = AbsMax{}
	}
	if _, ok := file.Metadata["linquant.bits"]; ok {
		return nil, fmt.Errorf("%s: its weights are quantized already, as linquant.bits in its metadata says; quantize the "+
			"checkpoint that it was made from", file.Path)
	}
	meta := map[string]string{}
	maps.Copy(meta, file.Metadata)
	maps.Copy(meta, metadata)

	chosen := make(map[*checkpoint.Tensor]bool, len(weights))
	for _, t := range weights {
		chosen[t] = true
	}
	report := &Report{}
	var outputs []checkpoint.Output
	q := weightQuantizer{ctx: ctx, cfg: cfg, total: len(weights), report: report}
	for _, t := range file.Tensors() {
		report.InputBytes += t.Bytes()
		if !chosen[t] {
			outputs = append(outputs, t.Output())
			report.Bytes += t.Bytes()
			report.Copied++
			continue
		}
		codes, err := q.outputs(t, meta)
		if err != nil {
			return nil, fmt.Errorf("%s: tensor %q: %w", file.Path, t.Name, err)
		}
		outputs = append(outputs, codes...)
	}
	if err := checkpoint.WriteSafetensors(w, meta, outputs); err != nil {
		return nil, fmt.Errorf("%s: %w", file.Path, err)
	}
	return report, nil
}

// scheme returns how the file stores the weights.
func (cfg WeightConfig) scheme() checkpoint.Scheme {
	return checkpoint.Scheme{Bits: cfg.Bits, Layout: cfg.Layout, Affine: cfg.Affine, Pack: cfg.Pack}
}

// compare fills in what the layer lost: its real values against those of its codes.
func (l *Layer) compare(real, restored []float32) error {
	var e stats.Error
	if err := e.Add(real, restored); err != nil {
		return err
	}
	l.SQNR, l.MaxError = e.SQNR(), e.MaxAbs()
	return nil
}
