// Package atomicfile writes files that appear whole or not at all.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// Write calls fill with a buffered writer to a temporary file beside path, and renames that file to path once fill and
// the write to disk have succeeded. On any error path is untouched (a file that was there is still there) and the
// temporary file is removed. A new file's mode is 0666 less the umask; one that is replaced keeps its mode. Where path
// exists and is no regular file (/dev/stdout, a pipe) it is written directly.
func Write(path string, fill func(w io.Writer) error) (err error) {
	mode := fs.FileMode(0)
	switch info, statErr := os.Stat(path); {
	case statErr == nil && info.IsDir():
		return &fs.PathError{Op: "write", Path: path, Err: errors.New("is a directory")}
	case statErr == nil && !info.Mode().IsRegular():
		return writeDirect(path, fill)
	case statErr == nil:
		mode = info.Mode().Perm()
		// Follow a symbolic link, so that the file it names is replaced and not the link.
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	f, err := createTemp(path)
	if err != nil {
		return err
	}
	renamed := false
	defer func() {
		if !renamed { // an error, or a panic in fill
			f.Close()
			os.Remove(f.Name())
		}
	}()
	if mode != 0 {
		if err = f.Chmod(mode); err != nil {
			return err
		}
	}
	if err = fillBuffered(f, fill); err != nil {
		return err
	}
	// On disk before the name is, or a power failure could leave the name with nothing behind it.
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = os.Rename(f.Name(), path); err != nil {
		return err
	}
	renamed = true
	return nil
}

func fillBuffered(w io.Writer, fill func(w io.Writer) error) error {
	buf := bufio.NewWriterSize(w, 1<<16)
	if err := fill(buf); err != nil {
		return err
	}
	return buf.Flush()
}

func writeDirect(path string, fill func(w io.Writer) error) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	return errors.Join(fillBuffered(f, fill), f.Close())
}

// createTemp creates a new file beside path with the mode that os.Create gives, which the umask narrows.
func createTemp(path string) (*os.File, error) {
	dir, base := filepath.Split(path)
	const longest = 200 // bytes, since file systems allow 255 and path may have them all
	base = strings.ToValidUTF8(base[:min(len(base), longest)], "")
	for {
		name := filepath.Join(dir, fmt.Sprintf(".%s.%08x.tmp", base, rand.Uint32()))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		var pathErr *fs.PathError
		if errors.As(err, &pathErr) {
			// Name the file that the caller asked for, not the temporary one.
			err = &fs.PathError{Op: "create", Path: path, Err: pathErr.Err}
		}
		return f, err
	}
}
