package dataset_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/tensor"
)

// The type of a file's examples is known through the sets around it; pictures have none.
func TestDType(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.npy")
	x, err := tensor.New(tensor.Int64, tensor.Shape{2, 3, 1, 1}, make([]byte, 48))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := checkpoint.WriteNPY(&b, x); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	for spec, want := range map[string]tensor.DType{"npz:" + path: tensor.Int64, "builtin": tensor.Invalid} {
		s, err := dataset.Open(t.Context(), spec, dataset.Test)
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		if got := dataset.DType(dataset.Limit(s, 1)); got != want {
			t.Errorf("%s: %v, want %v", spec, got, want)
		}
	}
}
