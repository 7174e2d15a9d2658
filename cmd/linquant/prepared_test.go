package main

import (
	"bytes"
	"context"
	"io"
	"maps"
	"slices"
	"strings"

	"linquant/graph"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/tensor"
	"linquant/vision"
)

// writePreparedFixtures writes the built-in network as one that was trained on ImageNet's preparation: its input is
// multiplied by the deviation, and the mean added, before its own first layer.
//
//	normal.onnx  it, saying nothing of pixels, as exporters write it
//	named.onnx   the same, with the preparation in its metadata
//	wrong.onnx   the same, with another in its metadata
//
// and slashes.onnx, whose layers are called as PyTorch's exporter calls them, and swish.onnx, which has an operator of opset 14.
func writePreparedFixtures(dir string) error {
	n, err := pipeline.Open(context.Background(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		return err
	}
	defer n.Close()
	g := n.Graph().Clone()
	channels := tensor.Shape{3, 1, 1}
	g.AddConst("std", arrayOf("", channels, []float32{0.229, 0.224, 0.225}).Tensor)
	g.AddConst("mean", arrayOf("", channels, []float32{0.485, 0.456, 0.406}).Tensor)
	for _, node := range g.Nodes {
		for i, in := range node.Inputs {
			if in == g.Inputs[0] {
				node.Inputs[i] = "pixel"
			}
		}
	}
	g.AddNode(graph.Mul, "times", "scaled", nil, g.Inputs[0], "std")
	g.AddNode(graph.Add, "plus", "pixel", nil, "scaled", "mean")
	last := len(g.Nodes) - 2
	g.Nodes = slices.Concat(g.Nodes[last:], g.Nodes[:last])
	write := func(p vision.Preprocess) func(w io.Writer) error {
		own := *g
		own.Metadata = maps.Clone(g.Metadata)
		if err := p.Store(&own); err != nil {
			panic(err)
		}
		var b bytes.Buffer
		if err := onnx.Export(&b, &own, onnx.ExportConfig{}); err != nil {
			panic(err)
		}
		return whole(b.Bytes())
	}
	imagenet, err := vision.Named("imagenet", 3)
	if err != nil {
		return err
	}
	slashes := n.Graph().Clone()
	for _, node := range slashes.Nodes {
		node.Name = "/" + strings.ReplaceAll(node.Name, ".", "/") + "/" + string(node.Op)
	}
	slashes.Nodes[0].Name = "odd [name], *"
	var b bytes.Buffer
	if err := onnx.Export(&b, slashes, onnx.ExportConfig{}); err != nil {
		return err
	}
	swish := n.Graph().Clone()
	for _, node := range swish.Nodes {
		if node.Op == graph.Relu {
			node.Op = graph.HardSwish
		}
	}
	var late bytes.Buffer
	if err := onnx.Export(&late, swish, onnx.ExportConfig{}); err != nil {
		return err
	}
	return writeFiles(dir, map[string]func(w io.Writer) error{
		"slashes.onnx": whole(b.Bytes()),
		"swish.onnx":   whole(late.Bytes()),
		"normal.onnx":  write(vision.Preprocess{Assumed: true}),
		"named.onnx":   write(imagenet),
		"wrong.onnx":   write(vision.Preprocess{Divisor: 1}),
	})
}
