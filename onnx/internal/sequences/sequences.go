// Package sequences runs convolutions and pools of one dimension as those of pictures of height 1. Values of sequences are
// [batch, channels, length]: what is made of them is computed as [batch, channels, 1, length], and squeezed for those who
// read the three dimensions. Operators on elements between them go on with four. No graph has a Conv of three dimensions,
// so that this is done to the raw form, while it is built: the operators after it ask for shapes.
package sequences

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/build"
	"linquant/onnx/internal/raw"
)

// Picture returns what stands for a value with the dimension of 1, and adds it where there is nothing yet.
func Picture(s build.Node, name string) (string, error) {
	if as, ok := s.Net.Pictures[name]; ok {
		return as, nil
	}
	part := s
	as := s.Net.Fresh(name + "_2d")
	part.Raw = &raw.Node{
		Name: as, Op: graph.Unsqueeze, Inputs: []string{name}, Outputs: []string{as}, Attrs: graph.Attrs{"axes": []int{2}},
	}
	part.Least = 1
	s.Net.Pictures[name] = as
	return as, part.Add()
}

// Convert adds a node of one dimension, or one that reads what such a node makes, as one of two. done is false for others.
func Convert(s build.Node) (done bool, err error) {
	n := s.Raw
	switch n.Op {
	case graph.Conv, raw.QLinearConv, raw.DynamicConv:
		at := 1
		if n.Op == raw.QLinearConv {
			at = 3
		}
		rank, err := s.Rank(at)
		if err != nil {
			rank = 2 + len(n.Ints("kernel_shape"))
		}
		if rank > 4 {
			return false, Refuse3D(s)
		}
		if rank != 3 {
			return false, nil
		}
		if err := Kernel(s, at); err != nil {
			return false, err
		}
	case graph.MaxPool, graph.AveragePool, raw.MSQLinearAveragePool:
		kernel := n.Ints("kernel_shape")
		if len(kernel) > 2 {
			return false, Refuse3D(s)
		}
		if len(kernel) != 1 {
			return false, nil
		}
	case graph.GlobalAveragePool, graph.GlobalMaxPool, raw.MSQLinearGlobalAverage:
		shape := s.Net.Inferred(n.Inputs[0])
		if s.Net.Pictures[n.Inputs[0]] != "" {
			shape = make([]int64, 3)
		}
		if len(shape) > 4 {
			return false, Refuse3D(s)
		}
		if len(shape) != 3 {
			return false, nil
		}
	case graph.Flatten:
		if as, ok := s.Net.Pictures[n.Inputs[0]]; ok && n.Int("axis") == 1 {
			n.Inputs = []string{as}
		}
		return false, nil
	default:
		if !elementwise(s) {
			return false, nil
		}
	}
	return true, asPicture(s)
}

func Refuse3D(s build.Node) error {
	return s.Errorf("it has more than two dimensions beside batch and channels, such as those of a video or a volume: "+
		"%s is supported for one and two", s.Raw.Op)
}

// elementwise reports whether the node works element by element on what is computed as pictures.
func elementwise(s build.Node) bool {
	pictures, in := s.Net.Pictures, s.Raw.Inputs
	if op, ok := raw.FloatOp(s.Raw.Op); ok {
		row, _ := graph.Lookup(op)
		for _, slot := range s.Raw.Reads() {
			if pictures[in[slot.Codes]] == "" {
				return false
			}
		}
		return row.Unary != nil || row.Class == graph.ClassBinary
	}
	row, ok := graph.Lookup(s.Raw.Op)
	switch {
	case !ok && raw.HasParameters(s.Raw.Op): // quantizing and dequantizing of ONNX Runtime's own domain
		return false
	case ok && (row.Unary != nil || row.Class == graph.ClassBoundary || row.Op == graph.BatchNormalization):
		return pictures[in[0]] != ""
	case !binary(s):
		return false
	}
	some := false
	for _, name := range in {
		v := s.Net.Graph.Values[name]
		if known := v != nil && v.Const != nil && len(v.Const.Shape) <= 3; !known && pictures[name] == "" {
			return false
		}
		some = some || pictures[name] != ""
	}
	return some
}

// asPicture adds the node for what its inputs are as pictures, and a Squeeze.
func asPicture(s build.Node) error {
	n := s.Raw.Clone()
	n.Name = s.Raw.Name
	for i, in := range s.Raw.Inputs {
		_, have := s.Net.Pictures[in]
		if v := s.Net.Graph.Values[in]; v != nil && v.Const != nil && binary(s) {
			if len(v.Const.Shape) > 1 { // others broadcast as they are
				n.Inputs[i] = constant(s, in)
			}
			continue
		}
		if i == 0 || have {
			var err error
			if n.Inputs[i], err = Picture(s, in); err != nil {
				return err
			}
		}
	}
	for name, before := range map[string][]int{"kernel_shape": {1}, "strides": {1}, "dilations": {1}} {
		if v, _ := n.Attrs[name].([]int); len(v) == 1 {
			n.Attrs[name] = append(slices.Clone(before), v...)
		}
	}
	if p, _ := n.Attrs["pads"].([]int); len(p) == 2 {
		n.Attrs["pads"] = []int{0, p[0], 0, p[1]}
	}
	out := s.Raw.Outputs[0]
	as := s.Net.Fresh(out + "_2d")
	n.Outputs = []string{as}
	picture := s
	picture.Raw = n
	if err := picture.Add(); err != nil {
		return err
	}
	s.Net.Pictures[out] = as
	s.Raw.Op, s.Raw.Inputs, s.Raw.Attrs = graph.Squeeze, []string{as}, graph.Attrs{"axes": []int{2}}
	s.Raw.Name = out + "_Squeeze"
	return s.Add()
}

// Kernel makes a kernel [out, in, length] one of height 1: a constant, or what is quantized or dequantized of one.
func Kernel(s build.Node, at int) error {
	name := s.Raw.Inputs[at]
	as, err := kernel(s, name)
	if err == nil && as == "" {
		err = s.Errorf("its weight %q is not constant", name)
	}
	s.Raw.Inputs[at] = as
	return err
}

// kernel returns what stands for a kernel with the dimension of 1, and adds it; "" where there is none.
func kernel(s build.Node, name string) (string, error) {
	if as := constant(s, name); as != "" {
		return as, nil
	}
	n := s.Net.Producers[name]
	if n == nil || n.Op != graph.DequantizeLinear && n.Op != graph.QuantizeLinear {
		return "", nil
	}
	in, err := kernel(s, n.Inputs[0])
	if in == "" || err != nil {
		return "", err
	}
	part := s
	part.Raw = n.Clone()
	part.Raw.Inputs[0], part.Raw.Outputs = in, []string{s.Net.Fresh(name + "_2d")}
	return part.Raw.Outputs[0], part.Add()
}

// binary reports whether the node combines two values element by element.
func binary(s build.Node) bool {
	row, ok := graph.Lookup(s.Raw.Op)
	return ok && row.Class == graph.ClassBinary
}

// constant adds a constant with a dimension of 1 more before the last, a view of the one that is named, and returns its
// name; "" where it is none.
func constant(s build.Node, name string) string {
	v := s.Net.Graph.Values[name]
	if v == nil || v.Const == nil || len(v.Const.Shape) < 2 {
		return ""
	}
	as := s.Net.Fresh(name + "_2d")
	t := *v.Const
	t.Shape = slices.Insert(slices.Clone(t.Shape), len(t.Shape)-1, 1)
	s.Net.Graph.AddConst(as, t).Type = v.Type
	return as
}
