package read

import (
	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/arrays"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/convert"
	"linquant/onnx/internal/elements"
	"linquant/quant"
	"linquant/tensor"
)

// evaluate computes the output of a node whose inputs are known, or that makes a constant of a value's shape. done is
// false for other nodes.
func evaluate(s build.Node) (done bool, err error) {
	switch s.Raw.Op {
	case "Shape":
		return true, known(s, arrays.Vector(shapeOf(s, s.Raw.Inputs[0])...))
	case "Size":
		n, ok := s.Net.SizeOf(s.Raw.Inputs[0])
		if !ok {
			return false, nil
		}
		return true, known(s, arrays.Array{DType: tensor.Int64, Shape: []int{}, Ints: []int64{n}})
	case "Split":
		return splitArray(s)
	}
	op, ok := arrays.Ops[s.Raw.Op]
	if !ok || len(s.Raw.Inputs) == 0 {
		return false, nil
	}
	in, ok := operands(s, op)
	if !ok {
		return false, nil
	}
	out, ok := op.Compute(s.Call(), in)
	if !ok {
		if s.Raw.Op == "Cast" {
			return false, nil // which says what it does not convert
		}
		return false, s.Errorf("it computes with constants in a way that is not supported, or with what is known only of " +
			"a batch: simplify the model, or export it with fixed shapes")
	}
	return true, known(s, out)
}

// operands returns the inputs as arrays. ok is false where one is not known, or the node stays one of constants.
func operands(s build.Node, op arrays.Op) (in []arrays.Array, ok bool) {
	im, wanted := s.Net, op.Always
	data := op.Data
	if data == 0 {
		data = len(s.Raw.Inputs)
	}
	for i, name := range s.Raw.Inputs {
		if name == "" && i >= s.Least {
			continue
		}
		if _, computed := im.Arrays[name]; computed {
			wanted = wanted || i < data
			continue
		}
		v := im.Graph.Values[name]
		switch {
		case v != nil && v.Const == nil && op.Always && !graph.Op(s.Raw.Op).Known():
			if _, ok := im.Follows(name); !ok { // there is no such node in a graph, and it is computed now or never
				return nil, false
			}
			wanted = true
		case v == nil || v.Const == nil:
			return nil, false
		case i >= data || v.DType == tensor.Float32 && !im.Derived[name]:
		case v.Type != quant.Type{}, v.DType.Size() == 1 && v.DType != tensor.Bool && op.Data == 1 && !im.Bound[name]:
			return nil, false // codes, which remain a constant
		default:
			wanted = true
		}
	}
	if s.Raw.Op == "Cast" && !toFloats(s) {
		wanted = true
	}
	if !wanted {
		return nil, false
	}
	for _, name := range s.Raw.Inputs {
		var a arrays.Array
		if name != "" {
			if a, ok = im.Array(name); !ok || im.Left.Take(int64(a.Elements())) != nil {
				return nil, false
			}
		}
		in = append(in, a)
	}
	return in, true
}

// known makes the array the node's output: a constant of floats, or an array.
func known(s build.Node, a arrays.Array) error {
	name := s.Raw.Outputs[0]
	if !a.Float() {
		s.Net.Arrays[name] = a
		return nil
	}
	t, err := a.Tensor()
	if err != nil {
		return s.Errorf("%w", err)
	}
	s.Net.Graph.AddConst(name, t)
	s.Net.Derived[name] = true
	return nil
}

// toFloats reports whether a Cast is to floats.
func toFloats(s build.Node) bool {
	return elements.Types[onnxpb.DataType(s.Raw.Int("to"))].Store == tensor.Float32
}

// The functions here are of operators that make arrays of few numbers, or numbers of arrays.

// shapeOf returns what is known of a value's shape, from start to end where the node has them.
func shapeOf(s build.Node, name string) []int64 {
	dims := s.Net.ShapeOf(name)
	from, to := index(s.Raw.Int("start"), len(dims)), len(dims)
	if s.Raw.Attrs["end"] != nil {
		to = index(s.Raw.Int("end"), len(dims))
	}
	return dims[from:max(from, to)]
}

// index is a bound of a slice as Python has it.
func index(i, n int) int {
	if i < 0 {
		i += n
	}
	return min(max(i, 0), n)
}

// splitArray computes the outputs of a Split.
func splitArray(s build.Node) (done bool, err error) {
	in, ok := operands(s, arrays.Op{Data: 1})
	if !ok {
		return false, nil
	}
	rank := len(in[0].Shape)
	axis, ok := in[0].Axis(s.Raw.Int("axis"))
	if !ok {
		return false, s.Errorf("axis %d is no dimension of %d", s.Raw.Int("axis"), rank)
	}
	return true, convert.EachPart(s, axis, in[0].Shape[axis], func(part build.Node, _ int) error {
		a, ok := arrays.Slice(part.Call(), in[:1])
		if !ok {
			return s.Errorf("%q has more elements than a file of this size should make", part.Raw.Outputs[0])
		}
		return known(part, a)
	})
}

// filling converts the attribute of a ConstantOfShape, a tensor of the number that it repeats.
func filling(s build.Node, a *onnxpb.Attr) error {
	if a.Tensor == nil {
		return s.Errorf("the attribute %q is no tensor", a.Name)
	}
	v, _, err := s.Net.Decode(a.Tensor)
	if err != nil {
		return s.Errorf("attribute %q: %w", a.Name, err)
	}
	if v.Elements() != 1 {
		return s.Errorf("the attribute %q has %d elements: it must be one number", a.Name, v.Elements())
	}
	s.Raw.Attrs["value"] = v
	return nil
}
