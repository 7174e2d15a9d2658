package mmap

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
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
			m, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(m.Bytes, want) {
				t.Errorf("%d bytes, want %d", len(m.Bytes), len(want))
			}
			kept := m.Bytes
			for range 2 {
				if err := m.Close(); err != nil || m.Bytes != nil {
					t.Errorf("closed with %v, %d bytes left", err, len(m.Bytes))
				}
			}
			if !bytes.Equal(kept, want) {
				t.Error("the bytes that somebody has are gone with Close")
			}
			// Windows does not remove files that are open or mapped.
			if err := os.Remove(path); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOpenRefuses(t *testing.T) {
	if _, err := Open(t.Context(), filepath.Join(t.TempDir(), "none")); !os.IsNotExist(err) {
		t.Errorf("error %v for a file that does not exist", err)
	}
	if _, err := Open(t.Context(), t.TempDir()); err == nil {
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
	m, err := Map(t.Context(), r)
	if err != nil || string(m.Bytes) != "through a pipe" {
		t.Fatalf("%v, %v", m, err)
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

// TestOpenIsACopy changes a file that is open.
func TestOpenIsACopy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	want := bytes.Repeat([]byte("0123456789abcde\n"), 1<<12)
	if err := os.WriteFile(path, want, 0o644); err != nil {
		t.Fatal(err)
	}
	m, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := os.WriteFile(path, []byte("another"), 0o644); err != nil { // in place, as cp does
		t.Fatal(err)
	}
	if !bytes.Equal(m.Bytes, want) {
		t.Error("the bytes changed with the file")
	}
}

func TestView(t *testing.T) {
	dir := t.TempDir()
	for name, want := range map[string]string{"empty": "", "short": "abc", "pages": strings.Repeat("0123456789abcde\n", 1<<12)} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		wrong := errors.New("wrong")
		err := View(path, func(b []byte) error {
			if string(b) != want {
				t.Errorf("%s: %d bytes, want %d", name, len(b), len(want))
			}
			return wrong
		})
		if err != wrong {
			t.Errorf("%s: %v", name, err)
		}
	}
	never := func([]byte) error { t.Error("what is no file was looked at"); return nil }
	if err := View(filepath.Join(dir, "none"), never); !os.IsNotExist(err) {
		t.Errorf("error %v for a file that does not exist", err)
	}
	if err := View(dir, never); err == nil {
		t.Error("a folder was opened")
	}
	defer func() {
		if p := recover(); p != "a bug" {
			t.Errorf("the panic of the caller became %v", p)
		}
	}()
	_ = View(filepath.Join(dir, "short"), func([]byte) error { panic("a bug") })
}

// TestViewOfAFileThatShrinks reads what another process cuts off meanwhile.
func TestViewOfAFileThatShrinks(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("elsewhere it may be a copy, or the file not be cut")
	}
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, make([]byte, 1<<16), 0o644); err != nil {
		t.Fatal(err)
	}
	for range 2 { // once more, since what the first one set must be set again
		if err := os.Truncate(path, 1<<16); err != nil {
			t.Fatal(err)
		}
		sum := byte(0)
		err := View(path, func(b []byte) error {
			if err := os.Truncate(path, 10); err != nil {
				return err
			}
			for _, c := range b {
				sum += c
			}
			return nil
		})
		if err == nil || !strings.Contains(err.Error(), path+" changed while it was read") {
			t.Errorf("error %v, sum %d", err, sum)
		}
	}
}

// TestShorterThanItsSize opens a file that ends before the size that the system gives, as one does that is cut while it is read.
func TestShorterThanItsSize(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("no such file is known here")
	}
	f, err := os.Open("/sys/kernel/mm/transparent_hugepage/enabled") // 4096 bytes, it says
	if err != nil {
		t.Skip(err)
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() < 1000 {
		t.Skip("it has another size here")
	}
	_, err = Map(t.Context(), f)
	if err == nil || !strings.Contains(err.Error(), "became shorter while it was read") {
		t.Errorf("error %v", err)
	}
}

// A context that is done ends the reading.
func TestOpenEnds(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("content"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	before := Held()
	if _, err := Open(ctx, path); !errors.Is(err, context.Canceled) || Held() != before {
		t.Errorf("error %v, %d bytes held", err, Held()-before)
	}
}
