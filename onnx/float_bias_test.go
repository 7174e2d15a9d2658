package onnx_test

import (
	"path/filepath"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/onnx"
	"linquant/tensor"
)

// A bias of reals is added to reals, as ONNX says (testdata/make_float_bias.py): with few bits the accumulator's step is no
// small part of the output's. Where it is, the bias becomes codes and the layer integers.
func TestFloatBias(t *testing.T) {
	paths, err := filepath.Glob("testdata/float_bias_*.onnx")
	if err != nil || len(paths) != 12 {
		t.Fatalf("models %v, %v", paths, err)
	}
	for _, path := range paths {
		t.Run(filepath.Base(path), func(t *testing.T) {
			f, err := onnx.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			values := readArrays(t, strings.TrimSuffix(path, ".onnx")+".npz")
			out, err := graph.Eval(t.Context(), f.Graph, map[string]tensor.Tensor{"x": values["x"]}, nil)
			if err != nil {
				t.Fatal(err)
			}
			got, _ := out["y"].Float32s()
			want, _ := values["y"].Float32s()
			for i := range want {
				if got[i] != want[i] {
					t.Fatalf("element %d is %g, want %g", i, got[i], want[i])
				}
			}
			integers := false
			for _, n := range f.Graph.Nodes {
				if (n.Op == graph.Conv || n.Op == graph.Gemm) && f.Graph.Values[n.Outputs[0]].Quant != nil {
					integers = true
				}
			}
			if small := strings.Contains(path, "0.001"); integers != small {
				t.Errorf("the layer is integers: %v, want %v", integers, small)
			}
		})
	}
}
