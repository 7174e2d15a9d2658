package onnx_test

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"linquant/graph"
	"linquant/internal/testing/datadir"
	"linquant/internal/testing/ort"
	"linquant/onnx"
	"linquant/tensor"
)

// TestRealModels imports float networks that others exported, and compares the file and what Export makes of it, run by
// ONNX Runtime, with the evaluator.
func TestRealModels(t *testing.T) {
	tests := []struct {
		name  string
		shape tensor.Shape
		nodes int
		size  int64
	}{
		{"onnc_resnet20", tensor.Shape{1, 3, 32, 32}, 73, 1108780}, // the 77 of the file less those that compute a shape
		{"ece_model_fp32", tensor.Shape{1, 1, 96, 96}, 8, 471834},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := datadir.File(t, "models/"+tt.name+".onnx")
			f, err := onnx.Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			in := f.Graph.Values[f.Graph.Inputs[0]]
			if len(f.Graph.Nodes) != tt.nodes || f.Size != tt.size || in.Shape[0] != graph.Batch {
				t.Errorf("%d nodes, %d bytes, input %v", len(f.Graph.Nodes), f.Size, in.Shape)
			}
			ort.Require(t)
			x := input(tt.shape)
			got, err := eval(t, f.Graph, tt.shape, x).Float32s()
			if err != nil {
				t.Fatal(err)
			}
			written := filepath.Join(t.TempDir(), "back.onnx")
			if err := os.WriteFile(written, export(t, f.Graph, onnx.ExportConfig{}), 0o644); err != nil {
				t.Fatal(err)
			}
			xt, err := tensor.Of(tt.shape, x)
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range []string{path, written} {
				out := ort.Run(t, file, map[string]tensor.Tensor{in.Name: xt}, nil, ort.Options{})
				want, err := out[f.Graph.Outputs[0]].Float32s()
				if err != nil || len(want) != len(got) {
					t.Fatalf("%d outputs, want %d (%v)", len(want), len(got), err)
				}
				largest := 0.0
				for _, v := range want {
					largest = max(largest, math.Abs(float64(v)))
				}
				for i := range want {
					if d := math.Abs(float64(got[i] - want[i])); !(d <= 1e-5*largest) {
						t.Errorf("%s: output %d is %v, ONNX Runtime has %v", filepath.Base(file), i, got[i], want[i])
					}
				}
			}
		})
	}
}
