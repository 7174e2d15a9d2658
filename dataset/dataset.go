// Package dataset reads labelled examples: CIFAR-10, MNIST and other IDX files, folders of images, NumPy arrays, and
// the generated set of package builtin.
//
// [Open] takes what a command line says, such as "cifar10:DIR:test", and returns a [Set], which decodes an example when
// it is asked for: a Set of a million images takes the memory of one. Of compressed files (IDX, NumPy arrays) a
// window stays in memory beside it, and reading what lies before that begins anew; column-major arrays are read whole. [Each] walks through a Set in batches.
//
// What is where:
//
//	cifar10:DIR  data_batch_1.bin … and test_batch.bin with batches.meta.txt, or data_batch_1 … and test_batch with
//	             batches.meta, as Python pickled them; DIR may also be where the archive was unpacked
//	idx:DIR      train-images-idx3-ubyte and train-labels-idx1-ubyte, t10k-images-idx3-ubyte and t10k-labels-idx1-ubyte,
//	             each also compressed, with .gz at its end
//	images:DIR   DIR/CLASS/IMAGE, DIR/IMAGE without labels, or DIR/train/CLASS/IMAGE and DIR/test/CLASS/IMAGE (or val): PNG, JPEG, GIF, BMP or WebP,
//	             all of one size (or see Fit); labels follow the sorted names of the classes, and grey images have three
//	             channels too
//	npz:FILE     the array x, [N, …] (or images, or data, or the only one, or the input's name), and where there are labels y, [N] (or
//	             labels, or targets); x_train, y_train, x_test and y_test where it is divided; bytes are pixels. For a network of
//	             several inputs an array for each ([OpenInputs], [Match]). FILE may be a folder of .npz and .npy, or a pattern with *
//	builtin      generated; see package builtin
//
// Nothing is normalized here. Pixels stay 0…255, in the order channels, rows, columns that networks are trained with;
// how they become a network's input is known to the network.
package dataset

import (
	"context"
	"fmt"
	"io"

	"linquant/tensor"
)

// Set is a list of labelled examples. Its methods may be called from several goroutines at once, Close excepted.
type Set interface {
	// Name says which set this is, in messages: "cifar10 test".
	Name() string

	// Len is the number of examples.
	Len() int

	// Shape is that of one example, without a batch dimension: [channels, height, width] of images. It is shared and
	// must not be changed.
	Shape() tensor.Shape

	// Classes are the names of the classes, by label; nil where the set has none. Shared, as Shape is.
	Classes() []string

	// Pixels reports whether the values are pixels, whole numbers 0…255, which a network expects divided by 255. Other
	// values are as they were stored, and need no more preparation.
	Pixels() bool

	// Read decodes example i into dst, which must have exactly Shape's elements (row-major, channels first), and
	// returns its label, -1 where that is not known. It ends with the context, whose cause is then the error.
	Read(ctx context.Context, i int, dst []float32) (label int, err error)

	// Close closes the files of the set.
	io.Closer
}

// Limit returns the first n examples of s, or s itself where it has no more; a negative n counts as 0. Closing the
// result closes s.
func Limit(s Set, n int) Set {
	if n >= s.Len() {
		return s
	}
	return first{s, max(n, 0)}
}

// Skip returns the examples of a set behind its first n, none where it has no more.
func Skip(s Set, n int) Set { return behind{s, min(max(n, 0), s.Len())} }

type behind struct {
	Set
	n int
}

func (b behind) Len() int    { return b.Set.Len() - b.n }
func (b behind) Unwrap() Set { return b.Set }

func (b behind) Read(ctx context.Context, i int, dst []float32) (int, error) {
	if err := checkRead(b, i, dst); err != nil {
		return 0, err
	}
	return b.Set.Read(ctx, b.n+i, dst)
}

// Unwrap is for DType.
func (f first) Unwrap() Set { return f.Set }

// DType returns the type in which a file of arrays has its examples, through sets that Unwrap to others; Invalid of a set that
// does not say.
func DType(s Set) tensor.DType {
	for s != nil {
		switch of := s.(type) {
		case *arrays:
			return of.parts[0].DType
		case *files:
			return of.dtype
		case interface{ Unwrap() Set }:
			s = of.Unwrap()
		default:
			return tensor.Invalid
		}
	}
	return tensor.Invalid
}

// first is the beginning of another set.
type first struct {
	Set
	n int
}

func (f first) Len() int { return f.n }

func (f first) Read(ctx context.Context, i int, dst []float32) (int, error) {
	if i < 0 || i >= f.n {
		return 0, checkRead(f, i, dst)
	}
	return f.Set.Read(ctx, i, dst)
}

// checkRead refuses an index outside s and a destination of another size than its examples.
func checkRead(s Set, i int, dst []float32) error {
	if i < 0 || i >= s.Len() {
		return fmt.Errorf("%s: there is no example %d, the set has %d", s.Name(), i, s.Len())
	}
	if n, err := s.Shape().Elements(); err != nil || n != len(dst) {
		return fmt.Errorf("%s: an example of shape %v does not fit %d values", s.Name(), s.Shape(), len(dst))
	}
	return nil
}

// info is what every set says of itself.
type info struct {
	name    string
	shape   tensor.Shape
	classes []string
}

func (s *info) Name() string        { return s.name }
func (s *info) Shape() tensor.Shape { return s.shape }
func (s *info) Classes() []string   { return s.classes }

// widen writes pixels as float32, exactly.
func widen(dst []float32, pixels []byte) {
	dst = dst[:len(pixels)]
	for i, p := range pixels {
		dst[i] = float32(p)
	}
}
