package onnx

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/internal/testing/ort"
	"linquant/onnx/internal/onnxtest"
	"linquant/quant"
	"linquant/tensor"
)

// padded are convolutions and pools with auto_pad, by what they are called.
func padded(t *testing.T) map[string]*graph.Graph {
	t.Helper()
	graphs := map[string]*graph.Graph{}
	weight, err := tensor.Of(tensor.Shape{2, 2, 3, 2}, make([]float32, 24))
	if err != nil {
		t.Fatal(err)
	}
	for i := range 24 {
		weight.Data[4*i+2], weight.Data[4*i+3] = byte(i*40), 0x3f
	}
	for _, auto := range []string{"SAME_UPPER", "SAME_LOWER", "VALID"} {
		for _, op := range []graph.Op{graph.Conv, graph.MaxPool, graph.AveragePool} {
			for _, stride := range []int{1, 2, 3, 4} {
				for _, dilation := range []int{1, 2} {
					for _, ceil := range []int{0, 1} {
						attrs := graph.Attrs{"auto_pad": auto, "strides": []int{stride, 1}, "kernel_shape": []int{3, 2}, "dilations": []int{dilation, 1}}
						if op != graph.Conv {
							attrs["ceil_mode"] = ceil
						} else if ceil != 0 {
							continue
						}
						g := graph.New("padded")
						g.AddInput("x", tensor.Shape{graph.Batch, 2, 9, 8})
						inputs := []string{"x"}
						if op == graph.Conv {
							g.AddConst("w", weight)
							inputs = append(inputs, "w")
						}
						g.AddNode(op, "node", "y", attrs, inputs...)
						g.Outputs = []string{"y"}
						graphs[fmt.Sprintf("%s,%s,stride %d,dilation %d,ceil %d", op, auto, stride, dilation, ceil)] = g
					}
				}
			}
		}
	}
	return graphs
}

// auto_pad is written as the pads that it stands for, which every runtime takes alike.
func TestAutoPadIsWrittenAsPads(t *testing.T) {
	for name, g := range padded(t) {
		t.Run(name, func(t *testing.T) {
			shaped, err := graph.InferShapes(g)
			if err != nil {
				t.Skip(err) // a window of padding alone
			}
			x := onnxtest.RandomInput(t, shaped, 8, 2)
			want := onnxtest.EvalOutputs(t, shaped, x)["y"]
			path := export(t, g, ExportConfig{Opset: 19})
			f, err := Open(t.Context(), path)
			if err != nil {
				t.Fatal(err)
			}
			defer f.Close()
			if n := f.Graph.Nodes[0]; n.Str("auto_pad") != "NOTSET" {
				t.Errorf("auto_pad %s", n.Str("auto_pad"))
			}
			if got := onnxtest.EvalOutputs(t, f.Graph, x)["y"]; !bytes.Equal(got.Data, want.Data) || !got.Shape.Equal(want.Shape) {
				t.Errorf("read again it makes %v, want %v", got.Shape, want.Shape)
			}
			if os.Getenv("LINQUANT_ORT_PYTHON") == "" {
				return
			}
			got := ort.Run(t, path, map[string]tensor.Tensor{"x": x}, nil, ort.Options{})["y"]
			a, _ := want.Float32s()
			b, err := got.Float32s()
			if err != nil || !got.Shape.Equal(want.Shape) {
				t.Fatalf("ONNX Runtime makes %v, want %v (%v)", got.Shape, want.Shape, err)
			}
			for i := range a {
				if d := a[i] - b[i]; d > 1e-4 || d < -1e-4 {
					t.Fatalf("element %d is %g in ONNX Runtime, ours %g", i, b[i], a[i])
				}
			}
		})
	}
}

