package dataset

import (
	"bufio"
	"compress/flate"
	"compress/gzip"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"linquant/internal/inflation"
)

// openInflated reads the header of a compressed IDX file of size bytes. What it claims is held against what is inflated at
// most, before anything is allocated; labels are read whole. A file whose last bytes tell another length than its header,
// as those of a truncated one do, is inflated at once, so that what is wrong with it is said when it is opened.
func openInflated(ctx context.Context, r io.ReaderAt, size int64, dims int) (*idxFile, error) {
	z, err := openGzip(r, size)
	if err != nil {
		return nil, err
	}
	f, err := readIDXHeader(z, dims)
	if err != nil {
		return nil, err
	}
	header := f.first
	want := f.elements()
	most := inflation.InMemory(size)
	if dims == idxImages {
		most = inflation.Streamed(size)
	}
	if most = min(most, mostOfExample(size)*f.dims[0]); want > most {
		return nil, fmt.Errorf("its %d bytes hold %v, which is more than the %d that are inflated of so many: unpack it "+
			"with gunzip", size, f.dims, most)
	}
	open := func() (io.ReadCloser, error) {
		z, err := openGzip(r, size)
		if err == nil {
			_, err = io.CopyN(io.Discard, z, header)
		}
		return z, err
	}
	in := newInflated(size, want, want/f.dims[0], open, f.checkLength)
	in.z = z
	f.data, f.first = in, 0
	var length [4]byte
	if _, err := r.ReadAt(length[:], max(size-4, 0)); err != nil && err != io.EOF {
		return nil, err
	}
	if binary.LittleEndian.Uint32(length[:]) != uint32(want)+uint32(header) {
		return f, in.read(ctx, make([]byte, 1), want-1)
	}
	return f, nil
}

// gzipStream is a compressed file from its start, whose errors say what to do.
type gzipStream struct{ *gzip.Reader }

func openGzip(r io.ReaderAt, size int64) (io.ReadCloser, error) {
	z, err := gzip.NewReader(bufio.NewReader(io.NewSectionReader(r, 0, size)))
	if err != nil {
		return nil, damagedGzip(err)
	}
	return gzipStream{z}, nil
}

func (s gzipStream) Read(p []byte) (int, error) {
	n, err := s.Reader.Read(p)
	return n, damagedGzip(err)
}

// damagedGzip says what to do about a stream that does not inflate.
func damagedGzip(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		return fmt.Errorf("the compressed data is damaged or truncated (%w); download it again", err)
	}
	return err
}
