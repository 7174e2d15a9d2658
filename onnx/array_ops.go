package onnx

import (
	"math"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/tensor"
)

// evaluate computes the output of a node whose inputs are arrays, or that makes one of a value's shape. done is false for
// other nodes.
func (s site) evaluate() (done bool, err error) {
	if s.n.Op == "Shape" {
		s.im.arrays[s.n.Outputs[0]] = vector(s.shapeOf(s.n.Inputs[0])...)
		return true, nil
	}
	op := arrayOps[s.n.Op]
	if op == nil || len(s.n.Inputs) == 0 {
		return false, nil
	}
	if _, computed := s.im.arrays[s.n.Inputs[0]]; !computed && (s.n.Op == graph.Identity || s.n.Op == "Cast" && !s.toIntegers()) {
		return false, nil // a constant that remains one
	}
	in := make([]array, 0, min(len(s.n.Inputs), maxArray))
	for i, name := range s.n.Inputs {
		a, ok := s.im.array(name)
		if !ok && (name != "" || i < s.least) {
			return false, nil
		}
		in = append(in, a)
	}
	out, ok := op(s, in)
	if !ok {
		return false, s.errorf("it computes a shape in a way that is not supported: simplify the model, or export it with fixed shapes")
	}
	if err := s.im.left.take(int64(8 * len(out.v))); err != nil {
		return false, s.errorf("%w", err)
	}
	s.im.arrays[s.n.Outputs[0]] = out
	return true, nil
}

// arrayOps computes operators on arrays. ok is false where an operator does not work on them so. The number of inputs was
// checked.
var arrayOps = map[graph.Op]func(s site, in []array) (out array, ok bool){
	graph.Identity:  func(_ site, in []array) (array, bool) { return in[0], true },
	"Cast":          func(s site, in []array) (array, bool) { return in[0], s.toIntegers() },
	graph.Concat:    site.concatArrays,
	graph.Unsqueeze: site.unsqueezeArray,
	graph.Squeeze:   site.squeezeArray,
	graph.Reshape:   site.reshapeArray,
	graph.Transpose: site.transposeArray,
	graph.Slice:     site.sliceArray,
	"Gather":        site.gatherArray,
	"ConstantOfShape": func(s site, in []array) (array, bool) {
		value, ok := s.n.Attrs["value"].(int) // without it, it makes floats
		a, fits := build(clampAll(in[0].v), func([]int) int64 { return int64(value) })
		return a, ok && fits
	},
	graph.Add: arithmetic(0, func(a, b int64) (int64, bool) { return a + b, true }),
	"Sub":     arithmetic(0, func(a, b int64) (int64, bool) { return a - b, true }),
	graph.Mul: arithmetic(1, func(a, b int64) (int64, bool) { return a * b, true }),
	"Div": arithmetic(1, func(a, b int64) (int64, bool) {
		if b == 0 {
			return 0, false
		}
		return a / b, true
	}),
}

// toIntegers reports whether a Cast is to integers.
func (s site) toIntegers() bool {
	to := onnxpb.DataType(s.n.Attrs.Int("to", 0))
	return to == onnxpb.Int64 || to == onnxpb.Int32
}

// arithmetic computes element by element. What is not known stays so, unless the second operand changes nothing.
func arithmetic(neutral int64, f func(a, b int64) (int64, bool)) func(s site, in []array) (array, bool) {
	return func(_ site, in []array) (array, bool) {
		shape := in[0].shape
		if len(in[1].v) > len(in[0].v) || len(in[1].shape) > len(shape) {
			shape = in[1].shape
		}
		for _, a := range in {
			if len(a.v) != 1 && !slices.Equal(a.shape, shape) {
				return array{}, false
			}
		}
		valid := true
		element := func(a array, index []int) int64 {
			if v, ok := a.one(); ok {
				return v
			}
			return a.at(index)
		}
		out, ok := build(shape, func(index []int) int64 {
			a, b := element(in[0], index), element(in[1], index)
			switch {
			case b == neutral:
				return a
			case a <= unknownSize || b <= unknownSize:
				return unknownSize
			case max(a, -a, b, -b) > math.MaxInt32: // the result could leave 64 bits; no shape has such numbers
				valid = false
				return 0
			}
			v, ok := f(a, b)
			valid = valid && ok
			return v
		})
		return out, ok && valid
	}
}

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

// shapeOf returns what is known of a value's shape, from start to end where the node has them.
func (s site) shapeOf(name string) []int64 {
	dims := s.im.shapeOf(name)
	from, to := index(s.n.Attrs.Int("start", 0), len(dims)), index(s.n.Attrs.Int("end", len(dims)), len(dims))
	return dims[from:max(from, to)]
}

// index is a bound of a slice as Python has it.
func index(i, n int) int {
	if i < 0 {
		i += n
	}
	return min(max(i, 0), n)
}

// constantOfShape is supported for integers, which become arrays; this is for the others.
func (s site) constantOfShape() error {
	return s.errorf("ConstantOfShape is supported only where it computes shapes: export the model with fixed shapes")
}

// filling converts the attribute of a ConstantOfShape, a tensor of the number that it repeats, to an integer.
func (s site) filling(a *onnxpb.Attr) error {
	if a.Tensor == nil {
		return s.errorf("the attribute %q is no tensor", a.Name)
	}
	v, _, err := decode(a.Tensor, s.im.ext, &s.im.left)
	if err != nil {
		return s.errorf("attribute %q: %w", a.Name, err)
	}
	if v.DType != tensor.Int64 || v.Elements() != 1 {
		return s.errorf("it repeats %v: only int64 is supported", v.DType)
	}
	x, err := tensor.As[int64](v)
	if err != nil {
		return s.errorf("attribute %q: %w", a.Name, err)
	}
	s.n.Attrs["value"] = clamp(x[0])
	return nil
}
