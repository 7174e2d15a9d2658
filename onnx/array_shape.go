package onnx

import "slices"

// The functions here are of operators that give arrays another shape.

// numbers returns the parameter that is input i, or an attribute where there is no such input.
func (s site) numbers(in []array, i int, name string) []int {
	if i < len(in) && s.n.Input(i) != "" {
		return clampAll(in[i].v)
	}
	return s.n.Attrs.Ints(name)
}

// arrayAxes returns the axes of a Squeeze or Unsqueeze, sorted and counted from the front.
func (s site) arrayAxes(in []array, rank int) ([]int, bool) {
	axes := fromFront(s.numbers(in, 1, "axes"), rank)
	slices.Sort(axes)
	return axes, len(axes) == 0 || axes[0] >= 0 && axes[len(axes)-1] < rank && rank <= maxRank
}

// reshaped returns the array with another shape.
func (a array) reshaped(shape []int) array {
	a.shape = shape
	return a
}

func unsqueezeArray(s site, in []array) (array, bool) {
	n := len(s.numbers(in, 1, "axes"))
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
	return in[0].reshaped(shape), true
}

func squeezeArray(s site, in []array) (array, bool) {
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
	return in[0].reshaped(shape), true
}

func reshapeArray(s site, in []array) (array, bool) {
	shape, known, free := s.numbers(in, 1, "shape"), int64(1), -1
	shape = slices.Clone(shape)
	elements := int64(in[0].elements())
	for i, d := range shape {
		switch {
		case d == 0 && s.n.Attrs.Int("allowzero", 0) == 0 && i < len(in[0].shape):
			shape[i] = in[0].shape[i]
		case d == -1 && free < 0:
			free = i
			continue
		}
		if known *= int64(shape[i]); shape[i] < 0 || known > elements || len(shape) > maxRank {
			return array{}, false
		}
	}
	if free >= 0 && known > 0 {
		shape[free] = int(elements / known)
		known *= int64(shape[free])
	}
	return in[0].reshaped(shape), known == elements
}

func flattenArray(s site, in []array) (array, bool) {
	axis := s.n.Attrs.Int("axis", 1)
	if axis < 0 {
		axis += len(in[0].shape)
	}
	if axis < 0 || axis > len(in[0].shape) {
		return array{}, false
	}
	shape := []int{1, 1}
	for d, n := range in[0].shape {
		shape[truth(d >= axis)] *= n
	}
	return in[0].reshaped(shape), true
}
