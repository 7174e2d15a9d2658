// Package atomicfile writes files that appear whole or not at all.
package atomicfile

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// Write calls fill with a buffered writer to a temporary file beside path, and renames that file to path once fill and
// the write to disk have succeeded; then the name is on disk too. On any error path is untouched (a file that was there is
// still there) and the temporary file is removed. What a process that was killed left behind, the next one that writes to
// path removes.
//
// A new file's mode is 0666 less the umask; one that is replaced keeps its mode and, where the system allows it, its owner
// and group. Symbolic links are followed, also to a file that is not there yet. Where path exists and is no regular file
// (/dev/stdout, a pipe) it is written directly.
func Write(path string, fill func(w io.Writer) error) error { return system.write(path, fill) }

// disk is what makes a file last; tests watch it.
type disk struct {
	sync    func(f *os.File) error
	rename  func(from, to string) error
	syncDir func(dir string) error
}

var system = disk{(*os.File).Sync, os.Rename, syncDir}

func (d disk) write(path string, fill func(w io.Writer) error) (err error) {
	old, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if path, err = target(path); err != nil {
			return err
		}
	case err != nil:
		return err
	case old.IsDir():
		return &fs.PathError{Op: "write", Path: path, Err: errors.New("is a directory")}
	case !old.Mode().IsRegular():
		return writeDirect(path, fill)
	default:
		// Follow a symbolic link, so that the file it names is replaced and not the link.
		if path, err = filepath.EvalSymlinks(path); err != nil {
			return err
		}
	}
	removeStale(path)
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
	if old != nil {
		keepOwner(f, old) // before the mode, whose bits of the owner it may clear
		if err = f.Chmod(old.Mode().Perm()); err != nil {
			return err
		}
	}
	if err = fillBuffered(f, fill); err != nil {
		return err
	}
	// On disk before the name is, or a power failure could leave the name with nothing behind it.
	if err = d.sync(f); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	if err = d.rename(f.Name(), path); err != nil {
		return err
	}
	renamed = true
	return d.syncDir(filepath.Dir(path))
}

// target returns the file that is written where there is none at path: path, or what a symbolic link there names.
func target(path string) (string, error) {
	const most = 40 // links, as Linux allows
	for range most {
		to, err := os.Readlink(path)
		if err != nil {
			return path, nil // no link, or nothing at all
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", &fs.PathError{Op: "write", Path: path, Err: errors.New("too many symbolic links")}
}

func fillBuffered(w io.Writer, fill func(w io.Writer) error) error {
	buf := bufio.NewWriterSize(w, 1<<16)
	if err := fill(buf); err != nil {
		return err
	}
	return buf.Flush()
}

func writeDirect(path string, fill func(w io.Writer) error) error {
	// A pipe that nobody reads is an error at once; opening it otherwise waits, and nothing could end that.
	f, err := os.OpenFile(path, os.O_WRONLY|nonblock, 0)
	if nobodyReads(err) {
		return &fs.PathError{Op: "write", Path: path, Err: errors.New("it is a pipe that nobody reads: start the reader first")}
	}
	if err != nil {
		return err
	}
	return errors.Join(fillBuffered(f, fill), f.Close())
}

// createError names the file that the caller asked for, not the temporary one.
func createError(path string, err error) error {
	var inner *fs.PathError
	if errors.As(err, &inner) {
		return &fs.PathError{Op: "create", Path: path, Err: inner.Err}
	}
	return fmt.Errorf("create %s: %w", path, err)
}
