//go:build unix && !solaris && !aix

package atomicfile

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// lock marks a file as being written until it is closed. A file system that has no locks has no stale files removed.
func lock(f *os.File) { _ = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) }

// removeUnlocked removes a regular file that no process has locked.
func removeUnlocked(name string) {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() { // opening a pipe would wait
		return
	}
	f, err := os.Open(name)
	if err != nil {
		return
	}
	defer f.Close()
	if unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB) == nil && still(f) {
		os.Remove(name)
	}
}

// keepOwner gives f the owner and the group of the file that it replaces, as far as the system allows.
func keepOwner(f *os.File, old fs.FileInfo) {
	was, ok := old.Sys().(*syscall.Stat_t)
	if ok && f.Chown(int(was.Uid), int(was.Gid)) != nil {
		_ = f.Chown(-1, int(was.Gid))
	}
}

// syncDir puts the names in a folder on disk. Some file systems cannot and say so; then there is nothing to be done.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if errors.Is(err, fs.ErrPermission) { // files may be created in a folder that must not be read
		return nil
	}
	if err != nil {
		return err
	}
	defer d.Close()
	err = d.Sync()
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOTSUP) {
		return nil
	}
	return err
}
