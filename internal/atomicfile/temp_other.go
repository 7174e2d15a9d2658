//go:build !unix || solaris || aix

package atomicfile

import (
	"io/fs"
	"os"
	"time"
)

// stale is after how long without a write a temporary file is taken for one that nobody will finish.
const stale = 24 * time.Hour

// lock does nothing: Windows does not remove a file that is open.
func lock(*os.File) {}

func removeUnlocked(name string) {
	if info, err := os.Lstat(name); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > stale {
		os.Remove(name)
	}
}

func keepOwner(*os.File, fs.FileInfo) {}

func syncDir(string) error { return nil }