// Opset 10 has Pad of reals alone: operators on codes have reals around it there.
func TestPadOfCodesInOpset10(t *testing.T) {
	p := quant.TensorParams(quant.Uint(8), 0.25, 7)
	g := graph.New("pad")
	g.AddInput("x", tensor.Shape{graph.Batch, 1, 2, 2})
	g.AddNode(graph.QuantizeLinear, "q", "q", nil, "x")
	g.AddNode(graph.Pad, "pad", "p", graph.Attrs{"pads": []int{0, 0, 1, 1, 0, 0, 1, 1}}, "q")
	g.AddNode(graph.DequantizeLinear, "d", "y", nil, "p")
	for _, name := range []string{"q", "p"} {
		g.Values[name].Quant, g.Values[name].DType = &p, tensor.Uint8
	}
	g.Outputs = []string{"y"}
	for opset := 10; opset <= 13; opset++ {
		path := export(t, g, ExportConfig{Format: QOperator, Opset: opset})
		f, err := Open(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		m, err := onnxpb.Read(data)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range m.Graph.Nodes {
			if reals := n.Inputs[0] != "q"; n.Op == "Pad" && reals != (opset < 11) {
				t.Errorf("opset %d: Pad of reals: %v", opset, reals)
			}
		}
		shaped, err := graph.InferShapes(g)
		if err != nil {
			t.Fatal(err)
		}
		x := onnxtest.RandomInput(t, shaped, 8, 2)
		want := onnxtest.EvalOutputs(t, shaped, x)["y"]
		if got := onnxtest.EvalOutputs(t, f.Graph, x)["y"]; !bytes.Equal(got.Data, want.Data) {
			t.Errorf("opset %d: read again it makes other reals", opset)
		}
		if os.Getenv("LINQUANT_ORT_PYTHON") != "" {
			if got := ort.Run(t, path, map[string]tensor.Tensor{"x": x}, nil, ort.Options{})["y"]; !bytes.Equal(got.Data, want.Data) {
				t.Errorf("opset %d: ONNX Runtime makes other reals", opset)
			}
		}
	}
}

// What a Pad adds may be a code that is dequantized, as ONNX Runtime's quantize_static writes it.
func TestPadOfADequantizedConstant(t *testing.T) {
	constant := func(name string, kind onnxpb.DataType, dims []int64, data ...byte) onnxpb.Tensor {
		return onnxpb.Tensor{Name: name, Type: kind, Dims: dims, Raw: data}
	}
	value := func(name string, columns int64) onnxpb.ValueInfo {
		return onnxpb.ValueInfo{Name: name, Type: onnxpb.Float, HasShape: true, Dims: []onnxpb.Dim{{Value: -1, Param: "N"}, {Value: columns}}}
	}
	m := &onnxpb.Model{IRVersion: 8, Opsets: []onnxpb.Opset{{Version: 13}}, Graph: &onnxpb.Graph{
		Name: "pad", Inputs: []onnxpb.ValueInfo{value("x", 1)}, Outputs: []onnxpb.ValueInfo{value("y", 2)},
		Initializers: []onnxpb.Tensor{
			constant("pads", onnxpb.Int64, []int64{4}, append(make([]byte, 24), 1, 0, 0, 0, 0, 0, 0, 0)...),
			constant("code", onnxpb.Uint8, nil, 3), constant("zero", onnxpb.Uint8, nil, 5),
			constant("scale", onnxpb.Float, nil, 0, 0, 0x80, 0x3e), // 0.25
		},
		Nodes: []onnxpb.Node{
			{Op: "DequantizeLinear", Inputs: []string{"code", "scale", "zero"}, Outputs: []string{"fill"}},
			{Op: "Pad", Inputs: []string{"x", "pads", "fill"}, Outputs: []string{"y"}},
		},
	}}
	g, err := Import(t.Context(), fileOf(t, m), "pad.onnx")
	if err != nil {
		t.Fatal(err)
	}
	x, err := tensor.Of(tensor.Shape{1, 1}, []float32{7})
	if err != nil {
		t.Fatal(err)
	}
	want, err := tensor.Of(tensor.Shape{1, 2}, []float32{7, -0.5})
	if err != nil {
		t.Fatal(err)
	}
	if got := onnxtest.EvalOutputs(t, g, x)["y"]; !bytes.Equal(got.Data, want.Data) {
		t.Errorf("it makes %v, want 7, -0.5", got)
	}
	m.Graph.Initializers[1] = constant("code", onnxpb.Uint8, []int64{2}, 3, 4)
	if _, err := Import(t.Context(), fileOf(t, m), "pad.onnx"); err == nil || !strings.Contains(err.Error(), "it must be one number") {
		t.Errorf("with two numbers: error %v", err)
	}
}
