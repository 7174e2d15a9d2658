package onnx

import (
	"slices"

	"linquant/graph"
)

// The methods here are of operators that move the elements of arrays.

func (s site) concatArrays(in []array) (array, bool) {
	axis, ok := in[0].axis(s.n.Attrs.Int("axis", 0))
	if !ok {
		return array{}, false
	}
	shape := slices.Clone(in[0].shape)
	for _, a := range in[1:] {
		if len(a.shape) != len(shape) {
			return array{}, false
		}
		for d := range shape {
			if d != axis && a.shape[d] != shape[d] {
				return array{}, false
			}
		}
		shape[axis] += a.shape[axis]
	}
	return build(shape, func(index []int) int64 {
		index = slices.Clone(index)
		for _, a := range in {
			if index[axis] < a.shape[axis] {
				return a.at(index)
			}
			index[axis] -= a.shape[axis]
		}
		return 0
	})
}

// arrayAxes returns the axes of a Squeeze or Unsqueeze, sorted and counted from the front.
func (s site) arrayAxes(in []array, rank int) ([]int, bool) {
	axes := s.n.Attrs.Ints("axes")
	if len(in) > 1 {
		axes = clampAll(in[1].v)
	}
	axes = fromFront(axes, rank)
	slices.Sort(axes)
	return axes, len(axes) == 0 || axes[0] >= 0 && axes[len(axes)-1] < rank && rank <= maxRank
}

func (s site) unsqueezeArray(in []array) (array, bool) {
	n := len(s.n.Attrs.Ints("axes"))
	if len(in) > 1 {
		n = len(in[1].v)
	}
	axes, ok := s.arrayAxes(in, len(in[0].shape)+n)
	if !ok || n == 0 {
		return array{}, false
	}
	shape := slices.Clone(in[0].shape)
	for _, a := range axes {
		if a > len(shape) {
			return array{}, false
		}
		shape = slices.Insert(shape, a, 1)
	}
	return array{shape, in[0].v}, true
}

func (s site) squeezeArray(in []array) (array, bool) {
	axes, ok := s.arrayAxes(in, len(in[0].shape))
	if !ok {
		return array{}, false
	}
	shape := []int{}
	for d, n := range in[0].shape {
		switch drop := slices.Contains(axes, d); {
		case drop && n != 1:
			return array{}, false
		case !drop && (len(axes) > 0 || n != 1):
			shape = append(shape, n)
		}
	}
	return array{shape, in[0].v}, true
}

func (s site) reshapeArray(in []array) (array, bool) {
	shape, known, free := clampAll(in[1].v), 1, -1
	for i, d := range shape {
		switch {
		case d == 0 && s.n.Attrs.Int("allowzero", 0) == 0 && i < len(in[0].shape):
			shape[i] = in[0].shape[i]
		case d == -1 && free < 0:
			free = i
			continue
		}
		if shape[i] < 1 || shape[i] > maxArray || len(shape) > maxRank {
			return array{}, false
		}
		if known *= shape[i]; known > maxArray {
			return array{}, false
		}
	}
	if free >= 0 {
		shape[free] = len(in[0].v) / known
		known *= shape[free]
	}
	return array{shape, in[0].v}, known == len(in[0].v)
}

func (s site) transposeArray(in []array) (array, bool) {
	perm := s.n.Attrs.Ints("perm")
	if perm == nil {
		for d := range in[0].shape {
			perm = slices.Insert(perm, 0, d)
		}
	}
	sorted := slices.Clone(perm)
	slices.Sort(sorted)
	for d := range sorted {
		if sorted[d] != d {
			return array{}, false
		}
	}
	if len(perm) != len(in[0].shape) {
		return array{}, false
	}
	shape := make([]int, len(perm))
	for d, p := range perm {
		shape[d] = in[0].shape[p]
	}
	return build(shape, func(index []int) int64 {
		from := make([]int, len(perm))
		for d, p := range perm {
			from[p] = index[d]
		}
		return in[0].at(from)
	})
}

func (s site) sliceArray(in []array) (array, bool) {
	n := &graph.Node{Op: graph.Slice, Attrs: graph.Attrs{}}
	for i, name := range []string{1: "starts", 2: "ends", 3: "axes", 4: "steps"} {
		if i > 0 && i < len(in) && s.n.Inputs[i] != "" {
			n.Attrs[name] = clampAll(in[i].v)
		} else if v := s.n.Attrs.Ints(name); v != nil {
			n.Attrs[name] = v
		}
	}
	spans, err := graph.SpansOf(n, in[0].shape)
	if err != nil {
		return array{}, false
	}
	shape := make([]int, len(spans))
	for d, span := range spans {
		shape[d] = span.Count
	}
	return build(shape, func(index []int) int64 {
		from := make([]int, len(spans))
		for d, span := range spans {
			from[d] = span.Start + index[d]*span.Step
		}
		return in[0].at(from)
	})
}

func (s site) gatherArray(in []array) (array, bool) {
	data, indices := in[0], in[1]
	axis, ok := data.axis(s.n.Attrs.Int("axis", 0))
	if !ok {
		return array{}, false
	}
	for _, i := range indices.v {
		if i < int64(-data.shape[axis]) || i >= int64(data.shape[axis]) {
			return array{}, false
		}
	}
	rank := len(indices.shape)
	return build(slices.Concat(data.shape[:axis], indices.shape, data.shape[axis+1:]), func(index []int) int64 {
		i := indices.at(index[axis : axis+rank])
		if i < 0 {
			i += int64(data.shape[axis])
		}
		return data.at(slices.Concat(index[:axis], []int{int(i)}, index[axis+rank:]))
	})
}
