package onnx

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// The methods here bring the operators of mathematics to the forms of the graph.

// The operators of ONNX Runtime's own domain that are read as others.
const (
	msGelu      graph.Op = raw.Microsoft + ".Gelu"
	msFastGelu  graph.Op = raw.Microsoft + ".FastGelu"
	msBiasGelu  graph.Op = raw.Microsoft + ".BiasGelu"
	msQuickGelu graph.Op = raw.Microsoft + ".QuickGelu"
)

// chain makes operators of two inputs of one that takes any number: op(op(a, b), c).
func chain(op graph.Op) func(s site) error {
	return func(s site) error {
		s.n.Op = op
		if len(s.n.Inputs) == 1 {
			s.n.Op = graph.Identity
			return s.identity()
		}
		last := len(s.n.Inputs) - 1
		sum := s.n.Inputs[0]
		for _, in := range s.n.Inputs[1:last] {
			var err error
			if sum, err = s.emit("part", op, graph.Attrs{}, sum, in); err != nil {
				return err
			}
		}
		s.n.Inputs = []string{sum, s.n.Inputs[last]}
		return nil
	}
}

// mean is the sum of its inputs divided by their number.
func (s site) mean() error {
	count := s.im.fresh(s.n.Outputs[0] + "_count")
	t, err := tensor.Of(tensor.Shape{}, []float32{float32(len(s.n.Inputs))})
	if err != nil {
		return err
	}
	sum := s.n.Inputs[0]
	for _, in := range s.n.Inputs[1:] {
		if sum, err = s.emit("part", graph.Add, graph.Attrs{}, sum, in); err != nil {
			return err
		}
	}
	s.im.g.AddConst(count, t)
	s.n.Op, s.n.Inputs = graph.Div, []string{sum, count}
	return nil
}

// power: the exponent may be integers since opset 12.
func (s site) power() error {
	v := s.im.g.Values[s.n.Inputs[1]]
	if v == nil || v.Const == nil || v.DType == tensor.Float32 {
		return nil
	}
	t, err := toFloat32(*v.Const, &s.im.left)
	if err != nil {
		return s.errorf("%w", err)
	}
	s.n.Inputs[1] = s.im.fresh(s.n.Outputs[0] + "_exponent")
	s.im.g.AddConst(s.n.Inputs[1], t)
	return nil
}

// reduce: the axes are an attribute before opset 18, of ReduceSum before 13, then an input.
func (s site) reduce() error {
	if s.n.Input(1) != "" {
		axes, err := s.ints(1)
		if err != nil {
			return err
		}
		s.n.Attrs["axes"] = axes
	}
	s.n.Inputs = s.n.Inputs[:1]
	if len(s.n.Attrs.Ints("axes")) == 0 {
		delete(s.n.Attrs, "axes")
	}
	if s.n.Op == graph.ReduceMean && s.overPlane() {
		return s.reduceMean()
	}
	return nil
}

// overPlane reports whether a reduction is over height and width of a picture.
func (s site) overPlane() bool {
	axes := slices.Clone(s.n.Attrs.Ints("axes"))
	slices.Sort(axes)
	if !slices.Equal(axes, []int{2, 3}) && !slices.Equal(axes, []int{-2, -1}) {
		return false
	}
	rank, err := s.rank(0)
	return err == nil && rank == 4
}

// reduceMean is an average pool where it reduces height and width, as PyTorch exports x.mean((2, 3)).
func (s site) reduceMean() error {
	keep := s.n.Attrs.Int("keepdims", 1) != 0
	s.n.Op, s.n.Attrs = graph.GlobalAveragePool, graph.Attrs{}
	if keep {
		return nil
	}
	pooled, err := s.emit("pooled", graph.GlobalAveragePool, graph.Attrs{}, s.n.Inputs[0])
	if err != nil {
		return err
	}
	return s.turn(graph.Flatten, graph.Attrs{"axis": 1}, pooled)
}

// groupNorm: before opset 21 scale and bias have one element for each group.
func (s site) groupNorm() error {
	if s.opset >= 21 {
		return nil
	}
	dims, err := s.dims(0)
	if err != nil {
		return err
	}
	groups := s.n.Attrs.Int("num_groups", 0)
	if len(dims) < 2 || groups < 1 || dims[1]%int64(groups) != 0 {
		return s.errorf("num_groups is %d for a value with the shape %v", groups, dims)
	}
	for i, name := range []string{1: "scale", 2: "bias"} {
		if i == 0 {
			continue
		}
		x, ok := s.reals(i)
		if !ok || len(x) != groups {
			return s.errorf("its %s must be a constant with %d elements, one for each group", name, groups)
		}
		if err := s.im.left.take(4 * dims[1]); err != nil {
			return s.errorf("%w", err)
		}
		all := make([]float32, 0, dims[1])
		for _, v := range x {
			all = append(all, slices.Repeat([]float32{v}, int(dims[1])/groups)...)
		}
		t, err := tensor.Of(tensor.Shape{len(all)}, all)
		if err != nil {
			return err
		}
		s.n.Inputs[i] = s.im.fresh(s.n.Outputs[0] + "_" + name)
		s.im.g.AddConst(s.n.Inputs[i], t)
	}
	return nil
}

// reals returns input i, a known list of floats; ok is false where it is anything else.
func (s site) reals(i int) (x []float32, ok bool) {
	a, ok := s.im.array(s.n.Input(i))
	return a.f, ok && a.float() && len(a.shape) <= 1
}

// gelu of ONNX Runtime: some have a bias, which is added before.
func (s site) gelu() error {
	op, attrs := graph.Gelu, graph.Attrs{}
	switch s.n.Op {
	case msFastGelu:
		attrs["approximate"] = "tanh"
	case msQuickGelu:
		op, attrs["alpha"] = graph.Swish, s.n.Attrs.Float("alpha", 1.702)
	}
	x := s.n.Inputs[0]
	if s.n.Input(1) != "" {
		var err error
		if x, err = s.emit("biased", graph.Add, graph.Attrs{}, s.n.Inputs[:2]...); err != nil {
			return err
		}
	}
	return s.turn(op, attrs, x)
}
