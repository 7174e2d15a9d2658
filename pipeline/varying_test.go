package pipeline_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"linquant/internal/onnxpb"
	"linquant/pipeline"
	"linquant/tensor"
)

// meanOf writes a network that takes the mean of the positive elements of lines of any length.
func meanOf(t *testing.T) string {
	t.Helper()
	m := onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 17}}, Graph: &onnxpb.Graph{
		Name: "mean",
		Nodes: []onnxpb.Node{
			{Op: "Relu", Inputs: []string{"x"}, Outputs: []string{"positive"}},
			{Op: "ReduceMean", Inputs: []string{"positive"}, Outputs: []string{"y"}, Attrs: []onnxpb.Attr{
				{Name: "axes", Type: onnxpb.AttrInts, Ints: []int64{1}}, {Name: "keepdims", Type: onnxpb.AttrInt},
			}},
		},
		Inputs:  []onnxpb.ValueInfo{{Name: "x", Type: onnxpb.Float, HasShape: true, Dims: []onnxpb.Dim{{Value: -1, Param: "batch"}, {Value: -1, Param: "length"}}}},
		Outputs: []onnxpb.ValueInfo{{Name: "y", Type: onnxpb.Float, HasShape: true, Dims: []onnxpb.Dim{{Value: -1, Param: "batch"}}}},
	}}
	path := filepath.Join(t.TempDir(), "mean.onnx")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(m.Write(f), f.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func line(n int) map[string]tensor.Shape { return map[string]tensor.Shape{"x": {1, n}} }

// One network runs on lines of every length; a program is compiled once for each, and those asked for last are kept.
func TestVarying(t *testing.T) {
	v, err := pipeline.OpenVarying(meanOf(t), pipeline.VaryingConfig{Keep: 2})
	if err != nil {
		t.Fatal(err)
	}
	model := func(n int) *pipeline.Model {
		m, err := v.Model(t.Context(), line(n))
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	for _, x := range [][]float32{{1, 2, -3}, {4, 8, 0, -1}} {
		y, want := make([]float32, 1), float32(0)
		for _, e := range x {
			want += max(e, 0) / float32(len(x))
		}
		if err := model(len(x)).Run(t.Context(), [][]float32{y}, [][]float32{x}); err != nil || y[0] != want {
			t.Errorf("%v: %v, want %v, error %v", x, y, want, err)
		}
	}
	three := model(3)
	if model(4); model(3) != three {
		t.Error("the program for 3 was compiled again")
	}
	if model(5); model(3) != three {
		t.Error("the program for 3 was dropped, and that for 4 was asked for longer ago")
	}
	if model(6); model(5) == nil || model(3) == three {
		t.Error("three programs are kept, and two were asked for")
	}
	var wait sync.WaitGroup
	made := make([]*pipeline.Model, 8)
	for i := range made {
		wait.Go(func() { made[i], _ = v.Model(context.Background(), line(7)) })
	}
	wait.Wait()
	for _, m := range made {
		if m == nil || m != made[0] {
			t.Fatalf("goroutines got %v", made)
		}
	}
}

func TestVaryingErrors(t *testing.T) {
	if _, err := pipeline.OpenVarying(filepath.Join(t.TempDir(), "none.onnx"), pipeline.VaryingConfig{}); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v", err)
	}
	path := meanOf(t)
	config := (*pipeline.ConfigError)(nil)
	if _, err := pipeline.OpenVarying(path, pipeline.VaryingConfig{Keep: -1}); !errors.As(err, &config) {
		t.Errorf("Keep -1: %v", err)
	}
	v, err := pipeline.OpenVarying(path, pipeline.VaryingConfig{})
	if err != nil {
		t.Fatal(err)
	}
	ended, end := context.WithCancel(context.Background())
	end()
	if _, err := v.Model(ended, line(3)); !errors.Is(err, context.Canceled) {
		t.Errorf("a context that has ended: %v", err)
	}
	if _, err := v.Model(t.Context(), line(3)); err != nil {
		t.Errorf("after another's context: %v", err)
	}
	if _, err := v.Model(t.Context(), map[string]tensor.Shape{"z": {1, 3}}); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("an input that there is not: %v", err)
	}
	if err := os.WriteFile(path, []byte("other"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := v.Model(t.Context(), line(4)); err == nil || !strings.Contains(err.Error(), "changed") {
		t.Errorf("another file: %v", err)
	}
	if _, err := v.Model(t.Context(), line(3)); err != nil {
		t.Errorf("a program that is there: %v", err)
	}
}
