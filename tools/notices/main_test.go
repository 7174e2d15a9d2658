package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestCurrent holds the notices that the command embeds to what the program writes.
func TestCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("lists the packages of six platforms")
	}
	root := filepath.Join("..", "..")
	var want bytes.Buffer
	if err := write(&want, root); err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), want.String()); diff != "" {
		t.Errorf("%s is not current: go run ./tools/notices (- the file, + what it should be)\n%s", file, diff)
	}
}
