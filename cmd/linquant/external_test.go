package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// A network that is too large for one file has its constants in one beside it, and is the same network.
func TestExternalData(t *testing.T) {
	t.Chdir(t.TempDir())
	defer func(was int64) { largestModel = was }(largestModel)
	do := func(status int, args ...string) string {
		t.Helper()
		var stdout, stderr bytes.Buffer
		if got := run(t.Context(), args, nil, &stdout, &stderr); got != status {
			t.Fatalf("%q: status %d, %s", args, got, stderr.String())
		}
		return stdout.String() + stderr.String()
	}
	do(exitOK, "export", "builtin", "-o", "one.onnx")
	largestModel = 100_000
	if said := do(exitOK, "export", "builtin", "-o", "two.onnx"); !strings.Contains(said, "the constants are in two.onnx.data, which belongs beside it") {
		t.Errorf("said %q", said)
	}
	if info, err := os.Stat("two.onnx"); err != nil || info.Size() > 20_000 {
		t.Errorf("the model: %v, %v", info, err)
	}
	do(exitOK, "export", "builtin", "-o", "two.onnx") // both files are linquant's own
	largestModel = 0
	do(exitOK, "export", "two.onnx", "-o", "again.onnx")
	one, err1 := os.ReadFile("one.onnx")
	again, err2 := os.ReadFile("again.onnx")
	if err1 != nil || err2 != nil || !bytes.Equal(one, again) {
		t.Errorf("%d and %d bytes, %v, %v", len(one), len(again), err1, err2)
	}
	largestModel = 100_000
	do(exitOK, "export", "builtin", "-o", "small.onnx", "--dry-run")
	if _, err := os.Stat("small.onnx.data"); err == nil {
		t.Error("a dry run wrote data")
	}
	if err := os.WriteFile("other.onnx.data", []byte("somebody's"), 0o666); err != nil {
		t.Fatal(err)
	}
	do(exitFailed, "export", "builtin", "-o", "other.onnx")
	if _, err := os.Stat("other.onnx"); err == nil {
		t.Error("a model was written without its data")
	}
}
