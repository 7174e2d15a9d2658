package onnx

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/raw"
)

// Networks for sequences have values [batch, channels, length]. Their convolutions and pools run as those of pictures
// of height 1: what they make is computed as [batch, channels, 1, length], and squeezed for those who read the three
// dimensions. Operators on elements between them go on with four.

// lifted returns what stands for a value with the dimension of 1, and adds it where there is nothing yet.
func (s site) lifted(name string) (string, error) {
	if as, ok := s.im.lifted[name]; ok {
		return as, nil
	}
	part := s
	as := s.im.fresh(name + "_2d")
	part.n = &raw.Node{
		Name: as, Op: graph.Unsqueeze, Inputs: []string{name}, Outputs: []string{as}, Attrs: graph.Attrs{"axes": []int{2}},
	}
	part.least = 1
	s.im.lifted[name] = as
	return as, part.add()
}

// lift adds a node of one dimension, or one that reads what such a node makes, as one of two. done is false for others.
func (s site) lift() (done bool, err error) {
	n := s.n
	switch n.Op {
	case graph.Conv, raw.QLinearConv, raw.DynamicConv:
		at := 1
		if n.Op == raw.QLinearConv {
			at = 3
		}
		rank, err := s.rank(at)
		if err != nil {
			rank = 2 + len(n.Attrs.Ints("kernel_shape"))
		}
		if rank > 4 {
			return false, s.threeD()
		}
		if rank != 3 {
			return false, nil
		}
		if err := s.liftWeight(at); err != nil {
			return false, err
		}
	case graph.MaxPool, graph.AveragePool, raw.MSQLinearAveragePool:
		kernel := n.Attrs.Ints("kernel_shape")
		if len(kernel) > 2 {
			return false, s.threeD()
		}
		if len(kernel) != 1 {
			return false, nil
		}
	case graph.GlobalAveragePool, graph.GlobalMaxPool, raw.MSQLinearGlobalAverage:
		shape := s.im.inferred(n.Inputs[0])
		if s.im.lifted[n.Inputs[0]] != "" {
			shape = make([]int64, 3)
		}
		if len(shape) > 4 {
			return false, s.threeD()
		}
		if len(shape) != 3 {
			return false, nil
		}
	case graph.Flatten:
		if as, ok := s.im.lifted[n.Inputs[0]]; ok && n.Attrs.Int("axis", 1) == 1 {
			n.Inputs = []string{as}
		}
		return false, nil
	default:
		if !s.liftsElements() {
			return false, nil
		}
	}
	return true, s.asPicture()
}

func (s site) threeD() error {
	return s.errorf("it has more than two dimensions beside batch and channels, such as those of a video or a volume: "+
		"%s is supported for one and two", s.n.Op)
}

// liftsElements reports whether the node works element by element on what is lifted.
func (s site) liftsElements() bool {
	switch s.n.Op {
	case graph.BatchNormalization, graph.Relu, graph.Clip, graph.LeakyRelu, graph.Sigmoid, graph.HardSigmoid,
		graph.HardSwish, graph.Identity, graph.Dropout, graph.QuantizeLinear, graph.DequantizeLinear, graph.Elu,
		graph.Selu, graph.Tanh, graph.Gelu, graph.Softplus, graph.Erf, graph.Mish, graph.Swish, raw.MSQLinearLeakyRelu,
		raw.MSQLinearSigmoid:
		return s.im.lifted[s.n.Inputs[0]] != ""
	case raw.MSQLinearAdd, raw.MSQLinearMul:
		return s.im.lifted[s.n.Inputs[0]] != "" && s.im.lifted[s.n.Inputs[3]] != ""
	case graph.Add, graph.Mul, graph.Sub, graph.Div, graph.Max, graph.Min, graph.PRelu:
		some := false
		for _, in := range s.n.Inputs {
			v := s.im.g.Values[in]
			if known := v != nil && v.Const != nil && len(v.Const.Shape) <= 3; !known && s.im.lifted[in] == "" {
				return false
			}
			some = some || s.im.lifted[in] != ""
		}
		return some
	}
	return false
}

// asPicture adds the node for what its inputs are as pictures, and a Squeeze.
func (s site) asPicture() error {
	n := s.n.Clone()
	n.Name = s.n.Name
	for i, in := range s.n.Inputs {
		_, have := s.im.lifted[in]
		if v := s.im.g.Values[in]; v != nil && v.Const != nil && s.binary() {
			if len(v.Const.Shape) > 1 { // others broadcast as they are
				n.Inputs[i] = s.pictureOf(in)
			}
			continue
		}
		if i == 0 || have {
			var err error
			if n.Inputs[i], err = s.lifted(in); err != nil {
				return err
			}
		}
	}
	for name, before := range map[string][]int{"kernel_shape": {1}, "strides": {1}, "dilations": {1}} {
		if v := n.Attrs.Ints(name); len(v) == 1 {
			n.Attrs[name] = append(slices.Clone(before), v...)
		}
	}
	if p := n.Attrs.Ints("pads"); len(p) == 2 {
		n.Attrs["pads"] = []int{0, p[0], 0, p[1]}
	}
	out := s.n.Outputs[0]
	as := s.im.fresh(out + "_2d")
	n.Outputs = []string{as}
	picture := s
	picture.n = n
	if err := picture.add(); err != nil {
		return err
	}
	s.im.lifted[out] = as
	s.n.Op, s.n.Inputs, s.n.Attrs = graph.Squeeze, []string{as}, graph.Attrs{"axes": []int{2}}
	s.n.Name = out + "_Squeeze"
	return s.add()
}

// liftWeight makes a kernel [out, in, length] one of height 1: a constant, or what is quantized or dequantized of one.
func (s site) liftWeight(at int) error {
	name := s.n.Inputs[at]
	as, err := s.liftedKernel(name)
	if err == nil && as == "" {
		err = s.errorf("its weight %q is not constant", name)
	}
	s.n.Inputs[at] = as
	return err
}

// liftedKernel returns what stands for a kernel with the dimension of 1, and adds it; "" where there is none.
func (s site) liftedKernel(name string) (string, error) {
	if as := s.pictureOf(name); as != "" {
		return as, nil
	}
	n := s.im.makers[name]
	if n == nil || n.Op != graph.DequantizeLinear && n.Op != graph.QuantizeLinear {
		return "", nil
	}
	in, err := s.liftedKernel(n.Inputs[0])
	if in == "" || err != nil {
		return "", err
	}
	part := s
	part.n = n.Clone()
	part.n.Inputs[0], part.n.Outputs = in, []string{s.im.fresh(name + "_2d")}
	return part.n.Outputs[0], part.add()
}

// binary reports whether the node combines two values element by element.
func (s site) binary() bool {
	switch s.n.Op {
	case graph.Add, graph.Mul, graph.Sub, graph.Div, graph.Max, graph.Min, graph.PRelu:
		return true
	}
	return false
}

// pictureOf adds a constant with a dimension of 1 more before the last, a view of the one that is named, and returns its
// name; "" where it is none.
func (s site) pictureOf(name string) string {
	v := s.im.g.Values[name]
	if v == nil || v.Const == nil || len(v.Const.Shape) < 2 {
		return ""
	}
	as := s.im.fresh(name + "_2d")
	t := *v.Const
	t.Shape = slices.Insert(slices.Clone(t.Shape), len(t.Shape)-1, 1)
	s.im.g.AddConst(as, t).Type = v.Type
	return as
}
