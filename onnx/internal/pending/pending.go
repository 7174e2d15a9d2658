// Package pending lets what chooses from a value choose before a Transpose that would move the batch.
//
// Attention in PyTorch makes queries, keys and values of one product: qkv.permute(2, 0, 3, 1, 4), and then takes
// qkv[0], qkv[1] and qkv[2]. Between, the batch is dimension 1, which no value of a graph can have. So a Transpose that
// moves the batch waits until the nodes that choose from its output are known: they choose before it instead. No graph
// has such a Transpose, so that this is done to the raw form, while it is built: the operators after it ask for shapes.
package pending

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/convert"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
)

// transposeLater adds a Transpose for the node's output, or notes it where it would move the batch.
func transposeLater(s build.Node, from string, perm []int) error {
	if len(perm) > 0 && perm[0] != 0 && s.Net.Facts[from].Batched {
		s.Net.Pending[s.Raw.Outputs[0]] = build.PendingTranspose{From: from, Perm: perm}
		return nil
	}
	if err := s.Become(graph.Transpose, graph.Attrs{"perm": perm}, from); err != nil {
		return err
	}
	s.Least = 1
	return s.Add()
}

// Convert lets a node choose from what a waiting Transpose reads. done is false where the node has nothing to do with
// one, or is none that chooses: then the Transpose is added as it is.
func Convert(s build.Node) (done bool, err error) {
	wait, ok := s.Net.Pending[s.Raw.Input(0)]
	if s.Raw.Op == graph.Transpose && !ok {
		perm := s.Raw.Ints("perm")
		if len(perm) < 2 || perm[0] == 0 || !s.Net.Facts[s.Raw.Inputs[0]].Batched {
			return false, nil
		}
		if _, err := graph.PermOf(s.Raw.InGraph(), len(perm)); err != nil {
			return false, err
		}
		return true, transposeLater(s, s.Raw.Inputs[0], perm)
	}
	if ok {
		if done, err := selectBefore(s, wait); done || err != nil {
			return done, err
		}
	}
	for _, in := range s.Raw.Inputs {
		if wait, ok := s.Net.Pending[in]; ok && s.Net.Graph.Values[in] == nil {
			part := s
			part.Raw = &raw.Node{Name: in, Op: graph.Transpose, Outputs: []string{in}}
			if err := part.Become(graph.Transpose, graph.Attrs{"perm": wait.Perm}, wait.From); err != nil {
				return false, err
			}
			if err := part.Add(); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

func selectBefore(s build.Node, wait build.PendingTranspose) (done bool, err error) {
	rank := len(wait.Perm)
	if perElement(s.Raw.Op) {
		part := s
		part.Raw = s.Raw.Clone()
		part.Raw.Inputs[0], part.Raw.Outputs = wait.From, []string{s.Net.Fresh(s.Raw.Outputs[0] + "_before")}
		if err := part.Add(); err != nil {
			return false, err
		}
		s.Raw.Name = s.Raw.Outputs[0]
		return true, transposeLater(s, part.Raw.Outputs[0], wait.Perm)
	}
	var axes []int
	switch s.Raw.Op {
	case graph.Transpose:
		perm, err := graph.PermOf(s.Raw.InGraph(), rank)
		if err != nil {
			return false, err
		}
		composed := make([]int, rank)
		for i, p := range perm {
			composed[i] = wait.Perm[p]
		}
		return true, transposeLater(s, wait.From, composed)
	case graph.Gather:
		if i, ok := s.Net.Array(s.Raw.Inputs[1]); !ok || len(i.Shape) > 1 {
			return false, nil
		}
		axes = []int{s.Raw.Int("axis")}
	case "Split":
		axes = []int{s.Raw.Int("axis")}
	case graph.Squeeze:
		axes = s.Raw.Ints("axes")
		if s.Raw.Input(1) != "" {
			if axes, err = s.Ints(1); err != nil {
				return false, err
			}
		}
	default:
		return false, nil
	}
	before := make([]int, len(axes)) // the axes of what the Transpose reads
	for i, a := range elements.FromFront(axes, rank) {
		if a < 0 || a >= rank {
			return false, s.Errorf("axis %d is no dimension of %d", axes[i], rank)
		}
		before[i] = wait.Perm[a]
	}
	return true, selectAt(s, wait, before)
}

// perElement reports whether the operator has one operand, whatever the order of its dimensions.
func perElement(op graph.Op) bool {
	row, ok := graph.Lookup(op)
	return ok && (row.Unary != nil || row.Class == graph.ClassBoundary)
}

// selectAt applies the node to what the Transpose reads, along the given axes there.
func selectAt(s build.Node, wait build.PendingTranspose, axes []int) error {
	perm := wait.Perm
	part := s
	part.Raw = s.Raw.Clone()
	part.Raw.Inputs[0] = wait.From
	for i, out := range s.Raw.Outputs {
		part.Raw.Outputs[i] = s.Net.Fresh(out + "_before")
	}
	var apply func() error
	switch s.Raw.Op {
	case "Split":
		part.Raw.Attrs["axis"], apply = axes[0], func() error { return convert.Split(part) }
	case graph.Gather:
		part.Raw.Attrs["axis"], apply = axes[0], func() error { return convert.Gather(part) }
		if i, _ := s.Net.Array(s.Raw.Inputs[1]); len(i.Shape) == 0 {
			perm = withoutAxes(perm, axes)
		}
	default:
		apply = func() error { return part.Become(graph.Squeeze, graph.Attrs{"axes": axes}, wait.From) }
		perm = withoutAxes(perm, axes)
	}
	if err := apply(); err != nil {
		return err
	}
	if part.Raw.Op != "" {
		part.Least = 1
		if err := part.Add(); err != nil {
			return err
		}
	}
	for i, out := range s.Raw.Outputs {
		if out == "" {
			continue
		}
		after := s
		after.Raw = &raw.Node{Name: convert.PartName(s.Raw, i), Outputs: []string{out}}
		if err := transposeLater(after, part.Raw.Outputs[i], perm); err != nil {
			return err
		}
	}
	return nil
}

// withoutAxes removes dimensions of the input from a permutation.
func withoutAxes(perm, axes []int) []int {
	var left []int
	for _, p := range perm {
		if slices.Contains(axes, p) {
			continue
		}
		below := 0
		for _, a := range axes {
			below += int(elements.Truth(a < p))
		}
		left = append(left, p-below)
	}
	return left
}
