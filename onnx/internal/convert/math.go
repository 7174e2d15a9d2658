package convert

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// chain makes operators of two inputs of one that takes any number: op(op(a, b), c).
func chain(op graph.Op) func(s build.Node) error {
	return func(s build.Node) error {
		s.Raw.Op = op
		if len(s.Raw.Inputs) == 1 {
			s.Raw.Op = graph.Identity
			return identity(s)
		}
		last := len(s.Raw.Inputs) - 1
		sum := s.Raw.Inputs[0]
		for _, in := range s.Raw.Inputs[1:last] {
			var err error
			if sum, err = s.Insert("part", op, graph.Attrs{}, sum, in); err != nil {
				return err
			}
		}
		s.Raw.Inputs = []string{sum, s.Raw.Inputs[last]}
		return nil
	}
}

// clip is Max and Min where a bound is computed while the network runs, such as the loudest sample less 80 dB.
func clip(s build.Node) error {
	computed := false
	for i := 1; i < len(s.Raw.Inputs) && s.Opset >= 11; i++ {
		if name := s.Raw.Inputs[i]; name != "" {
			_, known := s.Net.Follows(name)
			if known || s.Net.Graph.Values[name] == nil {
				continue
			}
			if rank, err := s.Rank(i); err != nil || rank != 0 {
				return s.Errorf("input %d (%q) has %d dimensions: a bound is one number", i, name, rank)
			}
			computed = true
		}
	}
	if !computed {
		return parameters(s)
	}
	x, lo, hi := s.Raw.Inputs[0], s.Raw.Input(1), s.Raw.Input(2)
	if lo != "" && hi != "" {
		var err error
		if x, err = s.Insert("raised", graph.Max, graph.Attrs{}, x, lo); err != nil {
			return err
		}
	}
	s.Raw.Op, s.Raw.Attrs, s.Raw.Inputs = graph.Min, graph.Attrs{}, []string{x, hi}
	if hi == "" {
		s.Raw.Op, s.Raw.Inputs[1] = graph.Max, lo
	}
	return nil
}

// scaler is (x − offset)·scale, with numbers for each feature or one for all: what stands before a network of scikit-learn.
func scaler(s build.Node) error {
	c := chainOf{s: s}
	rank, err := s.Rank(0)
	if err != nil {
		return err
	}
	if rank > 2 {
		return s.Errorf("its input has %d dimensions: it takes features, and rows of them", rank)
	}
	x, err := s.AsNumbers(s.Raw.Inputs[0])
	if err != nil {
		return err
	}
	var names [2]string
	for i, attr := range []string{"offset", "scale"} {
		v := s.Raw.Floats(attr)
		if len(v) == 0 {
			return s.Errorf("it has no %s", attr)
		}
		if names[i], err = s.ConstantOf(attr, tensor.Shape{len(v)}, v); err != nil {
			return err
		}
	}
	x = c.add("moved", graph.Sub, nil, x, names[0])
	s.Raw.Op, s.Raw.Attrs, s.Raw.Inputs = graph.Mul, graph.Attrs{}, []string{x, names[1]}
	return c.err
}

// concat leaves out constants without elements, such as the padding of a length that needs none.
func concat(s build.Node) error {
	var kept []string
	for i, in := range s.Raw.Inputs {
		if c, ok := s.Net.Follows(in); ok && c.Elements() == 0 && (len(kept) > 0 || i < len(s.Raw.Inputs)-1) {
			continue
		}
		kept = append(kept, in)
	}
	if len(kept) == len(s.Raw.Inputs) {
		return parameters(s)
	}
	if s.Raw.Inputs = kept; len(kept) == 1 {
		return becomeInput(s)
	}
	return parameters(s)
}

// mean is the sum of its inputs divided by their number.
func mean(s build.Node) error {
	count := s.Net.Fresh(s.Raw.Outputs[0] + "_count")
	t, err := tensor.Of(tensor.Shape{}, []float32{float32(len(s.Raw.Inputs))})
	if err != nil {
		return err
	}
	sum := s.Raw.Inputs[0]
	for _, in := range s.Raw.Inputs[1:] {
		if sum, err = s.Insert("part", graph.Add, graph.Attrs{}, sum, in); err != nil {
			return err
		}
	}
	s.Net.Graph.AddConst(count, t)
	s.Raw.Op, s.Raw.Inputs = graph.Div, []string{sum, count}
	return nil
}

// integerPower: the result has the type of the base, here integers, and so has the exponent where that changes nothing.
func integerPower(s build.Node, exponent tensor.Tensor, d tensor.DType) error {
	x, err := exponent.Float32s()
	if err == nil {
		err = graph.CheckIntegers(x)
	}
	if err != nil {
		return s.Errorf("its base has elements of %v, and its exponent %q: %w", d, s.Raw.Inputs[1], err)
	}
	s.Raw.Inputs[1], err = constantLike(s, "exponent", exponent.Shape, x, d)
	return err
}

