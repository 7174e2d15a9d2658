package checkpoint

import (
	"archive/zip"
	"bufio"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// CopyNumPy copies the next NumPy file of a stream of such files, one after the other, as a program writes them to its standard output:
// npz archives of numpy.savez or numpy.savez_compressed, and npy arrays of numpy.save. Both say themselves where they end, so that nothing stands
// between them. It holds no more than a buffer. New reads what was copied, and says what is wrong with it.
//
// Errors: io.EOF where the stream ends before the file; a stream that ends in it, or that is something else; more than most bytes; those of dst and src.
func CopyNumPy(dst io.Writer, src *bufio.Reader, most int64) (Format, error) {
	magic, err := src.Peek(len(npyMagic))
	switch {
	case err == io.EOF && len(magic) == 0:
		return "", io.EOF
	case err != nil && err != io.EOF:
		return "", err
	}
	c := &copying{src: src, dst: dst, left: most}
	switch {
	case string(magic) == npyMagic:
		return NPY, inStream(c.array())
	case len(magic) >= 4 && (string(magic[:4]) == localMember || string(magic[:4]) == zipEnd):
		return NPZ, inStream(c.archive())
	}
	magic, _ = src.Peek(12)
	return "", fmt.Errorf("the stream goes on with %q, where a NumPy file is to begin: write numpy.savez or numpy.save to it, and print nothing", magic)
}

// inStream is an error about a stream, which is an io.ErrUnexpectedEOF where it ends too early.
func inStream(err error) error {
	if err == io.EOF || err == io.ErrUnexpectedEOF || err == errHeaderEnds {
		return streamEnds{}
	}
	return err
}

type streamEnds struct{}

func (streamEnds) Error() string        { return "the stream ends inside a NumPy file" }
func (streamEnds) Is(target error) bool { return target == io.ErrUnexpectedEOF }

// Signatures of the parts of a zip archive.
const (
	localMember   = "PK\x03\x04"
	directory     = "PK\x01\x02"
	descriptor    = "PK\x07\x08"
	zip64End      = "PK\x06\x06"
	zip64Locator  = "PK\x06\x07"
	zipEnd        = "PK\x05\x06"
	zip64Extra    = 1
	withoutSizes  = 8 // bit 3 of a member's flags: its sizes stand behind it
	sizesNotThere = 1<<32 - 1
)

// copying hands on what it reads.
type copying struct {
	src  *bufio.Reader
	dst  io.Writer
	left int64 // bytes that may still be copied
}

func (c *copying) put(p []byte) error {
	if c.left -= int64(len(p)); c.left < 0 {
		return errors.New("a NumPy file of the stream is larger than it may be: write smaller batches")
	}
	_, err := c.dst.Write(p)
	return err
}

func (c *copying) Read(p []byte) (int, error) {
	n, err := c.src.Read(p)
	if e := c.put(p[:n]); e != nil {
		return 0, e
	}
	return n, err
}

// ReadByte makes flate read no byte too many.
func (c *copying) ReadByte() (byte, error) {
	b, err := c.src.ReadByte()
	if err != nil {
		return 0, err
	}
	return b, c.put([]byte{b})
}

// take copies n bytes and returns them.
func (c *copying) take(n int) ([]byte, error) {
	b := make([]byte, n)
	_, err := io.ReadFull(c, b)
	return b, err
}

func (c *copying) skip(n uint64) error {
	if n > uint64(max(c.left, 0)) {
		return errors.New("a NumPy file of the stream is larger than it may be: write smaller batches")
	}
	_, err := io.CopyN(io.Discard, c, int64(n))
	return err
}

// array copies an npy array.
func (c *copying) array() error {
	h, err := parseNPYHeader(c)
	if err != nil {
		return err
	}
	return c.skip(uint64(h.bytes))
}

// archive copies a zip archive up to its end.
func (c *copying) archive() error {
	for {
		next, err := c.src.Peek(4)
		if err != nil {
			return err
		}
		switch string(next) {
		case localMember:
			err = c.member()
		case directory:
			err = c.record(46, func(b []byte) uint64 { return lengths(b[28:], 3) })
		case zip64End:
			err = c.record(12, func(b []byte) uint64 { return binary.LittleEndian.Uint64(b[4:]) })
		case zip64Locator:
			err = c.skip(20)
		case zipEnd:
			return c.record(22, func(b []byte) uint64 { return lengths(b[20:], 1) })
		default:
			return fmt.Errorf("an npz archive of the stream goes on with %q, which no zip archive does: it is damaged", next)
		}
		if err != nil {
			return err
		}
	}
}

// lengths adds n lengths of 16 bits.
func lengths(b []byte, n int) uint64 {
	sum := uint64(0)
	for i := range n {
		sum += uint64(binary.LittleEndian.Uint16(b[2*i:]))
	}
	return sum
}

// record copies n bytes and as many more as these say.
func (c *copying) record(n int, more func(b []byte) uint64) error {
	b, err := c.take(n)
	if err != nil {
		return err
	}
	return c.skip(more(b))
}

// member copies an array of an archive, with what stands around it.
func (c *copying) member() error {
	h, err := c.take(30)
	if err != nil {
		return err
	}
	flags, method := binary.LittleEndian.Uint16(h[6:]), binary.LittleEndian.Uint16(h[8:])
	size := uint64(binary.LittleEndian.Uint32(h[18:]))
	name, extra := int(binary.LittleEndian.Uint16(h[26:])), int(binary.LittleEndian.Uint16(h[28:]))
	rest, err := c.take(name + extra)
	if err != nil {
		return err
	}
	wide := false // whether sizes have 64 bits
	for e := rest[name:]; len(e) >= 4; {
		n := min(int(binary.LittleEndian.Uint16(e[2:])), len(e)-4)
		if binary.LittleEndian.Uint16(e) == zip64Extra {
			wide = true
			if size == sizesNotThere && n >= 16 {
				size = binary.LittleEndian.Uint64(e[12:])
			}
		}
		e = e[4+n:]
	}
	if flags&withoutSizes == 0 {
		return c.skip(size)
	}
	switch method {
	case zip.Store:
		err = c.array()
	case zip.Deflate:
		z := flate.NewReader(c)
		_, err = io.Copy(io.Discard, z)
	default:
		err = fmt.Errorf("an array of the stream is compressed with method %d: use numpy.savez or numpy.savez_compressed", method)
	}
	if err != nil {
		return err
	}
	n := 12
	if wide {
		n = 20
	}
	if next, err := c.src.Peek(4); err == nil && string(next) == descriptor {
		n += 4
	}
	return c.skip(uint64(n))
}
