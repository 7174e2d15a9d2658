package onnx_test

import (
	"io"
	"strings"
	"testing"

	"linquant/calib"
	"linquant/graph"
	"linquant/onnx"
	"linquant/ptq"
	"linquant/tensor"
)

// What CheckOpset says of a float network, Export says of the same in integers: of operators that are spelled out for old opsets
// in float networks alone, of those that never are, and of none.
func TestCheckOpset(t *testing.T) {
	for name, add := range map[string]func(g *graph.Graph, x string) string{
		"no other": func(_ *graph.Graph, x string) string { return x },
		"HardSwish": func(g *graph.Graph, x string) string {
			return g.AddNode(graph.HardSwish, "late", "late.y", nil, x)
		},
		"LayerNormalization": func(g *graph.Graph, x string) string {
			g.AddConst("scale", tensorOf(t, tensor.Shape{4}, float32(1), 1, 1, 1))
			return g.AddNode(graph.LayerNormalization, "late", "late.y", nil, x, "scale")
		},
		"Gelu": func(g *graph.Graph, x string) string { return g.AddNode(graph.Gelu, "late", "late.y", nil, x) },
	} {
		g := graph.New("g")
		g.AddInput("x", tensor.Shape{graph.Batch, 4})
		g.AddConst("w", tensorOf(t, tensor.Shape{4, 4}, float32(1), 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16))
		g.Outputs = []string{add(g, g.AddNode(graph.Gemm, "fc", "fc.y", graph.Attrs{"transB": 1}, "x", "w"))}
		g, err := graph.Fold(t.Context(), g)
		if err != nil {
			t.Fatal(err)
		}
		points, err := ptq.Points(g, ptq.Config{PerTensor: true})
		if err != nil {
			t.Fatal(err)
		}
		ranges := calib.Ranges{}
		for _, p := range points {
			ranges[p.Value] = calib.Range{Lo: -8, Hi: 8}
		}
		q, _, err := ptq.Quantize(t.Context(), g, ranges, ptq.Config{PerTensor: true})
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		for opset := 0; opset <= onnx.NewestOpset+1; opset++ {
			cfg := onnx.ExportConfig{Opset: opset}
			early, late := cfg.CheckOpset(g), onnx.Export(io.Discard, q, cfg)
			if (early == nil) != (late == nil) || early != nil && early.Error() != late.Error() {
				t.Errorf("%s in opset %d: %v, and when it is written %v", name, opset, early, late)
			}
			if early != nil && opset > 10 && opset <= onnx.NewestOpset {
				if refused++; !strings.Contains(early.Error(), `"late"`) {
					t.Errorf("%s in opset %d: %v", name, opset, early)
				}
			}
		}
		if (refused == 0) != (name == "no other" || name == "Gelu") {
			t.Errorf("%s: %d opsets are refused", name, refused)
		}
	}
}
