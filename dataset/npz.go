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
	n      int
	parts  []part        // of an example, one for each input
	labels tensor.Tensor // [N] or [N, 1], checked; without elements where the file has none
	file   io.Closer
}

// part is an array of an example.
type part struct {
	Array
	size int // elements of one example
	of   *values
}

// numpyFile is where a NumPy file is, and what of it is wanted.
type numpyFile struct {
	path, split string
	asked       bool    // whether the split was
	inputs      []Input // nil: of a network that is not known, which has one
}

// open opens an array of examples for each input, [N, …] of numbers, with or without one of N labels. Bytes are pixels.
func (in numpyFile) open(ctx context.Context) (*arrays, error) {
	r, err := openRegular(in.path)
	if err != nil {
		return nil, err
	}
	size, err := fileSize(r)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	source := &sourceAt{ctx, r}
	f, err := checkpoint.New(source, size, in.path)
	var s *arrays
	if err == nil {
		s, err = in.read(ctx, f)
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
	return nil, fmt.Errorf("%s: %w", in.path, err)
}

func (in numpyFile) read(ctx context.Context, f *checkpoint.File) (_ *arrays, err error) {
	if f.Format != checkpoint.NPZ && f.Format != checkpoint.NPY {
		return nil, fmt.Errorf("a %v file, which is no data; save the examples with numpy.savez(x=…, y=…)", f.Format)
	}
	xs, y, err := in.choose(f)
	if err != nil {
		return nil, err
	}
	s := &arrays{info: info{name: kindNPZ + " " + f.Path}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.closeParts())
		}
	}()
	for i, x := range xs {
		var input *Input
		if in.inputs != nil {
			input = &in.inputs[i]
		}
		n, one := examplesOf(x.Shape, input)
		switch {
		case len(x.Shape) < 2 && len(xs) == 1 && (input == nil || len(one) != len(input.Shape) || len(x.Shape) == 0):
			return nil, fmt.Errorf("array %q has the shape %v; examples are [N, …], such as [N, 3, 32, 32]", x.Name, x.Shape)
		case x.Elements() == 0:
			return nil, fmt.Errorf("array %q has the shape %v, which is no examples", x.Name, x.Shape)
		case x.DType.IsComplex() || x.DType == tensor.Bool && in.inputs == nil:
			return nil, fmt.Errorf("array %q is of type %v; save it as uint8 (pixels) or float32", x.Name, x.DType)
		case i > 0 && n != s.n:
			return nil, fmt.Errorf("array %q has %d examples and %q %d: save as many of each", x.Name, n, xs[0].Name, s.n)
		}
		p := part{Array: Array{Name: x.Name, Shape: one, DType: x.DType}, size: x.Elements() / n}
		if input != nil {
			p.Name = input.Name
		}
		if p.of, err = newValues(x, n, f.Size); err != nil {
			return nil, fmt.Errorf("array %q: %w", x.Name, err)
		}
		s.n, s.parts = n, append(s.parts, p)
	}
	if s.shape = s.parts[0].Shape; len(s.parts) > 1 {
		total := 0
		for _, p := range s.parts {
			total += p.size
		}
		s.shape = tensor.Shape{total}
	}
	if y != nil {
		if s.labels, err = readLabels(ctx, y, xs[0].Name, s.n, f.Size); err != nil {
			return nil, fmt.Errorf("array %q: %w", y.Name, err)
		}
	}
	return s, nil
}

