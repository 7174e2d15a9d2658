package graph

import (
	"slices"

	"linquant/tensor"
)

// axis returns an attribute that names a dimension, counted from the end where it is negative.
func (s site) axis(name string, rank int) (int, error) {
	return s.dimension(name, s.n.Int(name), rank)
}

func (s site) dimension(name string, axis, rank int) (int, error) {
	if axis < -rank || axis >= rank {
		return 0, s.errorf("%s %d is no dimension of a value with %d: use %d to %d", name, axis, rank, -rank, rank-1)
	}
	if axis < 0 {
		axis += rank
	}
	return axis, nil
}

// AxisOf returns the dimension that the node's attribute axis names for a value with that many dimensions, 0 to rank −
// 1. The node's shapes were inferred.
func AxisOf(n *Node, rank int) int {
	axis := n.Int("axis")
	if axis < 0 {
		axis += rank
	}
	return axis
}

func (s site) concat() (tensor.Shape, error) {
	first := s.shape(0)
	axis, err := s.axis("axis", len(first))
	if err != nil {
		return nil, err
	}
	for i := range s.n.Inputs {
		if s.n.Inputs[i] != "" && batched(s.shape(i)) {
			first = s.shape(i)
			break
		}
	}
	out, total := slices.Clone(first), int64(0)
	for i := range s.n.Inputs {
		if s.n.Inputs[i] == "" {
			return nil, s.errorf("input %d is left out", i)
		}
		shape := s.shape(i)
		if batched(shape) && axis == 0 {
			return nil, s.errorf("axis 0 of %s is the batch: examples cannot be joined; use another axis", show(shape))
		}
		same := len(shape) == len(first)
		for d := range first {
			same = same && (d == axis || shape[d] == first[d] || d == 0 && batched(first) && shape[d] == 1)
		}
		if !same {
			return nil, s.errorf("%s and %s cannot be joined along axis %d: all other dimensions must be equal", show(first), show(shape), axis)
		}
		total += int64(shape[axis])
	}
	if total > maxElements {
		return nil, s.errorf("the joined dimension would be %d", total)
	}
	out[axis] = int(total)
	return out, nil
}

func (s site) pad() (tensor.Shape, error) {
	x, pads := s.shape(0), s.n.Ints("pads")
	if len(pads) != 2*len(x) {
		return nil, s.errorf("pads has %d numbers for %s: it has one before and one after for each dimension, %d", len(pads), show(x), 2*len(x))
	}
	mode := s.n.Str("mode")
	if mode != "constant" && mode != "reflect" && mode != "edge" {
		return nil, s.errorf("mode is %q: use constant, reflect or edge", mode)
	}
	out := slices.Clone(x)
	for d := range x {
		before, after := pads[d], pads[d+len(x)]
		switch {
		case batched(x) && d == 0 && (before != 0 || after != 0):
			return nil, s.errorf("pads %v would add examples to the batch: use 0 for dimension 0", pads)
		case before < 0 || after < 0:
			return nil, s.errorf("pads %v has negative numbers: crop with Slice", pads)
		case mode == "reflect" && max(before, after) >= x[d] && max(before, after) > 0:
			return nil, s.errorf("pads %v with reflect need more elements than dimension %d of %s has", pads, d, show(x))
		case before > maxElements || after > maxElements || int64(x[d])+int64(before)+int64(after) > maxElements:
			return nil, s.errorf("pads %v make dimension %d longer than %d", pads, d, maxElements)
		}
		out[d] += before + after
	}
	return out, nil
}

func (s site) flatten() (tensor.Shape, error) {
	x, axis := s.shape(0), s.n.Int("axis")
	if axis < -len(x) || axis > len(x) {
		return nil, s.errorf("axis %d is no dimension of %s: use %d to %d", axis, show(x), -len(x), len(x))
	}
	if axis < 0 {
		axis += len(x)
	}
	if !batched(x) {
		return tensor.Shape{perExample(x[:axis]), perExample(x[axis:])}, nil
	}
	if axis == 0 || perExample(x[:axis]) != 1 {
		return nil, s.errorf("axis %d of %s would merge the batch with other dimensions: use axis 1", axis, show(x))
	}
	return tensor.Shape{Batch, perExample(x[axis:])}, nil
}

