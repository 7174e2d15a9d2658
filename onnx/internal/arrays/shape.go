package arrays

import (
	"slices"

	"linquant/onnx/internal/elements"
)

// The functions here are of operators that give arrays another shape.

// numbers returns the parameter that is input i, or an attribute where there is no such input.
func (c Call) numbers(in []Array, i int, name string) []int {
	if i < len(in) && c.Node.Input(i) != "" {
		return elements.ClampAll(in[i].Ints)
	}
	return c.Node.Ints(name)
}

// axes returns the axes of a Squeeze or Unsqueeze, sorted and counted from the front.
func (c Call) axes(in []Array, rank int) ([]int, bool) {
	axes := elements.FromFront(c.numbers(in, 1, "axes"), rank)
	slices.Sort(axes)
	return axes, len(axes) == 0 || axes[0] >= 0 && axes[len(axes)-1] < rank && rank <= elements.MaxRank
}

// reshaped returns the array with another shape.
func (a Array) reshaped(shape []int) Array {
	a.Shape = shape
	return a
}

func unsqueeze(c Call, in []Array) (Array, bool) {
	n := len(c.numbers(in, 1, "axes"))
	axes, ok := c.axes(in, len(in[0].Shape)+n)
	if !ok || n == 0 {
		return Array{}, false
	}
	shape := slices.Clone(in[0].Shape)
	for _, a := range axes {
		if a > len(shape) {
			return Array{}, false
		}
		shape = slices.Insert(shape, a, 1)
	}
	return in[0].reshaped(shape), true
}

func squeeze(c Call, in []Array) (Array, bool) {
	axes, ok := c.axes(in, len(in[0].Shape))
	if !ok {
		return Array{}, false
	}
	shape := []int{}
	for d, n := range in[0].Shape {
		switch drop := slices.Contains(axes, d); {
		case drop && n != 1:
			return Array{}, false
		case !drop && (len(axes) > 0 || n != 1):
			shape = append(shape, n)
		}
	}
	return in[0].reshaped(shape), true
}

func reshape(c Call, in []Array) (Array, bool) {
	shape, known, free := c.numbers(in, 1, "shape"), int64(1), -1
	shape = slices.Clone(shape)
	count := int64(in[0].Elements())
	for i, d := range shape {
		switch {
		case d == 0 && c.Node.Int("allowzero") == 0 && i < len(in[0].Shape):
			shape[i] = in[0].Shape[i]
		case d == -1 && free < 0:
			free = i
			continue
		}
		if known *= int64(shape[i]); shape[i] < 0 || known > count || len(shape) > elements.MaxRank {
			return Array{}, false
		}
	}
	if free >= 0 && known > 0 {
		shape[free] = int(count / known)
		known *= int64(shape[free])
	}
	return in[0].reshaped(shape), known == count
}

func flatten(c Call, in []Array) (Array, bool) {
	axis := c.Node.Int("axis")
	if axis < 0 {
		axis += len(in[0].Shape)
	}
	if axis < 0 || axis > len(in[0].Shape) {
		return Array{}, false
	}
	shape := []int{1, 1}
	for d, n := range in[0].Shape {
		shape[elements.Truth(d >= axis)] *= n
	}
	return in[0].reshaped(shape), true
}
