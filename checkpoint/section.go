package checkpoint

import (
	"errors"
	"fmt"
	"io"
)

// section is the elements of a contiguous tensor, stored as they are at an offset of a file.
type section struct {
	r      io.ReaderAt
	offset int64
}

func (s section) readAll(dst []byte) error { return readFull(s.r, dst, s.offset) }

// readFull fills dst from offset. A file that ends before is reported as truncated.
func readFull(r io.ReaderAt, dst []byte, offset int64) error {
	n, err := r.ReadAt(dst, offset)
	if n == len(dst) {
		return nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		return offsetError{fmt.Errorf("the file ends at byte %d, inside the data that ends at byte %d: it is truncated; copy or "+
			"download it again", offset+int64(n), offset+int64(len(dst))), offset + int64(n)}
	}
	return err
}
