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
	"sync"
)

// What is compressed is kept in memory: this much of it, and so many bytes for each of the file. An image, which becomes
// floats of four bytes, may have half as much and one byte for each.
const (
	maxInflated     = 16 << 20
	inflatedPerByte = 6
)

// inflated is the elements of a compressed file. They are inflated as far as they are asked for.
type inflated struct {
	mu   sync.Mutex
	z    *gzip.Reader
	f    *idxFile
	data []byte
	have int // bytes of data that are there
	err  error
}

// openInflated reads the header of a compressed file of size bytes. What it claims is held against what is kept at most,
// before anything is allocated. A file whose last bytes tell another length than its header, as those of a truncated one
// do, is inflated at once, so that what is wrong with it is said when it is opened.
func openInflated(ctx context.Context, r io.ReaderAt, size int64, dims int) (*idxFile, error) {
	z, err := gzip.NewReader(bufio.NewReader(io.NewSectionReader(r, 0, size)))
	if err != nil {
		return nil, damagedGzip(err)
	}
	f, err := readIDXHeader(z, dims)
	if err != nil {
		return nil, damagedGzip(err)
	}
	want := f.elements()
	if most := min(maxInflated+inflatedPerByte*size, (maxInflated/2+size)*f.dims[0]); want > most {
		return nil, fmt.Errorf("its %d bytes hold %v, which is more than the %d that are kept in memory of so many: unpack it "+
			"with gunzip", size, f.dims, most)
	}
	in := &inflated{z: z, f: f, data: make([]byte, want)}
	f.data, f.first = in, 0
	var length [4]byte
	if _, err := r.ReadAt(length[:], max(size-4, 0)); err != nil && err != io.EOF {
		return nil, err
	}
	if binary.LittleEndian.Uint32(length[:]) != uint32(want)+uint32(4+4*dims) {
		return f, in.until(ctx, int(want))
	}
	return f, nil
}

// until inflates up to the byte n.
func (in *inflated) until(ctx context.Context, n int) error {
	const step = 1 << 20
	for in.err == nil && in.have < n {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		k, err := io.ReadFull(in.z, in.data[in.have:min(in.have+step, len(in.data))])
		in.have += k
		if err == io.EOF || errors.Is(err, io.ErrUnexpectedEOF) {
			if _, end := in.z.Read(make([]byte, 1)); end == io.EOF { // the stream is whole
				err = in.f.checkLength(int64(in.have))
			}
		}
		if err == nil && in.have == len(in.data) {
			err = in.end()
		}
		in.err = damagedGzip(err)
	}
	return in.err
}

// end checks that nothing follows, for which the checksum is compared.
func (in *inflated) end() error {
	n, err := io.ReadFull(in.z, make([]byte, 1))
	if n > 0 {
		return in.f.checkLength(int64(in.have) + 1)
	}
	if err == io.EOF {
		return nil
	}
	return err
}

// read fills p with the elements from offset on.
func (in *inflated) read(ctx context.Context, p []byte, offset int64) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	end := int(offset) + len(p)
	if err := in.until(ctx, end); err != nil {
		return err
	}
	copy(p, in.data[offset:end])
	return nil
}

// damagedGzip says what to do about a stream that does not inflate.
func damagedGzip(err error) error {
	var corrupt flate.CorruptInputError
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.As(err, &corrupt) {
		return fmt.Errorf("the compressed data is damaged or truncated (%w); download it again", err)
	}
	return err
}
