package graph

import (
	"slices"

	"linquant/tensor"
)

// PicksOf returns what a Gather, Expand or Tile node takes of its input: for every dimension of the output the indices
// in the dimension of the input that it is, aligned at the right. A dimension that Expand adds in front has nothing but
// zeros, and the batch, which is taken whole, nil. The node's shapes were inferred.
func PicksOf(n *Node, in, out tensor.Shape) [][]int {
	picks, added, axis := make([][]int, len(out)), len(out)-len(in), -1
	if n.Op == Gather {
		axis = AxisOf(n, len(in))
	}
	for d, length := range out {
		if length == Batch {
			continue
		}
		list := make([]int, length)
		switch at := d - added; {
		case at < 0:
		case at == axis:
			for i, v := range n.Ints("indices") {
				if list[i] = v; v < 0 {
					list[i] += in[at]
				}
			}
		default:
			for i := range list {
				list[i] = i % in[at]
			}
		}
		picks[d] = list
	}
	return picks
}

func (s site) gather() (tensor.Shape, error) {
	if s.n.Input(1) != "" {
		return s.gatherComputed()
	}
	x, indices := s.shape(0), s.n.Ints("indices")
	axis, err := s.axis("axis", len(x))
	if err != nil {
		return nil, err
	}
	if batched(x) && axis == 0 {
		return nil, s.errorf("axis 0 of %s is the batch: it would choose examples; use another axis", show(x))
	}
	if len(indices) == 0 {
		return nil, s.errorf("it has no indices: those that it takes must be known before the network runs")
	}
	for _, i := range indices {
		if i < -x[axis] || i >= x[axis] {
			return nil, s.errorf("index %d is not in dimension %d of %s", i, axis, show(x))
		}
	}
	out := slices.Clone(x)
	out[axis] = len(indices)
	return out, nil
}

func (s site) expand() (tensor.Shape, error) {
	x, shape := s.shape(0), tensor.Shape(s.n.Ints("shape"))
	if shape == nil {
		return nil, s.errorf("it has no attribute shape: the target must be known before the network runs")
	}
	if err := checkDims(shape); err != nil {
		return nil, s.errorf("its attribute shape: %w", err)
	}
	if batched(shape) && !batched(x) {
		return nil, s.errorf("its shape %s has a batch, and %s none: what is the same for all examples needs no Expand", show(shape), show(x))
	}
	return s.broadcast(x, shape)
}

func (s site) tile() (tensor.Shape, error) {
	x, repeats := s.shape(0), s.n.Ints("repeats")
	if len(repeats) != len(x) {
		return nil, s.errorf("repeats has %d numbers for %s: one for each dimension is needed", len(repeats), show(x))
	}
	out := slices.Clone(x)
	for d, r := range repeats {
		switch {
		case d == 0 && batched(x) && r != 1:
			return nil, s.errorf("repeats %v would repeat the examples of the batch: use 1 for dimension 0", repeats)
		case r < 1 || int64(r)*int64(x[d]) > maxElements && x[d] != Batch:
			return nil, s.errorf("repeats %v of %s: each is at least 1, and a dimension at most %d", repeats, show(x), maxElements)
		case x[d] != Batch:
			out[d] *= r
		}
	}
	return out, nil
}

// evalPick computes a Gather, Expand or Tile.
func (s site) evalPick(c call) (array, error) {
	x, shape := c.in[0], c.shape
	steps, stride := PicksOf(s.n, x.shape, shape), strides(x.shape)
	for d, list := range steps {
		for i := range list {
			if at := d - (len(shape) - len(x.shape)); at >= 0 {
				list[i] *= stride[at]
			}
		}
	}
	return moved(x, shape, gather(shape, steps), 0), nil
}
