package pipeline_test

import (
	"bytes"
	"errors"
	"io"
	"runtime"
	"testing"

	"linquant/calib"
	"linquant/engine"
	"linquant/graph"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/tensor"
	"linquant/vision"
)

// Whatever is asked of a closed network is ErrClosed, wherever it came from.
func TestClosed(t *testing.T) {
	path := write(t, "x.onnx", digits())
	set := images(t, "builtin:test", 4)
	for _, from := range []string{path, pipeline.Builtin} {
		n, err := pipeline.Open(t.Context(), from, pipeline.OpenConfig{})
		if err != nil {
			t.Fatal(err)
		}
		other, err := pipeline.Open(t.Context(), from, pipeline.OpenConfig{})
		if err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if err := n.Close(); err != nil {
				t.Fatal(err)
			}
		}
		ctx := t.Context()
		for name, use := range map[string]func() error{
			"Folded":        func() error { _, err := n.Folded(t.Context()); return err },
			"Compile":       func() error { _, err := n.Compile(t.Context(), engine.Config{}); return err },
			"Export":        func() error { return n.Export(io.Discard, onnx.ExportConfig{}) },
			"Inspect":       func() error { _, err := n.Inspect(t.Context()); return err },
			"WithOutputs":   func() error { _, err := n.WithOutputs("flatten"); return err },
			"WithPixels":    func() error { _, err := n.WithPixels(); return err },
			"SetPreprocess": func() error { return n.SetPreprocess(vision.Preprocess{}) },
			"CheckLabels":   func() error { return n.CheckLabels() },
			"CheckRanges":   func() error { _, err := n.CheckRanges(calib.Ranges{}, ptq.Config{}); return err },
			"Calibrate":     func() error { _, err := n.Calibrate(ctx, set, pipeline.Config{}); return err },
			"Quantize":      func() error { _, _, err := n.Quantize(t.Context(), calib.Ranges{}, ptq.Config{}); return err },
			"Dynamic":       func() error { _, _, err := n.Dynamic(t.Context(), ptq.Config{}); return err },
			"Sweep":         func() error { _, err := n.Sweep(ctx, set, set, nil, pipeline.MeasureConfig{}); return err },
			"Config":        func() error { _, err := pipeline.Quantize(ctx, pipeline.Config{Network: n}); return err },
			"Measure":       func() error { _, err := pipeline.Measure(ctx, other, n, set, pipeline.MeasureConfig{}); return err },
			"Compare":       func() error { _, err := pipeline.Compare(ctx, n, other, set, pipeline.MeasureConfig{}); return err },
		} {
			if err := use(); !errors.Is(err, pipeline.ErrClosed) {
				t.Errorf("%s of a closed %s: %v", name, n.Name, err)
			}
		}
		if n.Graph() != nil || n.Quantized() || n.TakesPixels() || n.InputShape() != nil {
			t.Errorf("a closed %s still has a graph", n.Name)
		}
	}
}

// What was taken out of a network, or made of it, outlives it.
func TestMadeOfAClosedNetwork(t *testing.T) {
	want := digits()
	n, err := pipeline.Open(t.Context(), write(t, "x.onnx", want), pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	g := n.Graph()
	folded, err := n.Folded(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	cut, err := n.WithOutputs("flatten")
	if err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	for name, n := range map[string]func() (*pipeline.Network, error){
		"graph":       func() (*pipeline.Network, error) { return pipeline.NewNetwork(g) },
		"folded":      func() (*pipeline.Network, error) { return pipeline.NewNetwork(folded) },
		"WithOutputs": func() (*pipeline.Network, error) { return cut, nil },
	} {
		n, err := n()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := n.Compile(t.Context(), engine.Config{}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if name == "WithOutputs" {
			continue
		}
		if got := exported(t, n); !bytes.Equal(got, want) {
			t.Errorf("%s: another network came out", name)
		}
	}
	r, err := pipeline.Quantize(t.Context(), pipeline.Config{
		Model: write(t, "x.onnx", want), Calibration: pipeline.Calibration{Data: pipeline.Data{Spec: pipeline.Builtin, Limit: 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for name, n := range map[string]*pipeline.Network{"the integers": r.Network, "the floats": r.Float} {
		if _, err := n.Compile(t.Context(), engine.Config{}); !errors.Is(err, pipeline.ErrClosed) {
			t.Errorf("%s of a closed Result: %v", name, err)
		}
	}
}

// The memory of a file is free after Close though the network itself is still there, and not while a graph uses it.
func TestCloseReleases(t *testing.T) {
	const elements = 4 << 20
	w, err := tensor.Of(tensor.Shape{4, elements / 4}, make([]float32, elements))
	if err != nil {
		t.Fatal(err)
	}
	g := graph.New("large")
	g.AddInput("x", tensor.Shape{graph.Batch, 4})
	g.AddConst("w", w)
	g.Outputs = []string{g.AddNode(graph.MatMul, "", "y", nil, "x", "w")}
	var file bytes.Buffer
	if err := onnx.Export(&file, g, onnx.ExportConfig{}); err != nil {
		t.Fatal(err)
	}
	path := write(t, "large.onnx", file.Bytes())
	g, w, file = nil, tensor.Tensor{}, bytes.Buffer{}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := heap()
	n, err := pipeline.Open(t.Context(), path, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	taken := n.Graph()
	n.Close()
	if more := heap() - before; more < 4*elements {
		t.Errorf("a graph is used and %d bytes are left of it", more)
	}
	runtime.KeepAlive(taken)
	taken = nil
	if more := heap() - before; more > elements {
		t.Errorf("%d bytes are held after Close", more)
	}
	runtime.KeepAlive(n)
}
