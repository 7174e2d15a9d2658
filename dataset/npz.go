package dataset

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"linquant/checkpoint"
	"linquant/tensor"
)

// The names under which a NumPy file may have its examples and their labels, also with _train or _test at the end.
var (
	exampleNames = []string{"x", "images", "data"}
	labelNames   = []string{"y", "labels", "targets"}
)

// arrays is a NumPy file in memory, as it is stored: a byte for a pixel.
type arrays struct {
	info
	x        tensor.Tensor // [N, …]
	elements int           // of one example
	labels   []int         // nil where the file has none
}

// openNPZ opens an array of examples, [N, …] of numbers, with or without one of N labels. Bytes are pixels.
func openNPZ(ctx context.Context, path, split string, asked bool) (Set, error) {
	f, err := checkpoint.Open(path)
	if err != nil {
		return nil, err
	}
	s, err := readArrays(f, split, asked)
	if err != nil {
		err = fmt.Errorf("%s: %w", path, err)
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	return s, nil
}

func readArrays(f *checkpoint.File, split string, asked bool) (*arrays, error) {
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
	s.elements = x.Elements() / x.Shape[0]
	if s.x, err = x.Read(); err != nil {
		return nil, fmt.Errorf("array %q: %w", x.Name, err)
	}
	if y != nil {
		if s.labels, err = readLabels(y, x); err != nil {
			return nil, fmt.Errorf("array %q: %w", y.Name, err)
		}
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

// readLabels reads the labels of the examples x.
func readLabels(y, x *checkpoint.Tensor) ([]int, error) {
	n := x.Shape[0]
	column := len(y.Shape) == 2 && y.Shape[1] == 1 // as some tools write a list
	switch {
	case !y.DType.IsInteger() && !y.DType.IsFloat():
		return nil, fmt.Errorf("labels of type %v; save them as integers", y.DType)
	case len(y.Shape) == 2 && !column:
		return nil, fmt.Errorf("labels of shape %v; save numbers of classes, such as y.argmax(1), and not a column for each",
			y.Shape)
	case len(y.Shape) != 1 && !column:
		return nil, fmt.Errorf("labels of shape %v; save one number for each example", y.Shape)
	case y.Shape[0] != n:
		return nil, fmt.Errorf("%d labels for the %d examples of %q; save as many of both", y.Shape[0], n, x.Name)
	}
	values, err := y.Float32s(nil)
	if err != nil {
		return nil, err
	}
	labels := make([]int, n)
	for i, v := range values {
		const most = 1 << 24 // up to here float32 has every whole number
		if !(v >= -1 && v < most) || v != float32(int(v)) {
			return nil, fmt.Errorf("label %d is %v; labels are 0, 1, 2 … , or -1 where not known", i, v)
		}
		labels[i] = int(v)
	}
	return labels, nil
}

func (s *arrays) Len() int     { return s.x.Shape[0] }
func (s *arrays) Pixels() bool { return s.x.DType == tensor.Uint8 }
func (s *arrays) Close() error { return nil }

func (s *arrays) Read(ctx context.Context, i int, dst []float32) (int, error) {
	if err := checkRead(s, i, dst); err != nil {
		return 0, err
	}
	size := s.elements * s.x.DType.Size()
	example, err := tensor.New(s.x.DType, s.shape, s.x.Data[i*size:(i+1)*size])
	if err == nil {
		err = example.ReadFloat32s(dst)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", s.name, err)
	}
	if s.labels == nil {
		return -1, nil
	}
	return s.labels[i], nil
}
