package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"linquant/checkpoint"
	"linquant/internal/ended"
	"linquant/tensor"
)

// The names under which a NumPy file may have its examples and their labels, also with _train or _test at the end.
var (
	exampleNames = []string{"x", "images", "data"}
	labelNames   = []string{"y", "labels", "targets"}
)

// arrays is a NumPy file, whose examples are read when they are asked for.
type arrays struct {
	info
	x      *values
	labels tensor.Tensor // [N] or [N, 1], checked; without elements where the file has none
	file   io.Closer
}

// openNPZ opens an array of examples, [N, …] of numbers, with or without one of N labels. Bytes are pixels.
func openNPZ(ctx context.Context, path, split string, asked bool) (Set, error) {
	r, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	size, err := fileSize(r)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	source := &sourceAt{ctx, r}
	f, err := checkpoint.New(source, size, path)
	var s *arrays
	if err == nil {
		s, err = readArrays(ctx, f, split, asked)
	}
	if err == nil {
		source.ctx = context.WithoutCancel(ctx) // a Read has its own
		s.file = r
		return s, nil
	}
	_ = r.Close() // nothing was written
	var named *checkpoint.Error
	switch {
	case ctx.Err() != nil:
		return nil, ended.Err(ctx)
	case errors.As(err, &named):
		return nil, named // it names the file and the array
	}
	return nil, fmt.Errorf("%s: %w", path, err)
}

func readArrays(ctx context.Context, f *checkpoint.File, split string, asked bool) (*arrays, error) {
	if f.Format != checkpoint.NPZ && f.Format != checkpoint.NPY {
		return nil, fmt.Errorf("a %v file, which is no data; save the examples with numpy.savez(x=…, y=…)", f.Format)
	}
	x, y, err := chooseArrays(f, split, asked)
	if err != nil {
		return nil, err
	}
	switch {
	case len(x.Shape) < 2:
		return nil, fmt.Errorf("array %q has the shape %v; examples are [N, …], such as [N, 3, 32, 32]", x.Name, x.Shape)
	case x.Elements() == 0:
		return nil, fmt.Errorf("array %q has the shape %v, which is no examples", x.Name, x.Shape)
	case x.DType.IsComplex() || x.DType == tensor.Bool:
		return nil, fmt.Errorf("array %q is of type %v; save it as uint8 (pixels) or float32", x.Name, x.DType)
	}
	s := &arrays{info: info{name: kindNPZ + " " + f.Path, shape: slices.Clone(x.Shape[1:])}}
	if y != nil {
		if s.labels, err = readLabels(ctx, y, x, f.Size); err != nil {
			return nil, fmt.Errorf("array %q: %w", y.Name, err)
		}
	}
	if s.x, err = newValues(x, f.Size); err != nil {
		return nil, fmt.Errorf("array %q: %w", x.Name, err)
	}
	return s, nil
}

// chooseArrays returns the arrays of examples and labels; the second may be nil.
func chooseArrays(f *checkpoint.File, split string, asked bool) (x, y *checkpoint.Tensor, err error) {
	all := f.Tensors()
	find := func(names []string, suffix string) *checkpoint.Tensor {
		for _, name := range names {
			for _, t := range all {
				if t.Name == name+suffix {
					return t
				}
			}
		}
		return nil
	}
	if x = find(exampleNames, "_"+split); x != nil {
		return x, find(labelNames, "_"+split), nil
	}
	if x = find(exampleNames, ""); x != nil && !asked {
		return x, find(labelNames, ""), nil
	}
	if other := find(exampleNames, "_"+otherSplit(split)); other != nil {
		return nil, nil, fmt.Errorf("no array \"x_%s\", but %q; name the other split with :%s", split, other.Name,
			otherSplit(split))
	}
	if asked {
		return nil, nil, fmt.Errorf("no array \"x_%s\": the file is not divided into splits; leave away :%s", split, split)
	}
	if len(all) == 1 { // whatever its name: that of an npy file's array, or NumPy's arr_0
		return all[0], nil, nil
	}
	names := make([]string, 0, 8)
	for _, t := range all[:min(len(all), cap(names))] {
		names = append(names, fmt.Sprintf("%.40q", t.Name))
	}
	return nil, nil, fmt.Errorf("%d arrays (%s) and none of them \"x\"; save the examples with numpy.savez(x=…, y=…)",
		len(all), strings.Join(names, ", "))
}

// readLabels reads the labels of the examples x, which stay as they are stored, from a file of size bytes.
func readLabels(ctx context.Context, y, x *checkpoint.Tensor, size int64) (tensor.Tensor, error) {
	n := x.Shape[0]
	column := len(y.Shape) == 2 && y.Shape[1] == 1 // as some tools write a list
	switch {
	case !y.DType.IsInteger() && !y.DType.IsFloat():
		return tensor.Tensor{}, fmt.Errorf("labels of type %v; save them as integers", y.DType)
	case len(y.Shape) == 2 && !column:
		return tensor.Tensor{}, fmt.Errorf("labels of shape %v; save numbers of classes, such as y.argmax(1), and not a column for each",
			y.Shape)
	case len(y.Shape) != 1 && !column:
		return tensor.Tensor{}, fmt.Errorf("labels of shape %v; save one number for each example", y.Shape)
	case y.Shape[0] != n:
		return tensor.Tensor{}, fmt.Errorf("%d labels for the %d examples of %q; save as many of both", y.Shape[0], n, x.Name)
	case y.Bytes() > mostOfExample(size):
		return tensor.Tensor{}, fmt.Errorf("%d bytes of labels are more than the %d that a compressed file of %d may have; save them "+
			"uncompressed, with numpy.savez", y.Bytes(), mostOfExample(size), size)
	}
	labels, err := y.Read()
	if err != nil {
		return tensor.Tensor{}, err
	}
	for i := range n {
		if i%4096 == 0 && ctx.Err() != nil {
			return tensor.Tensor{}, ended.Err(ctx)
		}
		v, err := element(labels, i)
		if err != nil {
			return tensor.Tensor{}, err
		}
		const most = 1 << 24 // up to here float32 has every whole number
		if !(v >= -1 && v < most) || v != float32(int(v)) {
			return tensor.Tensor{}, fmt.Errorf("label %d is %v; labels are 0, 1, 2 … , or -1 where not known: save them so, or leave "+
				"the array away", i, v)
		}
	}
	return labels, nil
}

// element returns element i of t as a float.
func element(t tensor.Tensor, i int) (float32, error) {
	var v [1]float32
	size := t.DType.Size()
	one, err := tensor.New(t.DType, tensor.Shape{1}, t.Data[i*size:(i+1)*size])
	if err == nil {
		err = one.ReadFloat32s(v[:])
	}
	return v[0], err
}

func (s *arrays) Len() int     { return s.x.n }
func (s *arrays) Pixels() bool { return s.x.dtype == tensor.Uint8 }
func (s *arrays) Close() error { return errors.Join(s.x.close(), s.file.Close()) }

func (s *arrays) Read(ctx context.Context, i int, dst []float32) (int, error) {
	if err := checkRead(s, i, dst); err != nil {
		return 0, err
	}
	if ctx.Err() != nil {
		return 0, ended.Err(ctx)
	}
	if err := s.x.read(ctx, dst, i); err != nil {
		var named *checkpoint.Error
		if errors.As(err, &named) {
			return 0, fmt.Errorf("example %d of %w", i, named)
		}
		return 0, fmt.Errorf("%s: example %d cannot be read: %w", s.name, i, err)
	}
	if len(s.labels.Data) == 0 {
		return -1, nil
	}
	label, err := element(s.labels, i)
	return int(label), err
}
