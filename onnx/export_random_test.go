package onnx

import (
	"bytes"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/onnx/internal/onnxtest"
)

// A network that went through a file has the same bits.
func TestExportImportKeepsBits(t *testing.T) {
	for seed := range uint64(30) {
		g := onnxtest.RandomNetwork(seed, 6, onnxtest.Limits{Ours: true})
		for _, cfg := range []ExportConfig{{}, {Format: QOperator}, {Int4: true}} {
			var file bytes.Buffer
			if err := Export(&file, g, cfg); err != nil {
				t.Fatal(err)
			}
			back, err := Import(t.Context(), file.Bytes(), "network")
			if err != nil {
				t.Fatal(err)
			}
			if back.Requant != g.Requant {
				t.Errorf("convention %v, want %v", back.Requant, g.Requant)
			}
			x := onnxtest.RandomInput(t, g, seed, 2)
			if d := cmp.Diff(onnxtest.EvalOutputs(t, g, x), onnxtest.EvalOutputs(t, back, x)); d != "" {
				t.Errorf("seed %d, %+v: %s", seed, cfg, d)
			}
		}
	}
}
