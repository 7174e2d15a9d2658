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

	"github.com/spf13/cobra"

	"linquant/cmd/linquant/internal/text"
	"linquant/internal/atomicfile"
	"linquant/internal/ended"
)

// Stdio is the file name that stands for standard input or standard output.
const Stdio = "-"

// WriteFile writes path whole or not at all, or to the command's standard output if path is "-". It stops at an interrupt,
// and refuses what CheckOutput refuses. With --dry-run it writes nothing and counts what it would have written.
func WriteFile(c *cobra.Command, path string, fill func(w io.Writer) error) error {
	d := dryRunOf(c)
	counted := func(w io.Writer) error {
		to := &counter{w: Interruptible{c.Context(), w}}
		err := fill(to)
		d.bytes[path] = to.n
		return err
	}
	if _, err := os.Stat(path); path != Stdio && !(d.makes && errors.Is(err, fs.ErrNotExist)) {
		if err := CheckOutput(c, path); err != nil {
			return err
		}
	}
	switch {
	case d.on && path == Stdio:
		if err := counted(io.Discard); err != nil {
			return err
		}
		_, err := fmt.Fprintf(c.ErrOrStderr(), "linquant: note: would write %s bytes to standard output\n", text.Thousands(d.bytes[path]))
		return err
	case d.on:
		return counted(io.Discard)
	case path == Stdio:
		return counted(c.OutOrStdout())
	}
	return atomicfile.Write(path, counted)
}

// Interruptible refuses to write once its context has ended, so that an interrupted command cleans up behind itself.
type Interruptible struct {
	Ctx context.Context
	W   io.Writer
}

func (i Interruptible) Write(p []byte) (int, error) {
	if err := ended.Err(i.Ctx); err != nil {
		return 0, err
	}
	return i.W.Write(p)
}

// OpenStream opens a file that is read from its beginning to its end, or /dev/stdin and its like, which a shell has opened. A
// pipe with a name is refused, because opening it waits for a writer, and so is a device, which may have no end.
func OpenStream(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	open := info.Mode()&fs.ModeNamedPipe != 0 && (strings.HasPrefix(path, "/dev/") || strings.HasPrefix(path, "/proc/"))
	switch {
	case info.IsDir():
		return nil, fmt.Errorf("%s: it is a folder, where a file belongs", text.Printable(path))
	case !info.Mode().IsRegular() && !open:
		return nil, fmt.Errorf("%s: it is no regular file but a pipe, a socket or a device: save the data to a file, and name that", text.Printable(path))
	}
	return os.Open(path)
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

// CheckOutput refuses a file that cannot or must not be written, before any work is done for it: one whose folder is
// missing, a folder, one that the command line reads or writes a second time, one that linquant did not write (see ours) without
// --force.
func CheckOutput(c *cobra.Command, path string) error {
	if path == "" {
		return nil
	}
	if flags := writtenBy(c, path); len(flags) > 1 {
		return Usagef("%s: it would be written twice, by %s: name two files", text.Printable(path), strings.Join(flags, " and "))
	}
	if path == Stdio {
		return nil
	}
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return checkFolder(path)
	case err != nil:
		return err
	case info.IsDir():
		return fmt.Errorf("%s: it is a folder; name a file", text.Printable(path))
	case !info.Mode().IsRegular(): // /dev/stdout, a pipe
		return nil
	}
	if input := readToo(c, path, info); input != "" {
		return fmt.Errorf("%s: it is read here, as %s: name another file to write", text.Printable(path), text.Printable(input))
	}
	if force, _ := c.Flags().GetBool(forceFlag); force || ours(path, info.Size()) {
		return nil
	}
	return fmt.Errorf("%s: there is such a file, and nothing in it says that linquant wrote it; --force overwrites it", text.Printable(path))
}

// checkFolder refuses a file whose folder is missing. A link to a file that is not there is written through, so it is the
// folder of that file.
func checkFolder(path string) error {
	folder := filepath.Dir(path)
	if to, err := os.Readlink(path); err == nil {
		if !filepath.IsAbs(to) {
			to = filepath.Join(folder, to)
		}
		folder = filepath.Dir(to)
	}
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

// MakeDir creates the folder of a file that is about to be written; with --dry-run it does not, and WriteFile does not miss it.
func MakeDir(c *cobra.Command, path string) error {
	if path == Stdio {
		return nil
	}
	if d := dryRunOf(c); d.on {
		d.makes = true
		return nil
	}
	return os.MkdirAll(filepath.Dir(path), 0o777)
}
