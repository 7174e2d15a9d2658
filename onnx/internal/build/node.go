package build

import (
	"fmt"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/fault"
	"linquant/onnx/internal/file"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// Node is a node of the file on its way to become one of the graph.
type Node struct {
	Net   *Network
	File  *onnxpb.Node
	Raw   *raw.Node
	Opset int64 // of the node's domain
	Least int   // how many inputs the operator needs
}

// Errorf is fmt.Errorf with the node's name in front.
func (s Node) Errorf(format string, args ...any) error {
	return &graph.NodeError{Node: operators.NodeName(s.File), Op: operators.Op(s.File), Err: fmt.Errorf("%s: %w", file.Label(s.File), fmt.Errorf(format, args...))}
}

// Reads reports whether a node reads the value, or it is an output of the network.
func (im *Network) Reads(name string) bool {
	if im.readers == nil {
		im.readers = map[string]bool{}
		for i := range im.File.Nodes {
			for _, in := range im.File.Nodes[i].Inputs {
				im.readers[in] = true
			}
		}
		for i := range im.File.Outputs {
			im.readers[im.File.Outputs[i].Name] = true
		}
	}
	return name != "" && im.readers[name]
}

// Inlined notes what nodes read that stand in a branch of If, and not among those of the file.
func (im *Network) Inlined(nodes []onnxpb.Node) {
	im.Reads("") // which counts the readers of the file
	for i := range nodes {
		for _, in := range nodes[i].Inputs {
			im.readers[in] = true
		}
	}
}

// Add appends the node, and its output with the type that follows from its inputs.
func (s Node) Add() error {
	v := &raw.Value{Name: s.Raw.Outputs[0], DType: tensor.Float32}
	var is Fact
	for i, in := range s.Raw.Inputs {
		if in == "" {
			if i < s.Least && !raw.HasParameters(s.Raw.Op) { // fuse knows which of theirs are optional
				return s.Errorf("input %d is left out, and the operator needs it", i)
			}
			continue
		}
		x := s.Net.Graph.Values[in]
		if x == nil {
			x = s.Net.Materialize(in)
		}
		if x == nil {
			return s.Errorf("it computes with %q, which is a shape: only Reshape and other parameters can be", in)
		}
		if t := x.DType; !s.takes(t) {
			return s.Errorf("input %q has elements of %v: the operator computes with float here, or with codes of int8 "+
				"or uint8", in, t)
		}
		of := s.Net.Facts[in]
		if x.Const != nil {
			of.Rank = len(x.Const.Shape)
		}
		is.Batched, is.Rank = is.Batched || of.Batched, max(is.Rank, of.Rank)
	}
	switch s.Raw.Op {
	case graph.Reshape:
		is.Rank = len(s.Raw.Ints("shape"))
	case graph.Expand:
		is.Rank = max(is.Rank, len(s.Raw.Ints("shape")))
	case graph.Unsqueeze:
		is.Rank += len(s.Raw.Ints("axes"))
	}
	if is.Rank > elements.MaxRank {
		return s.Errorf("its output has %d dimensions: more than %d are not supported", is.Rank, elements.MaxRank)
	}
	s.Net.Facts[v.Name] = is
	if as, ok := s.Net.Numbers[s.Raw.Input(0)]; ok && passesNumbers(s.Raw) && s.File.Op != "Cast" { // which says what it makes
		s.Net.Numbers[v.Name] = as
	}
	if from := s.Net.Graph.Values[s.Raw.Input(s.Raw.TypeInput())]; from != nil {
		v.DType, v.Type = from.DType, from.Type
	}
	if err := s.elements(v); err != nil {
		return err
	}
	if s.Raw.Op == graph.QuantizeLinear || s.Raw.Op == raw.MSQuantizeLinear {
		if err := s.quantizeType(v); err != nil {
			return err
		}
	}
	if len(s.Net.Graph.Nodes) >= s.Net.most {
		return s.Errorf("%w", fault.Errorf("it and nodes before it become more than %d nodes: the file is damaged, or made to take memory", s.Net.most))
	}
	s.Net.Graph.Nodes = append(s.Net.Graph.Nodes, s.Raw)
	s.Net.Producers[v.Name] = s.Raw
	s.Net.Graph.Values[v.Name] = v
	return nil
}

// takes reports whether an operator can have inputs with elements of a type.
func (s Node) takes(t tensor.DType) bool {
	switch {
	case t == tensor.Float32, t == tensor.Int8, t == tensor.Uint8, raw.HasParameters(s.Raw.Op) && t.IsInteger() && t.Size() <= 4:
		return true
	}
	row, ok := graph.Lookup(s.Raw.Op)
	return ok && graph.Counts(t) && (row.Counting || row.Class == graph.ClassReference || row.Op == graph.Gather || row.Op == graph.Resize)
}

// elements sets the type of what a node computes that has integers or booleans, among its inputs or made of them.
func (s Node) elements(v *raw.Value) error {
	row, ok := graph.Lookup(s.Raw.Op)
	counts := ok && row.Class == graph.ClassReference
	for _, in := range s.Raw.Inputs {
		if x := s.Net.Graph.Values[in]; x != nil && graph.Counts(x.DType) && x.DType.Size() > 1 || x != nil && x.DType == tensor.Bool {
			counts = true
		}
	}
	if !counts || raw.HasParameters(s.Raw.Op) {
		return nil
	}
	d, err := graph.ElementsOf(s.Raw.InGraph(), func(i int) (tensor.DType, bool) {
		x := s.Net.Graph.Values[s.Raw.Inputs[i]]
		return x.DType, x.Const != nil
	})
	if err != nil {
		return err // it names the node
	}
	v.DType, v.Type = d, quant.Type{}
	return nil
}

// quantizeType sets the type that a QuantizeLinear makes where it has no zero point: uint8, or what an attribute says.
func (s Node) quantizeType(v *raw.Value) error {
	if s.Raw.Input(2) != "" {
		return nil
	}
	v.DType = tensor.Uint8
	if s.Raw.Op == raw.MSQuantizeLinear { // it has no such attribute
		return nil
	}
	if t := s.Raw.Int("output_dtype"); t != 0 {
		e, err := elements.Supported(onnxpb.DataType(t))
		if err != nil {
			return s.Errorf("attribute output_dtype: %w", err)
		}
		v.DType, v.Type = e.Store, e.Codes()
	}
	return nil
}

// Fresh returns a name that no value of the file has: the one that is wanted, or with a number behind it, which goes on
// from the last that this name got, so that many of one name take no more time than others.
func (im *Network) Fresh(name string) string {
	for candidate := name; ; {
		if _, made := im.Makers[candidate]; !made && im.Graph.Values[candidate] == nil {
			return candidate
		}
		im.numbers[name]++
		candidate = fmt.Sprintf("%s_%d", name, im.numbers[name]+1)
	}
}

// Rank returns the number of dimensions of input i.
func (s Node) Rank(i int) (int, error) {
	shape, err := s.Dims(i)
	return len(shape), err
}

// Dims returns the shape of input i: batchSize for the batch.
func (s Node) Dims(i int) ([]int64, error) {
	name := s.Raw.Input(i)
	if v := s.Net.Graph.Values[name]; v != nil && v.Const != nil {
		return elements.Int64s(v.Const.Shape), nil
	}
	shape := s.Net.Inferred(name)
	if shape == nil {
		return nil, s.Errorf("the shape of %q is not known here, and the operator needs it: export the model with fixed "+
			"shapes, and look whether the operators before it are right", name)
	}
	return shape, nil
}

// Axis returns the node's axis counted from the front, and the shape of its first input.
func (s Node) Axis() (int, []int64, error) {
	shape, err := s.Dims(0)
	if err != nil {
		return 0, nil, err
	}
	axis := s.Raw.Int("axis")
	if axis < -len(shape) || axis >= len(shape) {
		return 0, nil, s.Errorf("axis %d is no dimension of %q, which has %d", axis, s.Raw.Input(0), len(shape))
	}
	if axis < 0 {
		axis += len(shape)
	}
	if shape[axis] == arrays.BatchSize {
		return 0, nil, s.Errorf("axis %d of %q is the batch: it would take examples apart; use another axis, or read the "+
			"model with a fixed batch (ImportConfig.Fixed)", axis, s.Raw.Input(0))
	}
	return axis, shape, nil
}

// Insert adds a node before the one that s becomes, and returns what it computes.
func (s Node) Insert(what string, op graph.Op, attrs graph.Attrs, inputs ...string) (string, error) {
	out := s.Net.Fresh(s.Raw.Outputs[0] + "_" + what)
	part := s
	part.Raw = &raw.Node{Name: out, Op: op, Inputs: inputs, Outputs: []string{out}, Attrs: attrs}
	part.Least = len(inputs)
	return out, part.Add()
}

// Become makes the node itself another one, of one input.
func (s Node) Become(op graph.Op, attrs graph.Attrs, input string) error {
	s.Raw.Op, s.Raw.Attrs, s.Raw.Inputs = op, attrs, []string{input}
	return nil
}

// Dimensions are those of a shape, as attributes have them.
func Dimensions(shape []int64) []int {
	out := make([]int, len(shape))
	for i, d := range shape {
		if out[i] = elements.Clamp(d); d == arrays.BatchSize {
			out[i] = graph.Batch
		}
	}
	return out
}

// Beside adds a node that computes another output of s.
func (s Node) Beside(op graph.Op, output string, attrs graph.Attrs, inputs ...string) error {
	part := s
	part.Raw = &raw.Node{Name: output, Op: op, Inputs: inputs, Outputs: []string{output}, Attrs: attrs}
	part.Least = len(inputs)
	return part.Add()
}
