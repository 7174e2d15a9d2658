package dataset

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"linquant/tensor"
)

// CIFAR-10 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009) comes as batches, in two forms
// that https://www.cs.toronto.edu/~kriz/cifar.html describes.
const (
	cifarPixels = 3 * 32 * 32
	cifarRecord = 1 + cifarPixels // of the binary form: a label, then red, green and blue

	cifarTrainBatch = "data_batch_"
	cifarTestBatch  = "test_batch"
	cifarBinary     = ".bin" // of the binary form; the names of the Python form end without
)

// cifarFolders are what the two archives unpack to.
var cifarFolders = []string{"cifar-10-batches-bin", "cifar-10-batches-py"}

// cifarClasses stand in for a missing batches.meta.
var cifarClasses = []string{
	"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
}

// cifar is one split of CIFAR-10: batches one after the other.
type cifar struct {
	info
	batches []cifarBatch
	n       int
}

// cifarBatch is one file.
type cifarBatch struct {
	path  string
	n     int
	first int // where its examples begin among those of the set

	// image reads example i of the batch into record, its label first.
	image func(i int, record []byte) error
	io.Closer
}

func openCIFAR10(ctx context.Context, dir, split string) (Set, error) {
	dir, err := cifarFolder(dir)
	if err != nil {
		return nil, err
	}
	names, err := cifarFiles(dir, split)
	if err != nil {
		return nil, err
	}
	s := &cifar{info: info{name: kindCIFAR10 + " " + split, shape: tensor.Shape{3, 32, 32}}}
	for _, name := range names {
		open := openPythonBatch
		if strings.HasSuffix(name, cifarBinary) {
			open = openBinaryBatch
		}
		b, err := open(ctx, filepath.Join(dir, name))
		if err != nil {
			return nil, errors.Join(err, s.Close())
		}
		b.first = s.n
		s.batches = append(s.batches, b)
		s.n += b.n
	}
	if s.classes, err = cifarClassNames(ctx, dir); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *cifar) Len() int     { return s.n }
func (s *cifar) Pixels() bool { return true }

func (s *cifar) Read(ctx context.Context, i int, dst []float32) (int, error) {
	if err := checkRead(s, i, dst); err != nil {
		return 0, err
	}
	k, found := slices.BinarySearchFunc(s.batches, i, func(b cifarBatch, i int) int { return b.first - i })
	if !found {
		k--
	}
	b := &s.batches[k]
	var record [cifarRecord]byte
	if err := b.image(i-b.first, record[:]); err != nil {
		return 0, err
	}
	label := int(record[0])
	if label >= len(s.classes) {
		return 0, fmt.Errorf("%s: example %d has the label %d, but CIFAR-10 has %d classes; the file is damaged, or of "+
			"another data set", b.path, i-b.first, label, len(s.classes))
	}
	widen(dst, record[1:])
	return label, nil
}

func (s *cifar) Close() error {
	var errs []error
	for _, b := range s.batches {
		if b.Closer != nil {
			errs = append(errs, b.Close())
		}
	}
	return errors.Join(errs...)
}

// openBinaryBatch opens a batch of the binary form. Examples are read from the file when they are asked for.
func openBinaryBatch(_ context.Context, path string) (cifarBatch, error) {
	f, err := openRegular(path)
	if err != nil {
		return cifarBatch{}, err
	}
	size, err := fileSize(f)
	if err == nil && (size == 0 || size%cifarRecord != 0) {
		err = fmt.Errorf("%s: %d bytes are no whole number of CIFAR-10's records of %d; the file is truncated, or of "+
			"another data set: unpack it again", path, size, cifarRecord)
	}
	if err == nil && size/cifarRecord > 1<<30 {
		err = fmt.Errorf("%s: %d bytes are too many for a CIFAR-10 batch", path, size)
	}
	if err != nil {
		return cifarBatch{}, errors.Join(err, f.Close())
	}
	image := func(i int, record []byte) error {
		_, err := f.ReadAt(record, int64(i)*cifarRecord)
		if err == io.EOF { // the file became shorter since it was opened
			err = fmt.Errorf("%s: the file ends before example %d", path, i)
		}
		return err
	}
	return cifarBatch{path: path, n: int(size / cifarRecord), image: image, Closer: f}, nil
}
