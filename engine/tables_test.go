package engine_test

import (
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// Chains of any functions of one value between codes are tables; what is none is not.
func TestTables(t *testing.T) {
	shape := tensor.Shape{graph.Batch, 4, 3, 5}
	number := func(g *graph.Graph, name string, shape tensor.Shape, x ...float32) string {
		v, err := tensor.Of(shape, x)
		if err != nil {
			t.Fatal(err)
		}
		g.AddConst(name, v)
		return name
	}
	channel := tensor.Shape{4, 1, 1}
	tests := []struct {
		name  string
		build func(g *graph.Graph, x string) string
		want  string // the operator of a step
	}{
		{"nothing", func(_ *graph.Graph, x string) string { return x }, "DequantizeLinear+QuantizeLinear"},
		{"unary", func(g *graph.Graph, x string) string {
			return g.AddNode(graph.Sigmoid, "", "b", nil, g.AddNode(graph.Relu, "", "a", nil, x))
		}, "DequantizeLinear+Relu+Sigmoid+QuantizeLinear"},
		{"number first", func(g *graph.Graph, x string) string {
			return g.AddNode(graph.Sub, "", "a", nil, number(g, "n", tensor.Shape{}, 0.75), x)
		}, "DequantizeLinear+Sub+QuantizeLinear"},
		{"by channel", func(g *graph.Graph, x string) string {
			return g.AddNode(graph.Mul, "", "a", nil, x, number(g, "n", channel, 0.5, 1, -1, 2))
		}, "DequantizeLinear+Mul+QuantizeLinear"},
		{"by column", func(g *graph.Graph, x string) string {
			return g.AddNode(graph.Add, "", "a", nil, x, number(g, "n", tensor.Shape{5}, 1, 2, -1, 0, 0.5))
		}, "DequantizeLinear+Add+QuantizeLinear"},
		{"by row", func(g *graph.Graph, x string) string {
			return g.AddNode(graph.Add, "", "a", nil, x, number(g, "n", tensor.Shape{1, 1, 3, 1}, 1, 2, -1))
		}, "DequantizeLinear+Add+QuantizeLinear"},
		{"two axes", func(g *graph.Graph, x string) string {
			x = g.AddNode(graph.Add, "", "a", nil, x, number(g, "m", tensor.Shape{5}, 1, 2, -1, 0, 0.5))
			return g.AddNode(graph.Mul, "", "b", nil, x, number(g, "n", channel, 0.5, 1, -1, 2))
		}, "DequantizeLinear"},
		{"itself", func(g *graph.Graph, x string) string { return g.AddNode(graph.Mul, "", "a", nil, x, x) }, "DequantizeLinear"},
		{"softmax", func(g *graph.Graph, x string) string {
			return g.AddNode(graph.Softmax, "", "a", graph.Attrs{"axis": 1}, x)
		}, "Softmax"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			g := graph.New(tt.name)
			g.AddInput("x", shape)
			in, out := quant.TensorParams(quant.Int(8), 0.02, 7), quant.TensorParams(quant.Uint(8), 0.015, 90)
			g.Values["x"].Quant, g.Values["x"].DType = &in, tensor.Int8
			end := tt.build(g, g.AddNode(graph.DequantizeLinear, "dequantize", "reals", nil, "x"))
			g.AddNode(graph.QuantizeLinear, "quantize", "y", nil, end)
			g.Values["y"].Quant, g.Values["y"].DType = &out, tensor.Uint8
			g.Outputs = []string{"y"}
			codes := make([]int8, 4*3*5)
			x := make([]float32, len(codes))
			for i := range codes {
				codes[i] = int8(i*37%256 - 128)
				x[i] = float32(int32(codes[i])-7) * 0.02
			}
			p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			var ops []string
			for _, s := range p.Steps() {
				ops = append(ops, s.Op)
			}
			if !slices.Contains(ops, tt.want) {
				t.Errorf("steps %v, want %s", ops, tt.want)
			}
			got := make([]float32, len(codes))
			if err := p.Run(t.Context(), [][]float32{got}, [][]float32{x}); err != nil {
				t.Fatal(err)
			}
			input, _ := tensor.Of(tensor.Shape{1, 4, 3, 5}, codes)
			result, err := graph.Eval(t.Context(), g, map[string]tensor.Tensor{"x": input}, nil)
			if err != nil {
				t.Fatal(err)
			}
			want := make([]float32, len(codes))
			for i, q := range result["y"].Data {
				want[i] = float32(int32(q)-90) * 0.015
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}
