package main

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/internal/testing/conformance"
)

// TestCurrent holds docs/operators.md to what the program writes.
func TestCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("runs a thousand models")
	}
	if _, err := os.Stat(filepath.Join(conformance.Folder(), conformance.Groups[0])); err != nil {
		if os.Getenv("LINQUANT_REQUIRE_ONNX_TESTDATA") == "1" {
			t.Fatal(err)
		}
		t.Skip("ONNX's tests are not here: install libonnx-testdata")
	}
	results, err := conformance.Run(conformance.Folder())
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := write(&want, results); err != nil {
		t.Fatal(err)
	}
	have, err := os.ReadFile(filepath.Join("..", "..", "docs", "operators.md"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(have), want.String()); diff != "" {
		t.Errorf("docs/operators.md is not current: go run ./tools/operators > docs/operators.md (- the file, + what it should be)\n%s", diff)
	}
}