// choose returns the array of examples for each input, and that of labels, which may be nil.
func (in numpyFile) choose(f *checkpoint.File) (xs []*checkpoint.Tensor, y *checkpoint.Tensor, err error) {
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
	// Under the names of inputs, with the split behind them or without.
	suffixes := []string{"_" + in.split}
	if !in.asked {
		suffixes = append(suffixes, "")
	}
	var inputs []string
	for _, input := range in.inputs {
		inputs = append(inputs, input.Name)
	}
	for _, suffix := range suffixes {
		if len(inputs) == 0 {
			break
		}
		var names []string
		var of []*checkpoint.Tensor
		for _, t := range all {
			if name, ok := strings.CutSuffix(t.Name, suffix); ok {
				names, of = append(names, name), append(of, t)
			}
		}
		at := Match(names, inputs)
		if slices.Contains(at, -1) || len(inputs) == 1 && names[at[0]] != inputs[0] {
			continue
		}
		for _, i := range at {
			xs = append(xs, of[i])
		}
		if y = find(labelNames, suffix); slices.Contains(xs, y) {
			y = nil
		}
		return xs, y, nil
	}
	var names []string
	for _, t := range all {
		names = append(names, t.Name)
	}
	if len(inputs) > 1 {
		missing := &NoArrayError{Inputs: inputs, Arrays: names}
		of := names
		if in.asked {
			missing.Split, of = in.split, nil
			for _, name := range names {
				if bare, ok := strings.CutSuffix(name, "_"+in.split); ok {
					of = append(of, bare)
				}
			}
		}
		missing.Input = inputs[max(slices.Index(Match(of, inputs), -1), 0)]
		return nil, nil, missing
	}
	x, y, err := in.chooseOne(all, find)
	if err == nil {
		return []*checkpoint.Tensor{x}, y, nil
	}
	if missing := (*NoArrayError)(nil); len(inputs) == 1 && errors.As(err, &missing) {
		missing.Input, missing.Inputs = inputs[0], inputs
	}
	return nil, nil, err
}

// chooseOne returns the array of examples for one input of whatever name, and that of labels, which may be nil.
func (in numpyFile) chooseOne(all []*checkpoint.Tensor, find func(names []string, suffix string) *checkpoint.Tensor,
) (x, y *checkpoint.Tensor, err error) {
	split := in.split
	if x = find(exampleNames, "_"+split); x != nil {
		return x, find(labelNames, "_"+split), nil
	}
	if x = find(exampleNames, ""); x != nil && !in.asked {
		return x, find(labelNames, ""), nil
	}
	if other := find(exampleNames, "_"+otherSplit(split)); other != nil {
		return nil, nil, fmt.Errorf("no array \"x_%s\", but %q; name the other split with :%s", split, other.Name,
			otherSplit(split))
	}
	if in.asked {
		return nil, nil, fmt.Errorf("no array \"x_%s\": the file is not divided into splits; leave away :%s", split, split)
	}
	if len(all) == 1 { // whatever its name: that of an npy file's array, or NumPy's arr_0
		return all[0], nil, nil
	}
	var names []string
	for _, t := range all {
		names = append(names, t.Name)
	}
	return nil, nil, &NoArrayError{Arrays: names}
}

// readLabels reads the labels of the n examples in the array x, which stay as they are stored, from a file of size bytes.
func readLabels(ctx context.Context, y *checkpoint.Tensor, x string, n int, size int64) (tensor.Tensor, error) {
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
		return tensor.Tensor{}, fmt.Errorf("%d labels for the %d examples of %q; save as many of both", y.Shape[0], n, x)
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

func (s *arrays) Len() int     { return s.n }
func (s *arrays) Pixels() bool { return s.parts[0].DType == tensor.Uint8 }
func (s *arrays) Close() error { return errors.Join(s.closeParts(), s.file.Close()) }

func (s *arrays) closeParts() error {
	var errs []error
	for _, p := range s.parts {
		errs = append(errs, p.of.close())
	}
	return errors.Join(errs...)
}

// arrays is for Arrays.
func (s *arrays) arrays() []Array {
	if len(s.parts) == 1 {
		return nil
	}
	list := make([]Array, len(s.parts))
	for i, p := range s.parts {
		list[i] = p.Array
	}
	return list
}

func (s *arrays) Read(ctx context.Context, i int, dst []float32) (int, error) {
	if err := checkRead(s, i, dst); err != nil {
		return 0, err
	}
	if ctx.Err() != nil {
		return 0, ended.Err(ctx)
	}
	for _, p := range s.parts {
		if err := p.of.read(ctx, dst[:p.size], i); err != nil {
			var named *checkpoint.Error
			if errors.As(err, &named) {
				return 0, fmt.Errorf("example %d of %w", i, named)
			}
			return 0, fmt.Errorf("%s: example %d cannot be read: %w", s.name, i, err)
		}
		dst = dst[p.size:]
	}
	if len(s.labels.Data) == 0 {
		return -1, nil
	}
	label, err := element(s.labels, i)
	return int(label), err
}
