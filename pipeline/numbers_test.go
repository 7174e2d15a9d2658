package pipeline_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"testing"

	"linquant/checkpoint"
	"linquant/dataset"
	"linquant/pipeline"
	"linquant/tensor"
)

// saved returns a set of two examples of the built-in network's shape.
func saved[T tensor.Element](t *testing.T, x []T) dataset.Set {
	t.Helper()
	a, err := tensor.Of(tensor.Shape{2, 3, 32, 32}, x)
	if err != nil {
		t.Fatal(err)
	}
	y, err := tensor.Of(tensor.Shape{2}, []float32{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := checkpoint.WriteNPZ(&b, []checkpoint.Output{checkpoint.FromTensor("x", a), checkpoint.FromTensor("y", y)}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "x.npz")
	if err := os.WriteFile(path, b.Bytes(), 0o666); err != nil {
		t.Fatal(err)
	}
	s, err := dataset.Open(t.Context(), "npz:"+path, dataset.Test)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Integers that are no pixels are said to be none, and values that are no numbers are counted.
func TestNumbers(t *testing.T) {
	const n = 2 * 3 * 32 * 32
	p := silent(t).Preparation(saved(t, make([]int32, n)))
	if p.String() != "int32 numbers as they are" || !says(p.Warnings(), "silent is given int32 numbers as they are: they are not prepared as pixels") {
		t.Errorf("%v: %v", p, p.Warnings())
	}
	x := make([]float32, n)
	if p := silent(t).Preparation(saved(t, x)); len(p.Warnings()) > 0 || p.String() != "numbers as they are" {
		t.Errorf("%v: %v", p, p.Warnings())
	}
	x[5], x[4000] = float32(math.NaN()), float32(math.NaN())
	r := quantized(t, pipeline.Config{})
	d, err := pipeline.Measure(t.Context(), r.Network, r.Network, saved(t, x), pipeline.MeasureConfig{})
	if err != nil || !says(d.Warnings, `input "input", of npz`) || !says(d.Warnings, "has 2 values that are no numbers (NaN)") {
		t.Errorf("%v, %v", d, err)
	}
}
