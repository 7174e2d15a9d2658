package onnx

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/raw"
)

// Attention in PyTorch makes queries, keys and values of one product: qkv.permute(2, 0, 3, 1, 4), and then takes
// qkv[0], qkv[1] and qkv[2]. Between, the batch is dimension 1, which no value of a graph can have. So a Transpose that
// moves the batch waits until the nodes that choose from its output are known: they choose before it instead.

// turned is a value that waits for its Transpose.
type turned struct {
	from string
	perm []int
}

// turnBatch adds a Transpose for the node's output, or notes it where it would move the batch.
func (s site) turnBatch(from string, perm []int) error {
	if len(perm) > 0 && perm[0] != 0 && s.im.facts[from].batched {
		s.im.turned[s.n.Outputs[0]] = turned{from, perm}
		return nil
	}
	if err := s.turn(graph.Transpose, graph.Attrs{"perm": perm}, from); err != nil {
		return err
	}
	s.least = 1
	return s.add()
}

// choose lets a node choose from what a waiting Transpose reads. done is false where the node has nothing to do with
// one, or is none that chooses: then the Transpose is added as it is.
func (s site) choose() (done bool, err error) {
	wait, ok := s.im.turned[s.n.Input(0)]
	if s.n.Op == graph.Transpose && !ok {
		perm := s.n.Attrs.Ints("perm")
		if len(perm) < 2 || perm[0] == 0 || !s.im.facts[s.n.Inputs[0]].batched {
			return false, nil
		}
		if _, err := graph.PermOf(s.n.Float(), len(perm)); err != nil {
			return false, err
		}
		return true, s.turnBatch(s.n.Inputs[0], perm)
	}
	if ok {
		if done, err := s.chooseFrom(wait); done || err != nil {
			return done, err
		}
	}
	for _, in := range s.n.Inputs {
		if wait, ok := s.im.turned[in]; ok && s.im.g.Values[in] == nil {
			part := s
			part.n = &raw.Node{Name: in, Op: graph.Transpose, Outputs: []string{in}}
			if err := part.turn(graph.Transpose, graph.Attrs{"perm": wait.perm}, wait.from); err != nil {
				return false, err
			}
			if err := part.add(); err != nil {
				return false, err
			}
		}
	}
	return false, nil
}

func (s site) chooseFrom(wait turned) (done bool, err error) {
	rank := len(wait.perm)
	if perElement(s.n.Op) {
		part := s
		part.n = s.n.Clone()
		part.n.Inputs[0], part.n.Outputs = wait.from, []string{s.im.fresh(s.n.Outputs[0] + "_before")}
		if err := part.add(); err != nil {
			return false, err
		}
		s.n.Name = s.n.Outputs[0]
		return true, s.turnBatch(part.n.Outputs[0], wait.perm)
	}
	axes := []int{s.n.Attrs.Int("axis", 0)}
	switch s.n.Op {
	case graph.Transpose:
		perm, err := graph.PermOf(s.n.Float(), rank)
		if err != nil {
			return false, err
		}
		composed := make([]int, rank)
		for i, p := range perm {
			composed[i] = wait.perm[p]
		}
		return true, s.turnBatch(wait.from, composed)
	case graph.Gather:
		if i, ok := s.im.array(s.n.Inputs[1]); !ok || len(i.shape) > 1 {
			return false, nil
		}
	case "Split":
	case graph.Squeeze:
		axes = s.n.Attrs.Ints("axes")
		if s.n.Input(1) != "" {
			if axes, err = s.ints(1); err != nil {
				return false, err
			}
		}
	default:
		return false, nil
	}
	before := make([]int, len(axes)) // the axes of what the Transpose reads
	for i, a := range fromFront(axes, rank) {
		if a < 0 || a >= rank {
			return false, s.errorf("axis %d is no dimension of %d", axes[i], rank)
		}
		before[i] = wait.perm[a]
	}
	return true, s.chooseAt(wait, before)
}

// perElement lists operators of one operand, whatever the order of its dimensions, that stand in quantized networks.
func perElement(op graph.Op) bool {
	switch op {
	case graph.QuantizeLinear, graph.DequantizeLinear, graph.Identity, graph.Relu:
		return true
	}
	return false
}

// chooseAt applies the node to what the Transpose reads, along the given axes there.
func (s site) chooseAt(wait turned, axes []int) error {
	perm := wait.perm
	part := s
	part.n = s.n.Clone()
	part.n.Inputs[0] = wait.from
	for i, out := range s.n.Outputs {
		part.n.Outputs[i] = s.im.fresh(out + "_before")
	}
	var convert func() error
	switch s.n.Op {
	case "Split":
		part.n.Attrs["axis"], convert = axes[0], part.split
	case graph.Gather:
		part.n.Attrs["axis"], convert = axes[0], part.gather
		if i, _ := s.im.array(s.n.Inputs[1]); len(i.shape) == 0 {
			perm = withoutAxes(perm, axes)
		}
	default:
		convert = func() error { return part.turn(graph.Squeeze, graph.Attrs{"axes": axes}, wait.from) }
		perm = withoutAxes(perm, axes)
	}
	if err := convert(); err != nil {
		return err
	}
	if part.n.Op != "" {
		part.least = 1
		if err := part.add(); err != nil {
			return err
		}
	}
	for i, out := range s.n.Outputs {
		if out == "" {
			continue
		}
		after := s
		after.n = &raw.Node{Name: partName(s.n, i), Outputs: []string{out}}
		if err := after.turnBatch(part.n.Outputs[i], perm); err != nil {
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
			below += int(truth(a < p))
		}
		left = append(left, p-below)
	}
	return left
}
