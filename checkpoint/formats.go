package checkpoint

import (
	"bytes"
	"errors"
	"io"
)

// Format names the layout of a checkpoint file, such as "pytorch-zip".
type Format string

// format is a layout that Open recognises and reads. Each stands in a file of its own.
type format struct {
	name Format

	// sniff reports whether the file is of this format. An error ends the search: the file can be of no other.
	sniff func(s *sample) (bool, error)

	// open reads the directory of a file of size bytes, checks every size in it against the file, and returns the
	// tensors unread.
	open reader
}

type reader func(r io.ReaderAt, size int64) (*contents, error)

// formats lists the formats in the order in which a file is asked to be one. It is a list and not what packages
// register: the order matters (a safetensors header may begin as a pickle does), nothing changes it while a program
// runs, and a reader needs the checks of sizes that are private to this package.
var formats = []format{
	torchZipFormat, npzFormat, npyFormat, safetensorsFormat, torchLegacyFormat, torchTarFormat,
}

// sample is what sniffing sees of a file.
type sample struct {
	r    io.ReaderAt
	size int64
	head []byte // the first bytes, at most tarBlock

	archive string   // "zip" or "tar" where the file is one
	members []string // the names in the archive, without those of folders
}

func (s *sample) begins(magic string) bool { return bytes.HasPrefix(s.head, []byte(magic)) }

// sniff tells a file's format from its first bytes and, for a zip or a tar, the names in it. What is known but not a
// checkpoint is an error that names it and the way out.
func sniff(r io.ReaderAt, size int64) (format, error) {
	s := &sample{r: r, size: size, head: make([]byte, min(size, tarBlock))}
	if err := readFull(r, s.head, 0); err != nil {
		return format{}, err
	}
	for _, f := range formats {
		if ok, err := f.sniff(s); ok || err != nil {
			return f, err
		}
	}
	err := refuse(s.head)
	if s.archive != "" {
		err = refuseArchive(s.archive, s.members)
	}
	if errors.Is(err, errZeros) {
		return format{}, err
	}
	return format{}, unsupportedError{err}
}
