package fuse

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"linquant/graph"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// qoperator takes an operator that reads and writes codes. It is read as what it means in QDQ, DequantizeLinear →
// operator → QuantizeLinear, and so becomes the same node; where ONNX Runtime rounds its own operators otherwise
// (graph.IsQLinear) the node says so.
func (f *fuser) qoperator(n *raw.Node) error {
	if last, _ := n.Attrs["channels_last"].(int); last != 0 { // which pools have
		return fmt.Errorf("channels_last is not supported: export the model before ONNX Runtime optimizes it")
	}
	op, _ := raw.FloatOp(n.Op)
	m := &raw.Node{Name: n.Name, Op: op, Outputs: n.Outputs, Attrs: n.FloatAttrs()}
	slots := n.Reads()
	if len(slots) == 0 {
		return fmt.Errorf("it has no inputs")
	}
	for i, s := range slots {
		name := f.fresh(fmt.Sprintf("%s_operand%d", n.Outputs[0], i))
		v, err := f.operand(n, s)
		if err != nil {
			return err
		}
		f.values[name] = operand{kind: view, name: v.Name, node: f.viewNode(name)}
		m.Inputs = append(m.Inputs, name)
	}
	if err := f.addBias(n, m); err != nil {
		return err
	}
	s := raw.Writes(n.Op)
	if n.Op == raw.MSQGemm && n.Input(s.Scale) == "" { // its output are reals
		return f.operator(m)
	}
	t := quant.Type{}
	if n.Input(s.Zero) == "" {
		t = f.viewOf(m.Inputs[0]).Quant.Type
		t.Bits = 8
	}
	p, err := f.params(quantized{scale: n.Input(s.Scale), zeroPoint: n.Input(s.Zero)}, t)
	if err != nil {
		return err
	}
	if !onePerTensor(p) {
		return fmt.Errorf("output scale %q: an activation has one scale and codes of 8 bits", n.Input(s.Scale))
	}
	if inputs, attrs, ok := f.layerOfViews(m, p); ok {
		attrs = graph.SetQLinear(m.Op, attrs)
		if f.flatGemm(m, inputs, attrs, p) {
			return nil
		}
		f.emitClamped(m, m.Op, attrs, inputs, nil, f.narrow(n.Outputs[0], p))
		return nil
	}
	if n.Op == raw.MSQLinearSoftmax {
		return f.floatBetween(m, p, wholeCodes(p.Scale[0]))
	}
	return f.floatBetween(m, p, 1)
}

// wholeCodes returns what probabilities are multiplied by before they are quantized, so that their codes are those of ONNX
// Runtime's QLinearSoftmax: it takes 1/Sy for the whole number below, such as 254 of Sy = f32(1/255). 1 where that is one.
func wholeCodes(scale float32) float32 {
	return float32(math.Floor(float64(1/scale))) * scale
}

// layerOfViews is layer for an operator that was made of one on codes.
func (f *fuser) layerOfViews(m *raw.Node, p quant.Params) ([]string, graph.Attrs, bool) {
	if !f.views(m) {
		return nil, nil, false
	}
	return f.layer(m, p)
}

// operand returns the value with the codes that a node reads.
func (f *fuser) operand(n *raw.Node, s raw.Slot) (*graph.Value, error) {
	in := n.Input(s.Codes)
	t, ok := f.typeOf(in)
	if !ok || t.Bits > 8 {
		return nil, fmt.Errorf("input %q holds no codes of 2 to 8 bits: put a QuantizeLinear before it", in)
	}
	q := quantized{scale: n.Input(s.Scale), zeroPoint: n.Input(s.Zero), shape: f.constShape(in)}
	switch n.Op { // the channels of the weight
	case raw.QLinearMatMul:
		q.axis = -1
	case raw.MSQGemm:
		q.axis = 1 - n.Int("transB")
	}
	p, err := f.params(q, t)
	if err != nil {
		return nil, err
	}
	if p.Per != quant.PerTensor && (s.Codes == 0 || q.shape == nil) {
		return nil, severalScales(in, p)
	}
	if n.Op == raw.MSQGemm && s.Codes == 3 { // alpha goes to the scale of the weight
		if alpha := n.Float("alpha"); alpha != 1 {
			p.Scale = slices.Clone(p.Scale)
			for i := range p.Scale {
				p.Scale[i] *= alpha
				if !(p.Scale[i] >= smallestNormal) {
					return nil, fmt.Errorf("alpha %g makes the scale %q unusable: fold it into the model", alpha, q.scale)
				}
			}
		}
	}
	return f.codesOf(in, p)
}

