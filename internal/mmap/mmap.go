// Package mmap reads files by mapping them into memory, so that what is not looked at is not read, and what is read is
// not copied. Where the system cannot, or the file is no regular one, it is read instead.
package mmap

import (
	"fmt"
	"io"
	"math"
	"os"
)

// Mapping is the content of a file. The bytes must not be written to, nor used after Close.
//
// A mapped file that another process shortens is the one danger of mapping: reading the part that is gone ends the
// program. Files that are replaced, as every careful program does, stay as they were.
type Mapping struct {
	Bytes []byte
	unmap func() error // nil: nothing to do
}

// Open maps the file at path.
func Open(path string) (*Mapping, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Map(f)
}

// Map maps an open file, which may be closed then. A directory, or a file that is too large for the address space, is
// an error.
func Map(f *os.File) (*Mapping, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	size := info.Size()
	if info.IsDir() {
		return nil, fmt.Errorf("%s is a directory, not a file", f.Name())
	}
	if !info.Mode().IsRegular() || size == 0 { // an empty range cannot be mapped, and a file of /proc seems empty
		return read(f)
	}
	if size > math.MaxInt {
		return nil, fmt.Errorf("%s has %d bytes, more than this system can address", f.Name(), size)
	}
	m, err := mapFile(f, int(size))
	if err != nil { // such as a file system without mapping
		return read(f)
	}
	return m, nil
}

func read(f *os.File) (*Mapping, error) {
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return &Mapping{Bytes: b}, nil
}

// Close ends the mapping. It may be called twice.
func (m *Mapping) Close() error {
	unmap := m.unmap
	m.Bytes, m.unmap = nil, nil
	if unmap == nil {
		return nil
	}
	return unmap()
}
