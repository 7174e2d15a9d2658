package convert

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/build"
	"linquant/tensor"
)

// oneHot, of classes that are computed: each is compared with 0, 1, … along a dimension more, where it is found stands the
// second of the two values, elsewhere the first. A class below 0 counts from the end; one that is none is found nowhere.
func oneHot(s build.Node) error {
	depth, err := s.Scalar(1)
	if err != nil {
		return err
	}
	classes, rank := s.Net.Graph.Values[s.Raw.Inputs[0]], 0
	if rank, err = s.Rank(0); err != nil {
		return err
	}
	axis := s.Raw.Int("axis")
	if axis < 0 {
		axis += rank + 1
	}
	values, ok := s.Net.Array(s.Raw.Inputs[2])
	switch {
	case !ok || len(values.Ints)+len(values.Floats) != 2:
		return s.NotConstant(2)
	case axis < 0 || axis > rank:
		return s.Errorf("axis %d is none of the %d dimensions of its output", s.Raw.Int("axis"), rank+1)
	case !(depth >= 1 && depth <= graph.MostInteger) || s.Net.Left.Take(8*int64(depth)) != nil:
		return s.Errorf("its depth is %g: it must be a number of classes that fits the memory for a model", depth)
	}
	numbers := make([]float32, int(depth))
	for i := range numbers {
		numbers[i] = float32(i)
	}
	along := slices.Repeat([]int{1}, rank+1-axis)
	along[0] = len(numbers)
	of := classes.DType
	var name [5]string // of the constants
	for i, c := range []struct {
		what  string
		shape tensor.Shape
		x     []float32
		dtype tensor.DType
	}{
		{"classes", along, numbers, of},
		{"depth", tensor.Shape{}, []float32{depth}, of},
		{"zero", tensor.Shape{}, []float32{0}, of},
		{"off", tensor.Shape{}, valueOf(values, 0), values.DType},
		{"on", tensor.Shape{}, valueOf(values, 1), values.DType},
	} {
		if name[i], err = constantLike(s, c.what, c.shape, c.x, c.dtype); err != nil {
			return err
		}
	}
	unsqueezed, err := s.Insert("unsqueezed", graph.Unsqueeze, graph.Attrs{"axes": []int{axis}}, s.Raw.Inputs[0])
	if err != nil {
		return err
	}
	negative, err := s.Insert("negative", graph.Less, graph.Attrs{}, unsqueezed, name[2])
	if err != nil {
		return err
	}
	shifted, err := s.Insert("shifted", graph.Add, graph.Attrs{}, unsqueezed, name[1])
	if err != nil {
		return err
	}
	class, err := s.Insert("class", graph.Where, graph.Attrs{}, negative, shifted, unsqueezed)
	if err != nil {
		return err
	}
	found, err := s.Insert("found", graph.Equal, graph.Attrs{}, class, name[0])
	if err != nil {
		return err
	}
	s.Raw.Op, s.Raw.Attrs, s.Raw.Inputs = graph.Where, graph.Attrs{}, []string{found, name[4], name[3]}
	return nil
}

// valueOf returns element i of a list.
func valueOf(a arrays.Array, i int) []float32 {
	if a.Float() {
		return a.Floats[i : i+1]
	}
	return []float32{float32(a.Ints[i])}
}

// constantLike adds a constant of elements of a type, with a name made of the output's.
func constantLike(s build.Node, what string, shape tensor.Shape, x []float32, d tensor.DType) (string, error) {
	if !graph.Counts(d) {
		return s.ConstantOf(what, shape, x)
	}
	t, err := graph.CountsOf(shape, x, d)
	if err != nil {
		return "", s.Errorf("%w", err)
	}
	name := s.Net.Fresh(s.Raw.Outputs[0] + "_" + what)
	s.Net.Graph.AddConst(name, t)
	return name, nil
}
