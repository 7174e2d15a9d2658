package onnx

import (
	"math"
	"slices"

	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// The functions here are of operators that make arrays of few numbers, or numbers of arrays.

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

// sizeOf returns the number of a value's elements, where every dimension is known.
func (im *importer) sizeOf(name string) (int64, bool) {
	n := int64(1)
	for _, d := range im.shapeOf(name) {
		if isSize(d) || d > math.MaxInt32 || n > math.MaxInt32 {
			return 0, false
		}
		n *= d
	}
	return n, true
}

// splitArray computes the outputs of a Split.
func (s site) splitArray() (done bool, err error) {
	in, ok := s.operands(arrayOp{data: 1})
	if !ok {
		return false, nil
	}
	rank := len(in[0].shape)
	axis, ok := in[0].axis(s.n.Attrs.Int("axis", 0))
	if !ok {
		return false, s.errorf("axis %d is no dimension of %d", s.n.Attrs.Int("axis", 0), rank)
	}
	return true, s.eachPart(axis, in[0].shape[axis], func(part site, _ int) error {
		a, ok := sliceArray(part, in[:1])
		if !ok {
			return s.errorf("%q has more elements than a file of this size should make", part.n.Outputs[0])
		}
		return part.known(a)
	})
}

// filling converts the attribute of a ConstantOfShape, a tensor of the number that it repeats.
func (s site) filling(a *onnxpb.Attr) error {
	if a.Tensor == nil {
		return s.errorf("the attribute %q is no tensor", a.Name)
	}
	v, _, err := decode(a.Tensor, s.im.ext, &s.im.left)
	if err != nil {
		return s.errorf("attribute %q: %w", a.Name, err)
	}
	if v.Elements() != 1 {
		return s.errorf("the attribute %q has %d elements: it must be one number", a.Name, v.Elements())
	}
	s.n.Attrs["value"] = v
	return nil
}

func constantOfShapeArray(s site, in []array) (array, bool) {
	value := array{dtype: tensor.Float32, shape: []int{}, f: []float32{0}}
	if t, ok := s.n.Attrs["value"].(tensor.Tensor); ok {
		if value, ok = s.im.decodeArray(t); !ok {
			return array{}, false
		}
	}
	if in[0].float() || in[0].unknown() || len(in[0].v) > maxRank {
		return array{}, false
	}
	return s.pick([]array{value}, clampAll(in[0].v), func([]int) (int, int) { return 0, 0 })
}

func rangeArray(s site, in []array) (array, bool) {
	for _, a := range in {
		if a.elements() != 1 || a.dtype != in[0].dtype || a.unknown() {
			return array{}, false
		}
	}
	if in[0].float() {
		start, step := in[0].f[0], in[2].f[0]
		n := math.Ceil(float64(in[1].f[0]-start) / float64(step))
		if !(n < math.MaxInt32) {
			return array{}, false
		}
		out, ok := s.im.make(tensor.Float32, []int{int(max(n, 0))})
		for i := range out.f {
			out.f[i] = start + float32(float32(i)*step)
		}
		return out, ok
	}
	start, end, step := in[0].v[0], in[1].v[0], in[2].v[0]
	if step == 0 || max(start, -start, end, -end, step, -step) > math.MaxInt32 {
		return array{}, false
	}
	n := (end - start + step - (truth(step > 0) - truth(step < 0))) / step
	out, ok := s.im.make(in[0].dtype, []int{int(min(max(n, 0), math.MaxInt32))})
	for i := range out.v {
		out.v[i] = start + int64(i)*step
	}
	return out, ok
}

func eyeLikeArray(s site, in []array) (array, bool) {
	dtype := in[0].dtype
	if to := s.n.Attrs.Int("dtype", 0); to != 0 {
		e, err := supported(onnxpb.DataType(to))
		if err != nil || e.bits < 8 {
			return array{}, false
		}
		dtype = e.store
	}
	out, ok := s.im.make(dtype, in[0].shape)
	if !ok || len(in[0].shape) != 2 {
		return array{}, false
	}
	each(out.shape, func(i int, index []int) {
		switch {
		case index[1]-index[0] != s.n.Attrs.Int("k", 0):
		case out.float():
			out.f[i] = 1
		default:
			out.v[i] = 1
		}
	})
	return out, true
}

// oneHotArray: inputs indices, depth, [off, on].
func oneHotArray(s site, in []array) (array, bool) {
	indices, ok := s.convert(in[0], tensor.Int64)
	if !ok {
		return array{}, false
	}
	depth, ok := s.convert(in[1], tensor.Int64)
	if !ok {
		return array{}, false
	}
	n, ok := depth.number()
	if !ok || n < 1 || n > math.MaxInt32 || in[2].elements() != 2 {
		return array{}, false
	}
	axis := s.n.Attrs.Int("axis", -1)
	if rank := len(indices.shape) + 1; axis < 0 {
		axis += rank
	}
	if axis < 0 || axis > len(indices.shape) {
		return array{}, false
	}
	shape := slices.Insert(slices.Clone(indices.shape), axis, int(n))
	return s.pick(in[2:], shape, func(index []int) (int, int) {
		v := indices.v[indices.offset(slices.Concat(index[:axis], index[axis+1:]))]
		if v < 0 {
			v += n
		}
		return 0, int(truth(v == int64(index[axis])))
	})
}

// nonZeroArray returns the indices of what is not 0, as the columns of a matrix.
func nonZeroArray(s site, in []array) (array, bool) {
	a := in[0]
	if a.unknown() {
		return array{}, false
	}
	other := func(i int) bool { return a.float() && a.f[i] != 0 || !a.float() && a.v[i] != 0 }
	columns := 0
	for i := range a.elements() {
		columns += int(truth(other(i)))
	}
	out, ok := s.im.make(tensor.Int64, []int{len(a.shape), columns})
	if !ok {
		return array{}, false
	}
	c := 0
	each(a.shape, func(i int, index []int) {
		if !other(i) {
			return
		}
		for d, at := range index {
			out.v[d*columns+c] = int64(at)
		}
		c++
	})
	return out, true
}

// sliceNode is part i of a Split: n elements of the axis from start on.
func sliceNode(split *raw.Node, i, axis, start, n int) *raw.Node {
	return &raw.Node{
		Name: partName(split, i), Op: graph.Slice, Inputs: split.Inputs[:1], Outputs: split.Outputs[i : i+1],
		Attrs: graph.Attrs{
			"starts": []int{start}, "ends": []int{start + n}, "axes": []int{axis}, "steps": []int{1},
		},
	}
}