func (s site) reshape() (tensor.Shape, error) {
	x, target := s.shape(0), s.n.Ints("shape")
	if target == nil {
		return nil, s.errorf("it has no attribute shape: the target must be known before the network runs")
	}
	out, inferred := slices.Clone(tensor.Shape(target)), -1
	known := int64(1)
	for i, d := range out {
		switch {
		case d == 0 && s.n.Int("allowzero") == 0:
			if i >= len(x) {
				return nil, s.errorf("shape %v copies dimension %d, which %s does not have", target, i, show(x))
			}
			out[i] = x[i]
		case d == -1 && i == 0 && batched(x):
			out[i] = Batch
		case d == -1 && inferred >= 0:
			return nil, s.errorf("shape %v has more than one -1", target)
		case d == -1:
			inferred = i
			continue
		}
		if out[i] == Batch && i == 0 {
			continue
		}
		if out[i] < 1 {
			return nil, s.errorf("shape %v of %s: dimension %d would be %d", target, show(x), i, out[i])
		}
		if known *= int64(out[i]); out[i] > maxElements || known > maxElements {
			return nil, s.errorf("shape %v has more than %d elements an example", target, maxElements)
		}
	}
	if batched(x) && !batched(out) {
		return nil, s.errorf("shape %v of %s would merge the batch with other dimensions: let it start with 0 or -1", target, show(x))
	}
	elements := int64(perExample(x))
	if inferred >= 0 && elements%known == 0 {
		out[inferred] = int(elements / known)
		known = elements
	}
	if known != elements {
		return nil, s.errorf("shape %v does not fit %s: %d elements an example", target, show(x), elements)
	}
	return out, nil
}

// PermOf returns the permutation of a Transpose node for an input with that many dimensions: output dimension i is
// input dimension perm[i]. It is an error where it permutes nothing.
func PermOf(n *Node, rank int) ([]int, error) {
	perm := n.Ints("perm")
	if perm == nil {
		perm = make([]int, rank)
		for i := range perm {
			perm[i] = rank - 1 - i
		}
	}
	seen, ok := make([]bool, rank), len(perm) == rank
	for _, p := range perm {
		if ok = ok && p >= 0 && p < rank && !seen[p]; ok {
			seen[p] = true
		}
	}
	if !ok {
		return nil, site{nil, n}.errorf("perm %v is no permutation of %d dimensions", perm, rank)
	}
	return perm, nil
}

func (s site) transpose() (tensor.Shape, error) {
	x := s.shape(0)
	perm, err := PermOf(s.n, len(x))
	if err != nil {
		return nil, err
	}
	if batched(x) && perm[0] != 0 {
		return nil, s.errorf("perm %v would move the batch of %s: let it start with 0", perm, show(x))
	}
	out := make(tensor.Shape, len(x))
	for i, p := range perm {
		out[i] = x[p]
	}
	return out, nil
}

func (s site) squeeze() (tensor.Shape, error) {
	x, axes := s.shape(0), s.n.Ints("axes")
	drop := make([]bool, len(x))
	for _, a := range axes {
		d, err := s.dimension("axes:", a, len(x))
		if err != nil {
			return nil, err
		}
		if x[d] != 1 {
			return nil, s.errorf("dimension %d of %s is not 1 and cannot be removed", d, show(x))
		}
		drop[d] = true
	}
	out := tensor.Shape{}
	for d, length := range x {
		if !drop[d] && (axes != nil || length != 1) {
			out = append(out, length)
		}
	}
	return out, nil
}

func (s site) unsqueeze() (tensor.Shape, error) {
	x, axes := s.shape(0), s.n.Ints("axes")
	rank := len(x) + len(axes)
	added, err := s.axes(rank)
	if err != nil {
		return nil, err
	}
	if batched(x) && rank > 0 && added[0] {
		return nil, s.errorf("axes %v would move the batch of %s from dimension 0: use axis 1 or later", axes, show(x))
	}
	out, next := make(tensor.Shape, rank), 0
	for d := range out {
		if added[d] {
			out[d] = 1
			continue
		}
		out[d] = x[next]
		next++
	}
	return out, nil
}
