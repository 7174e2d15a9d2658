// Package mmap has files in memory: whole ones, and views of what stands in one.
package mmap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"runtime"
	"runtime/debug"
	"sync/atomic"

	"linquant/internal/ended"
)

// Mapping is the content of a file as it was when it was opened. The bytes must not be written to. Who still has them after
// Close may go on reading them: they are the garbage collector's, so that no use of what a closed file was can end the
// program.
//
// It is a copy. In a mapping of the file itself, what another process cuts off or overwrites is gone or changed under its
// reader's hands, and reading it ends the whole program.
type Mapping struct {
	Bytes []byte
	free  func() error // of a view of the file itself; nil: nothing to do
}

// held is how many bytes of files are in memory.
var held atomic.Int64

// Held returns how many bytes all Mappings that were not closed have. Tests find with it what stays open.
func Held() int64 { return held.Load() }

// Open reads the file at path. What is no regular file is an error: opening a pipe waits for a writer, and a device may have
// no end. A ctx that is done ends it with ctx's error.
func Open(ctx context.Context, path string) (*Mapping, error) {
	f, err := openRegular(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Map(ctx, f)
}

func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no regular file but a pipe, a socket or a device: save the stream to a file, and name that", path)
	}
	return os.Open(path)
}

// Map reads an open file, which may be closed then. A directory, or a file that is too large for the address space or
// becomes shorter while it is read, is an error.
func Map(ctx context.Context, f *os.File) (*Mapping, error) {
	m, err := load(ctx, f)
	if err == nil {
		held.Add(int64(len(m.Bytes)))
	}
	return m, err
}

func load(ctx context.Context, f *os.File) (*Mapping, error) {
	size, err := regularSize(f)
	if err != nil {
		return nil, err
	}
	if size <= 0 {
		return read(f)
	}
	const part = 64 << 20 // between two looks at the context: some hundredths of a second
	b := make([]byte, size)
	for at := 0; at < size; {
		if err := ended.Err(ctx); err != nil {
			return nil, err
		}
		n, err := f.ReadAt(b[at:min(at+part, size)], int64(at))
		at += n
		switch {
		case errors.Is(err, io.EOF):
			return nil, fmt.Errorf("%s became shorter while it was read, %d bytes of %d: open it again when it is whole", f.Name(), at, size)
		case err != nil:
			return nil, err
		}
	}
	return &Mapping{Bytes: b}, nil
}

// regularSize returns the size of a file; 0 for one that must be read to know it: a pipe, or a file of /proc, which seems
// empty.
func regularSize(f *os.File) (int, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	size := info.Size()
	switch {
	case info.IsDir():
		return 0, fmt.Errorf("%s is a directory, not a file", f.Name())
	case !info.Mode().IsRegular():
		return 0, nil
	case size > math.MaxInt:
		return 0, fmt.Errorf("%s has %d bytes, more than this system can address", f.Name(), size)
	}
	return int(size), nil
}

func read(f *os.File) (*Mapping, error) {
	b, err := io.ReadAll(f)
	if err != nil {
		return nil, err
	}
	return &Mapping{Bytes: b}, nil
}

// Close lets go of the bytes. It may be called twice.
func (m *Mapping) Close() error {
	held.Add(-int64(len(m.Bytes)))
	m.Bytes = nil
	return nil
}

// View calls look with the content of the file at path, of which it reads only what look looks at. look must run in its own
// goroutine alone and keep none of the bytes. What it cannot read because the file became shorter is an error.
func View(path string, look func(b []byte) error) (err error) {
	f, err := openRegular(path)
	if err != nil {
		return err
	}
	defer f.Close()
	size, err := regularSize(f)
	if err != nil {
		return err
	}
	var m *Mapping
	if size > 0 {
		m, err = mapFile(f, size)
	}
	if m == nil || err != nil { // such as a file system without mapping
		if m, err = read(f); err != nil {
			return err
		}
	}
	if m.free != nil {
		defer func() { _ = m.free() }()
	}
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		fault := recover()
		if fault == nil {
			return
		}
		if _, ok := fault.(runtime.Error); !ok || !shorter(f, len(m.Bytes)) {
			panic(fault)
		}
		err = fmt.Errorf("%s changed while it was read: open it again when it is whole", path)
	}()
	return look(m.Bytes)
}

// shorter says whether f has fewer bytes than it had. The address of a fault would say more, but emulators do not all tell it.
func shorter(f *os.File, had int) bool {
	info, err := f.Stat()
	return err == nil && info.Size() < int64(had)
}
