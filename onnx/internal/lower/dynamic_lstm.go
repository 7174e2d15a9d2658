package lower

import (
	"fmt"
	"maps"
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// dynamicLSTM lowers an LSTM that quantizes its input and its state while it runs to ONNX Runtime's operator. Nodes that are
// outputs of one LSTM become one: each would need weights of its own, as ownWeights says.
func (l *lowerer) dynamicLSTM(n *graph.Node) error {
	attrs := graph.Attrs{}
	maps.Copy(attrs, n.Attrs)
	graph.ClearDynamic(attrs)
	delete(attrs, graph.OutputAttr)
	delete(attrs, graph.EndedAttr)
	delete(attrs, "layout") // it is 0, and the operator has none
	attrs["hidden_size"] = l.g.Values[n.Inputs[2]].Const.Shape[2]
	out, which := l.g.Values[n.Outputs[0]], n.Int(graph.OutputAttr)
	ended := n.Int(graph.EndedAttr) != 0
	key := fmt.Sprintf("%q %v %v", n.Inputs, attrs, ended)
	if m := l.recurrent[key]; m != nil {
		l.out.Values[out.Name] = rawFloat(out)
		l.output(m, which, out.Name)
		return nil
	}
	inputs := make([]string, 12)
	for i, in := range n.Inputs {
		if in == "" {
			continue
		}
		if i != 1 && i != 2 {
			inputs[i] = l.float(in)
			continue
		}
		var err error
		at := 6 + 2*i
		if inputs[i], inputs[at], inputs[at+1], err = l.recurrentWeight(l.g.Values[in]); err != nil {
			return err
		}
	}
	l.emit(raw.MSDynamicLSTM, n.Name, attrs, inputs, out.Name, out)
	m := l.out.Nodes[len(l.out.Nodes)-1]
	m.Outputs = nil
	if ended {
		m.Outputs = []string{""}
	}
	l.output(m, which, out.Name)
	if l.recurrent == nil {
		l.recurrent = map[string]*raw.Node{}
	}
	l.recurrent[key] = m
	return nil
}

// outputOf makes the nodes that are outputs of one recurrent layer one, whose weights would be computed with for each; ONNX Runtime refuses two
// that read the same DequantizeLinear of weights. done is false for other nodes.
func (l *lowerer) outputOf(n *graph.Node, inputs []string, out *graph.Value) (done bool) {
	switch n.Op {
	case graph.LSTM, graph.GRU, graph.RNN:
	default:
		return false
	}
	attrs := maps.Clone(n.Attrs)
	delete(attrs, graph.OutputAttr)
	key := fmt.Sprintf("%s %q %v", n.Op, inputs, attrs)
	m := l.recurrent[key]
	if m == nil {
		l.emit(n.Op, n.Name, attrs, inputs, out.Name, out)
		m = l.out.Nodes[len(l.out.Nodes)-1]
		m.Outputs = nil
		if l.recurrent == nil {
			l.recurrent = map[string]*raw.Node{}
		}
		l.recurrent[key] = m
	}
	l.out.Values[out.Name] = rawFloat(out)
	l.output(m, n.Int(graph.OutputAttr), out.Name)
	return true
}

// output names an output of a node; those before it that nobody reads get names too.
func (l *lowerer) output(n *raw.Node, which int, name string) {
	for i := len(n.Outputs); i <= which; i++ {
		n.Outputs = append(n.Outputs, l.fresh(fmt.Sprintf("%s_unread_%d", name, i)))
	}
	n.Outputs[which] = name
}

// recurrentWeight adds constants with a weight, its scale and its zero point, [directions, depth, rows], and [directions] or
// [directions, rows], and returns their names.
func (l *lowerer) recurrentWeight(w *graph.Value) (name, scale, zero string, err error) {
	if l.int4 && w.Quant.Type.Bits <= 4 {
		return "", "", "", fmt.Errorf("its weight %q has %d bits, and layers that quantize their input while they run have no 4-bit "+
			"types in ONNX: leave the codes in 8 bits", w.Name, w.Quant.Type.Bits)
	}
	p, t := w.Quant, codes.TransposedEach(*w.Const)
	shape, scales, zeros := tensor.Shape{t.Shape[0]}, p.Scale, codes.Zeros(*p)
	switch p.Per {
	case quant.PerTensor:
		scales, zeros = slices.Repeat(scales, shape[0]), slices.Repeat(zeros, shape[0])
	case quant.PerGroup:
		shape = append(shape, t.Shape[2])
		if slices.Max(zeros) != slices.Min(zeros) || !p.Type.Unsigned && zeros[0] != 0 {
			return "", "", "", fmt.Errorf("its weight %q has several zero points, and ONNX Runtime takes one of a weight with a scale for each row, "+
				"0 of signed codes: quantize it symmetrically", w.Name)
		}
	}
	v := &graph.Value{Name: l.fresh(w.Name + "_transposed"), DType: t.DType, Shape: t.Shape, Const: &t, Quant: p}
	l.out.Values[v.Name] = l.rawValue(v)
	if p.Type.Bits < 8 {
		l.kernels = append(l.kernels, [2]string{v.Name, w.Name})
	}
	scale = l.fresh(w.Name + "_scale")
	c, err := tensor.Of(shape, scales)
	if err != nil {
		return "", "", "", err
	}
	l.out.AddConst(scale, c)
	zero = l.fresh(w.Name + "_zero_point")
	z := tensor.Tensor{DType: p.Type.Storage(), Shape: shape}
	for _, v := range zeros {
		z.Data = append(z.Data, byte(v))
	}
	l.out.AddConst(zero, z)
	return v.Name, scale, zero, nil
}
