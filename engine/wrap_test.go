package engine_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/quant"
	"linquant/tensor"
)

// Biases near the ends of int32, as quantizers write them for channels whose weights are all but 0, take sums around: every kernel
// on every tier wraps as the reference does.
func TestWrappingBiases(t *testing.T) {
	for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble} {
		for name, layer := range map[string]struct {
			weight tensor.Shape
			group  int
		}{
			"3x3":       {tensor.Shape{16, 8, 3, 3}, 1},
			"1x1":       {tensor.Shape{16, 8, 1, 1}, 1},
			"few":       {tensor.Shape{3, 8, 3, 3}, 1},
			"grouped":   {tensor.Shape{8, 4, 3, 3}, 2},
			"depthwise": {tensor.Shape{8, 1, 3, 3}, 8},
			"gemm":      {tensor.Shape{16, 8 * 6 * 6}, 0},
		} {
			t.Run(fmt.Sprint(name, "_", c), func(t *testing.T) {
				g := image(true, 8, 6, 6)
				g.Requant = c
				n, _ := layer.weight.Elements()
				w := make([]int8, n)
				for i := range w {
					w[i] = int8(i*7%5 - 2)
				}
				bias := make([]int32, layer.weight[0])
				for i := range bias {
					bias[i] = []int32{math.MaxInt32 - 5, 1000, math.MinInt32 + 5, math.MinInt32, math.MaxInt32}[i%5]
				}
				g.AddConst("w", mustTensor(layer.weight, w))
				codes(g, "w", quant.Int(8), 0.1, 0)
				g.AddConst("b", mustTensor(tensor.Shape{len(bias)}, bias))
				g.Values["b"].Quant = &quant.Params{Type: quant.Int(32), Scale: []float32{float32(0.1) * float32(0.1)}}
				in, op, attrs := "x", graph.Conv, graph.Attrs{"group": layer.group}
				if layer.group == 0 {
					in = g.AddNode(graph.Flatten, "f", "flat", nil, "x")
					codes(g, in, quant.Uint(8), 0.1, 128)
					op, attrs = graph.Gemm, graph.Attrs{"transB": 1}
				}
				g.AddNode(op, "layer", "codes", attrs, in, "w", "b")
				g.Outputs = []string{g.AddNode(graph.DequantizeLinear, "d", "y", nil, "codes")}
				codes(g, "codes", quant.Uint(8), 0.1*0.1*0x1p24, 128)
				x, pixels := make([]float32, 8*6*6), make([]uint8, 8*6*6)
				for i := range x {
					pixels[i] = uint8(i * 37)
					x[i] = 0.1 * (float32(pixels[i]) - 128)
				}
				want, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"x": mustTensor(tensor.Shape{1, 8, 6, 6}, pixels)}, nil)
				if err != nil {
					t.Fatal(err)
				}
				reals, err := want["y"].Float32s()
				if err != nil {
					t.Fatal(err)
				}
				for _, tier := range cpu.Available() {
					got := run(t, g, engine.Config{CPU: tier.String()}, x)
					for i := range got {
						if got[i] != reals[i] {
							t.Fatalf("%v: element %d is %g, want %g", tier, i, got[i], reals[i])
						}
					}
				}
				if shapes, err := graph.InferShapes(g); err != nil {
					t.Fatal(err)
				} else if w := graph.Wrapping(shapes, shapes.Nodes[len(shapes.Nodes)-2]); w.Channels == 0 {
					t.Error("no sum wraps")
				}
			})
		}
	}
}
