package onnx

import (
	"context"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"linquant/checkpoint"
	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/onnx/internal/onnxtest"
	"linquant/tensor"
)

// readNPZ reads all arrays of an npz file.
func readNPZ(t testing.TB, path string) map[string]tensor.Tensor {
	t.Helper()
	f, err := checkpoint.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	arrays := map[string]tensor.Tensor{}
	for _, a := range f.Tensors() {
		if arrays[a.Name], err = a.Read(); err != nil {
			t.Fatal(err)
		}
	}
	return arrays
}

// Models that ONNX Runtime's quantizer made (testdata/make_quantized.py) are read whole, and compute, layer by layer, what
// ONNX Runtime does.
func TestModelsQuantizedByONNXRuntime(t *testing.T) {
	paths, err := filepath.Glob("testdata/quantized_*.onnx")
	if err != nil || len(paths) != 6 {
		t.Fatalf("models %v, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			g := f.Graph
			values := readNPZ(t, strings.TrimSuffix(path, ".onnx")+".npz")
			layers, err := ort.Compare(g, values)
			if err != nil {
				t.Fatal(err)
			}
			exact := 0
			for _, l := range layers {
				if l.Exact {
					exact++
				}
				if err := l.Check(); err != nil {
					t.Error(err)
				}
			}
			if exact != 8 || len(layers) < 17 {
				t.Errorf("%d layers compared, %d of them exact; the model has 8 with weights\n%s", len(layers), exact, onnxtest.Dump(g))
			}
			for _, n := range g.Nodes {
				codes := g.Values[n.Outputs[0]].Quant != nil
				if !codes && n.Op != graph.DequantizeLinear && n.Op != graph.Softmax {
					t.Errorf("%v stayed float", n)
				}
			}
			out, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"input": values["input"]}, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := out["output"].Float32s()
			want, _ := values["output"].Float32s()
			for i := range want {
				if d := math.Abs(float64(got[i] - want[i])); d > 0.02 {
					t.Errorf("output %d is %g, want %g", i, got[i], want[i])
				}
			}
		})
	}
}
