package engine_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"linquant/engine"
	"linquant/onnx"
	"linquant/quant"
)

// A model that was written and loaded answers as the graph does, from several goroutines, also when its file is gone.
func TestLoad(t *testing.T) {
	g := quantized(resNet(1, 4), true, quant.ONNX)
	x := pictures(1, 3*32*32)
	want := run(t, g, engine.Config{Threads: 1}, x)
	var file bytes.Buffer
	if err := onnx.Export(&file, g, onnx.ExportConfig{}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	fromFile, err := engine.LoadFile(path, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	data := file.Bytes()
	embedded, err := engine.Load(bytes.NewReader(data), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	clear(data) // nothing of it is kept
	var wait sync.WaitGroup
	for i := range 8 {
		m := []*engine.Model{fromFile, embedded}[i%2]
		wait.Go(func() {
			y := make([]float32, 10)
			if err := m.Run(t.Context(), [][]float32{y}, [][]float32{x}); err != nil {
				t.Error(err)
			}
			for k := range y {
				if y[k] != want[k] {
					t.Errorf("%v, want %v", y, want)
					return
				}
			}
		})
	}
	wait.Wait()
}

func TestLoadErrors(t *testing.T) {
	if _, err := engine.Load(strings.NewReader(""), engine.Config{}); err == nil || !strings.Contains(err.Error(), "model: the file is empty") {
		t.Errorf("empty: %v", err)
	}
	if _, err := engine.LoadFile("nowhere.onnx", engine.Config{}); err == nil || !strings.Contains(err.Error(), "nowhere.onnx") {
		t.Errorf("missing: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "broken.onnx")
	if err := os.WriteFile(broken, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := engine.LoadFile(broken, engine.Config{}); err == nil || !strings.Contains(err.Error(), "broken.onnx: ") {
		t.Errorf("broken: %v", err)
	}
}
