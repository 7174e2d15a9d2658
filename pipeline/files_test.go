package pipeline_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"linquant/internal/onnxpb"
	"linquant/pipeline"
)

// TestFiles lists the files of external data once each, and none that lies outside the model's folder.
func TestFiles(t *testing.T) {
	at := func(location string) onnxpb.Tensor {
		return onnxpb.Tensor{Name: location, Outside: true, External: []onnxpb.Entry{{Key: "offset", Value: "0"}, {Key: "location", Value: location}}}
	}
	m := onnxpb.Model{IRVersion: 8, Graph: &onnxpb.Graph{
		Name: "g", Initializers: []onnxpb.Tensor{at("w.bin"), at("w.bin"), at("more/w.bin"), at("../w.bin"), {Name: "own"}},
	}}
	dir := t.TempDir()
	path := filepath.Join(dir, "m.onnx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Write(f); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	want := []string{path, filepath.Join(dir, "w.bin"), filepath.Join(dir, "more", "w.bin")}
	if got := pipeline.Files(path); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if got := pipeline.Files("none.onnx"); !slices.Equal(got, []string{"none.onnx"}) {
		t.Errorf("of a file that is not there: %q", got)
	}
}
