package pipeline_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"linquant/builtin"
	"linquant/checkpoint"
	"linquant/graph"
	"linquant/models"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/tensor"
	"linquant/vision"
)

// write writes a file and returns its path.
func write(t *testing.T, name string, data []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// contains checks an error's text.
func contains(t *testing.T, err error, want string) {
	t.Helper()
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

// A network is the same whatever it is opened from, and whatever its file is called.
func TestOpen(t *testing.T) {
	model := digits()
	for name, open := range map[string]func() (*pipeline.Network, error){
		"builtin": func() (*pipeline.Network, error) {
			return pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
		},
		"checkpoint": func() (*pipeline.Network, error) {
			return pipeline.Open(t.Context(), write(t, "x.bin", builtin.Checkpoint()), pipeline.OpenConfig{})
		},
		"ONNX": func() (*pipeline.Network, error) {
			return pipeline.Open(t.Context(), write(t, "x.onnx", model), pipeline.OpenConfig{})
		},
		"by content": func() (*pipeline.Network, error) {
			return pipeline.Open(t.Context(), write(t, "x.bin", model), pipeline.OpenConfig{})
		},
		"bytes": func() (*pipeline.Network, error) {
			return pipeline.Read(t.Context(), builtin.Checkpoint(), "x", pipeline.OpenConfig{Arch: "vgg"})
		},
		"ONNX, bytes": func() (*pipeline.Network, error) {
			return pipeline.Read(t.Context(), model, "x", pipeline.OpenConfig{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			n, err := open()
			if err != nil {
				t.Fatal(err)
			}
			defer n.Close()
			g, err := n.Folded(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := n.Folded(t.Context()); again != g {
				t.Error("folded twice")
			}
			convolutions := 0
			for _, node := range g.Nodes {
				if node.Op == graph.Conv {
					convolutions++
				}
			}
			if convolutions != 8 || n.Quantized() || n.Size == 0 || !n.InputShape().Equal(tensor.Shape{3, 32, 32}) {
				t.Errorf("%d convolutions, quantized: %v, %d bytes, %v", convolutions, n.Quantized(), n.Size, n.InputShape())
			}
		})
	}
}

func TestOpenErrors(t *testing.T) {
	model := digits()
	var file bytes.Buffer
	x, err := tensor.Of(tensor.Shape{2}, []float32{1, 2})
	if err != nil {
		t.Fatal(err)
	}
	if err := checkpoint.WriteNPZ(&file, []checkpoint.Output{checkpoint.FromTensor("x", x)}); err != nil {
		t.Fatal(err)
	}
	damaged := graph.New("damaged")
	damaged.AddInput("x", tensor.Shape{graph.Batch, 3})
	damaged.Outputs = []string{damaged.AddNode(graph.Relu, "relu", "y", nil, "x")}
	damaged.Metadata[vision.Key] = "mean=1"
	var pre bytes.Buffer
	if err := onnx.Export(&pre, damaged, onnx.ExportConfig{}); err != nil {
		t.Fatal(err)
	}
	for name, tt := range map[string]struct {
		data []byte
		cfg  pipeline.OpenConfig
		want string
	}{
		"arch":         {model, pipeline.OpenConfig{Arch: "alexnet"}, "Arch alexnet: there is no such architecture; known: vgg"},
		"arch of ONNX": {model, pipeline.OpenConfig{Arch: "vgg"}, "x is an ONNX file"},
		"no arch":      {file.Bytes(), pipeline.OpenConfig{}, "x: no network known here (vgg"},
		"another arch": {builtin.Checkpoint(), pipeline.OpenConfig{Arch: "resnet"}, "x: the tensors are not those of a resnet"},
		"shapes": {
			builtin.Checkpoint(),
			pipeline.OpenConfig{ONNX: onnx.ImportConfig{Shapes: map[string]tensor.Shape{"x": {1}}}},
			"x is a checkpoint, and its network takes images of one size",
		},
		"preprocessing": {pre.Bytes(), pipeline.OpenConfig{}, "x: metadata linquant.preprocess does not read"},
		"unknown":       {[]byte("hello, world"), pipeline.OpenConfig{}, "may also be an ONNX model"},
		"empty":         {nil, pipeline.OpenConfig{}, "x: the file is empty"},
	} {
		_, err := pipeline.Read(t.Context(), tt.data, "x", tt.cfg)
		contains(t, err, tt.want)
		path := write(t, "x", tt.data)
		_, fromFile := pipeline.Open(t.Context(), path, tt.cfg)
		contains(t, fromFile, strings.TrimPrefix(tt.want, "x"))
		var field *pipeline.ConfigError
		if isField := errors.As(err, &field); isField != (name == "arch" || name == "arch of ONNX" || name == "shapes") {
			t.Errorf("%s: a field: %v", name, isField)
		}
	}
	_, err = pipeline.Read(t.Context(), file.Bytes(), "x", pipeline.OpenConfig{})
	var mismatch *models.Mismatch
	if !errors.As(err, &mismatch) {
		t.Errorf("%v is no mismatch", err)
	}
	_, err = pipeline.Open(t.Context(), "nowhere.onnx", pipeline.OpenConfig{})
	if !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a missing file: %v", err)
	}
	_, err = pipeline.Quantize(t.Context(), pipeline.Config{})
	contains(t, err, "Model: it is missing")
}

// What a file leaves open is seen without reading its network.
func TestInputs(t *testing.T) {
	n, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	path := write(t, "x.onnx", digits())
	inputs, err := pipeline.Inputs(path)
	if err != nil || len(inputs) != 1 || inputs[0].Name != n.Graph().Inputs[0] || inputs[0].Open() ||
		!tensor.Shape(inputs[0].Dims).Equal(tensor.Shape{-1, 3, 32, 32}) {
		t.Errorf("%+v, %v", inputs, err)
	}
	for name, tt := range map[string]struct {
		in   pipeline.Input
		want bool
	}{
		"none": {pipeline.Input{}, true}, "scalar": {pipeline.Input{Dims: []int{}}, false}, "batch": {pipeline.Input{Dims: []int{-1}}, false},
		"height": {pipeline.Input{Dims: []int{1, 3, -1, 4}}, true}, "zero": {pipeline.Input{Dims: []int{1, 0}}, true},
	} {
		if tt.in.Open() != tt.want {
			t.Errorf("%s: open %v", name, tt.in.Open())
		}
	}
	if inputs, err := pipeline.Inputs(write(t, "x", []byte("hello"))); inputs != nil || err != nil {
		t.Errorf("of no ONNX file: %v, %v", inputs, err)
	}
}

// The values of a network can be its outputs.
func TestWithOutputs(t *testing.T) {
	n, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	chosen, err := n.WithOutputs("backbone.relu3", "input")
	if err != nil {
		t.Fatal(err)
	}
	g, err := chosen.Folded(t.Context())
	if err != nil || len(g.Outputs) != 2 || g.Outputs[0] != "backbone.relu3" || len(n.Graph().Outputs) != 1 {
		t.Errorf("outputs %v and %v, %v", g.Outputs, n.Graph().Outputs, err)
	}
	_, err = n.WithOutputs("backbone.rel3")
	contains(t, err, `builtin: it computes no value "backbone.rel3"; there are "backbone.relu3", `)
}
