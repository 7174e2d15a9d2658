package linquant_test

import (
	"context"
	"fmt"
	"log"

	"linquant/engine"
	"linquant/graph"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/tensor"
)

// encoder is a network of text in small: token ids and a mask, both [batch, 4], become the mean of what a layer makes of the tokens' embeddings
// where the mask is 1. Five words have embeddings of two numbers. A file that onnx.Import reads has the same form with more layers.
func encoder() (*graph.Graph, error) {
	g := graph.New("encoder")
	for _, name := range []string{"input_ids", "attention_mask"} {
		g.AddInput(name, tensor.Shape{graph.Batch, 4})
		g.Values[name].DType = tensor.Int64
	}
	embeddings, err := tensor.Of(tensor.Shape{5, 2}, []float32{0, 0, 1, 0, 0.9, 0.1, -0.2, 0.8, 0.5, 0.5})
	if err != nil {
		return nil, err
	}
	weight, err := tensor.Of(tensor.Shape{2, 3}, []float32{0.5, -1, 0.25, 1, 0.75, -0.5})
	if err != nil {
		return nil, err
	}
	g.AddConst("embeddings", embeddings)
	g.AddConst("weight", weight)
	g.AddNode(graph.Gather, "embed", "words", graph.Attrs{"axis": 0}, "embeddings", "input_ids")
	g.AddNode(graph.MatMul, "layer", "layer", nil, "words", "weight")
	g.AddNode(graph.Cast, "mask", "mask", graph.Attrs{"to": 1}, "attention_mask") // to float, by ONNX's number
	g.AddNode(graph.Unsqueeze, "column", "column", graph.Attrs{"axes": []int{2}}, "mask")
	g.AddNode(graph.Mul, "masked", "masked", nil, "layer", "column")
	g.AddNode(graph.ReduceSum, "sum", "sum", graph.Attrs{"axes": []int{1}, "keepdims": 0}, "masked")
	g.AddNode(graph.ReduceSum, "count", "count", graph.Attrs{"axes": []int{1}, "keepdims": 0}, "column")
	g.Outputs = []string{g.AddNode(graph.Div, "mean", "embedding", nil, "sum", "count")}
	return g, nil
}

// From token ids to an embedding: a network of text whose layers quantize their inputs while they run, on two sentences of four tokens, the second
// of which has two and is padded. Ids and masks are numbers to a program, as everything is.
func Example_embedding() {
	ctx := context.Background()
	g, err := encoder()
	if err != nil {
		log.Fatal(err)
	}
	float, err := pipeline.NewNetwork(g)
	if err != nil {
		log.Fatal(err)
	}
	network, _, err := float.Dynamic(ctx, ptq.Config{})
	if err != nil {
		log.Fatal(err)
	}
	ids := []float32{1, 2, 3, 4 /* second */, 1, 3, 0, 0}
	mask := []float32{1, 1, 1, 1 /* second */, 1, 1, 0, 0}
	for _, n := range []*pipeline.Network{float, network} {
		model, err := n.Compile(ctx, engine.Config{})
		if err != nil {
			log.Fatal(err)
		}
		outputs, err := model.Room(2)
		if err != nil {
			log.Fatal(err)
		}
		if err := model.Run(ctx, outputs, [][]float32{ids, mask}); err != nil {
			log.Fatal(err)
		}
		fmt.Printf("%v: %.3f and %.3f\n", model.Numbers, outputs[0][:3], outputs[0][3:])
	}
	// Output:
	// float32: [0.625 -0.287 -0.038] and [0.600 -0.100 -0.100]
	// integers, 1 layer dynamic: [0.627 -0.287 -0.037] and [0.601 -0.099 -0.100]
}
