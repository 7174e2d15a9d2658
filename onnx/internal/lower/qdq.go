package lower

import (
	"fmt"
	"maps"

	"linquant/graph"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// qdq lowers one node to QDQ.
func (l *lowerer) qdq(n *graph.Node) error {
	if done, err := l.plain(n); done || err != nil {
		return err
	}
	return l.between(n, n.Attrs, l.sharesWithClamp(n))
}

// plain lowers the nodes that are the same in both forms: those on reals, and those between reals and codes.
func (l *lowerer) plain(n *graph.Node) (bool, error) {
	out := l.g.Values[n.Outputs[0]]
	switch {
	case graph.IsDynamic(n):
		return true, l.dynamic(n)
	case l.table(n) != nil:
		return true, l.gather(n, l.table(n))
	case n.Op == graph.DequantizeLinear && l.tableAlone(n):
		return true, nil
	case n.Op == graph.QuantizeLinear:
		l.quantize(n.Name, l.float(n.Inputs[0]), out)
		return true, nil
	case n.Op == graph.DequantizeLinear:
		return true, l.dequantize(n.Name, l.g.Values[n.Inputs[0]], out)
	case graph.IsQLinear(n):
		l.qlinear(n, out)
		return true, nil
	case out.Quant != nil:
		return false, nil
	}
	inputs := make([]string, len(n.Inputs))
	for i, in := range n.Inputs {
		inputs[i] = l.float(in)
	}
	if l.outputOf(n, inputs, out) {
		return true, nil
	}
	l.emit(n.Op, n.Name, n.Attrs, inputs, out.Name, out)
	l.out.Nodes[len(l.out.Nodes)-1].Outputs = n.Outputs
	for _, o := range n.Outputs[1:] {
		if v := l.g.Values[o]; v != nil {
			l.out.Values[o] = rawFloat(v)
		}
	}
	return true, nil
}

// qlinear lowers a node that rounds as ONNX Runtime's own operator to that.
func (l *lowerer) qlinear(n *graph.Node, out *graph.Value) {
	op, _ := raw.QLinearOf(n.Op)
	attrs := maps.Clone(n.Attrs)
	graph.ClearQLinear(attrs)
	var inputs []string
	for _, in := range n.Inputs {
		scale, zero := l.scale(l.g.Values[in])
		inputs = append(inputs, l.codes(in), scale, zero)
	}
	scale, zero := l.scale(out)
	inputs = append(inputs, scale, zero)
	l.clipped(out, func(name string, t quant.Type) { l.emitCodes(op, n.Name, attrs, inputs, name, out, t) })
}

// float returns the name of a float value; a constant is copied when it is first read.
func (l *lowerer) float(name string) string {
	if name != "" && l.out.Values[name] == nil {
		l.out.Values[name] = rawFloat(l.g.Values[name])
	}
	return name
}

// between lowers a node on codes to DequantizeLinear → operator → QuantizeLinear. Without the QuantizeLinear (open), the
// next node reads the operator's reals.
func (l *lowerer) between(n *graph.Node, attrs graph.Attrs, open bool) error {
	inputs := make([]string, len(n.Inputs))
	for i, in := range n.Inputs {
		if in == "" {
			continue
		}
		var err error
		if inputs[i], err = l.dequantized(in); err != nil {
			return err
		}
	}
	out := l.g.Values[n.Outputs[0]]
	reals := stem(out.Name)
	if reals == out.Name || l.g.Values[reals] != nil {
		reals += codes.FloatSuffix
	}
	reals = l.fresh(reals)
	l.emit(n.Op, n.Name, attrs, inputs, reals, out)
	if open {
		l.reals[out.Name] = reals
		return nil
	}
	l.quantize(stem(out.Name)+"_QuantizeLinear", reals, out)
	return nil
}

// sharesWithClamp reports whether the only reader of a node's output is a Relu or Clip whose output has the same
// parameters and whose bounds the range of the codes implies. Then no QuantizeLinear and DequantizeLinear stand between:
// clamped reals, quantized, are the codes that clamped codes are, and other runtimes fuse Conv → Relu → QuantizeLinear
// into one integer layer. They do not where the bounds are others; the layer is in integers there with a pair behind it.
func (l *lowerer) sharesWithClamp(n *graph.Node) bool {
	switch n.Op {
	case graph.Conv, graph.Gemm, graph.MatMul, graph.Add, graph.Mul, graph.AveragePool, graph.GlobalAveragePool:
	default:
		return false
	}
	out := l.g.Values[n.Outputs[0]]
	readers := l.consumers[out.Name]
	if l.g.IsOutput(out.Name) || len(readers) != 1 || readers[0].Op != graph.Relu && readers[0].Op != graph.Clip ||
		!graph.SameParams(out.Quant, l.g.Values[readers[0].Outputs[0]].Quant) {
		return false
	}
	return implied(readers[0], *out.Quant)
}

// implied reports whether the range of the codes implies the bounds of a Relu or Clip.
func implied(n *graph.Node, p quant.Params) bool {
	lo, hi := codeBounds(n, p)
	tlo, thi := p.Type.Range()
	return lo == tlo && hi == thi
}

// dequantized returns the reals that a value's codes stand for, made by a DequantizeLinear that all readers share.
func (l *lowerer) dequantized(name string) (string, error) {
	if r, ok := l.reals[name]; ok {
		return r, nil
	}
	v := l.g.Values[name]
	if l.floatBias && v.Const != nil && v.Quant.Type.Bits == 32 {
		reals, err := realsOf(v)
		if err != nil {
			return "", err
		}
		l.reals[name] = l.fresh(stem(name) + "_dequantized")
		l.out.AddConst(l.reals[name], reals)
		return l.reals[name], nil
	}
	out := &graph.Value{Name: l.fresh(stem(name) + "_dequantized"), Shape: v.Shape}
	if err := l.dequantize(stem(name)+"_DequantizeLinear", v, out); err != nil {
		return "", err
	}
	l.reals[name] = out.Name
	return out.Name, nil
}

// realsOf returns the reals that a bias's codes stand for, as DequantizeLinear computes them.
func realsOf(v *graph.Value) (tensor.Tensor, error) {
	codes, err := tensor.As[int32](*v.Const)
	if err != nil {
		return tensor.Tensor{}, err
	}
	reals := make([]float32, len(codes))
	for i, c := range codes {
		reals[i] = float32(c) * v.Quant.Scale[min(i, len(v.Quant.Scale)-1)]
	}
	return tensor.Of(v.Const.Shape, reals)
}

// dequantize appends a DequantizeLinear.
func (l *lowerer) dequantize(node string, v, out *graph.Value) error {
	scale, zero := l.scale(v)
	inputs := []string{l.codes(v.Name), scale, zero}
	var attrs graph.Attrs
	switch p := v.Quant; p.Per {
	case quant.PerChannel:
		attrs = graph.Attrs{"axis": p.Axis}
	case quant.PerGroup:
		if len(v.Const.Shape) != 2 || p.Axis != 0 {
			return fmt.Errorf("%q of shape %v is quantized in groups along axis %d, which ONNX has for the rows of "+
				"matrices only: quantize it per channel", v.Name, v.Const.Shape, p.Axis)
		}
		attrs = graph.Attrs{"axis": 1, "block_size": p.GroupSize}
		l.needs(21, fmt.Sprintf("%q, which is quantized in groups", v.Name))
	}
	l.emit(graph.DequantizeLinear, node, attrs, inputs, out.Name, out)
	return nil
}

// quantize appends a QuantizeLinear, and a Clip where the codes have fewer bits than their type in the file.
func (l *lowerer) quantize(node, reals string, out *graph.Value) {
	scale, zero := l.scale(out)
	l.clipped(out, func(name string, t quant.Type) {
		l.emitCodes(graph.QuantizeLinear, node, nil, []string{reals, scale, zero}, name, out, t)
	})
}

// clipped makes a value's codes, and clips them where they have fewer bits than their type in the file.
func (l *lowerer) clipped(out *graph.Value, emit func(name string, t quant.Type)) {
	t := l.rawType(out)
	if t.Bits == out.Quant.Type.Bits {
		emit(out.Name, t)
		return
	}
	wide := l.fresh(stem(out.Name) + "_unclipped")
	emit(wide, t)
	lo, hi := out.Quant.Type.Range()
	attrs := graph.Attrs{"min": float32(lo), "max": float32(hi)}
	l.emitCodes(graph.Clip, stem(out.Name)+"_Clip", attrs, []string{wide}, out.Name, out, t)
}
