package onnx_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/internal/onnxpb"
	"linquant/onnx"
)

// A part that there is not is an error that names the file, whatever of it is wrong.
func TestOpenNoPart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "net.onnx")
	data := model(t, []onnxpb.ValueInfo{info("x", onnxpb.Float, -1, 6)}, op("Relu", "r", "x"), op("Tanh", "y", "r"))
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, cfg := range []onnx.ImportConfig{
		{Inputs: []string{"none"}},
		{Outputs: []string{"none"}},
		{Inputs: []string{"r"}, Outputs: []string{"r"}},
		{Inputs: []string{"y"}, Outputs: []string{"r"}},
		{Inputs: []string{"x"}, Outputs: []string{"x"}},
	} {
		f, err := cfg.Open(t.Context(), path)
		if err == nil {
			f.Close()
			t.Errorf("from %v to %v: no error", cfg.Inputs, cfg.Outputs)
		} else if !strings.HasPrefix(err.Error(), path+": ") {
			t.Errorf("from %v to %v: %v", cfg.Inputs, cfg.Outputs, err)
		}
	}
}
