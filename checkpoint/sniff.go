package checkpoint

import (
	"io"
)

// reader opens one format: it reads the directory of a file of size bytes, checks every size in it against the file, and
// returns the tensors unread.
type reader func(r io.ReaderAt, size int64) (*contents, error)

// sniff tells a file's format from its first bytes (and, for a zip, the names in it) and returns the reader for it.
func sniff(r io.ReaderAt, size int64) (Format, reader, error) {
	panic("TODO")
}
