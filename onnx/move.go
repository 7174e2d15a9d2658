package onnx

import (
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// The methods here bring operators that move elements while the network runs to those of the graph.

// onlyConstants refuses operators that are supported on what is known before the network runs alone.
func (s site) onlyConstants() error {
	return s.errorf("%s is supported only of constants and shapes, before the network runs: replace it in the model, or "+
		"export it with fixed shapes", s.n.Op)
}

// rank returns the number of dimensions of input i.
func (s site) rank(i int) (int, error) {
	shape, err := s.dims(i)
	return len(shape), err
}

// dims returns the shape of input i: batchSize for the batch.
func (s site) dims(i int) ([]int64, error) {
	name := s.n.Input(i)
	if v := s.im.g.Values[name]; v != nil && v.Const != nil {
		return int64s(v.Const.Shape), nil
	}
	shape := s.im.inferred(name)
	if shape == nil {
		return nil, s.errorf("the shape of %q is not known here, and the operator needs it: export the model with fixed "+
			"shapes, and look whether the operators before it are right", name)
	}
	return shape, nil
}

// axis returns the node's axis counted from the front, and the shape of its first input.
func (s site) axis(fallback int) (int, []int64, error) {
	shape, err := s.dims(0)
	if err != nil {
		return 0, nil, err
	}
	axis := s.n.Attrs.Int("axis", fallback)
	if axis < -len(shape) || axis >= len(shape) {
		return 0, nil, s.errorf("axis %d is no dimension of %q, which has %d", axis, s.n.Input(0), len(shape))
	}
	if axis < 0 {
		axis += len(shape)
	}
	if shape[axis] == batchSize {
		return 0, nil, s.errorf("axis %d of %q is the batch: it would take examples apart; use another axis, or read the "+
			"model with a fixed batch (ImportConfig.Fixed)", axis, s.n.Input(0))
	}
	return axis, shape, nil
}

// emit adds a node before the one that s becomes, and returns what it computes.
func (s site) emit(what string, op graph.Op, attrs graph.Attrs, inputs ...string) (string, error) {
	out := s.im.fresh(s.n.Outputs[0] + "_" + what)
	part := s
	part.n = &raw.Node{Name: out, Op: op, Inputs: inputs, Outputs: []string{out}, Attrs: attrs}
	part.least = len(inputs)
	return out, part.add()
}

// turn makes the node itself another one, of one input.
func (s site) turn(op graph.Op, attrs graph.Attrs, input string) error {
	s.n.Op, s.n.Attrs, s.n.Inputs = op, attrs, []string{input}
	return nil
}

// parts returns the lengths of a Split's outputs: those that it says, or equal ones, of which the last may be shorter
// since opset 18.
func (s site) parts(length int) ([]int, error) {
	outputs := len(s.n.Outputs)
	parts := s.n.Attrs.Ints("split")
	if s.n.Input(1) != "" {
		var err error
		if parts, err = s.ints(1); err != nil {
			return nil, err
		}
	}
	if n := s.n.Attrs.Int("num_outputs", outputs); n != outputs {
		return nil, s.errorf("it has %d outputs, and num_outputs is %d", outputs, n)
	}
	if parts == nil {
		each := (length + outputs - 1) / outputs
		if length%outputs != 0 && s.opset < 18 {
			return nil, s.errorf("%d elements cannot be split into %d equal parts", length, outputs)
		}
		parts = slices.Repeat([]int{each}, outputs)
		parts[outputs-1] = length - each*(outputs-1)
	}
	sum := 0
	for _, n := range parts {
		if n < 0 || n > length-sum {
			sum = -1
			break
		}
		sum += n
	}
	if len(parts) != outputs || sum != length {
		return nil, s.errorf("its parts %v do not make %d elements for %d outputs", parts, length, outputs)
	}
	return parts, nil
}

// split becomes a Slice for each output.
func (s site) split() error {
	axis, shape, err := s.axis(0)
	if err != nil {
		return err
	}
	s.n.Op = ""
	return s.eachPart(axis, int(shape[axis]), func(part site, length int) error {
		if length == 0 {
			return s.errorf("its output %q has no elements, and a value here has some: remove it from the model", part.n.Outputs[0])
		}
		return part.add()
	})
}

// eachPart calls visit with a Slice for every output of a Split that has a name, and how much of the axis it takes.
func (s site) eachPart(axis, length int, visit func(part site, length int) error) error {
	parts, err := s.parts(length)
	if err != nil {
		return err
	}
	start := 0
	for i, n := range parts {
		part := s
		part.n = sliceNode(s.n, i, axis, start, n)
		start += n
		if s.n.Outputs[i] == "" {
			continue
		}
		if err := visit(part, n); err != nil {
			return err
		}
	}
	return nil
}

// partName names the slices of a node whose name has one.
func partName(n *raw.Node, i int) string {
	if n.Name == "" {
		return ""
	}
	return fmt.Sprintf("%s_%d", n.Name, i)
}

// gather takes constant indices. A single one is a Slice without the dimension, and a matrix of them is one in a row
// that is reshaped.
func (s site) gather() error {
	axis, shape, err := s.axis(0)
	if err != nil {
		return err
	}
	indices, ok := s.im.array(s.n.Inputs[1])
	if !ok || indices.float() || indices.unknown() || indices.elements() == 0 {
		return s.errorf("its indices %q are not constant: only those that are known before the network runs are supported",
			s.n.Inputs[1])
	}
	if err := s.im.left.take(8 * int64(indices.elements())); err != nil { // many nodes can read the same
		return s.errorf("%w", err)
	}
	at, ok := withinAxis(indices.v, int(shape[axis]))
	if !ok {
		return s.errorf("one of its indices %s is not in dimension %d of %q, which has %d elements",
			list(indices.v), axis, s.n.Input(0), shape[axis])
	}
	x := s.n.Inputs[0]
	switch len(indices.shape) {
	case 0:
		one, err := s.emit("slice", graph.Slice, graph.Attrs{
			"starts": at, "ends": []int{at[0] + 1}, "axes": []int{axis}, "steps": []int{1},
		}, x)
		if err != nil {
			return err
		}
		return s.turn(graph.Squeeze, graph.Attrs{"axes": []int{axis}}, one)
	case 1:
		return s.turn(graph.Gather, graph.Attrs{"axis": axis, "indices": at}, x)
	}
	row, err := s.emit("row", graph.Gather, graph.Attrs{"axis": axis, "indices": at}, x)
	if err != nil {
		return err
	}
	target := slices.Concat(dimensions(shape[:axis]), indices.shape, dimensions(shape[axis+1:]))
	return s.turn(graph.Reshape, graph.Attrs{"shape": target}, row)
}

// dimensions are those of a shape, as attributes have them.
func dimensions(shape []int64) []int {
	out := make([]int, len(shape))
	for i, d := range shape {
		if out[i] = clamp(d); d == batchSize {
			out[i] = graph.Batch
		}
	}
	return out
}

// expand broadcasts to a constant shape. What is the same for all examples stays as it is along the batch: what reads
// it broadcasts it.
func (s site) expand() error {
	target, ok := s.list(1)
	if !ok || slices.Contains(target, unknownSize) {
		return s.notConstant(1)
	}
	shape, err := s.dims(0)
	if err != nil {
		return err
	}
	batched := len(shape) > 0 && shape[0] == batchSize
	target = slices.Clone(target)
	for i, d := range target {
		switch {
		case d == batchSize && i != 0:
			return s.errorf("its shape has the batch as dimension %d: it must be the first", i)
		case i == 0 && batched && len(target) == len(shape) && d == s.im.batch:
			target[0] = batchSize
		}
	}
	// The batch that a file has as a number is meant where a constant gets it as its first dimension.
	fixed := len(target) > 0 && len(target) == len(shape) && shape[0] == 1 && target[0] == s.im.batch && !s.im.cfg.Fixed
	if len(target) > 0 && !batched && (target[0] == batchSize || fixed) {
		target[0] = 1
	}
	if sameBroadcast(shape, target) {
		return s.turn(graph.Identity, graph.Attrs{}, s.n.Inputs[0])
	}
	return s.turn(graph.Expand, graph.Attrs{"shape": dimensions(target)}, s.n.Inputs[0])
}

// sameBroadcast reports whether a shape stays what it is when it is broadcast.
func sameBroadcast(shape, target []int64) bool {
	skip := len(shape) - len(target)
	for d, n := range target {
		if skip < 0 || n != 1 && n != shape[skip+d] {
			return false
		}
	}
	return true
}

func (s site) tile() error {
	if len(s.n.Inputs) == 3 { // opset 1: how often, along which axis
		return s.errorf("it has the form of opset 1: convert the model to a later opset")
	}
	repeats, err := s.ints(1)
	if err != nil {
		return err
	}
	return s.turn(graph.Tile, graph.Attrs{"repeats": repeats}, s.n.Inputs[0])
}

// castLike is a cast to the type of another value.
func (s site) castLike() error {
	if v := s.im.g.Values[s.n.Inputs[1]]; v == nil || v.DType != tensor.Float32 {
		return s.onlyConstants()
	}
	return s.turn(graph.Identity, graph.Attrs{}, s.n.Inputs[0])
}
