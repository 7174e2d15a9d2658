package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"linquant/cmd/linquant/internal/text"
	"linquant/internal/atomicfile"
)

// Stdio is the file name that stands for standard input or standard output.
const Stdio = "-"

// WriteFile writes path whole or not at all, or to stdout if path is "-". It stops at an interrupt.
func WriteFile(ctx context.Context, path string, stdout io.Writer, fill func(w io.Writer) error) error {
	if path == Stdio {
		return fill(Interruptible{ctx, stdout})
	}
	return atomicfile.Write(path, func(w io.Writer) error { return fill(Interruptible{ctx, w}) })
}

// Interruptible refuses to write once its context has ended, so that an interrupted command cleans up behind itself.
type Interruptible struct {
	Ctx context.Context
	W   io.Writer
}

func (i Interruptible) Write(p []byte) (int, error) {
	if err := i.Ctx.Err(); err != nil {
		return 0, err
	}
	return i.W.Write(p)
}

// CheckEnding refuses a file name that promises another format, before any work is done for it.
func CheckEnding(path string, endings ...string) error { return CheckEndingOf("-o", path, endings...) }

// CheckEndingOf is checkEnding for the file that another flag names.
func CheckEndingOf(flag, path string, endings ...string) error {
	if path == Stdio || slices.Contains(endings, strings.ToLower(filepath.Ext(path))) {
		return nil
	}
	return Usagef("%s %s: end the name in %s", flag, text.Printable(path), strings.Join(endings, " or "))
}

// CheckFolder refuses a file whose folder is missing, or that is one, before any work is done for it.
func CheckFolder(path string) error {
	if path == "" || path == Stdio {
		return nil
	}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		return fmt.Errorf("%s: it is a folder; name a file", text.Printable(path))
	}
	folder := filepath.Dir(path)
	info, err := os.Stat(folder)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%s: there is no folder %s; create it first", text.Printable(path), text.Printable(folder))
	case err != nil:
		return err
	case !info.IsDir():
		return fmt.Errorf("%s: %s is no folder", text.Printable(path), text.Printable(folder))
	}
	return nil
}

// Saved announces a file that has been written.
func Saved(w io.Writer, path string) error {
	_, err := fmt.Fprintf(w, "Saved: %s\n", text.Printable(filepath.ToSlash(path)))
	return err
}

// MakeDir creates the folder of a file that is about to be written.
func MakeDir(path string) error {
	if path == Stdio {
		return nil
	}
	return os.MkdirAll(filepath.Dir(path), 0o777)
}
