package onnxpb

import (
	"encoding/binary"
	"math"
	"slices"
)

// floats appends a repeated float.
func (f field) floats(dst []float32) ([]float32, error) {
	b, err := f.fixed(nil, 4)
	if err != nil {
		return nil, err
	}
	dst = slices.Grow(dst, len(b)/4)
	for ; len(b) > 0; b = b[4:] {
		dst = append(dst, math.Float32frombits(binary.LittleEndian.Uint32(b)))
	}
	return dst, nil
}

// readNamed reads an initializer. The tensor in an attribute needs no name.
func (t *Tensor) readNamed(msg []byte) error {
	err := t.read(msg)
	return named(t.Name, err)
}

func (t *Tensor) read(msg []byte) error {
	c, err := count(msg)
	if err != nil {
		return err
	}
	t.Dims = room[int64](&err, msg, c.all[1])
	if t.External = room[Entry](&err, msg, c.all[13]); err != nil {
		return err
	}
	// Numbers that are not packed come one to a field.
	if n := 4*c.all[4] + 8*c.all[10]; c.all[4]+c.all[10] > 1 {
		t.Packed = make([]byte, 0, n)
	}
	return each(msg, func(f field) (err error) {
		switch f.num {
		case 1:
			t.Dims, err = f.integers(t.Dims)
		case 2:
			return enum(f, &t.Type)
		case 3:
			t.Segment = true
		case 4:
			t.Packed, err = f.fixed(t.Packed, 4)
		case 5, 7, 11:
			t.Varints, err = f.varints(t.Varints)
		case 8:
			return f.text(&t.Name)
		case 9:
			t.Raw, err = f.message()
			if t.Raw == nil {
				t.Raw = []byte{}
			}
		case 10:
			t.Packed, err = f.fixed(t.Packed, 8)
		case 13:
			return item(&t.External, f, "external_data", (*Entry).read)
		case 14:
			var location int32
			err = enum(f, &location)
			t.Outside = location == 1
		}
		return err
	})
}
