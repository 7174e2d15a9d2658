package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"

	"linquant/checkpoint"
	"linquant/tensor"
)

// values are the examples of an array, read as they are asked for.
type values struct {
	n     int // examples
	dtype tensor.DType
	data  elements // as they are stored
	close func() error
}

// newValues makes the n examples of an array of a file of size bytes. Where it is compressed their number and size are
// held against what becomes of so many bytes.
func newValues(x *checkpoint.Tensor, examples int, size int64) (*values, error) {
	r, err := x.Stream()
	if err != nil {
		return nil, err
	}
	v := &values{n: examples, dtype: x.DType}
	if at, ok := r.(io.ReaderAt); ok {
		v.data, v.close = plain{at}, r.Close
		return v, nil
	}
	n := int64(x.Elements() / v.n)
	if most := mostOfExample(size); n > most || int64(v.n) > most {
		return nil, errors.Join(r.Close(), fmt.Errorf("the shape %v is more than %d examples, or more than %d values in each, which a "+
			"compressed file of %d bytes may have; save it uncompressed, with numpy.savez", x.Shape, most, most, size))
	}
	in := newInflated(size, x.Bytes(), n, x.Stream, func(int64) error {
		return errors.New("the compressed data is damaged: it has another length than its header says; copy or download the file again")
	})
	in.z = r
	v.data, v.close = in, in.Close
	return v, nil
}

// piece is a part of an example on its way to floats.
type piece struct {
	data  [32 << 10]byte
	shape [1]int
}

var pieces = sync.Pool{New: func() any { return new(piece) }}

// read makes floats of example i, all of whose values dst has room for.
func (v *values) read(ctx context.Context, dst []float32, i int) error {
	size := v.dtype.Size()
	offset := int64(i) * int64(len(dst)) * int64(size)
	if v.dtype == tensor.Float32 {
		if raw, ok := tensor.Bytes(dst); ok {
			return v.data.read(ctx, raw, offset)
		}
	}
	p := pieces.Get().(*piece)
	defer pieces.Put(p)
	for len(dst) > 0 {
		p.shape[0] = min(len(dst), len(p.data)/size)
		raw := p.data[:p.shape[0]*size]
		if err := v.data.read(ctx, raw, offset); err != nil {
			return err
		}
		some := tensor.Tensor{DType: v.dtype, Shape: p.shape[:], Data: raw}
		if err := some.ReadFloat32s(dst[:p.shape[0]]); err != nil {
			return err
		}
		dst, offset = dst[p.shape[0]:], offset+int64(len(raw))
	}
	return nil
}
