//go:build unix && !aix && !solaris && !illumos

package mmap

import (
	"os"

	"golang.org/x/sys/unix"
)

func allocate(size int) (*Mapping, error) {
	b, err := unix.Mmap(-1, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_PRIVATE|unix.MAP_ANON)
	if err != nil {
		return nil, err
	}
	return &Mapping{Bytes: b, free: func() error { return unix.Munmap(b) }}, nil
}

func mapFile(f *os.File, size int) (*Mapping, error) {
	b, err := unix.Mmap(int(f.Fd()), 0, size, unix.PROT_READ, unix.MAP_PRIVATE)
	if err != nil {
		return nil, err
	}
	return &Mapping{Bytes: b, free: func() error { return unix.Munmap(b) }}, nil
}
