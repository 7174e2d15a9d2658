package pickle

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// input reads a pickle's bytes and counts them.
type input struct {
	r      *bufio.Reader
	offset int64
}

// maxLine bounds the argument of the text opcodes, of which numbers and names are the longest that anybody writes.
const maxLine = 64 << 10

func (in *input) byte() (byte, error) {
	b, err := in.r.ReadByte()
	if err != nil {
		return 0, truncated(err)
	}
	in.offset++
	return b, nil
}

// fixed reads the n ≤ 8 bytes of a little-endian unsigned number.
func (in *input) fixed(n int) (uint64, error) {
	var buf [8]byte
	read, err := io.ReadFull(in.r, buf[:n])
	in.offset += int64(read)
	if err != nil {
		return 0, truncated(err)
	}
	var v uint64
	for i, b := range buf {
		v |= uint64(b) << (8 * i)
	}
	return v, nil
}

// bytes reads n bytes. The buffer grows as they come, so that a length which the input does not have costs nothing.
func (in *input) bytes(n uint64) ([]byte, error) {
	const chunk = 4096
	if n <= chunk {
		buf := make([]byte, n)
		read, err := io.ReadFull(in.r, buf)
		in.offset += int64(read)
		return buf, truncated(err)
	}
	var buf []byte
	for uint64(len(buf)) < n {
		have := len(buf)
		step := int(min(n-uint64(have), uint64(max(chunk, have))))
		buf = append(buf, make([]byte, step)...)
		read, err := io.ReadFull(in.r, buf[have:])
		in.offset += int64(read)
		if err != nil {
			return nil, truncated(err)
		}
	}
	return buf, nil
}

// line reads up to a newline, which it leaves out.
func (in *input) line() (string, error) {
	var line []byte
	for {
		b, err := in.byte()
		if err != nil {
			return "", err
		}
		if b == '\n' {
			return string(line), nil
		}
		if len(line) == maxLine {
			return "", fmt.Errorf("a line of text is longer than %d bytes", maxLine)
		}
		line = append(line, b)
	}
}

func truncated(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
