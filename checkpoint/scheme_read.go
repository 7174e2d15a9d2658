package checkpoint

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"linquant/quant"
	"linquant/tensor"
)

// parseScheme is the inverse of describe; ok is false where a file's metadata says nothing of codes.
func parseScheme(metadata map[string]string) (s Scheme, ok bool, err error) {
	if _, ok := metadata[keyBits]; !ok {
		return s, false, nil
	}
	number := func(key string, least, most int) int {
		n, e := strconv.Atoi(metadata[key])
		if e != nil || n < least || n > most {
			if err == nil {
				err = fmt.Errorf("metadata %s is %s: a number from %d to %d belongs there", key, quote(metadata[key]), least, most)
			}
		}
		return n
	}
	s.Bits = number(keyBits, 2, 8)
	per, e := quant.ParseGranularity(metadata[keyPer])
	if e != nil && err == nil {
		err = fmt.Errorf("metadata %s: %w", keyPer, e)
	}
	if s.Per = per; per != quant.PerTensor {
		s.Axis = number(keyAxis, 0, maxDims-1)
	}
	if per == quant.PerGroup {
		const most = 1<<31 - 1
		s.GroupSize = number(keyGroupSize, 1, most)
	}
	switch packed, given := metadata[keyPacked]; {
	case packed == "true":
		s.Pack = true
	case given && packed != "false" && err == nil:
		err = fmt.Errorf("metadata %s is %s: true or false belongs there", keyPacked, quote(packed))
	}
	return s, true, err
}

// quantized makes one tensor of the codes, the scales and the zero points of each weight, if the metadata says that
// there are any; scales and zero points go to c.other. A weight is a tensor of 8-bit integers that has a scale beside it
// or, packed, its shape in the metadata; everything else is left as it is.
func (c *contents) quantized() error {
	s, ok, err := parseScheme(c.metadata)
	if !ok || err != nil {
		return err
	}
	byName := make(map[string]*Tensor, len(c.tensors))
	for _, t := range c.tensors {
		byName[t.Name] = t
	}
	beside := map[*Tensor]bool{}
	for _, t := range c.tensors {
		shape, given := c.metadata[keyShape+t.Name]
		scale, zero := byName[t.Name+suffixScale], byName[t.Name+suffixZero]
		isCodes := t.DType == tensor.Int8 && !s.Pack || t.DType == tensor.Uint8 && s.Pack
		switch {
		case !given && (!isCodes || scale == nil && zero == nil):
			continue
		case !given && s.Pack:
			return inTensor("tensor", t.Name, fmt.Errorf("it holds packed codes, but there is no metadata %s", quote(keyShape+t.Name)))
		case given && !s.Pack:
			return fmt.Errorf("metadata %s: no codes are packed, as %s says", quote(keyShape+t.Name), keyPacked)
		}
		if err := s.weight(t, scale, zero, shape); err != nil {
			return inTensor("tensor", t.Name, err)
		}
		beside[scale] = true
		if zero != nil {
			beside[zero] = true
		}
	}
	for _, key := range slices.Sorted(maps.Keys(c.metadata)) {
		if name, ok := strings.CutPrefix(key, keyShape); ok && byName[name] == nil {
			return fmt.Errorf("metadata %s: there is no tensor %s", quote(key), quote(name))
		}
	}
	if len(beside) == 0 {
		return fmt.Errorf("metadata %s says that weights are quantized, but no tensor has a scale", keyBits)
	}
	c.other = slices.DeleteFunc(slices.Clone(c.tensors), func(t *Tensor) bool { return !beside[t] })
	c.tensors = slices.DeleteFunc(c.tensors, func(t *Tensor) bool { return beside[t] })
	return nil
}

