package graph

import (
	"slices"

	"linquant/tensor"
)

// Reduction returns what a Reduce operator makes of the elements that it reduces to one, and whether it is a Reduce
// operator. Sums and products are computed in float64 and rounded once; the same bits on every processor. There is at
// least one element.
func Reduction(op Op) (reduce func(x []float32) float32, ok bool) {
	if o := table[op]; o != nil && o.Reduce != nil {
		return o.Reduce, true
	}
	return nil, false
}

// ReducedDims returns which dimensions of a value with that many a Reduce node reduces to one. It is an error where the
// attribute axes names none or one twice.
func ReducedDims(n *Node, rank int) ([]bool, error) {
	if len(n.Ints("axes")) == 0 && n.Int("noop_with_empty_axes") == 0 {
		return slices.Repeat([]bool{true}, rank), nil
	}
	return site{nil, n}.axes(rank)
}

// axes returns which of so many dimensions the attribute axes names, each once.
func (s site) axes(rank int) ([]bool, error) {
	axes, named := s.n.Ints("axes"), make([]bool, rank)
	for _, a := range axes {
		d, err := s.dimension("axes:", a, rank)
		if err != nil {
			return nil, err
		}
		if named[d] {
			return nil, s.errorf("axes %v names dimension %d twice", axes, d)
		}
		named[d] = true
	}
	return named, nil
}

func (s site) reduce() (tensor.Shape, error) {
	x := s.shape(0)
	reduced, err := ReducedDims(s.n, len(x))
	if err != nil {
		return nil, err
	}
	if batched(x) && reduced[0] {
		return nil, s.errorf("axes %v of %s include the batch: it would mix examples; reduce the other dimensions",
			s.n.Ints("axes"), show(x))
	}
	keep, out := s.n.Int("keepdims") != 0, tensor.Shape{}
	for d, length := range x {
		switch {
		case !reduced[d]:
			out = append(out, length)
		case keep:
			out = append(out, 1)
		}
	}
	return out, nil
}

// evalReduce gathers the elements of each result in the order in which they are counted.
func (s site) evalReduce(c call, reduce func([]float32) float32) (array, error) {
	x := c.in[0]
	reduced, err := ReducedDims(s.n, len(x.shape))
	if err != nil {
		return array{}, err
	}
	var kept, rows tensor.Shape
	var keptSteps, rowSteps [][]int
	for d, stride := range strides(x.shape) {
		steps := make([]int, x.shape[d])
		for i := range steps {
			steps[i] = i * stride
		}
		if reduced[d] {
			rows, rowSteps = append(rows, x.shape[d]), append(rowSteps, steps)
		} else {
			kept, keptSteps = append(kept, x.shape[d]), append(keptSteps, steps)
		}
	}
	y := array{shape: c.shape}
	row, index := make([]float32, perExample(rows)), gather(rows, rowSteps)
	for _, first := range gather(kept, keptSteps) {
		for i, at := range index {
			row[i] = x.real[first+at]
		}
		y.real = append(y.real, reduce(row))
	}
	return y, nil
}
