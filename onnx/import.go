package onnx

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/internal/ended"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/fault"
	"linquant/onnx/internal/fuse"
	"linquant/onnx/internal/read"
	"linquant/tensor"
)

// Import reads a model from memory; name stands for the file in errors. The graph's constants are views of data, which
// must not change. A model with external data is refused: use Open.
//
// The graph is the file's, quantized where the file is (QDQ and QOperator), its shapes inferred. The first dimension of
// its inputs is the batch, also where the file has a number there, if its nodes keep examples apart; else the whole input is
// one example (graph.Whole). ImportConfig has other ways. Parameters must be
// constants or be computed from constants and shapes.
//
// Memory: of the elements of tensors nothing is copied but what must be converted (float16, bfloat16, double, 4 and 2
// bits, int32_data and its like) or is computed from constants, together at most 64 KiB and four times the file. No
// allocation is larger than 1 MiB and four times the file. The smallest node of a file has a dozen bytes and a node of a
// graph some hundred, so that the graph of a file made for that takes up to 1 MiB and 32 times the file, and all
// allocations on the way to it, of which most are garbage soon, up to 1 MiB and 256 times the file. Functions of a model add up to 8,192 nodes
// and one for each 16 bytes of the file to that. A model that is refused for a node is read again, up to four times, to find what of it can
// be read (CutError).
//
// Errors name the file and the node, tensor or value: what is no ONNX file, operators or opsets that are not supported,
// cycles, names that are missing or made twice, wrong types, shapes that do not fit; ctx's, soon after it is done.
func Import(ctx context.Context, data []byte, name string) (*graph.Graph, error) {
	return ImportConfig{}.Import(ctx, data, name)
}

// Import is the function Import with the configuration. Inputs that it names and the model does not have are errors.
func (c ImportConfig) Import(ctx context.Context, data []byte, name string) (*graph.Graph, error) {
	g, _, err := c.importModel(ctx, data, func() *elements.External { return nil })
	if err != nil {
		return nil, fileError(name, err)
	}
	return g, nil
}

// importModel reads the model, and where it is refused finds out what of it can be read. It returns the external data that the graph
// has views of.
func (c ImportConfig) importModel(ctx context.Context, data []byte, external func() *elements.External) (*graph.Graph, *elements.External, error) {
	if len(c.Inputs) > 0 {
		var err error
		if c.declared, err = c.declare(ctx, data, external); err != nil {
			return nil, nil, err
		}
	}
	g, ext, err := c.importPart(ctx, data, external)
	if err != nil && ended.Err(ctx) == nil {
		err = c.cutBefore(ctx, data, external, err)
	}
	return g, ext, err
}

// importPart reads the model with a batch, and where examples cannot be told apart as one example.
func (c ImportConfig) importPart(ctx context.Context, data []byte, external func() *elements.External) (*graph.Graph, *elements.External, error) {
	ext := external()
	var assumed []Assumption
	var noted []Note
	cfg := build.Config{
		Fixed: c.Fixed, Shapes: c.Shapes, Constants: c.Constants, Inputs: c.Inputs, Outputs: c.Outputs,
		Assume:  func(input, symbol string) { assumed = append(assumed, Assumption{input, symbol}) },
		Declare: func(name string) onnxpb.ValueInfo { return c.declared[name] },
		Note:    func(node, op, why string) { noted = append(noted, Note{node, op, why}) },
	}
	g, err := importAs(ctx, cfg, data, ext)
	if !c.Fixed && mixes(err) {
		cfg.Fixed, cfg.One, noted = true, true, nil
		again := external()
		var whole error
		if g, whole = importAs(ctx, cfg, data, again); ext != nil {
			_ = ext.Close() // it was read
		}
		if ext = again; whole != nil && ended.Err(ctx) == nil {
			whole = plainer(err, whole, assumed)
		}
		err = whole
	}
	if c.Assumed != nil && err == nil {
		for _, a := range assumed {
			c.Assumed(a)
		}
	}
	if c.Noted != nil && err == nil {
		for _, n := range noted {
			c.Noted(n)
		}
	}
	return g, ext, err
}

// plainer returns the error of a file that can be read neither with a batch nor as one example: that of the reading which came
// further, since what ended the other is not all that is in the way. If it was with the batch, how the other ended is told too; if
// not, what was assumed for it.
func plainer(batch, whole error, assumed []Assumption) error {
	if fault.Reached(batch) > fault.Reached(whole) {
		return fmt.Errorf("%w; and with its whole input as one example: %w", batch, assuming(whole, assumed))
	}
	return assuming(whole, assumed)
}

