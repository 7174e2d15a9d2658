package atomicfile

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

const nobody = 65534

// asNobody calls f with the file permissions of another user, where this one is the superuser, for whom there are none.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Getuid() != 0 {
		f()
		return
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread ends with the goroutine
		_, _ = unix.SetfsuidRetUid(nobody)
		if now, _ := unix.SetfsuidRetUid(nobody); now != nobody {
			done <- errors.New("the user of files stays the same")
			return
		}
		f()
		done <- nil
	}()
	if err := <-done; err != nil {
		t.Skip(err)
	}
}

// folder makes a folder of the user of asNobody.
func folder(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if os.Getuid() == 0 {
		if err := errors.Join(os.Chmod(filepath.Dir(dir), 0o711), os.Chown(dir, nobody, 0)); err != nil {
			t.Skip(err)
		}
	}
	return dir
}

// TestFolderThatMustNotBeRead writes where names may be made and not listed, so that the folder cannot be opened to sync it.
func TestFolderThatMustNotBeRead(t *testing.T) {
	dir := folder(t)
	if err := os.Chmod(dir, 0o300); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "out")
	asNobody(t, func() {
		if _, err := os.ReadDir(dir); err == nil {
			t.Error("the folder can be read")
		}
		if err := Write(path, text("whole")); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	wantFile(t, path, "whole")
}

// TestGroupIsKept replaces a file of somebody else as a user who cannot give files away, but to a group of theirs.
func TestGroupIsKept(t *testing.T) {
	const group = 5678
	if os.Getuid() != 0 {
		t.Skip("files of others are made by the superuser")
	}
	dir := folder(t)
	path := filepath.Join(dir, "out")
	err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chown(path, 1234, os.Getegid()),
		os.Chown(dir, nobody, group), os.Chmod(dir, 0o700|os.ModeSetgid)) // what is made in it has its group
	if err != nil {
		t.Skip(err)
	}
	asNobody(t, func() {
		if err := Write(path, text("new")); err != nil {
			t.Error(err)
		}
	})
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if s := info.Sys().(*syscall.Stat_t); s.Uid != nobody || int(s.Gid) != os.Getegid() {
		t.Errorf("owner %d, group %d; want %d, %d", s.Uid, s.Gid, nobody, os.Getegid())
	}
}

// TestFolderWithoutSync is one of a file system that has none for folders.
func TestFolderWithoutSync(t *testing.T) {
	const dir = "/proc"
	d, err := os.Open(dir)
	if err != nil {
		t.Skip(err)
	}
	defer d.Close()
	if err := d.Sync(); !errors.Is(err, unix.EINVAL) {
		t.Skipf("%s says %v", dir, err)
	}
	if err := syncDir(dir); err != nil {
		t.Error(err)
	}
}
