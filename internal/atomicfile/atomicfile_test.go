package atomicfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

func text(s string) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := io.WriteString(w, s)
		return err
	}
}

// wantFile checks a file's content and that nothing else is in its folder.
func wantFile(t *testing.T, path, want string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || string(got) != want {
		t.Errorf("the file holds %q, %v; want %q", got, err, want)
	}
	wantAlone(t, filepath.Dir(path), filepath.Base(path))
}

// wantAlone checks that a folder holds these files only: no temporary one was left.
func wantAlone(t *testing.T, dir string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("the folder holds %q, want %q", got, names)
	}
}

func TestWriteCreatesAndReplaces(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	long := strings.Repeat("x", 1<<18) // more than the buffer
	for _, s := range []string{"first", long, ""} {
		if err := Write(path, text(s)); err != nil {
			t.Fatal(err)
		}
		wantFile(t, path, s)
	}
}

func TestFailureLeavesTheOldFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	failure := errors.New("no more numbers")
	half := func(w io.Writer) error {
		if _, err := w.Write(make([]byte, 1<<18)); err != nil {
			return err
		}
		return failure
	}
	if err := Write(path, half); !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
	wantAlone(t, filepath.Dir(path))
	if err := Write(path, text("old")); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, half); !errors.Is(err, failure) {
		t.Errorf("error %v, want %v", err, failure)
	}
	wantFile(t, path, "old")
}

// TestInvisibleUntilDone looks at the path while it is written.
func TestInvisibleUntilDone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	err := Write(path, func(w io.Writer) error {
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file is there before it is whole: %v", err)
		}
		return text("done")(w)
	})
	if err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "done")
}

func TestPanicLeavesNoTemporaryFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out")
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = Write(path, func(io.Writer) error { panic("a bug in the caller") })
	}()
	wantAlone(t, filepath.Dir(path))
}

func TestModeIsKept(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows has no such modes")
	}
	path := filepath.Join(t.TempDir(), "out")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o640); err != nil {
		t.Fatal(err)
	}
	if err := Write(path, text("new")); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v; want 0640", info.Mode(), err)
	}
}

func TestSymbolicLinkIsFollowed(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "target"), filepath.Join(dir, "link")
	if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("target", link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if err := Write(link, text("new")); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(link); err != nil || to != "target" {
		t.Errorf("the link was replaced: %q, %v", to, err)
	}
	if got, _ := os.ReadFile(target); string(got) != "new" {
		t.Errorf("the target holds %q", got)
	}
	wantAlone(t, dir, "link", "target")
}

func TestErrorsNameThePath(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "missing", "out")
	for _, path := range []string{dir, missing} {
		called := false
		err := Write(path, func(io.Writer) error { called = true; return nil })
		var pathErr *fs.PathError
		if !errors.As(err, &pathErr) || pathErr.Path != path {
			t.Errorf("writing %s: %v", path, err)
		}
		if called {
			t.Errorf("writing %s: computed what cannot be kept", path)
		}
	}
	wantAlone(t, dir)
}

func TestDeviceIsWrittenDirectly(t *testing.T) {
	info, err := os.Stat(os.DevNull)
	if err != nil || info.Mode().IsRegular() {
		t.Skipf("no device to write to: %v", err)
	}
	if err := Write(os.DevNull, text("gone")); err != nil {
		t.Error(err)
	}
	if after, err := os.Stat(os.DevNull); err != nil || after.Mode().IsRegular() {
		t.Errorf("the device was replaced by a file: %v", err)
	}
}

// TestLongName writes a file whose name leaves no room for what a temporary file's name adds.
func TestLongName(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("n", 250))
	if err := os.WriteFile(path, nil, 0o666); err != nil {
		t.Skip("the file system has no such names: ", err)
	}
	if err := Write(path, text("whole")); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(path); err != nil || string(b) != "whole" {
		t.Errorf("%q, %v", b, err)
	}
}
