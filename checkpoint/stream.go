package checkpoint

import (
	"bytes"
	"fmt"
	"io"
)

// Stream returns a reader of the elements as Read returns them, one after the other, for what need not be in memory as a
// whole. Where the elements lie in the file as they are it is an io.ReaderAt too. What cannot be read in order (an array
// in column-major order, a view of a storage, codes that share bytes) is read whole, with the bounds of Read.
//
// A compressed array is inflated as it is read. All that a file streams may have 16 MiB and six times its bytes, or 256
// times its bytes; more is an error that wraps ErrUnsupported. Damage is found where it stands, and a wrong checksum after
// the last byte, in place of io.EOF.
func (t *Tensor) Stream() (io.ReadCloser, error) {
	if err := t.readable(); err != nil {
		return nil, err
	}
	d, ok := t.data.(streamed)
	if ok && t.inflation != nil {
		if err := t.inflation.inOrder(t); err != nil {
			return nil, t.fail(err)
		}
	}
	var r io.ReadCloser
	var err error
	if ok {
		r, err = d.stream(t.Bytes())
	}
	switch {
	case err != nil:
		return nil, t.fail(err)
	case r == nil:
		raw, err := t.Read()
		return whole{bytes.NewReader(raw.Data)}, err
	}
	if at, ok := r.(lying); ok {
		return lyingOf{at, t}, nil
	}
	return streamOf{r, t}, nil
}

// streamed is data that can be read in order. The reader is nil where that holds of its kind and not of it.
type streamed interface {
	stream(n int64) (io.ReadCloser, error)
}

// whole is what is in memory.
type whole struct{ *bytes.Reader }

func (whole) Close() error { return nil }

// lying is what can be read at any place.
type lying interface {
	io.ReadCloser
	io.ReaderAt
}

// streamOf says in errors of what the stream is.
type streamOf struct {
	io.ReadCloser
	t *Tensor
}

func (s streamOf) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	return n, s.t.failStream(err)
}

type lyingOf struct {
	lying
	t *Tensor
}

func (s lyingOf) Read(p []byte) (int, error) {
	n, err := s.lying.Read(p)
	return n, s.t.failStream(err)
}

func (s lyingOf) ReadAt(p []byte, offset int64) (int, error) {
	n, err := s.lying.ReadAt(p, offset)
	return n, s.t.failStream(err)
}

func (t *Tensor) failStream(err error) error {
	if err == nil || err == io.EOF {
		return err
	}
	return t.fail(err)
}

// sectionStream reads a section.
type sectionStream struct {
	section
	n, at int64
}

func (s section) stream(n int64) (io.ReadCloser, error) {
	return &sectionStream{s, n, 0}, nil
}

func (s *sectionStream) Close() error { return nil }

func (s *sectionStream) Read(p []byte) (int, error) {
	n, err := s.ReadAt(p[:min(int64(len(p)), s.n-s.at)], s.at)
	s.at += int64(n)
	return n, err
}

// ReadAt reads from offset on. A file that ends before the section does is reported as truncated.
func (s *sectionStream) ReadAt(p []byte, offset int64) (int, error) {
	switch {
	case offset < 0:
		return 0, callerError{fmt.Errorf("there is no offset %d", offset)}
	case offset >= s.n:
		return 0, io.EOF
	}
	part := p[:min(int64(len(p)), s.n-offset)]
	if err := readFull(s.r, part, s.offset+offset); err != nil {
		return 0, err
	}
	if len(part) < len(p) {
		return len(part), io.EOF
	}
	return len(part), nil
}

// stream inflates the member. Its end is where the checksum is compared.
func (d deflated) stream(int64) (io.ReadCloser, error) {
	r, err := d.member.Open()
	if err != nil {
		return nil, err
	}
	if _, err = io.CopyN(io.Discard, r, d.skip); err != nil {
		r.Close()
		return nil, damagedMember(err)
	}
	return inflating{r}, nil
}

type inflating struct{ io.ReadCloser }

func (s inflating) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if err != nil && err != io.EOF {
		err = damagedMember(err)
	}
	return n, err
}

func (s swapped) stream(n int64) (io.ReadCloser, error) {
	d, ok := s.data.(streamed)
	if !ok {
		return nil, nil
	}
	r, err := d.stream(n)
	if r == nil || err != nil {
		return nil, err
	}
	return &swapping{ReadCloser: r, word: s.word}, nil
}

// swapping turns the bytes of each word around, of which the stream has a whole number.
type swapping struct {
	io.ReadCloser
	word  int
	buf   [8 << 10]byte
	ready []byte // of buf
}

func (s *swapping) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	if len(s.ready) == 0 {
		n, err := io.ReadFull(s.ReadCloser, s.buf[:])
		if n == 0 || err != nil && err != io.ErrUnexpectedEOF {
			return 0, err
		}
		s.ready = s.buf[:n]
		swap(s.ready, s.word)
	}
	n := copy(p, s.ready)
	s.ready = s.ready[n:]
	return n, nil
}
