package lower

import (
	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// table returns the constant of codes whose reals a Gather takes by indices that are computed, nil for other nodes: one scale, or one for
// each index without zero points.
func (l *lowerer) table(n *graph.Node) *graph.Value {
	if n.Op != graph.Gather || n.Input(1) == "" {
		return nil
	}
	from := l.producer[n.Inputs[0]]
	if from == nil || from.Op != graph.DequantizeLinear {
		return nil
	}
	v := l.g.Values[from.Inputs[0]]
	if v.Const == nil || v.Quant.Type.Bits > 8 {
		return nil
	}
	axis := graph.AxisOf(n, len(v.Const.Shape))
	if p := v.Quant; p.Per == quant.PerTensor || p.Per == quant.PerChannel && p.Axis == axis && axis == 0 && codes.AllZero(codes.Zeros(*p)) {
		return v
	}
	return nil
}

// tableAlone reports whether only such Gathers read what a DequantizeLinear makes.
func (l *lowerer) tableAlone(n *graph.Node) bool {
	if l.g.IsOutput(n.Outputs[0]) {
		return false
	}
	for _, reader := range l.consumers[n.Outputs[0]] {
		if l.table(reader) == nil || reader.Inputs[1] == n.Outputs[0] {
			return false
		}
	}
	return true
}

// gather lowers a Gather of a table of codes, so that the table stays in codes when the file runs:
//
//	Gather of codes → DequantizeLinear, with one scale
//	Gather of codes → Cast → Mul by Gather of scales, with one for each row
func (l *lowerer) gather(n *graph.Node, table *graph.Value) error {
	out := l.g.Values[n.Outputs[0]]
	indices := l.float(n.Inputs[1])
	rows := l.fresh(out.Name + codes.CodesSuffix)
	l.emitCodes(graph.Gather, n.Name, n.Attrs, []string{l.codes(table.Name), indices}, rows, out, l.rawType(table))
	if table.Quant.Per == quant.PerTensor {
		scale, zero := l.scale(table)
		l.emit(graph.DequantizeLinear, out.Name+"_DequantizeLinear", nil, []string{rows, scale, zero}, out.Name, out)
		return nil
	}
	key := "rows " + table.Name
	if _, ok := l.parameters[key]; !ok {
		name, shape := l.fresh(table.Name+"_scale"), make(tensor.Shape, len(table.Const.Shape))
		for i := range shape {
			shape[i] = 1
		}
		shape[0] = len(table.Quant.Scale)
		t, err := tensor.Of(shape, table.Quant.Scale)
		if err != nil {
			return err
		}
		l.out.AddConst(name, t)
		l.parameters[key] = [2]string{name}
	}
	scales := l.fresh(out.Name + "_scale")
	l.out.Values[scales] = &raw.Value{Name: scales, DType: tensor.Float32}
	l.add(graph.Gather, out.Name+"_scales_Gather", n.Attrs, scales, l.parameters[key][0], indices)
	cast := l.fresh(out.Name + "_cast")
	l.emit("Cast", out.Name+"_Cast", graph.Attrs{"to": int(onnxpb.Float)}, []string{rows}, cast, out)
	l.emit(graph.Mul, out.Name+"_Mul", nil, []string{cast, scales}, out.Name, out)
	return nil
}
