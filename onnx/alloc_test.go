package onnx_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/tensor"
)

// TestAllocation imports files made to cost much memory for few bytes.
func TestAllocation(t *testing.T) {
	const n = 3000
	name := func(i int) string { return fmt.Sprintf("%x", i) }
	tests := map[string]func(m *onnxpb.Model, g *onnxpb.Graph){
		"dimensions of 2^40": func(_ *onnxpb.Model, g *onnxpb.Graph) {
			g.Initializers = []onnxpb.Tensor{floats("w", nil, 1<<20, 1<<20)}
		},
		"input of 2^40": func(_ *onnxpb.Model, g *onnxpb.Graph) { g.Inputs[0] = floatInput("x", 1, 1<<20, 1<<20) },
		"chain": func(_ *onnxpb.Model, g *onnxpb.Graph) {
			g.Nodes = nil
			last := "x"
			for i := range n {
				g.Nodes = append(g.Nodes, onnxpb.Node{Op: "Relu", Inputs: []string{last}, Outputs: []string{name(i)}})
				last = name(i)
			}
			g.Outputs[0].Name = last
		},
		"constants": func(_ *onnxpb.Model, g *onnxpb.Graph) {
			for i := range n {
				g.Initializers = append(g.Initializers, floats(name(i), nil, 0))
			}
		},
		"doubling": func(_ *onnxpb.Model, g *onnxpb.Graph) {
			g.Initializers = []onnxpb.Tensor{{Name: "0", Type: onnxpb.Int64, Dims: []int64{4}, Raw: make([]byte, 32)}}
			for i := range 60 {
				n := node("Concat", name(i+1), name(i), name(i))
				g.Nodes = append(g.Nodes, with(n, intAttr("axis", 0)))
			}
		},
		"shapes": func(_ *onnxpb.Model, g *onnxpb.Graph) {
			for i := range n {
				g.Nodes = append(g.Nodes, onnxpb.Node{Op: "Shape", Inputs: []string{"y"}, Outputs: []string{name(i)}})
			}
		},
		"shapes on the way": func(_ *onnxpb.Model, g *onnxpb.Graph) {
			last := "y"
			for i := range n {
				g.Nodes = append(g.Nodes,
					onnxpb.Node{Op: "Relu", Inputs: []string{last}, Outputs: []string{name(i)}},
					onnxpb.Node{Op: "Shape", Inputs: []string{name(i)}, Outputs: []string{"s" + name(i)}})
				last = name(i)
			}
		},
		"many inputs": func(_ *onnxpb.Model, g *onnxpb.Graph) {
			g.Nodes = append(g.Nodes, with(node("Concat", "c", slices.Repeat([]string{"y"}, n)...), intAttr("axis", 1)))
		},
		"many known inputs": func(_ *onnxpb.Model, g *onnxpb.Graph) {
			g.Initializers = []onnxpb.Tensor{{Name: "0", Type: onnxpb.Int64, Dims: []int64{4}, Raw: make([]byte, 32)}}
			g.Nodes = append(g.Nodes, with(node("Concat", "c", slices.Repeat([]string{"0"}, n)...), intAttr("axis", 0)))
		},
		"casts": func(_ *onnxpb.Model, g *onnxpb.Graph) {
			g.Initializers = []onnxpb.Tensor{{Name: "0", Type: onnxpb.Int32, Dims: []int64{10000}, Raw: make([]byte, 40000)}}
			for i := range n {
				g.Nodes = append(g.Nodes, with(onnxpb.Node{Op: "Cast", Inputs: []string{"0"}, Outputs: []string{name(i + 1)}}, intAttr("to", 1)))
			}
		},
		"reshapes": func(_ *onnxpb.Model, g *onnxpb.Graph) {
			g.Initializers = []onnxpb.Tensor{{Name: "s", Type: onnxpb.Int64, Dims: []int64{32}, Raw: bytes.Repeat([]byte{1, 0, 0, 0, 0, 0, 0, 0}, 32)}}
			for i := range n {
				g.Nodes = append(g.Nodes, onnxpb.Node{Op: "Reshape", Inputs: []string{"y", "s"}, Outputs: []string{name(i)}})
			}
		},
		"dimensions": func(_ *onnxpb.Model, g *onnxpb.Graph) {
			g.Initializers = []onnxpb.Tensor{{Name: "s", Type: onnxpb.Int64, Dims: []int64{30}, Raw: bytes.Repeat([]byte{255}, 240)}}
			last := "y"
			for i := range n {
				g.Nodes = append(g.Nodes, onnxpb.Node{Op: "Unsqueeze", Inputs: []string{last, "s"}, Outputs: []string{name(i)}})
				last = name(i)
			}
		},
		"broadcast": func(_ *onnxpb.Model, g *onnxpb.Graph) {
			g.Initializers = []onnxpb.Tensor{floats("w", make([]byte, 4000), 1000, 1), floats("v", make([]byte, 4000), 1000)}
			g.Nodes = append(g.Nodes, node("Add", "a", "w", "v"), node("MatMul", "b", "a", "a"))
		},
	}
	for name, edit := range tests {
		t.Run(name, func(t *testing.T) {
			m := relu()
			edit(m, m.Graph)
			data := encode(t, m)
			var err error
			got := onnx.Allocated(func() { _, err = onnx.Import(data, "net.onnx") })
			t.Logf("%d bytes for %d, %.1f a byte (%v)", got, len(data), float64(got)/float64(len(data)), err)
			if limit := onnx.AllocationLimit(len(data)); got > limit {
				t.Errorf("%d bytes allocated for a file of %d, more than %d", got, len(data), limit)
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
	got := onnx.Allocated(func() { f, err = onnx.Open(path) })
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if runtime.GOOS != "js" && runtime.GOOS != "plan9" && got > 1<<20 {
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
		f, err := onnx.Open(path)
		if err != nil {
			b.Fatal(err)
		}
		f.Close()
	}
}
