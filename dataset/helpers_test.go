package dataset

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// folder makes a folder with files of the given contents, by slash-separated name.
func folder(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func mustOpen(t testing.TB, spec, split string) Set {
	t.Helper()
	s, err := Open(t.Context(), spec, split)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// read returns example i of s.
func read(t testing.TB, s Set, i int) ([]float32, int) {
	t.Helper()
	n, err := s.Shape().Elements()
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, n)
	label, err := s.Read(t.Context(), i, x)
	if err != nil {
		t.Fatal(err)
	}
	return x, label
}

// wantError checks that err is one line with all of the parts.
func wantError(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("no error, but one with %q is due", parts)
		return
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("an error of more than a line: %v", err)
	}
	for _, part := range parts {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not say %q: %v", part, err)
		}
	}
}

// readAll reads every example, up to the first error.
func readAll(s Set) error {
	n, err := s.Shape().Elements()
	if err != nil {
		return err
	}
	x := make([]float32, n)
	for i := range s.Len() {
		if _, err := s.Read(context.Background(), i, x); err != nil {
			return err
		}
	}
	return nil
}
