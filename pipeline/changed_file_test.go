package pipeline_test

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"linquant/engine"
	"linquant/onnx"
	"linquant/pipeline"
)

// TestFileChangesWhileOpen cuts a model's file, and copies another over it, while its network is in use: nothing changes for
// the network, and the process lives.
func TestFileChangesWhileOpen(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("nobody changes an open file here")
	}
	builtin, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var want bytes.Buffer
	if err := builtin.Export(&want, onnx.ExportConfig{}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "m.onnx")
	for name, change := range map[string]func() error{
		"cut":     func() error { return os.Truncate(path, 0) },
		"another": func() error { return os.WriteFile(path, bytes.Repeat([]byte{0xff}, want.Len()), 0o600) },
	} {
		if err := os.WriteFile(path, want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		n, err := pipeline.Open(t.Context(), path, pipeline.OpenConfig{})
		if err != nil {
			t.Fatal(err)
		}
		defer n.Close()
		if err := change(); err != nil {
			t.Fatal(err)
		}
		if _, err := n.Compile(t.Context(), engine.Config{Threads: 2}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		var got bytes.Buffer
		if err := n.Export(&got, onnx.ExportConfig{}); err != nil || !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%s: %v, and %d bytes of %d that are others", name, err, got.Len(), want.Len())
		}
	}
	// A file that is cut before it is opened is an error.
	if err := os.WriteFile(path, want.Bytes()[:want.Len()/2], 0o600); err != nil {
		t.Fatal(err)
	}
	if n, err := pipeline.Open(t.Context(), path, pipeline.OpenConfig{}); err == nil {
		n.Close()
		t.Error("half a file was opened")
	}
}
