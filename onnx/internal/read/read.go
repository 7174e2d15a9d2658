// Package read makes the raw form of a file's messages.
package read

import (
	"context"
	"errors"
	"slices"

	"linquant/internal/ended"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/fault"
	"linquant/onnx/internal/file"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
)

// Graph makes the raw form of a model. A ctx that is done ends it with ctx's error.
func Graph(ctx context.Context, c build.Config, m *onnxpb.Model, size int64, ext *elements.External) (*raw.Graph, error) {
	if m.Graph.Sparse > 0 {
		return nil, errors.New("it has sparse initializers, which are not supported: export it with dense ones")
	}
	if slices.Contains(m.Metadata, onnxpb.Entry{Key: raw.KeyWhole, Value: "true"}) && !c.Fixed {
		c.Fixed, c.One = true, true
	}
	if err := check(c, m.Graph.Inputs); err != nil {
		return nil, err
	}
	opsets, err := operators.Opsets(m)
	if err != nil {
		return nil, err
	}
	part, err := file.PartOf(m.Graph, c.Inputs, c.Outputs)
	if err != nil {
		return nil, err
	}
	part.Apply(m.Graph, c.Declare)
	functions, err := file.NewFunctions(m, size)
	if err != nil {
		return nil, err
	}
	if functions != nil {
		if m.Graph.Nodes, err = functions.Inline(m.Graph.Nodes); err != nil {
			return nil, err
		}
		if part, err = file.PartOf(m.Graph, nil, nil); err != nil { // what functions compute for nobody
			return nil, err
		}
		part.Apply(m.Graph, nil)
	}
	if m.Graph.Nodes, err = file.DynamicLayers(m.Graph); err != nil {
		return nil, err
	}
	if err := operators.Known(m.Graph.Nodes, opsets); err != nil {
		return nil, err
	}
	im := build.New(ctx, c, m.Graph, opsets, ext, size)
	im.Functions = functions
	if t := c.Trace; t != nil {
		*t = build.Trace{Constants: map[string]onnxpb.Tensor{}, Opsets: opsets, Inputs: m.Graph.Inputs, Outputs: m.Graph.Outputs}
	}
	if err := metadata(im, m.Metadata); err != nil {
		return nil, err
	}
	if err := constants(im, m.Graph.Initializers); err != nil {
		return nil, err
	}
	if err := inputs(im, m.Graph.Inputs); err != nil {
		return nil, err
	}
	sequence, made, err := file.Order(m.Graph.Nodes, func(name string) bool { return im.Graph.Values[name] != nil })
	if err != nil {
		return nil, err
	}
	im.Makers = made
	for done, i := range sequence {
		if err := ended.Err(ctx); err != nil {
			return nil, err
		}
		if err := node(im, &m.Graph.Nodes[i]); err != nil {
			return nil, &fault.At{Node: done, Value: file.Maker(&m.Graph.Nodes[i]), Err: err}
		}
	}
	if err := outputs(im, m.Graph.Outputs); err != nil {
		return nil, &fault.At{Node: len(sequence), Err: err}
	}
	prune(im)
	if len(im.Pictures) > 0 {
		im.Graph.RemoveDead()
	}
	return im.Graph, nil
}
