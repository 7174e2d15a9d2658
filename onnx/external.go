package onnx

import (
	"io"
	"strconv"

	"linquant/internal/onnxpb"
)

// DataFile is where Export writes the elements of constants of a network that is too large for one file, which has less than 2 GiB.
type DataFile struct {
	// Name is that of the file, which belongs into the folder of the model: the model says it.
	Name string

	// Write has the file written, once, after all of the model; not at all where one file does.
	Write func(fill func(w io.Writer) error) error

	// Above is from how many bytes on the model is too large; 0: as ONNX has it.
	Above int64
}

const (
	smallest = 1 << 10 // bytes of a constant that goes to another file
	page     = 1 << 12 // that constants begin at there, so that they can be mapped
)

// moveOut moves the elements of large constants out of the model, and returns them in their order, with where they begin.
func (d *DataFile) moveOut(m *onnxpb.Model) (moved [][]byte, offsets []int64) {
	end := int64(0)
	for i := range m.Graph.Initializers {
		t := &m.Graph.Initializers[i]
		if len(t.Raw) < smallest {
			continue
		}
		offset := (end + page - 1) / page * page
		end = offset + int64(len(t.Raw))
		moved, offsets = append(moved, t.Raw), append(offsets, offset)
		t.Outside, t.External, t.Raw = true, []onnxpb.Entry{
			{Key: "location", Value: d.Name},
			{Key: "offset", Value: strconv.FormatInt(offset, 10)},
			{Key: "length", Value: strconv.Itoa(len(t.Raw))},
		}, nil
	}
	return moved, offsets
}

// write writes a model, and what is moved out of it if it is too large.
func (d *DataFile) write(w io.Writer, m *onnxpb.Model) error {
	above := int64(onnxpb.MaxSize)
	if d == nil || d.Name == "" || d.Write == nil {
		return m.Write(w)
	}
	if d.Above > 0 {
		above = min(above, d.Above)
	}
	if m.Size() < above {
		return m.Write(w)
	}
	moved, offsets := d.moveOut(m)
	if err := m.Write(w); err != nil {
		return err
	}
	return d.Write(func(w io.Writer) error {
		var zeros [page]byte
		end := int64(0)
		for i, b := range moved {
			if _, err := w.Write(zeros[:offsets[i]-end]); err != nil {
				return err
			}
			if _, err := w.Write(b); err != nil {
				return err
			}
			end = offsets[i] + int64(len(b))
		}
		return nil
	})
}
