package pipeline_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/checkpoint"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/tensor"
)

// stepsNet writes a network of x [N, steps, 6] to a file: two layers and a table of positions of which as many rows are taken as there are steps.
func stepsNet(t *testing.T) string {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 8))
	reals := func(name string, dims ...int64) onnxpb.Tensor {
		c := onnxpb.Tensor{Name: name, Dims: dims, Type: onnxpb.Float}
		n := int64(1)
		for _, d := range dims {
			n *= d
		}
		for range n {
			c.Raw = binary.LittleEndian.AppendUint32(c.Raw, math.Float32bits(float32(r.NormFloat64())))
		}
		return c
	}
	ints := func(name string, v int64) onnxpb.Tensor {
		return onnxpb.Tensor{Name: name, Dims: []int64{1}, Type: onnxpb.Int64, Raw: binary.LittleEndian.AppendUint64(nil, uint64(v))}
	}
	node := func(op, out string, inputs ...string) onnxpb.Node {
		return onnxpb.Node{Name: out, Op: op, Inputs: inputs, Outputs: []string{out}}
	}
	open := []onnxpb.Dim{{Value: -1, Param: "N"}, {Value: -1, Param: "steps"}, {Value: 6}}
	m := &onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 13}}, Graph: &onnxpb.Graph{
		Name:         "steps",
		Inputs:       []onnxpb.ValueInfo{{Name: "x", Type: onnxpb.Float, HasShape: true, Dims: open}},
		Outputs:      []onnxpb.ValueInfo{{Name: "y", Type: onnxpb.Float, HasShape: true, Dims: open}},
		Initializers: []onnxpb.Tensor{reals("W", 6, 6), reals("V", 6, 6), reals("table", 1, 200, 6), ints("zero", 0), ints("one", 1)},
		Nodes: []onnxpb.Node{
			node("Shape", "shape", "x"), node("Gather", "steps", "shape", "one"), node("Slice", "rows", "table", "zero", "steps", "one"),
			node("MatMul", "a", "x", "W"), node("Relu", "b", "a"), node("Add", "c", "b", "rows"), node("MatMul", "y", "c", "V"),
		},
	}}
	var b bytes.Buffer
	if err := m.Write(&b); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "steps.onnx")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// lengthsIn writes a folder with a file of three examples of each of the lengths, and returns its data specification.
func lengthsIn(t *testing.T, lengths ...int) string {
	t.Helper()
	dir := t.TempDir()
	for i, steps := range lengths {
		r, x := rand.New(rand.NewPCG(uint64(i), uint64(steps))), make([]float32, 3*steps*6)
		for k := range x {
			x[k] = float32(r.NormFloat64()) * float32(i+1)
		}
		a, err := tensor.Of(tensor.Shape{3, steps, 6}, x)
		if err != nil {
			t.Fatal(err)
		}
		var b bytes.Buffer
		if err := checkpoint.WriteNPZ(&b, []checkpoint.Output{checkpoint.FromTensor("x", a)}); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.npz", i)), b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return "npz:" + dir
}

// Examples of several lengths give the ranges that those of each length give together, and what is written takes any length.
func TestCalibrateVaried(t *testing.T) {
	path := stepsNet(t)
	all := lengthsIn(t, 4, 9, 4)
	dir := strings.TrimPrefix(all, "npz:")
	short, long := "npz:"+filepath.Join(dir, "[02].npz"), "npz:"+filepath.Join(dir, "1.npz")
	quantize := func(data string, limit int) *pipeline.Result {
		t.Helper()
		r, err := pipeline.Quantize(t.Context(), pipeline.Config{
			Model: path, Open: pipeline.OpenConfig{Vary: true}, Calibration: pipeline.Calibration{Data: pipeline.Data{Spec: data, Limit: limit}},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { r.Close() })
		return r
	}
	r, a, b := quantize(all, 0), quantize(short, 0), quantize(long, 0)
	if len(r.Ranges) < 3 || len(r.Ranges) != len(a.Ranges) {
		t.Fatalf("%d ranges, and %d of one length", len(r.Ranges), len(a.Ranges))
	}
	differ := false
	for value, got := range r.Ranges {
		lo, hi := min(a.Ranges[value].Lo, b.Ranges[value].Lo), max(a.Ranges[value].Hi, b.Ranges[value].Hi)
		if got.Lo != lo || got.Hi != hi {
			t.Errorf("%s: [%g, %g], want [%g, %g]", value, got.Lo, got.Hi, lo, hi)
		}
		differ = differ || a.Ranges[value] != b.Ranges[value]
	}
	if !differ {
		t.Error("both lengths have the same ranges, so that nothing was tested")
	}
	if r.ExamplesSHA256 == "" || r.ExamplesSHA256 == a.ExamplesSHA256 {
		t.Errorf("the hash of the examples is %q", r.ExamplesSHA256)
	}
	if first := quantize(all, 3); first.Ranges["x"] == r.Ranges["x"] {
		t.Error("the first three examples, which are of one file, have the ranges of all")
	}
	var file bytes.Buffer
	if err := r.Export(&file, onnx.ExportConfig{Bound: func(err *onnx.BoundError) { t.Error(err) }}); err != nil {
		t.Fatal(err)
	}
	for _, steps := range []int{1, 5, 31} {
		n, err := pipeline.Read(t.Context(), file.Bytes(), "written", pipeline.OpenConfig{ONNX: onnx.ImportConfig{Shapes: map[string]tensor.Shape{"x": {1, steps, 6}}}})
		if err != nil {
			t.Fatal(err)
		}
		if shape := n.Graph().Value("y").Shape; shape[1] != steps || !n.Quantized() {
			t.Errorf("%d steps: y is %v, quantized %v", steps, shape, n.Quantized())
		}
	}
	found := false
	for _, i := range r.Report.Float {
		found = found || i.Node == "c" && strings.Contains(i.Reason, "another constant")
	}
	if !found {
		t.Errorf("the sum with the table is not in floating point: %+v", r.Report.Float)
	}
}

// A network of one shape refuses examples of several, and so does what wants to see examples.
func TestCalibrateVariedRefused(t *testing.T) {
	path, data := stepsNet(t), lengthsIn(t, 4, 9)
	if _, err := pipeline.Quantize(t.Context(), pipeline.Config{
		Model: path, Calibration: pipeline.Calibration{Data: pipeline.Data{Spec: data}},
	}); err == nil || !strings.Contains(err.Error(), "no fixed length") {
		t.Errorf("without a shape: %v", err)
	}
	cfg := pipeline.Config{Model: path, Open: pipeline.OpenConfig{Vary: true}, Calibration: pipeline.Calibration{Data: pipeline.Data{Spec: data}}}
	cfg.Quant.WeightBits = 4
	if _, err := pipeline.Quantize(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), "its examples have the shape [4, 6]") {
		t.Errorf("reconstructed weights: %v", err)
	}
}
