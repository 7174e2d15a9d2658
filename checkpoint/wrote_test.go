package checkpoint

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/tensor"
)

// TestWrote tells this package's files from NumPy's (testdata/make_numpy.py) and others.
func TestWrote(t *testing.T) {
	x := FromTensor("x", tensor.Tensor{DType: tensor.Uint8, Shape: tensor.Shape{3}, Data: []byte{1, 2, 3}})
	npy := write(t, func(w io.Writer) error {
		return WriteNPY(w, tensor.Tensor{DType: tensor.Uint8, Shape: tensor.Shape{3}, Data: []byte{1, 2, 3}})
	})
	safetensors := func(metadata map[string]string) []byte {
		return write(t, func(w io.Writer) error { return WriteSafetensors(w, metadata, []Output{x}) })
	}
	dir := t.TempDir()
	for name, c := range map[string]struct {
		content []byte
		want    bool
	}{
		"npy":                 {npy, true},
		"npz":                 {write(t, func(w io.Writer) error { return WriteNPZ(w, []Output{x}) }), true},
		"safetensors":         {safetensors(map[string]string{"linquant.version": "1"}), true},
		"numpy's npy":         {fixture(t, "fortran_f4.npy"), false},
		"numpy's npz":         {fixture(t, "stored.npz"), false},
		"others' safetensors": {safetensors(map[string]string{"format": "pt", "by": "linquant."}), false},
		"a longest alignment": {npyFile("{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }"+strings.Repeat(" ", 127)+"\n", 3), false},
		"torch":               {fixture(t, "torch.zip.pt"), false},
		"cut npy":             {npy[:20], false},
		"empty":               {nil, false},
	} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, c.content, 0o600); err != nil {
			t.Fatal(err)
		}
		if got := Wrote(path); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if Wrote(dir) || Wrote(filepath.Join(dir, "none")) {
		t.Error("a folder, or what is not there, was written")
	}
}

// The header is a literal of Python, in which a tuple of one number has a comma behind it.
func TestNPYHeader(t *testing.T) {
	for want, shape := range map[string]tensor.Shape{"()": {}, "(3,)": {3}, "(1, 3)": {1, 3}} {
		n, err := shape.Elements()
		if err != nil {
			t.Fatal(err)
		}
		b := write(t, func(w io.Writer) error {
			return WriteNPY(w, tensor.Tensor{DType: tensor.Uint8, Shape: shape, Data: make([]byte, n)})
		})
		if dict := "{'descr': '|u1', 'fortran_order': False, 'shape': " + want + ", }"; !strings.Contains(string(b), dict) {
			t.Errorf("%v has the header %q, want %s", shape, b, dict)
		}
	}
}