// weight makes a quantized tensor of t, which the file has as codes; shape is what the metadata says of a packed one.
func (s Scheme) weight(t, scale, zero *Tensor, shape string) error {
	codes := quant.Codes{Params: quant.Params{Type: quant.Int(s.Bits), Layout: s.Layout}, Shape: t.Shape, Packing: s.packing()}
	if s.Pack {
		var err error
		if codes.Shape, err = parseShape(shape); err != nil {
			return fmt.Errorf("metadata %s: %w", quote(keyShape+t.Name), err)
		}
		size, err := codes.Packing.Len(codes.Type, codes.Shape)
		if err != nil {
			return err
		}
		if want := packedShape(codes.Shape, size); t.DType != tensor.Uint8 || !t.Shape.Equal(want) {
			return fmt.Errorf("it is %v %v; packed codes of %d bits for the shape %v are uint8 %v", t.DType, t.Shape, s.Bits, codes.Shape, want)
		}
	}
	if scale == nil {
		return fmt.Errorf("it holds codes, but there is no tensor %s", quote(t.Name+suffixScale))
	}
	want, err := codes.ScaleShape(codes.Shape)
	if err != nil {
		return fmt.Errorf("metadata %s: %w", keyAxis, err)
	}
	if codes.Scale, err = readParams[float32](scale, want); err != nil {
		return err
	}
	if zero != nil {
		if codes.ZeroPoint, err = readParams[int32](zero, want); err != nil {
			return err
		}
	}
	if err := codes.Params.Check(codes.Shape); err != nil {
		return err
	}
	t.Quant = &codes.Params
	if s.Pack {
		t.packed = t.Bytes()
		t.data = codeStream{t.data, int(t.packed), codes}
		t.DType, t.Shape = tensor.Int8, codes.Shape
	}
	return nil
}

// readParams reads the scales or zero points of a weight, which must have the given shape.
func readParams[T float32 | int32](t *Tensor, want tensor.Shape) ([]T, error) {
	if dtype := tensor.DTypeOf[T](); t.DType != dtype || !t.Shape.Equal(want) {
		return nil, fmt.Errorf("its %s is %v %v, and must be %v %v", t.Name[strings.LastIndexByte(t.Name, '.')+1:], t.DType, t.Shape, dtype, want)
	}
	raw, err := t.Read()
	if err != nil {
		return nil, err
	}
	return tensor.As[T](raw)
}

// parseShape is the inverse of tensor.Shape.String.
func parseShape(text string) (tensor.Shape, error) {
	inner, ok := strings.CutPrefix(text, "[")
	inner, ok2 := strings.CutSuffix(inner, "]")
	if !ok || !ok2 {
		return nil, fmt.Errorf("%s is no shape", quote(text))
	}
	shape := tensor.Shape{}
	if inner == "" {
		return shape, nil
	}
	for field := range strings.SplitSeq(inner, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(field))
		if err != nil || n < 0 || len(shape) == maxDims {
			return nil, fmt.Errorf("%s is no shape", quote(text))
		}
		shape = append(shape, n)
	}
	return shape, nil
}

// codeStream is the elements of a tensor whose codes share bytes.
type codeStream struct {
	stored data
	size   int
	codes  quant.Codes
}

func (p codeStream) readAll(dst []byte) error {
	return p.pieces(func(first int, c quant.Codes) error {
		copy(dst[first:], c.Data)
		return nil
	})
}

// float32s fills dst with what the codes stand for.
func (p codeStream) float32s(dst []float32) error {
	return p.pieces(func(first int, c quant.Codes) error {
		if err := c.Check(); err != nil {
			return err
		}
		return c.Dequantize(dst[first : first+len(c.Data)])
	})
}

// pieces yields the codes one an element, some rows of the first dimension after the other, so that no more than that is in
// memory twice. What shares its parameters across rows, or is of one row, is one piece.
func (p codeStream) pieces(each func(first int, c quant.Codes) error) error {
	const most = 1 << 20 // codes
	c := p.codes
	c.Data = make([]byte, p.size)
	if err := p.stored.readAll(c.Data); err != nil {
		return err
	}
	n, err := c.Shape.Elements()
	if err != nil {
		return err
	}
	rows := 1
	if len(c.Shape) > 0 && c.Packing == quant.PackedRows && (c.Per == quant.PerTensor || c.Axis == 0) {
		rows = max(c.Shape[0], 1)
	}
	row, step := n/rows, max(most/max(n/rows, 1), 1)
	for r := 0; r < rows; r += step {
		end := min(r+step, rows)
		piece := c
		if rows > 1 {
			piece.Shape = slices.Clone(c.Shape)
			piece.Shape[0] = end - r
			piece.Data = c.Data[r*(p.size/rows) : end*(p.size/rows)]
			if c.Per != quant.PerTensor {
				scales := len(c.Scale) / rows
				piece.Scale = c.Scale[r*scales : end*scales]
				if c.ZeroPoint != nil {
					piece.ZeroPoint = c.ZeroPoint[r*scales : end*scales]
				}
			}
		}
		if piece, err = piece.Unpack(); err == nil {
			err = each(r*row, piece)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
