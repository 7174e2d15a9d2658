package checkpoint

import (
	"io"
	"strconv"

	"linquant/quant"
	"linquant/tensor"
)

// Scheme says how the quantized weights of a safetensors file are stored: the keys linquant.* of its metadata and the
// tensors of each weight, as docs/design.md has them ("Quantized weights as safetensors"). Codes are signed.
type Scheme struct {
	Bits int // of a code, 2 to 8
	quant.Layout
	Affine bool // a weight has zero points
	Pack   bool // codes are quant.PackedRows, else one a byte
}

const (
	keyBits      = "linquant.bits"
	keyPer       = "linquant.per"
	keyAxis      = "linquant.axis"
	keyGroupSize = "linquant.group_size"
	keyPacked    = "linquant.packed"
	keyShape     = "linquant.shape." // and a packed weight's name

	suffixScale = ".scale"
	suffixZero  = ".zero_point"
)

// packing returns how codes are stored.
func (s Scheme) packing() quant.Packing {
	if s.Pack {
		return quant.PackedRows
	}
	return quant.Unpacked
}

// Bytes returns the size of a weight in the file: codes, scales and zero points. A layout that the shape cannot have and
// bits that no code has are errors.
func (s Scheme) Bytes(shape tensor.Shape) (int64, error) {
	codes, err := s.packing().Len(quant.Int(s.Bits), shape)
	if err != nil {
		return 0, err
	}
	scales, err := s.ScaleShape(shape)
	if err != nil {
		return 0, err
	}
	n, err := scales.Elements()
	if s.Affine {
		n *= 2
	}
	return int64(codes) + 4*int64(n), err
}

// Outputs returns the tensors of a weight of the given shape: its codes, which encode returns when they are written, its
// scales and its zero points. What tells a reader of them is added to the metadata.
func (s Scheme) Outputs(name string, shape tensor.Shape, metadata map[string]string, encode func() (quant.Codes, error)) ([]Output, error) {
	size, err := s.packing().Len(quant.Int(s.Bits), shape)
	if err != nil {
		return nil, err
	}
	scales, err := s.ScaleShape(shape)
	if err != nil {
		return nil, err
	}
	s.describe(metadata)
	codes := Output{Name: name, DType: tensor.Int8, Shape: shape}
	if s.Pack {
		metadata[keyShape+name] = shape.String()
		codes.DType, codes.Shape = tensor.Uint8, packedShape(shape, size)
	}
	var params quant.Params
	codes.Write = func(w io.Writer) error {
		c, err := encode()
		if err != nil {
			return err
		}
		if c, err = c.Pack(s.packing()); err != nil {
			return err
		}
		params = c.Params
		_, err = w.Write(c.Data)
		return err
	}
	outputs := []Output{codes, {Name: name + suffixScale, DType: tensor.Float32, Shape: scales, Write: func(w io.Writer) error {
		return writeElements(w, params.Scale)
	}}}
	if s.Affine { // which zero points are 0 is not known when the header is written
		outputs = append(outputs, Output{Name: name + suffixZero, DType: tensor.Int32, Shape: scales, Write: func(w io.Writer) error {
			return writeElements(w, params.ZeroPoint)
		}})
	}
	return outputs, nil
}

// packedShape returns [rows, bytes].
func packedShape(shape tensor.Shape, size int) tensor.Shape {
	rows := 1
	if len(shape) > 0 {
		rows = shape[0]
	}
	return tensor.Shape{rows, size / max(rows, 1)}
}

func writeElements[T tensor.Element](w io.Writer, data []T) error {
	t, err := tensor.Of(tensor.Shape{len(data)}, data)
	if err != nil {
		return err
	}
	_, err = w.Write(t.Data)
	return err
}

// describe adds the scheme to a file's metadata.
func (s Scheme) describe(metadata map[string]string) {
	metadata[keyBits] = strconv.Itoa(s.Bits)
	metadata[keyPer] = s.Per.String()
	if s.Per != quant.PerTensor {
		metadata[keyAxis] = strconv.Itoa(s.Axis)
	}
	if s.Per == quant.PerGroup {
		metadata[keyGroupSize] = strconv.Itoa(s.GroupSize)
	}
	if s.Pack {
		metadata[keyPacked] = "true"
	}
}
