package onnx

import (
	"errors"
	"fmt"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// Import reads a model from memory; name stands for the file in errors. The graph's constants are views of data, which
// must not change. A model with external data is refused: use Open.
//
// The graph is the file's, quantized where the file is (QDQ and QOperator), its shapes inferred. The first dimension of
// its inputs is the batch, also where the file has a number there; ImportConfig has other ways. Parameters must be
// constants or be computed from constants and shapes.
//
// Memory: of the elements of tensors nothing is copied but what must be converted (float16, bfloat16, double, 4 and 2
// bits, int32_data and its like) or is computed from constants, together at most 64 KiB and four times the file. No
// allocation is larger than 1 MiB and four times the file. The smallest node of a file has a dozen bytes and a node of a
// graph some hundred, so that the graph of a file made for that takes up to 1 MiB and 32 times the file, and all
// allocations on the way to it, of which most are garbage soon, up to 1 MiB and 256 times the file.
//
// Errors name the file and the node, tensor or value: what is no ONNX file, operators or opsets that are not supported,
// cycles, names that are missing or made twice, wrong types, shapes that do not fit.
func Import(data []byte, name string) (*graph.Graph, error) { return ImportConfig{}.Import(data, name) }

// Import is the function Import with the configuration. Inputs that it names and the model does not have are errors.
func (c ImportConfig) Import(data []byte, name string) (*graph.Graph, error) {
	g, err := c.importModel(data, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return g, nil
}

func (c ImportConfig) importModel(data []byte, ext *external) (*graph.Graph, error) {
	m, err := onnxpb.Read(data)
	if err != nil || m.Graph == nil {
		return nil, refuse(data, err)
	}
	r, err := c.readRaw(m, int64(len(data)), ext)
	if err != nil {
		return nil, err
	}
	g, err := fuse(r)
	if err != nil {
		return nil, err
	}
	if g, err = graph.InferShapes(g); err != nil {
		return nil, err
	}
	if g.Quantized() { // where folding would not come any more
		return graph.Recognize(g)
	}
	return g, nil
}

// readRaw makes the raw form of a model.
func (c ImportConfig) readRaw(m *onnxpb.Model, size int64, ext *external) (*raw.Graph, error) {
	if m.Graph.Sparse > 0 {
		return nil, errors.New("it has sparse initializers, which are not supported: export it with dense ones")
	}
	if err := c.check(m.Graph.Inputs); err != nil {
		return nil, err
	}
	if err := c.cut(m.Graph); err != nil {
		return nil, err
	}
	opsets, err := versions(m)
	if err != nil {
		return nil, err
	}
	if m.Graph.Nodes, err = dynamicLayers(m.Graph); err != nil {
		return nil, err
	}
	if err := known(m.Graph.Nodes, opsets); err != nil {
		return nil, err
	}
	im := &importer{
		cfg: c, pb: m.Graph, g: raw.New(m.Graph.Name), opsets: opsets, ext: ext, left: newBudget(size),
		bound: map[string]bool{}, decoded: map[string]array{}, derived: map[string]bool{},
		lifted: map[string]string{}, turned: map[string]turned{}, makers: map[string]*raw.Node{}, numbers: map[string]int{},
		most:   len(m.Graph.Nodes) + moreNodes(size),
		arrays: map[string]array{}, facts: map[string]fact{}, batch: -1,
	}
	if err := im.metadata(m.Metadata); err != nil {
		return nil, err
	}
	if err := im.constants(m.Graph.Initializers); err != nil {
		return nil, err
	}
	if err := im.inputs(m.Graph.Inputs); err != nil {
		return nil, err
	}
	order, err := im.order(m.Graph.Nodes)
	if err != nil {
		return nil, err
	}
	for _, i := range order {
		if err := im.node(&m.Graph.Nodes[i]); err != nil {
			return nil, err
		}
	}
	if err := im.outputs(m.Graph.Outputs); err != nil {
		return nil, err
	}
	im.prune()
	if len(im.lifted) > 0 {
		im.g.RemoveDead()
	}
	return im.g, nil
}

// fact is what the importer notes of a value. Shapes are inferred later, by package graph.
type fact struct {
	batched bool // its first dimension is the batch, as it depends on an input that has one
	rank    int  // it has at most so many dimensions
}

// moreNodes bounds how many nodes of a graph a file of that size can have beyond its own: a Split, a Sum of many or a
// LayerNormalization with its statistics become several, and a node in memory is much larger than the name of an input.
func moreNodes(size int64) int { return 512 + int(size/32) }

// maxRank bounds the dimensions of a value, as NumPy did before version 2; networks have up to 6.
const maxRank = 32

// importer makes the raw form, node by node.
type importer struct {
	cfg     ImportConfig
	pb      *onnxpb.Graph
	g       *raw.Graph
	opsets  map[string]int64
	ext     *external
	left    budget
	bound   map[string]bool         // inputs that the configuration makes constants
	arrays  map[string]array        // values that are known, such as the shape for a Reshape, and no constants
	decoded map[string]array        // constants that nodes computed with
	lifted  map[string]string       // values of one dimension, by what stands for them with two: see lift.go
	turned  map[string]turned       // values whose Transpose waits: see turned.go
	derived map[string]bool         // constants of floats that were computed from arrays
	known   map[string]tensor.Shape // shapes that were inferred because an operator asked
	asked   int                     // how many nodes were inferred for that
	facts   map[string]fact         // of inputs and of what nodes compute
	batch   int64                   // the number that the file has for it; -1: none
	readers map[string]bool         // values that are read, once somebody asked
	makers  map[string]*raw.Node    // the nodes of the graph, by what they compute
	made    map[string]int          // the node of the file that makes a value
	numbers map[string]int          // how many names were made of one
	most    int                     // nodes that the graph may have
}
