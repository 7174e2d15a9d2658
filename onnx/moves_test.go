package onnx

import (
	"bytes"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// TestQuantizedMoves reads networks that choose, join and repeat elements, have one dimension, or move the batch on the
// way, as ONNX Runtime's quantizer makes them of PyTorch's files (testdata/quantize_moves.py): what they compute is
// equal, and what has weights runs in integers. Exported and read again they compute the same.
func TestQuantizedMoves(t *testing.T) {
	paths, err := filepath.Glob("testdata/moves/*.onnx")
	if err != nil || len(paths) != 7 {
		t.Fatalf("models %v, %v", paths, err)
	}
	values := readNPZ(t, "testdata/moves/outputs.npz")
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".onnx")
		t.Run(name, func(t *testing.T) {
			f, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			for _, n := range f.Graph.Nodes {
				switch n.Op {
				case graph.Conv, graph.Gemm, graph.MatMul, graph.Add, graph.Concat:
					if f.Graph.Values[n.Outputs[0]].Quant == nil {
						t.Errorf("%v stayed float", n)
					}
				}
			}
			run := func(g *graph.Graph) []float32 {
				out, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{"x": values[name+".x"]}, nil)
				if err != nil {
					t.Fatal(err)
				}
				y, err := out[g.Outputs[0]].Float32s()
				if err != nil {
					t.Fatal(err)
				}
				return y
			}
			want, err := values[name+".y"].Float32s()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, run(f.Graph)); diff != "" {
				t.Errorf("it computes something else than ONNX Runtime:\n%s", diff)
			}
			for _, format := range []Format{QDQ, QOperator} {
				var file bytes.Buffer
				if err := Export(&file, f.Graph, ExportConfig{Format: format}); err != nil {
					t.Fatal(err)
				}
				back, err := Import(t.Context(), file.Bytes(), "back.onnx")
				if err != nil {
					t.Fatalf("%v: %v", format, err)
				}
				if diff := cmp.Diff(want, run(back)); diff != "" {
					t.Errorf("%v: exported and read again it computes something else:\n%s", format, diff)
				}
			}
		})
	}
}

// PyTorch writes x.flip(1) as a Slice to −2⁶³+1, and other exporters to −2⁶³: numbers like any other.
func TestSliceBackwards(t *testing.T) {
	for _, end := range []int64{math.MinInt64, math.MinInt64 + 1, -5} {
		c := trial{op: "Slice", opset: 13, x: []int64{2, 4}, consts: []onnxpb.Tensor{
			intsOf("starts", -1), intsOf("ends", end), intsOf("axes", 1), intsOf("steps", -1),
		}}
		g, err := Import(t.Context(), c.file(t), "flip")
		if err != nil {
			t.Fatal(err)
		}
		y, err := graph.Eval(t.Context(), g, c.input(), nil)
		if err != nil {
			t.Fatal(err)
		}
		x, _ := c.input()["x"].Float32s()
		got, _ := y["y0"].Float32s()
		want := []float32{x[3], x[2], x[1], x[0], x[7], x[6], x[5], x[4]}
		if !slices.Equal(got, want) {
			t.Errorf("to %d: %v, want %v", end, got, want)
		}
	}
}
