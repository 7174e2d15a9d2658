package text

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The command speaks of files and flags, and not of calls of the system; and says nothing twice.
func TestMessage(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.th")
	_, missing := os.Stat(file)
	for _, c := range []struct {
		err  error
		want string
	}{
		{missing, Printable(file) + ": no such file or folder: look at its name"},
		{fmt.Errorf("reading: %w", missing), "reading: " + Printable(file) + ": no such file"},
		{fmt.Errorf("%s: %w", Printable(file), missing), Printable(file) + ": no such file"},
		{&fs.PathError{Op: "open", Path: "a", Err: fs.ErrPermission}, "a: permission denied: this user"},
		{&fs.PathError{Op: "stat", Path: "", Err: fs.ErrNotExist}, "the name of a file is empty: "},
		{&fs.PathError{Op: "open", Path: "b", Err: errors.New("it is a folder")}, "b: it is a folder"},
		{errors.New("r.th on idx test: idx test: 3 channels"), "r.th on idx test: 3 channels"},
		{errors.New("linquant quantize: -o is missing"), "quantize: -o is missing"},
		{errors.New("a: b: a: "), "a: b: a: "},
	} {
		if got := Message(c.err); !strings.HasPrefix(got, c.want) {
			t.Errorf("%v: %q, want %q", c.err, got, c.want)
		}
	}
}
