package main

import (
	"context"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"
)

const code = `package p

func Clamp(x, hi int) int {
	if x > hi {
		return hi
	}
	return x
}

func Unreached(x int) bool { return x < 3 }
`

const tests = `package p

import "testing"

func TestClamp(t *testing.T) {
	if Clamp(2, 1) != 1 || Clamp(1, 2) != 1 {
		t.Error("not clamped")
	}
}
`

func TestMutate(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.go")
	if err := os.WriteFile(file, []byte(code), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := mutate(file)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, m := range all {
		got = append(got, m.what+" for "+code[m.from:m.to])
	}
	want := []string{"a condition never holds for x > hi", "> is now >= for >", "< is now <= for <", "3 is now 4 for 3"}
	if !slices.Equal(got, want) {
		t.Errorf("mutants %q, want %q", got, want)
	}
}

// TestPackages runs the whole on a module of its own: > for >= means the same there, and nothing else survives.
func TestPackages(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the go command")
	}
	t.Chdir(t.TempDir())
	for name, text := range map[string]string{"go.mod": "module p\n\ngo 1.26\n", "p.go": code, "p_test.go": tests} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	r := run{timeout: time.Minute}
	scores, err := r.packages(context.Background(), []string{"."}, regexp.MustCompile(""), 0, 1)
	if err != nil {
		t.Fatal(err)
	}
	if want := (score{pkg: ".", noticed: 1, survived: 1, sites: 4, reached: 2}); scores[0] != want {
		t.Errorf("%+v, want %+v", scores[0], want)
	}
	scores, err = r.packages(context.Background(), []string{"."}, regexp.MustCompile(`/p\.go:10$`), 0, 1)
	if want := (score{pkg: ".", sites: 2}); err != nil || scores[0] != want {
		t.Errorf("line 10: %+v, %v, want %+v", scores[0], err, want)
	}
}
