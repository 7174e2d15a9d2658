package onnx

import (
	"bytes"
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

// FuzzPart takes parts of models, from one value to another: no panic, errors of one line, and what is written of a part decodes, and has
// the part's outputs.
func FuzzPart(f *testing.F) {
	paths, err := filepath.Glob("testdata/*/*.onnx")
	if err != nil {
		f.Fatal(err)
	}
	for i, path := range paths {
		if data, err := os.ReadFile(path); err == nil && len(data) < 1<<13 {
			f.Add(data, uint8(i), uint8(i/3), i%2 == 0)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte, from, to uint8, begins bool) {
		m, err := onnxpb.Read(data)
		if err != nil || m.Graph == nil {
			return
		}
		var values []string
		for i := range m.Graph.Nodes {
			values = append(values, m.Graph.Nodes[i].Outputs...)
		}
		if len(values) == 0 {
			return
		}
		cfg := ImportConfig{Outputs: []string{values[int(to)%len(values)]}}
		if begins {
			cfg.Inputs = []string{values[int(from)%len(values)]}
		}
		if _, err := cfg.Import(t.Context(), data, "net.onnx"); err != nil && (!strings.HasPrefix(err.Error(), "net.onnx: ") || strings.Contains(err.Error(), "\n")) {
			t.Errorf("error %q", err)
		}
		var part bytes.Buffer
		if _, err := cfg.extract(t.Context(), data, "net.onnx", &part); err != nil {
			return
		}
		got, err := onnxpb.Read(part.Bytes())
		if err != nil || got.Graph == nil || len(got.Graph.Outputs) != 1 || got.Graph.Outputs[0].Name != cfg.Outputs[0] {
			t.Errorf("the part: %v, error %v", got, err)
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
