package onnx

import (
	"bytes"
	"testing"

	"linquant/graph"
	"linquant/internal/testing/ort"
	"linquant/quant"
	"linquant/tensor"
	"linquant/vision"
)

// rawPixels is a network that prepares raw pixels, has all of them as its input, and keeps their codes.
func rawPixels(t *testing.T, pre vision.Preprocess, p quant.Params) (*graph.Graph, map[string]tensor.Tensor) {
	t.Helper()
	shape := tensor.Shape{graph.Batch, 3, 16, 16}
	if pre.ChannelsLast {
		shape = tensor.Shape{graph.Batch, 16, 16, 3}
	}
	g := graph.New("pixels")
	if err := pre.Store(g); err != nil {
		t.Fatal(err)
	}
	g.AddInput("x", shape)
	coded := func(name string) {
		g.Values[name] = &graph.Value{Name: name, DType: tensor.Uint8, Quant: &p}
		if !p.Type.Unsigned {
			g.Values[name].DType = tensor.Int8
		}
	}
	coded("codes")
	coded("largest")
	g.AddNode(graph.QuantizeLinear, "quantize", "codes", nil, "x")
	g.AddNode(graph.MaxPool, "pool", "largest", graph.Attrs{"kernel_shape": []int{1, 1}}, "codes")
	g.Outputs = []string{g.AddNode(graph.DequantizeLinear, "dequantize", "y", nil, "largest")}
	g, err := vision.PixelInput(g)
	if err != nil {
		t.Fatal(err)
	}
	pixels := make([]uint8, 3*256)
	for i := range pixels {
		pixels[i] = uint8(i % 256)
		if pre.ChannelsLast {
			pixels[i] = uint8(i / 3)
		}
	}
	shape = append(tensor.Shape{1}, shape[1:]...)
	x, err := tensor.Of(shape, pixels)
	if err != nil {
		t.Fatal(err)
	}
	return g, map[string]tensor.Tensor{g.Inputs[0]: x}
}

var pixelNetworks = []struct {
	name string
	pre  vision.Preprocess
	p    quant.Params
}{
	{"nodes", vision.Preprocess{Mean: []float32{0.485, 0.456, 0.406}, Std: []float32{0.229, 0.224, 0.225}}, quant.TensorParams(quant.Uint(8), 0.0186, 114)},
	{"signed", vision.Preprocess{Mean: []float32{0.5, 0.5, 0.5}}, quant.TensorParams(quant.Int(8), 0.0039, 0)},
	{"last", vision.Preprocess{Std: []float32{0.3, 0.2, 0.1}, ChannelsLast: true}, quant.TensorParams(quant.Uint(8), 0.0392, 0)},
	{"identity", vision.Preprocess{}, quant.TensorParams(quant.Uint(8), 1.0/255, 0)},
}

// A network of raw pixels survives both forms, and ONNX Runtime makes our codes of every pixel.
func TestPixelInput(t *testing.T) {
	for _, tt := range pixelNetworks {
		for _, format := range []Format{QDQ, QOperator} {
			t.Run(tt.name+"/"+format.String(), func(t *testing.T) {
				g, in := rawPixels(t, tt.pre, tt.p)
				want, err := graph.Eval(t.Context(), g, in, nil)
				if err != nil {
					t.Fatal(err)
				}
				back, err := Import(t.Context(), []byte(exported(t, g, format)), "pixels")
				if err != nil {
					t.Fatal(err)
				}
				if v := back.Values[g.Inputs[0]]; v == nil || v.DType != tensor.Uint8 || !graph.SameParams(v.Quant, g.Values[v.Name].Quant) {
					t.Fatalf("input %+v, inputs %q", v, back.Inputs)
				}
				if back.Metadata[vision.Key] != g.Metadata[vision.Key] {
					t.Errorf("input %q, want %q", back.Metadata[vision.Key], g.Metadata[vision.Key])
				}
				got, err := graph.Eval(t.Context(), back, in, nil)
				if err != nil {
					t.Fatal(err)
				}
				if !bytes.Equal(got["y"].Data, want["y"].Data) {
					t.Error("what was written and read computes something else")
				}
			})
		}
	}
}

func exported(t *testing.T, g *graph.Graph, format Format) string {
	t.Helper()
	var b bytes.Buffer
	if err := Export(&b, g, ExportConfig{Format: format}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPixelInputInORT(t *testing.T) {
	ort.Require(t)
	for _, tt := range pixelNetworks {
		g, in := rawPixels(t, tt.pre, tt.p)
		want, err := graph.Eval(t.Context(), g, in, nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range []Format{QDQ, QOperator} {
			path := export(t, g, ExportConfig{Format: format})
			for _, plain := range []bool{true, false} {
				got := ort.Run(t, path, in, []string{"y"}, ort.Options{DisableOptimizations: plain})
				if !bytes.Equal(got["y"].Data, want["y"].Data) {
					t.Errorf("%s, %v, optimizations %v: ONNX Runtime differs", tt.name, format, !plain)
				}
			}
		}
	}
}
