package onnx_test

import (
	"bytes"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/checkpoint"
	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/testing/kerneltest"
	"linquant/onnx"
	"linquant/tensor"
)

// ONNX Runtime's own operators on codes make its codes, all of them (testdata/make_qlinear.py): in the evaluator, in the
// engine on every tier, and once they were written and read again.
func TestQLinearOperators(t *testing.T) {
	f, err := onnx.Open(t.Context(), "testdata/qlinear.onnx")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	values := readArrays(t, "testdata/qlinear.npz")
	inputs := map[string]tensor.Tensor{}
	var reals [][]float32
	for _, name := range f.Graph.Inputs {
		inputs[name] = values[name]
		x, err := values[name].Float32s()
		if err != nil {
			t.Fatal(err)
		}
		reals = append(reals, x)
	}
	compare := func(t *testing.T, name string, got []byte) {
		t.Helper()
		differ := 0
		for i, q := range values[name].Data {
			if q != got[i] {
				differ++
			}
		}
		if differ > 0 {
			t.Errorf("%s: %d of %d codes differ", name, differ, len(got))
		}
	}
	graphs := map[string]*graph.Graph{"read": f.Graph}
	for _, format := range []onnx.Format{onnx.QDQ, onnx.QOperator} {
		var b bytes.Buffer
		if err := onnx.Export(&b, f.Graph, onnx.ExportConfig{Format: format}); err != nil {
			t.Fatal(err)
		}
		if graphs[format.String()], err = onnx.Import(t.Context(), b.Bytes(), "again.onnx"); err != nil {
			t.Fatal(err)
		}
	}
	for how, g := range graphs {
		t.Run(how, func(t *testing.T) {
			out, err := graph.Eval(t.Context(), g, inputs, nil)
			if err != nil {
				t.Fatal(err)
			}
			for _, name := range g.Outputs {
				compare(t, name, out[name].Data)
			}
		})
	}
	kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
		p, err := engine.Compile(t.Context(), f.Graph, engine.Config{Threads: 2, CPU: tier.String()})
		if err != nil {
			t.Fatal(err)
		}
		outputs := make([][]float32, len(f.Graph.Outputs))
		for i, name := range f.Graph.Outputs {
			outputs[i] = make([]float32, values[name].Elements())
		}
		if err := p.Run(t.Context(), outputs, reals); err != nil {
			t.Fatal(err)
		}
		for i, name := range f.Graph.Outputs {
			q := f.Graph.Values[name].Quant
			got := make([]byte, len(outputs[i]))
			for k, x := range outputs[i] {
				got[k] = byte(int32(math.RoundToEven(float64(x/q.Scale[0]))) + q.ZeroPointOf(0))
			}
			compare(t, name, got)
		}
	})
}

// What the engine says of itself: none of these is an island but Softmax.
func TestQLinearOperatorsAreIntegers(t *testing.T) {
	f, err := onnx.Open(t.Context(), "testdata/qlinear.onnx")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	kinds := map[graph.Op]int{}
	for _, n := range f.Graph.Nodes {
		if graph.IsQLinear(n) {
			kinds[n.Op]++
		}
	}
	want := map[graph.Op]int{graph.Add: 20, graph.Mul: 8, graph.AveragePool: 18, graph.GlobalAveragePool: 6}
	if diff := cmp.Diff(want, kinds); diff != "" {
		t.Errorf("nodes that round as ONNX Runtime does (-want +got):\n%s", diff)
	}
}

// readArrays reads all arrays of an npz file.
func readArrays(t testing.TB, path string) map[string]tensor.Tensor {
	t.Helper()
	f, err := checkpoint.Open(path)
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
	return arrays
}