// assuming adds to an error what it may be due to.
func assuming(err error, assumed []Assumption) error {
	if len(assumed) == 0 {
		return err
	}
	return fmt.Errorf("%w (%v)", err, assumed[0])
}

// mixes reports whether an error of reading a model with a batch can be due to the batch: what is wrong with a file, and
// operators that are not read, are not.
func mixes(err error) bool {
	var node *graph.NodeError
	return !errors.Is(err, ErrDamaged) && (errors.As(err, &node) || errors.Is(err, read.ErrBatch))
}

func importAs(ctx context.Context, c build.Config, data []byte, ext *elements.External) (*graph.Graph, error) {
	m, err := onnxpb.Read(data)
	if err != nil || m.Graph == nil {
		return nil, read.Refuse(data, err)
	}
	r, err := read.Graph(ctx, c, m, int64(len(data)), ext)
	if err != nil {
		return nil, typed(err)
	}
	g, err := fuse.Graph(ctx, r)
	if err == nil {
		err = g.Infer()
	}
	if err != nil {
		return nil, behind(m.Graph.Nodes, g, err)
	}
	if g.Quantized() { // where folding would not come any more
		g.Recognize()
	}
	return g, nil
}

// behind says of an error about a network whose nodes were all read at which of them it is.
func behind(read []onnxpb.Node, g *graph.Graph, err error) error {
	at := &fault.At{Node: len(read) + 1, Err: err}
	var known *fault.At
	var node *graph.NodeError
	if errors.As(err, &known) {
		at.Value = known.Value
	}
	if errors.As(err, &node) && g != nil {
		at.Node += max(slices.IndexFunc(g.Nodes, func(n *graph.Node) bool { return n.Label() == node.Node }), 0)
		at.Value = node.Node
	}
	return at
}

// Assumption is a first dimension that was taken as 1, because the file has no number for it and the configuration gives none. There
// are such only in networks that take their whole input as one example.
type Assumption struct {
	Input  string
	Symbol string // what the file calls the dimension; "" where it does not
}

// String says it in half a sentence.
func (a Assumption) String() string {
	if a.Symbol == "" {
		return fmt.Sprintf("the first dimension of the input %q has no number, and is taken as 1", a.Input)
	}
	return fmt.Sprintf("the first dimension of the input %q is %q, and is taken as 1", a.Input, a.Symbol)
}

// Note is a node on codes that has no form in integers here, and is computed in reals, with the rounding and the clamping that it
// means: codes of 16 bits, scales that are computed while the network runs, sums of codes that are no layer.
type Note struct {
	Node   string // its name, or its first output's
	Op     string
	Reason string
}

// ImportConfig says how a model is read. The zero value is how Open and Import read it.
type ImportConfig struct {
	// Fixed makes the first dimension of inputs an ordinary one, with the number that the file or Shapes has for it,
	// where it is the batch otherwise. Operators may then do to it what they do to other dimensions, and the network
	// runs on inputs of exactly its shapes, its whole input being one example (graph.Whole). Without it a network is read so
	// where its nodes do not keep examples apart; a first dimension without a number is 1 then, which Assumed is told.
	Fixed bool

	// Shapes are the shapes of inputs, by their names, in place of those in the file: for networks that take pictures
	// of any size. The first dimension is graph.Batch or a number, which is the batch all the same where the network keeps
	// examples apart, and with Fixed a number. Inputs that are not named keep the file's shape.
	Shapes map[string]tensor.Shape

	// Constants are inputs that are no inputs of the graph: they have these elements, of the type and shape that the
	// file gives them, and what follows from constants alone is computed while the model is read. So shapes, axes and
	// indices that a model takes as inputs are bound. The elements may be referred to by the graph and must not change.
	Constants map[string]tensor.Tensor

	// Outputs are the values that the network is run for, in place of the file's outputs: any that a node computes.
	// Nodes that none of them needs are left out, so that a network can be cut before operators that are not supported; and so are
	// inputs.
	Outputs []string

	// Inputs are values that the network is given in place of computing them: any that a node computes, and inputs of the file, whose
	// initializer, if they have one, is left out. Inputs of the file that are needed beside them stay, and others are left out. What
	// the file does not say of their types and shapes follows from what comes before them, where that can be read; else they are
	// float32, of a shape in Shapes.
	Inputs []string

	// Assumed, where it is not nil, is called for what was assumed of a model that could be read.
	Assumed func(Assumption)

	// Noted, where it is not nil, is called for what of a model that could be read is computed in reals though it is of codes.
	Noted func(Note)

	declared map[string]onnxpb.ValueInfo // what is known of Inputs
}
