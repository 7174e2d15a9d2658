package linquant_test

import (
	"context"
	"fmt"
	"log"

	"linquant/calib"
	"linquant/engine"
	"linquant/graph"
	"linquant/ptq"
	"linquant/tensor"
)

// residual is a network small enough to compute by hand: a convolution with a batch norm and a Relu, added to its own
// input, and the mean over the picture. The picture has one channel and is one pixel high and four wide.
func residual() (*graph.Graph, error) {
	g := graph.New("residual")
	constant := func(name string, shape tensor.Shape, values ...float32) error {
		t, err := tensor.Of(shape, values)
		g.AddConst(name, t)
		return err
	}
	g.AddInput("x", tensor.Shape{graph.Batch, 1, 1, 4})
	for _, err := range []error{
		constant("w", tensor.Shape{1, 1, 1, 3}, 0.5, -0.25, 0.75),
		constant("gamma", tensor.Shape{1}, 2),
		constant("beta", tensor.Shape{1}, 0.3),
		constant("mean", tensor.Shape{1}, 0.05),
		constant("variance", tensor.Shape{1}, 0.99999),
	} {
		if err != nil {
			return nil, err
		}
	}
	g.AddNode(graph.Conv, "conv", "conv", graph.Attrs{"pads": []int{0, 1, 0, 1}}, "x", "w")
	g.AddNode(graph.BatchNormalization, "bn", "bn", nil, "conv", "gamma", "beta", "mean", "variance")
	g.AddNode(graph.Relu, "relu", "relu", nil, "bn")
	g.AddNode(graph.Add, "add", "add", nil, "relu", "x")
	g.AddNode(graph.GlobalAveragePool, "mean", "y", nil, "add")
	g.Outputs = []string{"y"}
	return graph.Fold(context.Background(), g)
}

// A whole network in 4-bit integers. docs/integer-inference.md follows these numbers by hand.
func Example_network() {
	float, err := residual()
	if err != nil {
		log.Fatal(err)
	}
	x := []float32{0.2, -0.4, 1.0, 0.6}
	inputs := [][]float32{x}

	// Ranges are usually measured by calib.Run on a few hundred examples; these are rounded from the one above.
	ranges := calib.Ranges{"x": {Lo: -0.4, Hi: 1}, "relu": {Lo: 0, Hi: 2.1}, "add": {Lo: 0, Hi: 1.7}, "y": {Lo: 0, Hi: 1.2}}
	network, report, err := ptq.Quantize(context.Background(), float, ranges, ptq.Config{
		WeightBits: 4, ActBits: 4, Overrides: []ptq.Override{{Pattern: "*", ActBits: 4}}, // what is added up too, which keeps 8 bits else
	})
	if err != nil {
		log.Fatal(err)
	}
	for _, a := range report.Activations {
		fmt.Printf("%-5s scale %.5f, zero point %d\n", a.Value, a.Scale, a.ZeroPoint)
	}
	conv := network.Nodes[1] // after the QuantizeLinear of x
	weight, bias := network.Value(conv.Inputs[1]), network.Value(conv.Inputs[2])
	codes, err := tensor.As[int8](*weight.Const)
	if err != nil {
		log.Fatal(err)
	}
	biasCodes, err := tensor.As[int32](*bias.Const)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("w     scale %.5f, codes %d; bias code %d\n", weight.Quant.Scale[0], codes, biasCodes)

	for _, g := range []*graph.Graph{float, network} {
		program, err := engine.Compile(context.Background(), g, engine.Config{KeepAll: true, Threads: 1})
		if err != nil {
			log.Fatal(err)
		}
		err = program.TraceTensors(context.Background(), inputs, func(value string, t tensor.Tensor) error {
			if t.DType == tensor.Float32 {
				reals, err := t.Float32s()
				fmt.Printf("%-11s %.4f\n", value, reals)
				return err
			}
			codes, err := tensor.As[uint8](t)
			fmt.Printf("%-11s %d\n", value, codes)
			return err
		})
		if err != nil {
			log.Fatal(err)
		}
	}
	// Output:
	// x     scale 0.09333, zero point 4
	// relu  scale 0.14000, zero point 0
	// add   scale 0.11333, zero point 0
	// y     scale 0.08000, zero point 0
	// w     scale 0.21429, codes [5 -2 7]; bias code [10]
	// bn          [-0.5000 2.1000 0.2000 0.9000]
	// relu        [0.0000 2.1000 0.2000 0.9000]
	// add         [0.2000 1.7000 1.2000 1.5000]
	// y           [1.1500]
	// x_quantized [6 0 15 10]
	// bn          [0 15 1 8]
	// relu        [0 15 1 8]
	// add         [2 15 10 15]
	// y_quantized [15]
	// y           [1.2000]
}
