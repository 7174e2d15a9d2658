//go:build unix

package checkpoint

import (
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// TestOpenPipe opens a named pipe that nobody writes to, which must not wait for somebody.
func TestOpenPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o666); err != nil {
		t.Skip("no named pipes here: ", err)
	}
	opened := make(chan error, 1)
	go func() {
		_, err := Open(path)
		opened <- err
	}()
	select {
	case err := <-opened:
		wantError(t, err, "regular file", path)
	case <-time.After(10 * time.Second):
		t.Fatal("Open waits for a writer")
	}
}
