package diagnose

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"linquant/checkpoint"
	"linquant/tensor"
)

// What PyTorch makes of a network, and why it differs: it multiplies by a reciprocal where it quantizes; QNNPACK has its
// multipliers from scales in another order, and counts padding in averages though it was asked not to; oneDNN adds the
// zero point before it rounds.
func TestTorch(t *testing.T) {
	python := os.Getenv("LINQUANT_TORCH_PYTHON")
	if python == "" {
		t.Skip("set LINQUANT_TORCH_PYTHON to a Python that has torch, numpy and onnx")
	}
	for engine, want := range map[string]map[string]string{
		"qnnpack": {
			"q": "a reciprocal instead of a division", "conv": "a multiplier rounded otherwise",
			"pool": "padding counted otherwise in averages", "relu": "", "max": "",
		},
		"onednn": {
			"q": "a reciprocal instead of a division", "conv": "the zero point added before rounding",
			"pool": "", "relu": "", "max": "",
		},
	} {
		t.Run(engine, func(t *testing.T) {
			dump, err := filepath.Abs(filepath.Join(t.TempDir(), "dump.npz"))
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(python, "torch_dump.py", engine, "net.equal.npz", dump)
			cmd.Dir = "testdata"
			if out, err := cmd.CombinedOutput(); err != nil {
				if text := string(out); strings.Contains(text, "PyTorch has no engine") || strings.Contains(text, "No module named 'onnx'") {
					t.Skip(text)
				}
				t.Fatalf("%v: %s", err, out)
			}
			f, err := checkpoint.Open(dump)
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
			r := compare(t, network(t, "net"), arrays)
			got := map[string]string{}
			if r.First >= 0 {
				got[r.Layers[r.First].Value] = strings.Join(names(r.Causes), "; ")
			}
			for _, l := range r.Later {
				got[l.Value] = strings.Join(names(l.Causes), "; ")
			}
			t.Log(got)
			for value, cause := range want {
				if got[value] != cause {
					t.Errorf("%q: %q, want %q", value, got[value], cause)
				}
			}
		})
	}
}
