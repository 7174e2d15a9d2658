package pipeline_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/tensor"
)

// A model that was written and loaded answers as the graph does, from several goroutines, also when its file is gone.
func TestLoad(t *testing.T) {
	r, err := pipeline.Quantize(t.Context(), pipeline.Config{Model: pipeline.Builtin})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	x := make([]float32, 3*32*32)
	for i := range x {
		x[i] = float32(i*i%251) / 255
	}
	g, err := r.Folded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	in, err := tensor.Of(tensor.Shape{1, 3, 32, 32}, x)
	if err != nil {
		t.Fatal(err)
	}
	reference, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{"input": in}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want, err := reference[g.Outputs[0]].Float32s()
	if err != nil {
		t.Fatal(err)
	}
	var file bytes.Buffer
	if err := r.Export(&file, onnx.ExportConfig{}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, file.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	fromFile, err := pipeline.LoadFile(t.Context(), path, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	data := file.Bytes()
	embedded, err := pipeline.Load(t.Context(), bytes.NewReader(data), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	clear(data) // nothing of it is kept
	var wait sync.WaitGroup
	for i := range 8 {
		m := []*pipeline.Model{fromFile, embedded}[i%2]
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
	if _, err := pipeline.Load(t.Context(), strings.NewReader(""), engine.Config{}); err == nil || !strings.Contains(err.Error(), "model: the file is empty") {
		t.Errorf("empty: %v", err)
	}
	if _, err := pipeline.LoadFile(t.Context(), "nowhere.onnx", engine.Config{}); err == nil || !strings.Contains(err.Error(), "nowhere.onnx") {
		t.Errorf("missing: %v", err)
	}
	broken := filepath.Join(t.TempDir(), "broken.onnx")
	if err := os.WriteFile(broken, []byte("hello"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := pipeline.LoadFile(t.Context(), broken, engine.Config{}); err == nil || !strings.Contains(err.Error(), "broken.onnx: ") {
		t.Errorf("broken: %v", err)
	}
}

// Of a dynamic network that another tool wrote it is said that ranges are those of an example; of our own, where it is no surprise,
// it is not.
func TestRangeOfExample(t *testing.T) {
	ours := exported(t, quantized(t, pipeline.Config{Dynamic: true}).Network)
	m, err := onnxpb.Read(ours)
	if err != nil {
		t.Fatal(err)
	}
	m.Metadata = nil
	var theirs bytes.Buffer
	if err := m.Write(&theirs); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		data []byte
		want bool
	}{{ours, false}, {theirs.Bytes(), true}} {
		m, err := pipeline.Load(t.Context(), bytes.NewReader(c.data), engine.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if got := says(m.Warnings(), "model has 9 layers that take the range of the input while running: here that is the range of each example"); got != c.want {
			t.Errorf("theirs %v: warnings %v", c.want, m.Warnings())
		}
	}
}
