package graph_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// pseudo returns elements that look random, as value() of testdata/make_operators.py makes them: multiples of 1/64 from
// low/64 to low/64 + 4.
func pseudo(n, seed, low int) []float32 {
	x := make([]float32, n)
	for i, s := range states(n, seed, 257) {
		x[i] = float32(s+low) / 64
	}
	return x
}

// pseudoCodes returns codes in [lo, hi], as codes() of the script.
func pseudoCodes[T int8 | uint8 | int32](n, seed, lo, hi int) []T {
	x := make([]T, n)
	for i, s := range states(n, seed, hi-lo+1) {
		x[i] = T(lo + s)
	}
	return x
}

func states(n, seed, modulus int) []int {
	x := make([]int, n)
	for i := range x {
		x[i] = int((int64(seed)*104729 + int64(i)*7919 + int64(i)*int64(i)%1009*31) % int64(modulus))
	}
	return x
}

func of[T tensor.Element](t testing.TB, shape tensor.Shape, x []T) tensor.Tensor {
	t.Helper()
	v, err := tensor.Of(shape, x)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func elements(shape tensor.Shape) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// batch returns the shape with the symbolic batch in place of the first dimension.
func batch(shape tensor.Shape) tensor.Shape {
	return append(tensor.Shape{graph.Batch}, shape[1:]...)
}

func readJSON(t testing.TB, path string, v any) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, v); err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

// eval runs a graph with one output.
func eval(t testing.TB, g *graph.Graph, inputs map[string]tensor.Tensor) tensor.Tensor {
	t.Helper()
	out, err := graph.Eval(t.Context(), g, inputs, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out[g.Outputs[0]]
}

func floats(t testing.TB, v tensor.Tensor) []float32 {
	t.Helper()
	x, err := v.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// codesOf returns the elements of an int8 or uint8 tensor.
func codesOf(t testing.TB, v tensor.Tensor) []int32 {
	t.Helper()
	if !v.DType.IsInteger() {
		t.Fatalf("codes stored as %v", v.DType)
	}
	x := make([]int32, v.Elements())
	for i, f := range floats(t, v) {
		x[i] = int32(f)
	}
	return x
}

// quantize makes an existing value one of codes.
func quantize(g *graph.Graph, name string, p quant.Params) {
	g.Values[name].Quant = &p
}

func contains(t testing.TB, err error, parts ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error; it must say %q", parts)
	}
	for _, p := range parts {
		if !strings.Contains(err.Error(), p) {
			t.Errorf("the error says %q, and must say %q", err, p)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("the error has more than one line: %q", err)
	}
}
