package dataset

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

// IDX is the format of MNIST (LeCun, Cortes and Burges, http://yann.lecun.com/exdb/mnist/): two zero bytes, the type of
// the elements, the number of dimensions, each dimension as four bytes, big-endian, then the elements.
const (
	idxBytes  = 0x08 // the type "unsigned byte"
	idxImages = 3    // dimensions: image, row, column
	idxLabels = 1

	maxIDXSide = 1 << 13 // pixels in a row or column; keeps the number of elements below 2⁵⁸
)

// idxFile is an IDX file of bytes whose length is that of its dimensions.
type idxFile struct {
	dims  []int64
	data  elements
	first int64 // where the elements begin in data
	file  io.Closer
}

// elements is what an IDX file holds, after its header or with it.
type elements interface {
	read(ctx context.Context, p []byte, offset int64) error
}

// plain is an IDX file as it is.
type plain struct{ io.ReaderAt }

func (f plain) read(_ context.Context, p []byte, offset int64) error {
	n, err := f.ReadAt(p, offset)
	if n == len(p) {
		return nil
	}
	return err
}

// read fills p with the elements from the one at offset on.
func (f *idxFile) read(ctx context.Context, p []byte, offset int64) error {
	return f.data.read(ctx, p, f.first+offset)
}

func (f *idxFile) Close() error { return f.file.Close() }

// openIDXFile opens an IDX file with so many dimensions, none of them 0, compressed with gzip or not.
func openIDXFile(ctx context.Context, path string, dims int) (*idxFile, error) {
	r, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	size, err := fileSize(r)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	f, err := parseIDX(ctx, r, size, dims)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), r.Close())
	}
	f.file = r
	return f, nil
}

// parseIDX reads the header of an IDX file of size bytes.
func parseIDX(ctx context.Context, r io.ReaderAt, size int64, dims int) (*idxFile, error) {
	var magic [2]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil && err != io.EOF {
		return nil, err
	}
	if magic == [2]byte{0x1f, 0x8b} {
		return openInflated(ctx, r, size, dims)
	}
	f, err := readIDXHeader(io.NewSectionReader(r, 0, size), dims)
	if err != nil {
		return nil, err
	}
	f.data = plain{r}
	return f, f.checkLength(size - f.first)
}

func readIDXHeader(r io.Reader, dims int) (*idxFile, error) {
	header := make([]byte, 4+4*dims)
	if _, err := io.ReadFull(r, header); err != nil {
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			err = fmt.Errorf("the file ends in its header of %d bytes; download it again", len(header))
		}
		return nil, err
	}
	what := map[int]string{idxImages: "images", idxLabels: "labels"}[dims]
	if magic, want := binary.BigEndian.Uint32(header), uint32(idxBytes<<8|dims); magic != want {
		return nil, fmt.Errorf("it begins with %#08x, and not with %#08x as IDX files of %s do; take the original one, and "+
			"mind which is which", magic, want, what)
	}
	f := &idxFile{first: int64(len(header))}
	for i := range dims {
		n := int64(binary.BigEndian.Uint32(header[4+4*i:]))
		if n == 0 || n > math.MaxInt32 || i > 0 && n > maxIDXSide {
			return nil, fmt.Errorf("dimension %d of the %s is %d; download the file again", i, what, n)
		}
		f.dims = append(f.dims, n)
	}
	return f, nil
}

func (f *idxFile) elements() int64 {
	n := int64(1)
	for _, d := range f.dims {
		n *= d
	}
	return n
}

// checkLength compares the bytes that follow the header with the dimensions.
func (f *idxFile) checkLength(have int64) error {
	switch want := f.elements(); {
	case have < want:
		return fmt.Errorf("%d bytes follow the header, %v takes %d: it is truncated; download it again", have, f.dims, want)
	case have > want:
		return fmt.Errorf("more than the %d bytes of %v follow the header; download the file again", want, f.dims)
	}
	return nil
}
