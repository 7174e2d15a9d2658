package graph_test

import (
	"context"
	"fmt"
	"log"

	"linquant/graph"
	"linquant/tensor"
)

// A convolution and its batch normalization become one node, and the network computes what it did.
func ExampleFold() {
	constant := func(g *graph.Graph, name string, shape tensor.Shape, x ...float32) {
		t, err := tensor.Of(shape, x)
		if err != nil {
			log.Fatal(err)
		}
		g.AddConst(name, t)
	}
	g := graph.New("example")
	g.AddInput("image", tensor.Shape{graph.Batch, 1, 2, 2})
	constant(g, "w", tensor.Shape{1, 1, 2, 2}, 1, 2, 3, 4)
	constant(g, "scale", tensor.Shape{1}, 2)
	constant(g, "shift", tensor.Shape{1}, 1)
	constant(g, "mean", tensor.Shape{1}, 10)
	constant(g, "var", tensor.Shape{1}, 4)
	g.AddNode(graph.Conv, "conv", "c", nil, "image", "w")
	g.AddNode(graph.BatchNormalization, "bn", "n", graph.Attrs{"epsilon": float32(0)}, "c", "scale", "shift", "mean", "var")
	g.Outputs = []string{g.AddNode(graph.Relu, "relu", "y", nil, "n")}

	folded, err := graph.Fold(context.Background(), g)
	if err != nil {
		log.Fatal(err)
	}
	image, err := tensor.Of(tensor.Shape{1, 1, 2, 2}, []float32{1, 1, 1, 2})
	if err != nil {
		log.Fatal(err)
	}
	for _, g := range []*graph.Graph{g, folded} {
		out, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"image": image}, nil)
		if err != nil {
			log.Fatal(err)
		}
		y, err := out["y"].Float32s()
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(len(g.Nodes), "nodes:", y)
	}
	// Output:
	// 3 nodes: [5]
	// 2 nodes: [5]
}
