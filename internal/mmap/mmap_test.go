package mmap

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string][]byte{
		"empty": {}, "short": []byte("abc"), "pages": bytes.Repeat([]byte("0123456789abcde\n"), 1<<16), "odd": make([]byte, 1<<16+1),
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
			m, err := Open(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(m.Bytes, want) {
				t.Errorf("%d bytes, want %d", len(m.Bytes), len(want))
			}
			switch runtime.GOOS {
			case "linux", "darwin", "windows":
				if mapped := m.unmap != nil; mapped != (len(want) > 0) {
					t.Errorf("mapped: %v", mapped)
				}
			}
			for range 2 {
				if err := m.Close(); err != nil || m.Bytes != nil {
					t.Errorf("closed with %v, %d bytes left", err, len(m.Bytes))
				}
			}
			// Windows does not remove files that are open or mapped.
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("error %v for a file that does not exist", err)
	}
	if _, err := Open(t.TempDir()); err == nil {
		t.Error("a folder was opened")
	}
}

// TestPipe reads what cannot be mapped.
func TestPipe(t *testing.T) {
	r, w, err := os.Pipe()
	if err != nil {
		t.Skip(err)
	}
	defer r.Close()
	go func() {
		w.WriteString("through a pipe")
		w.Close()
	}()
	m, err := Map(r)
	if err != nil || string(m.Bytes) != "through a pipe" {
		t.Fatalf("%v, %v", m, err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
