package onnx

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"linquant/graph"
	"linquant/internal/testing/datadir"
	"linquant/internal/testing/ort"
	"linquant/onnx/internal/onnxtest"
	"linquant/quant"
	"linquant/tensor"
)

// codesOf returns the values that hold codes and that nodes compute, which is what the comparison asks for.
func codesOf(g *graph.Graph) []string {
	var names []string
	for _, n := range g.Nodes {
		if g.Values[n.Outputs[0]].Quant != nil {
			names = append(names, n.Outputs[0])
		}
	}
	return names
}

// export writes a network to a file.
func export(t testing.TB, g *graph.Graph, cfg ExportConfig) string {
	t.Helper()
	var b bytes.Buffer
	if err := Export(&b, g, cfg); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// compareWithORT runs an ONNX file in ONNX Runtime and in the reference evaluator, layer by layer. exact says whether the
// layers with weights ran in integers there: those of QDQ do only where ONNX Runtime has fused them.
func compareWithORT(t *testing.T, path string, in map[string]tensor.Tensor, exact func(plain bool, operators map[string]int) bool, total *tally) {
	t.Helper()
	f, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	g := f.Graph
	for _, plain := range []bool{true, false} {
		r := ort.RunDetailed(t, path, in, codesOf(g), ort.Options{DisableOptimizations: plain, IgnoreMissing: true})
		for name, x := range in {
			r.Values[name] = x
		}
		layers, err := ort.Compare(g, r.Values)
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range layers {
			total.add(l)
			l.Exact = l.Exact && exact(plain, r.Operators)
			if err := l.Check(); err != nil {
				t.Errorf("optimizations %v: %v", !plain, err)
			}
		}
		if !plain {
			total.fused += integerLayers(r.Operators)
		}
		if t.Failed() {
			t.Fatalf("%v\n%s", r.Operators, onnxtest.Dump(g))
		}
	}
}

// integersOf returns whether ONNX Runtime runs our export of a network in integers: always in QOperator, with
// optimizations in QDQ if it has fused as many layers as there are.
func integersOf(f Format, g *graph.Graph) func(bool, map[string]int) bool {
	layers := 0
	for _, n := range g.Nodes {
		if n.Op == graph.Conv || n.Op == graph.Gemm || n.Op == graph.MatMul {
			layers++
		}
	}
	return func(plain bool, operators map[string]int) bool {
		return f == QOperator || !plain && integerLayers(operators) >= layers
	}
}

// integerLayers counts the layers with weights that ran in integers.
func integerLayers(operators map[string]int) int {
	return operators["QLinearConv"] + operators["QLinearMatMul"] + operators["QGemm"]
}

// compareOutputs compares whole networks: the error of a step in one layer may have grown to a few.
func compareOutputs(t *testing.T, g *graph.Graph, x tensor.Tensor, theirs map[string]tensor.Tensor) {
	t.Helper()
	for name, ours := range onnxtest.EvalOutputs(t, g, x) {
		a, _ := ours.Float32s()
		b, err := theirs[name].Float32s()
		if err != nil || len(a) != len(b) {
			t.Fatalf("output %q: %d elements, %d of ours, %v", name, len(b), len(a), err)
		}
		p := g.Values[g.Producers()[name].Inputs[0]].Quant
		for i := range a {
			if d := math.Abs(float64(a[i]-b[i])) / float64(p.Scale[0]); d > 2.5 {
				t.Errorf("output %q[%d] is %g, ours is %g, %.1f steps apart", name, i, b[i], a[i], d)
			}
		}
	}
}

// tally counts what was compared.
type tally struct{ exact, integers, wrong, other, elements, differ, fused int }

func (c *tally) add(l ort.Layer) {
	if l.Exact {
		c.exact++
		c.integers += l.Elements
		c.wrong += l.Differ
		return
	}
	c.other++
	c.elements += l.Elements
	c.differ += l.Differ
}

func (c *tally) String() string {
	return fmt.Sprintf("%d layers with weights, %d of %d integers differ; %d others, %d of %d integers a step apart; %d integer layers in the optimized models",
		c.exact, c.wrong, c.integers, c.other, c.differ, c.elements, c.fused)
}

// Every layer of our exports, given the same input integers, gives the same output integers in ONNX Runtime.
func TestExportInONNXRuntime(t *testing.T) {
	ort.Require(t)
	networks := 60
	if testing.Short() {
		networks = 10
	}
	for _, cfg := range []ExportConfig{{Format: QOperator}, {Format: QDQ}} {
		t.Run(fmt.Sprint(cfg.Format), func(t *testing.T) {
			var total tally
			for seed := range uint64(networks) {
				g := onnxtest.RandomNetwork(seed, 8, onnxtest.Limits{})
				g.Requant = quant.ONNX
				ort.FitPairs(g)
				path := export(t, g, cfg)
				t.Run(fmt.Sprint(seed), func(t *testing.T) {
					compareWithORT(t, path, map[string]tensor.Tensor{"x": onnxtest.RandomInput(t, g, seed, 2)}, integersOf(cfg.Format, g), &total)
				})
			}
			for i, act := range []quant.Type{quant.Uint(8), quant.Int(8)} {
				for _, channels := range []bool{false, true} {
					weights := quant.Int(8)
					if ort.Saturates() {
						weights = quant.Int(7) // pairs of products fit int16
					}
					g := onnxtest.ResidualNetwork(uint64(i), act, weights, channels)
					path := export(t, g, cfg)
					t.Run(fmt.Sprintf("residual,%v,channels=%v", act, channels), func(t *testing.T) {
						compareWithORT(t, path, map[string]tensor.Tensor{"x": onnxtest.RandomInput(t, g, 7, 4)}, integersOf(cfg.Format, g), &total)
						in := map[string]tensor.Tensor{"x": onnxtest.RandomInput(t, g, 7, 4)}
						r := ort.RunDetailed(t, path, in, nil, ort.Options{})
						// On x86 ONNX Runtime rewrites int8 activations to uint8 first, which it does not manage everywhere.
						if n := integerLayers(r.Operators); n != 6 && (act.Unsigned || cfg.Format == QOperator) {
							t.Errorf("ONNX Runtime runs %d of 6 layers in integers: %v", n, r.Operators)
						}
						compareOutputs(t, g, in["x"], r.Values)
					})
				}
			}
			t.Log(&total)
		})
	}
}

// Models with int4 tensors load and give the same outputs, but for the layers that are computed in floats there.
func TestInt4InONNXRuntime(t *testing.T) {
	ort.Require(t)
	for _, act := range []quant.Type{quant.Uint(8), quant.Uint(4), quant.Int(4)} {
		t.Run(act.String(), func(t *testing.T) {
			g := onnxtest.ResidualNetwork(3, act, quant.Int(4), true)
			path := export(t, g, ExportConfig{Format: QDQ, Int4: true})
			x := onnxtest.RandomInput(t, g, 8, 2)
			for _, plain := range []bool{true, false} { // with optimizations it moves codes through operators
				compareOutputs(t, g, x, ort.Run(t, path, map[string]tensor.Tensor{"x": x}, nil, ort.Options{DisableOptimizations: plain}))
			}
		})
	}
}

// Codes of 4 bits that pools read have 8 in the file, also with int4 weights: ONNX Runtime moves codes through a MaxPool, which
// it has not of 4 bits, and refuses such a file.
func TestNarrowPoolInONNXRuntime(t *testing.T) {
	ort.Require(t)
	for _, act := range []quant.Type{quant.Uint(4), quant.Int(4), quant.Uint(3)} {
		p := quant.TensorParams(act, 0.25, 2)
		g := graph.New("pool")
		g.AddInput("x", tensor.Shape{graph.Batch, 3, 8, 8})
		for _, n := range []struct {
			op        graph.Op
			out, in   string
			quantized bool
		}{{graph.QuantizeLinear, "q", "x", true}, {graph.MaxPool, "p", "q", true}, {graph.DequantizeLinear, "y", "p", false}} {
			attrs := graph.Attrs{}
			if n.op == graph.MaxPool {
				attrs = graph.Attrs{"kernel_shape": []int{2, 2}, "strides": []int{2, 2}}
			}
			g.AddNode(n.op, n.out, n.out, attrs, n.in)
			if v := g.Values[n.out]; n.quantized {
				v.Quant, v.DType = &p, act.Storage()
			}
		}
		g.Outputs = []string{"y"}
		g, err := graph.InferShapes(g)
		if err != nil {
			t.Fatal(err)
		}
		x := onnxtest.RandomInput(t, g, 8, 2)
		want := onnxtest.EvalOutputs(t, g, x)["y"]
		for _, plain := range []bool{true, false} {
			got := ort.Run(t, export(t, g, ExportConfig{Int4: true}), map[string]tensor.Tensor{"x": x}, nil, ort.Options{DisableOptimizations: plain})["y"]
			if !bytes.Equal(got.Data, want.Data) {
				t.Errorf("%v: another output", act)
			}
		}
	}
}

// A real QDQ model that others made.
func TestRealQDQInONNXRuntime(t *testing.T) {
	ort.Require(t)
	if ort.Saturates() {
		t.Skip("ONNX Runtime's sums of products with its int8 weights saturate on this processor")
	}
	path := datadir.File(t, "models/ece_model_int8.onnx")
	r := rand.New(rand.NewPCG(1, 1))
	x := make([]float32, 96*96)
	for i := range x {
		x[i] = r.Float32()
	}
	in, err := tensor.Of(tensor.Shape{1, 1, 96, 96}, x)
	if err != nil {
		t.Fatal(err)
	}
	var total tally
	compareWithORT(t, path, map[string]tensor.Tensor{"input": in}, func(plain bool, operators map[string]int) bool {
		return !plain && integerLayers(operators) == 3
	}, &total)
	if total.fused != 3 || total.exact != 6 {
		t.Errorf("the model has 3 layers with weights: %v", &total)
	}
	t.Log(&total)
}
