package convert

import (
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/follow"
	"linquant/onnx/internal/operators"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// The methods here bring operators that move elements while the network runs to those of the graph.

// OnlyConstants refuses operators that are supported on what is known before the network runs alone.
func OnlyConstants(s build.Node) error {
	if s.Raw.Op == "NonZero" || s.Raw.Op == "Range" {
		return s.Errorf("of values that are computed while the network runs it is not supported: %s", operators.DataAdvice)
	}
	return s.Errorf("%s is supported only of constants and shapes, before the network runs: replace it in the model, or "+
		"export it with fixed shapes", s.Raw.Op)
}

// parts returns the lengths of a Split's outputs: those that it says, or equal ones, of which the last may be shorter
// since opset 18.
func parts(s build.Node, length int) ([]int, error) {
	outputs := len(s.Raw.Outputs)
	parts := s.Raw.Ints("split")
	if s.Raw.Input(1) != "" {
		var err error
		if parts, err = s.Ints(1); err != nil {
			return nil, err
		}
	}
	if n := s.Raw.Attrs["num_outputs"]; n != nil && n != outputs {
		return nil, s.Errorf("it has %d outputs, and num_outputs is %v", outputs, n)
	}
	if parts == nil {
		each := (length + outputs - 1) / outputs
		if length%outputs != 0 && s.Opset < 18 {
			return nil, s.Errorf("%d elements cannot be split into %d equal parts", length, outputs)
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
		return nil, s.Errorf("its parts %v do not make %d elements for %d outputs", parts, length, outputs)
	}
	return parts, nil
}

// Split becomes a Slice for each output.
func Split(s build.Node) error {
	axis, shape, err := s.Axis()
	if err != nil {
		return err
	}
	err = EachPart(s, axis, int(shape[axis]), func(part build.Node, length int) error {
		if length == 0 {
			return s.Errorf("its output %q has no elements, and a value here has some: remove it from the model", part.Raw.Outputs[0])
		}
		return part.Add()
	})
	s.Raw.Op = ""
	return err
}

// EachPart calls visit with a Slice for every output of a Split that has a name, and how much of the axis it takes.
func EachPart(s build.Node, axis, length int, visit func(part build.Node, length int) error) error {
	parts, err := parts(s, length)
	if err != nil {
		return err
	}
	start := 0
	for i, n := range parts {
		part := s
		part.Raw = sliceNode(s.Raw, i, axis, start, n)
		start += n
		if s.Raw.Outputs[i] == "" {
			continue
		}
		if err := visit(part, n); err != nil {
			return err
		}
	}
	return nil
}

// PartName names the slices of a node whose name has one.
func PartName(n *raw.Node, i int) string {
	if n.Name == "" {
		return ""
	}
	return fmt.Sprintf("%s_%d", n.Name, i)
}

// Gather takes constant indices. A single one is a Slice without the dimension, and a matrix of them is one in a row
// that is reshaped.
func Gather(s build.Node) (err error) {
	indices, ok := s.Net.Array(s.Raw.Inputs[1])
	if !ok && s.Net.Graph.Values[s.Raw.Inputs[1]] != nil { // computed while the network runs
		if c, known := s.Net.Follows(s.Raw.Inputs[0]); known && c.DType.Size() == 1 && c.DType != tensor.Bool {
			if done, err := gatherReals(s, c); done || err != nil {
				return err
			}
			s.Net.Numbers[s.Raw.Outputs[0]] = build.Number{DType: c.DType, Type: c.Type}
			s.Raw.Inputs[0], err = s.AsNumbers(s.Raw.Inputs[0])
		}
		return err
	}
	axis, shape, err := s.Axis()
	if err != nil {
		return err
	}
	if !ok || indices.Float() || indices.Unknown() || indices.Elements() == 0 {
		return s.Errorf("its indices %q are not constant: only those that are known before the network runs are supported",
			s.Raw.Inputs[1])
	}
	if err := s.Net.Left.Take(8 * int64(indices.Elements())); err != nil { // many nodes can read the same
		return s.Errorf("%w", err)
	}
	at, ok := arrays.WithinAxis(indices.Ints, int(shape[axis]))
	if !ok {
		return s.Errorf("one of its indices %s is not in dimension %d of %q, which has %d elements",
			elements.List(indices.Ints), axis, s.Raw.Input(0), shape[axis])
	}
	x := s.Raw.Inputs[0]
	switch len(indices.Shape) {
	case 0:
		one, err := s.Insert("slice", graph.Slice, graph.Attrs{
			"starts": at, "ends": []int{at[0] + 1}, "axes": []int{axis}, "steps": []int{1},
		}, x)
		if err != nil {
			return err
		}
		return s.Become(graph.Squeeze, graph.Attrs{"axes": []int{axis}}, one)
	case 1:
		return s.Become(graph.Gather, graph.Attrs{"axis": axis, "indices": at}, x)
	}
	row, err := s.Insert("row", graph.Gather, graph.Attrs{"axis": axis, "indices": at}, x)
	if err != nil {
		return err
	}
	target := slices.Concat(build.Dimensions(shape[:axis]), indices.Shape, build.Dimensions(shape[axis+1:]))
	return s.Become(graph.Reshape, graph.Attrs{"shape": target}, row)
}

// gatherReals gathers of a table of codes that operators of quantization read with one scale: the reals that they stand for, which
// become the same codes again.
func gatherReals(s build.Node, codes follow.Value) (done bool, err error) {
	for _, n := range s.Net.FileReaders(s.Raw.Outputs[0]) {
		m := raw.Node{Op: operators.Op(n), Inputs: n.Inputs}
		for _, slot := range m.Reads() {
			scale, zero := m.Input(slot.Scale), m.Input(slot.Zero)
			if m.Input(slot.Codes) != s.Raw.Outputs[0] || s.Net.Graph.Values[scale] == nil || notParameters(s, scale, zero) != "" {
				continue
			}
			parameters := []string{scale}
			if zero != "" {
				parameters = append(parameters, zero)
			}
			table, err := s.Insert("table", graph.DequantizeLinear, graph.Attrs{}, append([]string{s.Raw.Inputs[0]}, parameters...)...)
			if err != nil {
				return false, err
			}
			rows, err := s.Insert("rows", graph.Gather, s.Raw.Attrs, table, s.Raw.Inputs[1])
			if err != nil {
				return false, err
			}
			attrs := graph.Attrs{}
			for t, e := range elements.Types {
				if zero == "" && e.File == codes.DType && e.Store == e.File && e.Codes() == codes.Type {
					attrs["output_dtype"] = int(t)
				}
			}
			s.Raw.Op, s.Raw.Attrs, s.Raw.Inputs = graph.QuantizeLinear, attrs, append([]string{rows}, parameters...)
			return true, nil
		}
	}
	return false, nil
}

// expand broadcasts to a constant shape. What is the same for all examples stays as it is along the batch: what reads
// it broadcasts it.
func expand(s build.Node) error {
	target, ok := s.List(1)
	if !ok || slices.Contains(target, arrays.UnknownSize) {
		return s.NotConstant(1)
	}
	shape, err := s.Dims(0)
	if err != nil {
		return err
	}
	batched := len(shape) > 0 && shape[0] == arrays.BatchSize
	target = slices.Clone(target)
	for i, d := range target {
		switch {
		case d == arrays.BatchSize && i != 0:
			return s.Errorf("its shape has the batch as dimension %d: it must be the first", i)
		case i == 0 && batched && len(target) == len(shape) && d == s.Net.Batch:
			target[0] = arrays.BatchSize
		}
	}
	// The batch that a file has as a number is meant where a constant gets it as its first dimension.
	fixed := len(target) > 0 && len(target) == len(shape) && shape[0] == 1 && target[0] == s.Net.Batch && !s.Net.Cfg.Fixed
	if len(target) > 0 && !batched && (target[0] == arrays.BatchSize || fixed) {
		target[0] = 1
	}
	if sameBroadcast(shape, target) {
		return becomeInput(s)
	}
	return s.Become(graph.Expand, graph.Attrs{"shape": build.Dimensions(target)}, s.Raw.Inputs[0])
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

// castLike is a cast to the type of another value.
func castLike(s build.Node) error {
	v := s.Net.Graph.Values[s.Raw.Inputs[1]]
	for t, e := range elements.Types {
		if v != nil && e.Store == v.DType && e.File == v.DType && e.Bits >= 8 {
			s.Raw.Op, s.Raw.Attrs, s.Raw.Inputs = graph.Cast, graph.Attrs{"to": int(t)}, s.Raw.Inputs[:1]
			return cast(s)
		}
	}
	return OnlyConstants(s)
}

// sliceNode is part i of a Split: n elements of the axis from start on.
func sliceNode(split *raw.Node, i, axis, start, n int) *raw.Node {
	return &raw.Node{
		Name: PartName(split, i), Op: graph.Slice, Inputs: split.Inputs[:1], Outputs: split.Outputs[i : i+1],
		Attrs: graph.Attrs{
			"starts": []int{start}, "ends": []int{start + n}, "axes": []int{axis}, "steps": []int{1},
		},
	}
}

// scatter is the name that ScatterElements had before opset 11.
func scatter(s build.Node) error {
	s.Raw.Op = graph.ScatterElements
	return nil
}
