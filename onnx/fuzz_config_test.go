package onnx

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
	"linquant/tensor"
)

// FuzzConstants binds every input of a model that has few elements to a constant, so that reading the model computes as
// much as it can: no panic, and no more memory than an import may take.
func FuzzConstants(f *testing.F) {
	for _, pattern := range []string{"testdata/float/*.onnx", "testdata/moves/*.onnx", "/usr/share/libonnx-testdata/data/node/*/model.onnx"} {
		paths, err := filepath.Glob(pattern)
		if err != nil {
			f.Fatal(err)
		}
		for _, path := range paths {
			data, err := os.ReadFile(path)
			if err != nil {
				f.Fatal(err)
			}
			if len(data) < 1<<14 {
				f.Add(data, int64(1))
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, step int64) {
		m, err := onnxpb.Read(data)
		if err != nil || m.Graph == nil {
			return
		}
		cfg := ImportConfig{Fixed: true, Constants: map[string]tensor.Tensor{}}
		size := len(data)
		for i := range m.Graph.Inputs {
			v := &m.Graph.Inputs[i]
			if c, ok := ramp(v, step); ok {
				cfg.Constants[v.Name] = c
				size += len(c.Data)
			}
		}
		if got := Allocated(func() { _, err = cfg.Import(t.Context(), data, "net.onnx") }); got > AllocationLimit(size) {
			t.Errorf("%d bytes allocated for %d", got, size)
		}
		if err != nil && (!strings.HasPrefix(err.Error(), "net.onnx: ") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("error %q", err)
		}
	})
}

// ramp is a constant for an input: small numbers.
func ramp(v *onnxpb.ValueInfo, step int64) (tensor.Tensor, bool) {
	e := elements.Types[v.Type]
	if e.Bits < 8 || e.File.IsFloat() && e.File != tensor.Float32 || len(v.Dims) > 8 {
		return tensor.Tensor{}, false
	}
	shape, n := tensor.Shape{}, int64(1)
	for _, d := range v.Dims {
		if n *= d.Value; d.Value < 1 || n > 256 {
			return tensor.Tensor{}, false
		}
		shape = append(shape, int(d.Value))
	}
	x := make([]int64, n)
	for i := range x {
		x[i] = int64(i) * step % 5
	}
	if e.File == tensor.Float32 {
		f := make([]float32, n)
		for i := range f {
			f[i] = float32(x[i])
		}
		t, err := tensor.Of(shape, f)
		return t, err == nil
	}
	for i := range x {
		if e.File == tensor.Bool {
			x[i] &= 1
		}
	}
	t, err := tensor.New(e.File, shape, elements.EncodeInts(x, e.Bits/8))
	return t, err == nil
}
