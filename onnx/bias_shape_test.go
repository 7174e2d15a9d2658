package onnx_test

import (
	"path/filepath"
	"testing"

	"linquant/onnx"
)

// Where a later node asks for shapes, a bias of int32 stands for reals: the file is a Gemm of codes whose batch is that of a
// constant repeated for a Concat.
func TestShapesBehindBias(t *testing.T) {
	f, err := onnx.Open(t.Context(), filepath.Join("testdata", "bias_repeat.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f.Graph.Whole() {
		t.Error("the network was read as one example")
	}
}
