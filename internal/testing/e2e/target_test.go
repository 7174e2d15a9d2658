package e2e

import (
	"errors"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"linquant/checkpoint"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/tensor"
)

// saturating is a network whose layers of 8 bits saturate sums of pairs nearly everywhere, with a depthwise layer in the middle, and examples for it:
// weights of one sign meet inputs of one sign.
func saturating(t *testing.T) (*pipeline.Network, string, []float32) {
	t.Helper()
	r := rand.New(rand.NewPCG(7, 7))
	g := graph.New("saturating")
	weight := func(name string, shape ...int) string {
		n, err := tensor.Shape(shape).Elements()
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, n)
		for i := range x {
			x[i] = 0.7 + 0.3*r.Float32()
			if i/(n/shape[0])/4%2 == 1 { // channels that are added in one pair have one sign
				x[i] = -x[i]
			}
		}
		g.AddConst(name, mustOf(t, shape, x))
		return name
	}
	g.AddInput("x", tensor.Shape{graph.Batch, 8, 9, 9})
	y := g.AddNode(graph.Conv, "conv", "c1", graph.Attrs{"pads": []int{1, 1, 1, 1}}, "x", weight("w1", 16, 8, 3, 3))
	y = g.AddNode(graph.Conv, "depthwise", "c2", graph.Attrs{"group": 16, "pads": []int{1, 1, 1, 1}}, y, weight("w2", 16, 1, 3, 3))
	y = g.AddNode(graph.Conv, "pointwise", "c3", nil, y, weight("w3", 12, 16, 1, 1))
	y = g.AddNode(graph.GlobalAveragePool, "pool", "p", nil, y)
	y = g.AddNode(graph.Flatten, "flat", "f", nil, y)
	g.Outputs = []string{g.AddNode(graph.MatMul, "matmul", "y", nil, y, weight("w4", 12, 10))}
	n, err := pipeline.NewNetwork(g)
	if err != nil {
		t.Fatal(err)
	}
	const examples = 8
	x := make([]float32, examples*8*81)
	for i := range x {
		x[i] = 1 - 0.2*r.Float32()
	}
	path := filepath.Join(t.TempDir(), "x.npz")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := checkpoint.WriteNPZ(f, []checkpoint.Output{checkpoint.FromTensor("x", mustOf(t, tensor.Shape{examples, 8, 9, 9}, x))}); err != nil {
		t.Fatal(err)
	}
	return n, path, x
}

// What is made for ONNX Runtime is computed there as here, by its own default, on processors too on which it saturates what is made for none;
// there this test would notice a target that does nothing.
func TestTargetORT(t *testing.T) {
	ort.Require(t)
	for _, target := range []ptq.Target{"", ptq.ONNXRuntime, ptq.OpenVINO} {
		for _, dynamic := range []bool{false, true} {
			n, data, x := saturating(t)
			cfg := pipeline.Config{Network: n, Dynamic: dynamic}
			if !dynamic {
				cfg.Calibration.Data.Spec = "npz:" + data
			}
			target.Apply(&cfg.Quant)
			r, err := pipeline.Quantize(t.Context(), cfg)
			if err != nil {
				t.Fatal(err)
			}
			saturate := r.Network.PairsSaturate()
			if fits := len(saturate) == 0; fits == (target == "") || slices.Contains(saturate, "depthwise") {
				t.Errorf("target %q: %v may saturate", target, saturate)
			}
			g, err := r.Network.Folded(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			examples := len(x) / (8 * 81)
			if dynamic { // its ranges are of whole tensors
				examples = 1
			}
			x = x[:examples*8*81]
			ours := logits(t, compile(t, g, engine.Config{}), x, examples)
			formats := []onnx.Format{onnx.QDQ, onnx.QOperator}
			if dynamic {
				formats = formats[:1]
			}
			for _, format := range formats {
				path := filepath.Join(t.TempDir(), "model.onnx")
				write(t, path, g, onnx.ExportConfig{Format: format})
				theirs := floatsOf(t, ort.Run(t, path, map[string]tensor.Tensor{"x": mustOf(t, tensor.Shape{examples, 8, 9, 9}, x)}, nil, ort.Options{})["y"])
				d := difference(theirs, ours)
				most := 0.0 // codes are equal
				if dynamic {
					most = 1e-5 // reals are added in another order between layers
				}
				switch same := d <= most; {
				case target != "" && !same:
					t.Errorf("target %q, dynamic %v, %v: ONNX Runtime is %.3g of the largest away", target, dynamic, format, d)
				case target == "" && ort.Saturates() && same:
					t.Errorf("without a target, dynamic %v, %v: ONNX Runtime does not saturate, so that this test shows nothing", dynamic, format)
				}
			}
		}
	}
}

// openVINO runs the model argv[1] on the array argv[2] and writes the first output to argv[3].
const openVINO = `
import sys
import numpy as np
import openvino
model = openvino.Core().compile_model(sys.argv[1], "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
np.save(sys.argv[3], model(np.load(sys.argv[2]))[0])
`

// OpenVINO has roundings of its own between layers, so that codes may be a step apart; what is made for it comes near to what is computed here, by a
// multiple of what saturates.
func TestTargetOpenVINO(t *testing.T) {
	python := os.Getenv("LINQUANT_OPENVINO_PYTHON")
	if python == "" {
		t.Skip("set LINQUANT_OPENVINO_PYTHON to a Python that has openvino and numpy")
	}
	away := map[ptq.Target]float64{}
	for _, target := range []ptq.Target{"", ptq.OpenVINO} {
		n, data, x := saturating(t)
		cfg := pipeline.Config{Network: n, Calibration: pipeline.Calibration{Data: pipeline.Data{Spec: "npz:" + data}}}
		target.Apply(&cfg.Quant)
		r, err := pipeline.Quantize(t.Context(), cfg)
		if err != nil {
			t.Fatal(err)
		}
		g, err := r.Network.Folded(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		examples := len(x) / (8 * 81)
		ours := logits(t, compile(t, g, engine.Config{}), x, examples)
		dir := t.TempDir()
		model, in, out := filepath.Join(dir, "model.onnx"), filepath.Join(dir, "x.npy"), filepath.Join(dir, "y.npy")
		write(t, model, g, onnx.ExportConfig{})
		f, err := os.Create(in)
		if err != nil {
			t.Fatal(err)
		}
		err = checkpoint.WriteNPY(f, mustOf(t, tensor.Shape{examples, 8, 9, 9}, x))
		if err := errors.Join(err, f.Close()); err != nil {
			t.Fatal(err)
		}
		if said, err := exec.CommandContext(t.Context(), python, "-c", openVINO, model, in, out).CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, said)
		}
		file, err := checkpoint.Open(out)
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := file.Tensors()[0].Float32s(nil)
		if err := errors.Join(err, file.Close()); err != nil {
			t.Fatal(err)
		}
		away[target] = difference(theirs, ours)
	}
	t.Logf("of the largest output away: %.3g without a target, %.3g with it", away[""], away[ptq.OpenVINO])
	if away[ptq.OpenVINO] > 0.02 {
		t.Errorf("OpenVINO is %.3g of the largest output away", away[ptq.OpenVINO])
	}
	if ort.Saturates() && away[""] < 0.1 {
		t.Errorf("without a target it is %.3g away, so that this test shows nothing", away[""])
	}
}
