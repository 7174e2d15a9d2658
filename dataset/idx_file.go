package dataset

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
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
	data  io.ReaderAt
	first int64     // where the elements begin in data
	close io.Closer // the file; nil once its data is in memory
}

func (f *idxFile) Close() error {
	if f.close == nil {
		return nil
	}
	return f.close.Close()
}

// openIDXFile opens an IDX file with so many dimensions, none of them 0. A compressed one is read into memory.
func openIDXFile(path string, dims int) (*idxFile, error) {
	r, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	size, err := fileSize(r)
	if err != nil {
		return nil, errors.Join(err, r.Close())
	}
	f, err := parseIDX(r, size, dims)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", path, err), r.Close())
	}
	if _, inMemory := f.data.(*bytes.Reader); inMemory {
		return f, r.Close()
	}
	f.close = r
	return f, nil
}

// parseIDX reads the header of an IDX file of size bytes, and all of one that is compressed with gzip.
func parseIDX(r io.ReaderAt, size int64, dims int) (*idxFile, error) {
	var magic [2]byte
	if _, err := r.ReadAt(magic[:], 0); err != nil && err != io.EOF {
		return nil, err
	}
	if magic == [2]byte{0x1f, 0x8b} {
		f, err := inflateIDX(io.NewSectionReader(r, 0, size), size, dims)
		if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) {
			err = fmt.Errorf("the compressed data is damaged or truncated (%w); download it again", err)
		}
		return f, err
	}
	f, err := readIDXHeader(io.NewSectionReader(r, 0, size), dims)
	if err != nil {
		return nil, err
	}
	f.data = r
	return f, f.checkLength(size - f.first)
}

// inflateIDX reads a compressed file. What its header claims is held against what deflate can do before anything is
// allocated, and memory grows only as data comes.
func inflateIDX(r io.Reader, compressed int64, dims int) (*idxFile, error) {
	const maxDeflateRatio = 1032 // a match of 258 bytes takes at least two bits
	z, err := gzip.NewReader(bufio.NewReader(r))
	if err != nil {
		return nil, err
	}
	f, err := readIDXHeader(z, dims)
	if err != nil {
		return nil, err
	}
	want := f.elements()
	if want/maxDeflateRatio > compressed {
		return nil, fmt.Errorf("the header claims %d bytes, more than %d compressed ones can hold; download the file again",
			want, compressed)
	}
	data, err := io.ReadAll(io.LimitReader(z, want+1))
	if err != nil {
		return nil, err
	}
	f.data, f.first = bytes.NewReader(data), 0
	return f, f.checkLength(int64(len(data)))
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
