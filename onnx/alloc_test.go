package onnx_test

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/tensor"
)

// TestAllocation imports files made to cost much memory for few bytes.
func TestAllocation(t *testing.T) {
	for name, edit := range hungry {
		t.Run(name, func(t *testing.T) {
			m := relu()
			edit(m, m.Graph)
			data := encode(t, m)
			var err error
			got := onnx.Allocated(func() { _, err = onnx.Import(t.Context(), data, "net.onnx") })
			t.Logf("%d bytes for %d, %.1f a byte (%v)", got, len(data), float64(got)/float64(len(data)), err)
			if limit := onnx.AllocationLimit(len(data)); got > limit {
				t.Errorf("%d bytes allocated for a file of %d, more than %d", got, len(data), limit)
			}
			var g *graph.Graph
			kept := onnx.Kept(func() { g, _ = onnx.Import(t.Context(), data, "net.onnx") })
			runtime.KeepAlive(g)
			t.Logf("%d kept, %.1f a byte", kept, float64(kept)/float64(len(data)))
			if limit := onnx.KeptLimit(len(data)); kept > limit {
				t.Errorf("%d bytes kept for a file of %d, more than %d", kept, len(data), limit)
			}
			if testing.Short() {
				return
			}
			largest := onnx.Largest(func() { _, _ = onnx.Import(t.Context(), data, "net.onnx") })
			t.Logf("at most %d at once", largest)
			if limit := onnx.LargestLimit(len(data)); largest > limit {
				t.Errorf("%d bytes allocated at once for a file of %d, more than %d", largest, len(data), limit)
			}
		})
	}
}

// TestViews checks that weights are not copied: opening a file allocates far less than its size.
func TestViews(t *testing.T) {
	m := relu()
	m.Graph.Initializers = []onnxpb.Tensor{floats("w", make([]byte, 4*3*1<<20), 3, 1<<20)}
	m.Graph.Nodes[0] = node("MatMul", "y", "x", "w")
	path := filepath.Join(t.TempDir(), "large.onnx")
	if err := os.WriteFile(path, encode(t, m), 0o644); err != nil {
		t.Fatal(err)
	}
	var f *onnx.File
	var err error
	got := onnx.Allocated(func() { f, err = onnx.Open(t.Context(), path) })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if int64(got) > f.Size+1<<20 { // the file is read into one copy, of which the tensors are views
		t.Errorf("opening a model of %d bytes allocated %d", f.Size, got)
	}
}

// TestExportViews checks that weights are not copied on their way out either.
func TestExportViews(t *testing.T) {
	g := oneNode(graph.MatMul, nil, 3)
	w, err := tensor.Of(tensor.Shape{3, 1 << 20}, make([]float32, 3<<20))
	if err != nil {
		t.Fatal(err)
	}
	g.AddConst("w", w)
	g.Nodes[0].Inputs = append(g.Nodes[0].Inputs, "w")
	got := onnx.Allocated(func() { err = onnx.Export(io.Discard, g, onnx.ExportConfig{}) })
	if err != nil {
		t.Fatal(err)
	}
	if got > 1<<20 {
		t.Errorf("writing a model of 12 MB allocated %d bytes", got)
	}
}

// BenchmarkOpen opens a model of 10 MB with 100 layers.
func BenchmarkOpen(b *testing.B) {
	m := relu()
	m.Graph.Nodes = nil
	m.Graph.Inputs[0] = floatInput("x", 1, 160)
	last := "x"
	for i := range 100 {
		w, y := fmt.Sprint("w", i), fmt.Sprint("y", i)
		m.Graph.Initializers = append(m.Graph.Initializers, floats(w, make([]byte, 4*160*160), 160, 160))
		m.Graph.Nodes = append(m.Graph.Nodes, node("MatMul", y, last, w))
		last = y
	}
	m.Graph.Outputs[0].Name = last
	path := filepath.Join(b.TempDir(), "net.onnx")
	if err := os.WriteFile(path, encode(b, m), 0o644); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		f, err := onnx.Open(b.Context(), path)
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}
