package atomicfile

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
)

// A temporary file is called .NAME.linquant-XXXXXXXX, with eight hexadecimal digits, and locked by who writes it, so that one
// without a lock is one that nobody will finish.
const tempMark = ".linquant-"

// tempPrefix returns what the temporary files for path begin with.
func tempPrefix(path string) string {
	const longest = 200 // bytes, since file systems allow 255 and the name may have them all
	base := filepath.Base(path)
	return "." + strings.ToValidUTF8(base[:min(len(base), longest)], "") + tempMark
}

// createTemp creates and locks a new file beside path with the mode that os.Create gives, which the umask narrows.
func createTemp(path string) (*os.File, error) {
	for {
		name := filepath.Join(filepath.Dir(path), fmt.Sprintf("%s%08x", tempPrefix(path), rand.Uint32()))
		f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, createError(path, err)
		}
		lock(f)
		if still(f) {
			return f, nil
		}
		f.Close() // another process took it for a stale one before the lock
	}
}

// removeStale removes the temporary files for path that nobody is writing any more. It is a courtesy: errors do not
// matter.
func removeStale(path string) {
	prefix := tempPrefix(path)
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return
	}
	defer dir.Close()
	const batch = 1024
	for {
		names, err := dir.Readdirnames(batch)
		for _, name := range names {
			if digits, ok := strings.CutPrefix(name, prefix); ok && isHex(digits) {
				removeUnlocked(filepath.Join(filepath.Dir(path), name))
			}
		}
		if err != nil { // at the end too
			return
		}
	}
}

func isHex(digits string) bool {
	b, err := hex.DecodeString(digits)
	return err == nil && len(b) == 4
}

// still reports whether an open file is still the one of its name.
func still(f *os.File) bool {
	open, err1 := f.Stat()
	named, err2 := os.Lstat(f.Name())
	return err1 == nil && err2 == nil && os.SameFile(open, named)
}
