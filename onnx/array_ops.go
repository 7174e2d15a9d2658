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