// power: the exponent may be integers since opset 12.
func power(s build.Node) error {
	v, base := s.Net.Graph.Values[s.Raw.Inputs[1]], s.Net.Graph.Values[s.Raw.Inputs[0]]
	if base != nil && base.Const == nil && graph.Counts(base.DType) && v != nil && v.Const != nil {
		if v.DType == base.DType {
			return nil
		}
		return integerPower(s, *v.Const, base.DType)
	}
	if v == nil || v.Const == nil || v.DType == tensor.Float32 {
		return nil
	}
	t, err := elements.ToFloat32(*v.Const, &s.Net.Left)
	if err != nil {
		return s.Errorf("%w", err)
	}
	s.Raw.Inputs[1] = s.Net.Fresh(s.Raw.Outputs[0] + "_exponent")
	s.Net.Graph.AddConst(s.Raw.Inputs[1], t)
	return nil
}

// reduce: the axes are an attribute before opset 18, of ReduceSum before 13, then an input.
func reduce(s build.Node) error {
	if err := parameters(s); err != nil {
		return err
	}
	if len(s.Raw.Ints("axes")) == 0 {
		delete(s.Raw.Attrs, "axes")
	}
	if s.Raw.Op == graph.ReduceMean && overPlane(s) {
		return reduceMean(s)
	}
	return nil
}

// overPlane reports whether a reduction is over height and width of a picture.
func overPlane(s build.Node) bool {
	axes := slices.Clone(s.Raw.Ints("axes"))
	slices.Sort(axes)
	if !slices.Equal(axes, []int{2, 3}) && !slices.Equal(axes, []int{-2, -1}) {
		return false
	}
	rank, err := s.Rank(0)
	return err == nil && rank == 4
}

// reduceMean is an average pool where it reduces height and width, as PyTorch exports x.mean((2, 3)).
func reduceMean(s build.Node) error {
	keep := s.Raw.Int("keepdims") != 0
	s.Raw.Op, s.Raw.Attrs = graph.GlobalAveragePool, graph.Attrs{}
	if keep {
		return nil
	}
	pooled, err := s.Insert("pooled", graph.GlobalAveragePool, graph.Attrs{}, s.Raw.Inputs[0])
	if err != nil {
		return err
	}
	return s.Become(graph.Flatten, graph.Attrs{"axis": 1}, pooled)
}

// groupNorm: before opset 21 scale and bias have one element for each group.
func groupNorm(s build.Node) error {
	if s.Opset >= 21 {
		return nil
	}
	dims, err := s.Dims(0)
	if err != nil {
		return err
	}
	groups := s.Raw.Int("num_groups")
	if len(dims) < 2 || groups < 1 || dims[1]%int64(groups) != 0 {
		return s.Errorf("num_groups is %d for a value with the shape %v", groups, dims)
	}
	for i, name := range []string{1: "scale", 2: "bias"} {
		if i == 0 {
			continue
		}
		x, ok := s.Reals(i)
		if !ok || len(x) != groups {
			return s.Errorf("its %s must be a constant with %d elements, one for each group", name, groups)
		}
		if err := s.Net.Left.Take(4 * dims[1]); err != nil {
			return s.Errorf("%w", err)
		}
		all := make([]float32, 0, dims[1])
		for _, v := range x {
			all = append(all, slices.Repeat([]float32{v}, int(dims[1])/groups)...)
		}
		t, err := tensor.Of(tensor.Shape{len(all)}, all)
		if err != nil {
			return err
		}
		s.Raw.Inputs[i] = s.Net.Fresh(s.Raw.Outputs[0] + "_" + name)
		s.Net.Graph.AddConst(s.Raw.Inputs[i], t)
	}
	return nil
}

// gelu of ONNX Runtime: some have a bias, which is added before.
func gelu(s build.Node) error {
	op, attrs := graph.Gelu, graph.Attrs{}
	switch s.Raw.Op {
	case raw.MSFastGelu:
		attrs["approximate"] = "tanh"
	case raw.MSQuickGelu:
		op, attrs["alpha"] = graph.Swish, s.Raw.Float("alpha")
	}
	x := s.Raw.Inputs[0]
	if s.Raw.Input(1) != "" {
		var err error
		if x, err = s.Insert("biased", graph.Add, graph.Attrs{}, s.Raw.Inputs[:2]...); err != nil {
			return err
		}
	}
	return s.Become(op, attrs, x)
}
