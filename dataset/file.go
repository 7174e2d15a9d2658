package dataset

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"

	"linquant/internal/ended"
)

// openRegular opens a file that can be read at any place. What is no file is not opened, since opening a pipe waits for a
// writer, and opening a device may do something.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if err := regular(path, info); err != nil {
		return nil, err
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	if _, err := fileSize(f); err != nil { // another may have taken its place
		f.Close()
		return nil, err
	}
	return f, nil
}

// sourceAt is a reader that ends with the context.
type sourceAt struct {
	ctx context.Context
	r   io.ReaderAt
}

func (s sourceAt) ReadAt(p []byte, offset int64) (int, error) {
	const step = 1 << 20
	done := 0
	for {
		if s.ctx.Err() != nil {
			return done, ended.Err(s.ctx)
		}
		end := min(done+step, len(p))
		n, err := s.r.ReadAt(p[done:end], offset+int64(done))
		if done += n; err != nil || done == len(p) {
			return done, err
		}
	}
}

// fileSize returns the bytes of a regular file.
func fileSize(f *os.File) (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), regular(f.Name(), info)
}

func regular(path string, info fs.FileInfo) error {
	switch {
	case info.IsDir():
		return fmt.Errorf("%s: it is a folder, where a file belongs: move it away", path)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s: it is no regular file but a pipe, a socket or a device: save the data to a file, and name that", path)
	}
	return nil
}
