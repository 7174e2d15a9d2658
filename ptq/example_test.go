package ptq_test

import (
	"context"
	"fmt"

	"linquant/calib"
	"linquant/graph"
	"linquant/ptq"
	"linquant/tensor"
)

func ExampleQuantize() {
	g := graph.New("one layer")
	g.AddInput("x", tensor.Shape{graph.Batch, 2})
	w, _ := tensor.Of(tensor.Shape{2, 2}, []float32{0.5, -1, 0.125, 0.25})
	g.AddConst("w", w)
	g.AddNode(graph.Gemm, "fc", "h", graph.Attrs{"transB": 1}, "x", "w")
	g.AddNode(graph.Relu, "relu", "y", nil, "h")
	g.Outputs = []string{"y"}
	g, err := graph.Fold(context.Background(), g)
	if err != nil {
		fmt.Println(err)
		return
	}
	cfg := ptq.Config{WeightBits: 4}
	points, err := ptq.Points(g, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("observe", points)
	ranges := calib.Ranges{"x": {Lo: -1, Hi: 1}, "y": {Lo: 0, Hi: 1.5}} // calib.Run measures them
	q, report, err := ptq.Quantize(context.Background(), g, ranges, cfg)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, l := range report.Layers {
		fmt.Printf("%s: %d bits per %v, %.1f dB\n", l.Node, l.Bits, l.Per, l.Weight.SQNR)
	}
	for _, n := range q.Nodes {
		fmt.Println(n.Op, n.Inputs, "->", n.Outputs)
	}
	// Output:
	// observe [{x uint8} {y uint8}]
	// fc: 4 bits per channel, 23.9 dB
	// QuantizeLinear [x] -> [x_quantized]
	// Gemm [x_quantized w] -> [h]
	// Relu [h] -> [y_quantized]
	// DequantizeLinear [y_quantized] -> [y]
}
