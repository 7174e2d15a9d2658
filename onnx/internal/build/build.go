// Package build holds a network while it is read: the raw form so far, what is known of its values without running it,
// and the node of the file that is on its way to become nodes of the raw form. The packages that convert nodes stand on
// it.
package build

import (
	"context"

	"linquant/internal/onnxpb"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/file"
	"linquant/onnx/internal/follow"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// Fact is what is noted of a value while it is read. Shapes are inferred later, by package graph.
type Fact struct {
	Batched bool // its first dimension is the batch, as it depends on an input that has one
	Rank    int  // it has at most so many dimensions
}

// Network is the raw form of a file, made node by node.
type Network struct {
	Cfg       Config
	File      *onnxpb.Graph
	Graph     *raw.Graph
	Opsets    map[string]int64
	ext       *elements.External
	Left      elements.Budget
	Bound     map[string]bool             // inputs that the configuration makes constants
	Arrays    map[string]arrays.Array     // values that are known, such as the shape for a Reshape, and no constants
	decoded   map[string]arrays.Array     // constants that nodes computed with
	follows   *follow.Values              // of the graph so far
	Numbers   map[string]Number           // values that hold integers as the reals that they are: package convert, numbers.go
	byInput   map[string][]*onnxpb.Node   // nodes of the file by what they read, once somebody asked
	Pictures  map[string]string           // values of one dimension, by what stands for them with two: package sequences
	Pending   map[string]PendingTranspose // values whose Transpose waits: package pending
	Derived   map[string]bool             // constants of floats that were computed from arrays
	shapes    map[string]tensor.Shape     // shapes that were inferred because an operator asked
	asked     int                         // how many nodes were inferred for that
	Facts     map[string]Fact             // of inputs and of what nodes compute
	Batch     int64                       // the number that the file has for it; -1: none
	readers   map[string]bool             // values that are read, once somebody asked
	Producers map[string]*raw.Node        // the nodes of the graph, by what they compute
	Makers    map[string]int              // the node of the file that makes a value
	Functions *file.Functions             // of the model; nil: none
	Depth     int                         // of branches of If within each other
	Scope     map[string]string           // of the branch that is read: the names that its values, and those around it, became
	numbers   map[string]int              // how many names were made of one
	most      int                         // nodes that the graph may have
}

// New returns a network of which nothing is read yet. size is that of the file, which bounds what is made of it.
func New(ctx context.Context, c Config, file *onnxpb.Graph, opsets map[string]int64, ext *elements.External, size int64) *Network {
	im := &Network{
		Cfg: c, File: file, Graph: raw.New(file.Name), Opsets: opsets, ext: ext, Left: elements.NewBudget(size),
		Bound: map[string]bool{}, decoded: map[string]arrays.Array{}, Derived: map[string]bool{},
		Pictures: map[string]string{}, Pending: map[string]PendingTranspose{}, Producers: map[string]*raw.Node{},
		numbers: map[string]int{}, most: len(file.Nodes) + moreNodes(size),
		Numbers: map[string]Number{}, Arrays: map[string]arrays.Array{}, Facts: map[string]Fact{}, Batch: -1,
	}
	im.follows = follow.New(ctx, im.Graph, func(name string) *raw.Node { return im.Producers[name] }, &im.Left)
	return im
}

// moreNodes bounds how many nodes of a graph a file of that size can have beyond its own: a Split, a Sum of many or a
// LayerNormalization with its statistics become several, and a node in memory is much larger than the name of an input.
func moreNodes(size int64) int { return 512 + int(size/32) }

// PendingTranspose is a value that waits for its Transpose.
type PendingTranspose struct {
	From string
	Perm []int
}

// Config is onnx.ImportConfig, which says what its fields mean.
type Config struct {
	Fixed     bool
	One       bool // with Fixed: a first dimension without a number is 1
	Shapes    map[string]tensor.Shape
	Constants map[string]tensor.Tensor
	Inputs    []string
	Outputs   []string

	Declare func(name string) onnxpb.ValueInfo // what is known of values that become inputs

	Note func(node, op, why string) // is told of a node on codes that is computed in reals

	Trace *Trace // is filled in, where it is not nil

	Assume func(input, symbol string) // is told of a first dimension without a number that is taken as 1; the symbol may be ""
}
