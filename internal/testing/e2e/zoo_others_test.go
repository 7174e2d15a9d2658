package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"linquant/calib"
	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/tensor"
)

// Models that ONNX Runtime's quantizer made compute what ONNX Runtime does: the outputs of a few are stored.
func TestZooOfOthers(t *testing.T) {
	f, err := checkpoint.Open(filepath.Join(zooFolder, "quantized.npz"))
	must(t, err)
	defer f.Close()
	for _, stored := range f.Tensors() {
		t.Run(stored.Name, func(t *testing.T) {
			want, err := stored.Float32s(nil)
			must(t, err)
			n := foreign(t, filepath.Join(zooFolder, "quantized_"+stored.Name+".onnx"))
			images := stored.Shape[0]
			x := n.images(t, images)
			got := logits(t, compile(t, n.float, engine.Config{}), x, images)
			if d := difference(got, want); !(d <= 0.02) { // a step in one layer may have become a few in the last
				t.Errorf("outputs are %.2g of the largest away\n%v\n%v", d, got, want)
			}
			sameAsReference(t, n.float, trace(t, compile(t, n.float, engine.Config{KeepAll: true}), x), x)
		})
	}
}

// All networks in all variants, layer by layer. They are made here, which takes a while.
func TestZooOfOthersInONNXRuntime(t *testing.T) {
	ort.Require(t)
	paths := made(t, "LINQUANT_ORT_PYTHON", "quantize_zoo.py", "--all")
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".onnx")
		t.Run(name, func(t *testing.T) {
			if ort.Saturates() && (strings.Contains(name, "s8_") || strings.HasSuffix(name, "_s8")) {
				t.Skip("ONNX Runtime's sums of products with int8 weights saturate on this processor")
			}
			if strings.Contains(name, "_dynamic_") {
				compareDynamic(t, path)
				return
			}
			n := foreign(t, path)
			// How many codes are at a tie is not for us to say: 3, the constant of a hard-swish, may be 127.5 steps.
			for _, c := range compareLayers(t, n, path, strings.Contains(name, "_qdq_"), batch) {
				c.judge(t)
			}
		})
	}
}

// The float networks at all opsets compute the same: those that PyTorch exports, and newer ones.
func TestZooOfOpsets(t *testing.T) {
	ort.Require(t)
	paths := made(t, "LINQUANT_ORT_PYTHON", "quantize_zoo.py", "--newer")
	if os.Getenv("LINQUANT_TORCH_PYTHON") != "" {
		paths = append(paths, made(t, "LINQUANT_TORCH_PYTHON", "make_zoo.py", "--small")...)
	}
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".onnx")
		t.Run(name, func(t *testing.T) { compareFloats(t, openNetwork(t, name, path), path, 3) })
	}
}

// made lets a script of the zoo write models and lists their files, several of each network.
func made(t *testing.T, python, script, what string) []string {
	t.Helper()
	folder := t.TempDir()
	run := exec.Command(os.Getenv(python), filepath.Join(zooFolder, script), what, folder)
	if log, err := run.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, log)
	}
	paths, err := filepath.Glob(filepath.Join(folder, "*.onnx"))
	must(t, err)
	if len(paths) <= len(zoo) {
		t.Fatalf("%d models", len(paths))
	}
	return paths
}

// foreign opens a quantized network that somebody else has made.
func foreign(t testing.TB, path string) *network {
	t.Helper()
	g, err := graph.InferShapes(imported(t, path))
	must(t, err)
	n := &network{name: filepath.Base(path), float: g, ranges: map[int]calib.Ranges{}}
	n.open = func(split string) (dataset.Set, error) { return smooth{n.shape(), split}, nil }
	if v := g.Value(g.Inputs[0]); v.DType != tensor.Float32 {
		t.Fatalf("the input is %v", v.DType)
	}
	return n
}
