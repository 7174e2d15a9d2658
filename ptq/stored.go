package ptq

import (
	"fmt"
	"slices"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// storedInputs returns the first and the last operand of a node that Dynamic makes codes of.
func storedInputs(n *graph.Node) (first, last int) {
	switch n.Op {
	case graph.Gather:
		return 0, 0
	case graph.LSTM, graph.GRU, graph.RNN:
		return 1, 2
	}
	return 1, 1
}

// storesWeight reports whether Dynamic makes codes of a constant of the node, be it of no layer: of both weights of a recurrent layer, and of
// a table of which a Gather takes rows that are not known beforehand.
func storesWeight(g *graph.Graph, n *graph.Node) bool {
	switch n.Op {
	case graph.LSTM, graph.GRU, graph.RNN:
		return isFloats(g, n.Input(1), 3) && isFloats(g, n.Input(2), 3)
	case graph.Gather:
		return n.Input(1) != "" && !isConst(g, n.Input(1)) && isFloats(g, n.Input(0), 2)
	}
	return hasWeight(g, n)
}

// isFloats reports whether the value is a constant of reals with at least so many dimensions, and not empty.
func isFloats(g *graph.Graph, name string, rank int) bool {
	return isConst(g, name) && g.Value(name).Const.DType.IsFloat() && len(g.Value(name).Const.Shape) >= rank && g.Value(name).Const.Elements() > 0
}

// reduceRecurrent is reduceRange for LSTMs, whose products ONNX Runtime adds as those of matrices.
func (p *plan) reduceRecurrent() {
	for _, n := range p.g.Nodes {
		if s := p.settings[n]; p.cfg.ReduceRange && n.Op == graph.LSTM && s.weightBits == 8 && !s.weightSaid {
			s.weightBits = 7
		}
	}
}

// stored gives c, the copy of a node that is no Conv, Gemm or MatMul, codes for its weights.
func (d *dynamicBuilder) stored(n, c *graph.Node) error {
	first, last := storedInputs(n)
	dynamic := n.Op == graph.LSTM && n.Int("layout") == 0
	for k := first; k <= last; k++ {
		w, err := d.storedWeight(n, k, dynamic)
		if err != nil {
			return fmt.Errorf("weight %q: %w", n.Input(k), err)
		}
		l := &integerLayer{report: LayerReport{Dynamic: dynamic, Stored: !dynamic}}
		if err := d.setWeight(l, n, w); err != nil {
			return err
		}
		l.report.Weight.Name = n.Input(k)
		name := d.codes(n.Input(k), l.weight)
		if !dynamic {
			name = d.dequantized(name, c)
		}
		c.Inputs[k] = name
		if !d.reported(n, l.report.Weight.Name) {
			d.report.Layers = append(d.report.Layers, l.report)
		}
	}
	if dynamic {
		graph.SetDynamic(c)
	}
	return nil
}

// reported reports whether the report has a weight of a recurrent layer already: every output of one is a node.
func (d *dynamicBuilder) reported(n *graph.Node, weight string) bool {
	return n.Op != graph.Gather && slices.ContainsFunc(d.report.Layers, func(l LayerReport) bool { return l.Op == n.Op && l.Weight.Name == weight })
}

// storedWeight quantizes operand k of a node, symmetrically: by the configuration's method where that looks at weights alone, else to the
// nearest codes.
func (d *dynamicBuilder) storedWeight(n *graph.Node, k int, dynamic bool) (*codedWeight, error) {
	v := d.g.Value(n.Input(k)).Const
	w := &LayerWeight{Shape: v.Shape, Type: quant.Int(d.settings[n].weightBits), Node: n}
	switch {
	case d.cfg.PerTensor:
	case dynamic:
		w.Layout = quant.Layout{Per: quant.PerGroup, Axis: 0, GroupSize: v.Shape[2]}
	case n.Op != graph.Gather: // DequantizeLinear has one axis
		w.Axis, w.Layout = 1, quant.Layout{Per: quant.PerChannel, Axis: 1}
	case graph.AxisOf(n, len(v.Shape)) == 0:
		w.Layout = quant.Layout{Per: quant.PerChannel, Axis: 0}
	}
	var err error
	if w.Real, err = v.Float32s(); err != nil {
		return nil, err
	}
	c := &codedWeight{LayerWeight: w, codes: make([]int8, len(w.Real)), floatBytes: int64(len(v.Data))}
	method := WeightMethod(AbsMax{})
	if m, ok := d.cfg.WeightMethod.(LeastSquares); ok {
		method = m
	}
	if c.params, _, err = method.Quantize(d.ctx, w, c.codes); err == nil {
		err = checkParams(w, c.params)
	}
	if err == nil {
		err = checkSymmetric(c.codes, c.params)
	}
	return c, err
}

// dequantized returns the value of the reals that a constant of codes stands for, which a DequantizeLinear makes before c, the first node
// that reads them.
func (d *dynamicBuilder) dequantized(codes string, c *graph.Node) string {
	if name, ok := d.reals[codes]; ok {
		return name
	}
	v := d.out.Value(codes)
	name := d.out.Unique(codes + "_dequantized")
	d.out.Values[name] = &graph.Value{Name: name, DType: tensor.Float32, Shape: v.Shape}
	d.reals[codes] = name
	d.before[c] = append(d.before[c], &graph.Node{
		Name: codes + "_DequantizeLinear", Op: graph.DequantizeLinear, Inputs: []string{codes}, Outputs: []string{name},
	})
	return name
}
