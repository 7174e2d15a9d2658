//go:build unix && !aix && !solaris && !illumos

package mmap

import (
	"os"

	"golang.org/x/sys/unix"
)

func mapFile(f *os.File, size int) (*Mapping, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	return &Mapping{Bytes: b, free: func() error { return unix.Munmap(b) }}, nil
}
