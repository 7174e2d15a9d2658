package onnx

import (
	"errors"
	"fmt"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// Import reads a model from memory; name stands for the file in errors. The graph's constants are views of data, which
// must not change. A model with external data is refused: use Open.
//
// The graph is the file's, quantized where the file is (QDQ and QOperator), its shapes inferred. The first dimension of
// its inputs is the batch, also where the file has a number there. Parameters must be constants or be computed from
// constants and shapes by simple operators.
//
// Errors name the file and the node, tensor or value: what is no ONNX file, operators or opsets that are not supported,
// cycles, names that are missing or made twice, wrong types, shapes that do not fit.
func Import(data []byte, name string) (*graph.Graph, error) {
	g, err := importModel(data, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return g, nil
}

func importModel(data []byte, ext *external) (*graph.Graph, error) {
	m, err := onnxpb.Read(data)
	if err != nil || m.Graph == nil {
		return nil, refuse(data, err)
	}
	g, err := readRaw(m, int64(len(data)), ext)
	if err != nil {
		return nil, err
	}
	if g, err = fuse(g); err != nil {
		return nil, err
	}
	if g, err = graph.InferShapes(g); err != nil {
		return nil, err
	}
	return uncoerce(g)
}

// readRaw makes the raw form of a model.
func readRaw(m *onnxpb.Model, size int64, ext *external) (*graph.Graph, error) {
	if m.Graph.Sparse > 0 {
		return nil, errors.New("it has sparse initializers, which are not supported: export it with dense ones")
	}
	opsets, err := versions(m)
	if err != nil {
		return nil, err
	}
	if err := known(m.Graph.Nodes, opsets); err != nil {
		return nil, err
	}
	im := &importer{
		pb: m.Graph, g: graph.New(m.Graph.Name), opsets: opsets, ext: ext, left: newBudget(size),
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
	return im.g, nil
}

// fact is what the importer notes of a value. Shapes are inferred later, by package graph.
type fact struct {
	batched bool // it depends on an input: its first dimension is the batch
	rank    int  // it has at most so many dimensions
}

// maxRank bounds the dimensions of a value, as NumPy did before version 2; networks have up to 6.
const maxRank = 32

// importer makes the raw form, node by node.
type importer struct {
	pb      *onnxpb.Graph
	g       *graph.Graph
	opsets  map[string]int64
	ext     *external
	left    budget
	arrays  map[string]array        // values that are known integers, such as the shape for a Reshape
	known   map[string]tensor.Shape // shapes that were inferred because an operator asked
	asked   int                     // how many nodes were inferred for that
	facts   map[string]fact         // of inputs and of what nodes compute
	batch   int64                   // the number that the file has for it; -1: none
	readers map[string]bool         // values that are read, once somebody asked
	made    map[string]int          // the node of the file that makes a value
}
