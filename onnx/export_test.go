package onnx_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx"
	"linquant/quant"
	"linquant/tensor"
)

// oneNode is a network of one node.
func oneNode(op graph.Op, attrs graph.Attrs, shape ...int) *graph.Graph {
	g := graph.New("one")
	g.AddInput("x", append(tensor.Shape{graph.Batch}, shape...))
	g.Outputs = []string{g.AddNode(op, "node", "y", attrs, "x")}
	return g
}

func TestExportHeader(t *testing.T) {
	g := oneNode(graph.Relu, nil, 3)
	g.Metadata["made by"] = "a test"
	data := export(t, g, onnx.ExportConfig{Version: "1.2"})
	m, err := onnxpb.Read(data)
	if err != nil {
		t.Fatal(err)
	}
	m.Graph = nil
	want := &onnxpb.Model{
		IRVersion: 7, Producer: "linquant", ProducerVersion: "1.2", Opsets: []onnxpb.Opset{{Version: 13}},
		Metadata: []onnxpb.Entry{{Key: "linquant.version", Value: "1.2"}, {Key: "made by", Value: "a test"}},
	}
	if diff := cmp.Diff(want, m); diff != "" {
		t.Error(diff)
	}
}

func TestExportOpset(t *testing.T) {
	tests := []struct {
		name string
		g    *graph.Graph
		cfg  onnx.ExportConfig
		want string // part of the error
	}{
		{"default", oneNode(graph.Relu, nil, 3), onnx.ExportConfig{}, ""},
		{"hard swish", oneNode(graph.HardSwish, nil, 3), onnx.ExportConfig{}, ""},
		{"hard swish too old", oneNode(graph.HardSwish, nil, 3), onnx.ExportConfig{Opset: 13}, `HardSwish node "node": use 14 to 25`},
		{"too old", oneNode(graph.Relu, nil, 3), onnx.ExportConfig{Opset: 6}, "use 7 to 25"},
		{"too new", oneNode(graph.Relu, nil, 3), onnx.ExportConfig{Opset: 26}, "use 7 to 25"},
		{"int4 too old", oneNode(graph.Relu, nil, 3), onnx.ExportConfig{Opset: 20, Int4: true}, "int4: use 21 to 25"},
		{"qdq of floats", oneNode(graph.Relu, nil, 3), onnx.ExportConfig{Format: onnx.QDQ}, "quantize it first"},
		{"softmax too old", oneNode(graph.Softmax, graph.Attrs{"axis": 1}, 3, 4), onnx.ExportConfig{Opset: 12}, `Softmax node "node": opset 12 has no`},
		{
			"steps too old", oneNode(graph.Slice, graph.Attrs{"starts": []int{0}, "ends": []int{3}, "axes": []int{1}, "steps": []int{2}}, 3),
			onnx.ExportConfig{Opset: 9},
			"Slice with steps",
		},
		{
			"ceil too old", oneNode(graph.MaxPool, graph.Attrs{"kernel_shape": []int{2, 2}, "strides": []int{2, 2}, "ceil_mode": 1}, 1, 5, 5),
			onnx.ExportConfig{Opset: 9},
			"ceil_mode",
		},
		{ // the third window would begin in the padding
			"ceil that adds nothing", oneNode(graph.MaxPool, graph.Attrs{"kernel_shape": []int{1, 1}, "strides": []int{1, 2}, "ceil_mode": 1}, 1, 1, 4),
			onnx.ExportConfig{Opset: 9},
			"",
		},
		{
			"dilations too old", oneNode(graph.AveragePool, graph.Attrs{"kernel_shape": []int{2, 2}, "dilations": []int{2, 2}}, 1, 5, 5),
			onnx.ExportConfig{Opset: 18},
			"dilations: use 19 or more",
		},
		{
			"dilations by default", oneNode(graph.AveragePool, graph.Attrs{"kernel_shape": []int{2, 2}, "dilations": []int{2, 2}}, 1, 5, 5),
			onnx.ExportConfig{},
			"",
		},
		{"shapes", oneNode(graph.Relu, nil, 0), onnx.ExportConfig{}, "dimension 1"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var buf bytes.Buffer
			err := onnx.Export(&buf, tt.g, tt.cfg)
			switch {
			case tt.want == "" && err != nil:
				t.Error(err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error %v, want %q", err, tt.want)
			case tt.want != "" && buf.Len() > 0:
				t.Error("something was written")
			}
		})
	}
}

// TestMetadata takes what ONNX has no place for through a file.
func TestMetadata(t *testing.T) {
	g := oneNode(graph.Relu, nil, 3)
	g.Metadata["linquant.preprocess"] = `{"labels":["cat","Käfer"]}` // which is package vision's
	g.Metadata["linquant.bits"] = "stale"                            // of a quantized network that this one is not
	g.Requant = quant.Torch                                          // says nothing about a float network
	back, err := onnx.Import(t.Context(), export(t, g, onnx.ExportConfig{}), "back")
	if err != nil {
		t.Fatal(err)
	}
	if len(back.Metadata) != 1 || back.Metadata["linquant.preprocess"] != g.Metadata["linquant.preprocess"] || back.Requant != quant.ONNX {
		t.Errorf("metadata %v, convention %v", back.Metadata, back.Requant)
	}
}

// TestNamesOfParameters exports a network in which the names that parameters would get are taken.
func TestNamesOfParameters(t *testing.T) {
	g := oneNode(graph.Clip, graph.Attrs{"min": float32(0), "max": float32(6)}, 3)
	g.AddNode(graph.Relu, "", "y_min", nil, "y")
	g.AddNode(graph.Relu, "", "y_max", nil, "y_min")
	g.Outputs = []string{"y_max"}
	back, err := onnx.Import(t.Context(), export(t, g, onnx.ExportConfig{}), "back")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(g.Nodes, back.Nodes, cmp.Comparer(func(a, b graph.Attrs) bool { return len(a) == len(b) })); diff != "" {
		t.Error(diff)
	}
}

type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestExportToFullDisk(t *testing.T) {
	if err := onnx.Export(failing{}, oneNode(graph.Relu, nil, 3), onnx.ExportConfig{}); err == nil || err.Error() != "disk full" {
		t.Errorf("error %v", err)
	}
}

func TestParseFormat(t *testing.T) {
	for _, f := range []onnx.Format{onnx.Auto, onnx.Float, onnx.QDQ, onnx.QOperator} {
		if got, err := onnx.ParseFormat(f.String()); got != f || err != nil {
			t.Errorf("%v is parsed as %v, %v", f, got, err)
		}
	}
	if _, err := onnx.ParseFormat("onnx"); err == nil {
		t.Error("an unknown format is no error")
	}
}

func ExampleImport() {
	g := graph.New("net")
	g.AddInput("x", tensor.Shape{graph.Batch, 3})
	g.Outputs = []string{g.AddNode(graph.LeakyRelu, "act", "y", graph.Attrs{"alpha": float32(0.1)}, "x")}
	var file bytes.Buffer
	if err := onnx.Export(&file, g, onnx.ExportConfig{}); err != nil {
		panic(err)
	}
	back, err := onnx.Import(context.Background(), file.Bytes(), "net.onnx")
	if err != nil {
		panic(err)
	}
	fmt.Println(back.Nodes[0], back.Values["y"].Shape)
	// Output: LeakyRelu node "act" [-1, 3]
}
