package onnx_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/onnx"
	"linquant/tensor"
)

// floatCase is a model of testdata/make_models.py with what PyTorch computes for it.
type floatCase struct {
	Input, Shape tensor.Shape
	Data         string // of the output, float32 as base64
}

func floatCases(t testing.TB) map[string]floatCase {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "float.json"))
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]floatCase{}
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	return cases
}

// input computes what values in make_models.py does.
func input(shape tensor.Shape) []float32 {
	n, _ := shape.Elements()
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(i*37%101-50) / 32
	}
	return x
}

func (c floatCase) output(t testing.TB) []float32 {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(c.Data)
	if err != nil {
		t.Fatal(err)
	}
	y := make([]float32, len(b)/4)
	for i := range y {
		y[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return y
}

// eval runs a network of one input and one output.
func eval(t testing.TB, g *graph.Graph, shape tensor.Shape, x []float32) tensor.Tensor {
	t.Helper()
	in, err := tensor.Of(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	out, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{g.Inputs[0]: in}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out[g.Outputs[0]]
}

// near checks float32 values against PyTorch's, whose sums are rounded in another order.
func near(t testing.TB, got tensor.Tensor, shape tensor.Shape, want []float32) {
	t.Helper()
	if !got.Shape.Equal(shape) {
		t.Errorf("shape %v, want %v", got.Shape, shape)
		return
	}
	x, err := got.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	for i := range want {
		if d := math.Abs(float64(x[i] - want[i])); !(d <= 2e-6*max(1, math.Abs(float64(want[i])))) {
			t.Errorf("element %d is %v, want %v", i, x[i], want[i])
			return
		}
	}
}

func export(t testing.TB, g *graph.Graph, cfg onnx.ExportConfig) []byte {
	t.Helper()
	var buf bytes.Buffer
	if err := onnx.Export(&buf, g, cfg); err != nil {
		t.Fatal(err)
	}
	return buf.Bytes()
}

// TestFloatModels holds import, and export in the oldest, the default and the newest opset and import again, to what
// PyTorch computes.
func TestFloatModels(t *testing.T) {
	for name, c := range floatCases(t) {
		t.Run(name, func(t *testing.T) {
			f, err := onnx.Open(t.Context(), filepath.Join("testdata", "float", name+".onnx"))
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			x, want := input(c.Input), c.output(t)
			near(t, eval(t, f.Graph, c.Input, x), c.Shape, want)

			one, oneOut := append(tensor.Shape{1}, c.Input[1:]...), append(tensor.Shape{1}, c.Shape[1:]...)
			near(t, eval(t, f.Graph, one, x[:len(x)/c.Input[0]]), oneOut, want[:len(want)/c.Shape[0]])

			for _, opset := range []int{0, oldest(name), 25} {
				data := export(t, f.Graph, onnx.ExportConfig{Opset: opset})
				back, err := onnx.Import(t.Context(), data, "back")
				if err != nil {
					t.Fatalf("opset %d: %v", opset, err)
				}
				if diff := cmp.Diff(eval(t, f.Graph, c.Input, x), eval(t, back, c.Input, x)); diff != "" {
					t.Errorf("opset %d: exported and imported it computes something else:\n%s", opset, diff)
				}
				if again := export(t, f.Graph, onnx.ExportConfig{Opset: opset}); !bytes.Equal(data, again) {
					t.Errorf("opset %d: two exports differ", opset)
				}
			}
		})
	}
}

// oldest returns the first opset that has what the model does.
func oldest(name string) int {
	for what, opset := range map[string]int{
		"gemm_no_c": 11, "slice_steps": 10, "max_pool_ceil": 10, "max_pool_dilated": 10, "hard_swish": 14, "torch_": 10, "expand": 8, "token": 8, "mask_": 9, "softmax_axis1_opset13": 13,
	} {
		if strings.Contains(name, what) {
			return opset
		}
	}
	return 7
}

// TestFloatModelsInRuntime runs what Export wrote with ONNX Runtime.
func TestFloatModelsInRuntime(t *testing.T) {
	ort.Require(t)
	dir := t.TempDir()
	for name := range floatCases(t) {
		f, err := onnx.Open(t.Context(), filepath.Join("testdata", "float", name+".onnx"))
		if err != nil {
			t.Fatal(err)
		}
		for _, opset := range []int{oldest(name), 13, 18, 25} {
			if opset < oldest(name) {
				continue
			}
			data := export(t, f.Graph, onnx.ExportConfig{Opset: opset})
			if err := os.WriteFile(filepath.Join(dir, name+"@"+strconv.Itoa(opset)+".onnx"), data, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		f.Close()
	}
	out, err := exec.CommandContext(t.Context(), os.Getenv("LINQUANT_ORT_PYTHON"), filepath.Join("testdata", "check_runtime.py"), dir).CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Error(err)
	}
}