// addBias gives m the bias of n, int32 codes that are added to accumulators and so have the scale Sx·Sw[c].
func (f *fuser) addBias(n, m *raw.Node) error {
	at := map[graph.Op]int{raw.QLinearConv: 8, raw.MSQGemm: 6}[n.Op]
	in := n.Input(at)
	if at == 0 || in == "" {
		return nil
	}
	c := f.raw.Values[in]
	if c == nil || c.Const == nil || c.DType != tensor.Int32 {
		return fmt.Errorf("bias %q is not a constant of int32: make it one", in)
	}
	x, w := f.viewOf(m.Inputs[0]), f.viewOf(m.Inputs[1])
	wp := channelsFirst(*w.Quant)
	if w.Const == nil || len(w.Const.Shape) < 2 {
		return fmt.Errorf("weight %q is not a constant, with a bias: make it one", w.Name)
	}
	p, err := quant.BiasParams(*x.Quant, wp)
	if err != nil {
		return fmt.Errorf("bias %q: %w", in, err)
	}
	channels := w.Const.Shape[0]
	if n.Op == raw.MSQGemm && n.Int("transB") == 0 {
		channels = w.Const.Shape[1]
	}
	if e := c.Const.Elements(); e != channels && e != 1 {
		return fmt.Errorf("bias %q of shape %v: it must have one element per output channel, %d", in, c.Shape, channels)
	}
	var v *graph.Value
	if len(c.Const.Shape) == 1 && c.Const.Shape[0] == channels {
		v, err = f.codesConst(in, p)
	} else {
		v, err = f.spreadBias(in, *c.Const, p, channels)
	}
	if err != nil {
		return err
	}
	name := f.fresh(n.Outputs[0] + "_bias")
	f.values[name] = operand{kind: view, name: v.Name}
	m.Inputs = append(m.Inputs, name)
	return nil
}

// spreadBias adds a bias that QGemm has as a row or as one element, with one for each channel.
func (f *fuser) spreadBias(name string, b tensor.Tensor, p quant.Params, channels int) (*graph.Value, error) {
	q, err := f.wide(b)
	if err != nil {
		return nil, err
	}
	if err := f.spend(channels); err != nil {
		return nil, err
	}
	spread := make([]int32, channels)
	for c := range spread {
		spread[c] = q[min(c, len(q)-1)]
	}
	t, err := tensor.Of(tensor.Shape{channels}, spread)
	if err != nil {
		return nil, err
	}
	return f.addCodes(f.fresh(name), t, p), nil
}

// floatBetween appends DequantizeLinear → operator → QuantizeLinear: the operator has no form in integers. Its output is
// multiplied by the factor.
func (f *fuser) floatBetween(m *raw.Node, p quant.Params, factor float32) error {
	inputs := make([]string, len(m.Inputs))
	for i, in := range m.Inputs {
		var err error
		if inputs[i], err = f.real(in); err != nil {
			return err
		}
	}
	r := f.narrow(m.Outputs[0], p)
	reals := f.fresh(m.Outputs[0] + codes.FloatSuffix)
	f.emit(m.Op, m.Name, m.Attrs, inputs, reals, nil)
	if factor != 1 {
		t, err := tensor.Of(tensor.Shape{}, []float32{factor})
		if err != nil {
			return err
		}
		by := f.fresh(m.Outputs[0] + "_factor")
		f.out.AddConst(by, t)
		scaled := f.fresh(m.Outputs[0] + "_scaled")
		f.emit(graph.Mul, m.Name+"_Mul", nil, []string{reals, by}, scaled, nil)
		reals = scaled
	}
	f.emit(graph.QuantizeLinear, m.Name+"_QuantizeLinear", nil, []string{reals}, r.name, &r.params)
	f.become(r, r.name)
	return nil
}

// flatGemm recognises a Gemm with a bias, which the ONNX standard has no operator on codes for and which lower writes as
// Unsqueeze → QLinearConv with a 1×1 kernel → Flatten. m is the convolution, with its inputs and attributes.
func (f *fuser) flatGemm(m *raw.Node, inputs []string, attrs graph.Attrs, p quant.Params) bool {
	if m.Op != graph.Conv || !plainWindow(&graph.Node{Op: m.Op, Attrs: attrs}) {
		return false
	}
	w := f.out.Values[inputs[1]]
	if s := w.Const.Shape; len(s) != 4 || s[2] != 1 || s[3] != 1 {
		return false
	}
	unsqueeze := f.producer[inputs[0]]
	if unsqueeze == nil || unsqueeze.Op != graph.Unsqueeze || !slices.Equal(unsqueeze.Ints("axes"), []int{2, 3}) {
		return false
	}
	r := f.narrow(m.Outputs[0], p)
	readers := f.consumers[r.name]
	if f.raw.IsOutput(r.name) || len(readers) != 1 || readers[0].Op != graph.Flatten ||
		readers[0].Int("axis") != 1 {
		return false
	}
	flat := *w.Const
	flat.Shape = flat.Shape[:2]
	name := f.fresh(strings.TrimSuffix(w.Name, codes.KernelSuffix))
	f.addCodes(name, flat, *w.Quant)
	gemm := append([]string{unsqueeze.Inputs[0], name}, inputs[2:]...)
	r.name = readers[0].Outputs[0]
	r.same, r.nodes = append(r.same, r.name), append(r.nodes, readers[0])
	f.emitClamped(m, graph.Gemm, graph.Attrs{"transB": 1}, gemm, nil, r)
	return true
}

// plainWindow reports whether a convolution has one group, stride 1 and no padding.
func plainWindow(conv *graph.Node) bool {
	for name, plain := range map[string]int{"strides": 1, "dilations": 1, "pads": 0} {
		for _, x := range conv.Ints(name) {
			if x != plain {
				return false
			}
		}
	}
	pad := conv.Str("auto_pad")
	return conv.Int("group") == 1 && (pad == "NOTSET" || pad == "VALID" || pad == "SAME_UPPER" || pad == "SAME_LOWER")
}
