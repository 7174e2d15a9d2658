package lower

import (
	"linquant/graph"
	"linquant/internal/integer"
	"linquant/onnx/internal/codes"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// qoperator lowers one node to an operator on codes, or to QDQ where the standard has none. Add, Mul and pooling by
// average are among these: ONNX Runtime has its own operators for them, which round differently.
func (l *lowerer) qoperator(n *graph.Node) error {
	if done, err := l.plain(n); done || err != nil {
		return err
	}
	out := l.g.Values[n.Outputs[0]]
	switch {
	case n.Op == graph.Conv && l.kernelTypes(n):
		l.clipped(out, func(name string, t quant.Type) {
			l.emitCodes(raw.QLinearConv, n.Name, n.Attrs, l.layerInputs(n, l.codes(n.Inputs[0]), l.codes(n.Inputs[1])), name, out, t)
		})
		return nil
	case n.Op == graph.MatMul && l.kernelTypes(n):
		l.clipped(out, func(name string, t quant.Type) {
			l.emitCodes(raw.QLinearMatMul, n.Name, nil, l.layerInputs(n, l.codes(n.Inputs[0]), l.codes(n.Inputs[1])), name, out, t)
		})
		return nil
	case n.Op == graph.Gemm && l.kernelTypes(n) && n.Int("transB") == 1:
		l.gemm(n, out)
		return nil
	}
	if x := l.g.Values[n.Inputs[0]]; l.samePerInput(n, out) {
		switch {
		case n.Op == graph.Relu || n.Op == graph.Clip:
			if l.clamp(n, x, out) {
				return nil
			}
		case !l.onIntegers(n.Op):
		case n.Op == graph.Concat, codes.MovesElements(n):
			l.moved(n, x, out)
			return nil
		}
	}
	return l.between(n, n.Attrs, false)
}

// onIntegers reports whether the operator takes codes as they are, in the opset of the file.
func (l *lowerer) onIntegers(op graph.Op) bool {
	row, _ := graph.Lookup(op)
	return row.Integers <= l.target
}

// kernelTypes reports whether the types of a layer's codes are among those that QLinearConv and QLinearMatMul of ONNX
// Runtime take: activations of one type, and signed weights beside signed ones.
func (l *lowerer) kernelTypes(n *graph.Node) bool {
	x, w, y := l.g.Values[n.Inputs[0]].Quant, l.g.Values[n.Inputs[1]].Quant, l.g.Values[n.Outputs[0]].Quant
	return x.Type.Unsigned == y.Type.Unsigned && (x.Type.Unsigned || !w.Type.Unsigned)
}

// samePerInput reports whether all inputs of a node have the output's parameters.
func (l *lowerer) samePerInput(n *graph.Node, out *graph.Value) bool {
	for _, in := range n.Inputs {
		if in != "" && !graph.SameParams(l.g.Values[in].Quant, out.Quant) {
			return false
		}
	}
	return true
}

// layerInputs returns the inputs of QLinearConv, or without a bias of QLinearMatMul.
func (l *lowerer) layerInputs(n *graph.Node, x, w string) []string {
	var inputs []string
	for i, codes := range []string{x, w} {
		scale, zero := l.scale(l.g.Values[n.Inputs[i]])
		inputs = append(inputs, codes, scale, zero)
	}
	scale, zero := l.scale(l.g.Values[n.Outputs[0]])
	inputs = append(inputs, scale, zero)
	if b := n.Input(2); b != "" {
		inputs = append(inputs, l.codes(b))
	}
	return inputs
}

// gemm lowers a Gemm to Unsqueeze → QLinearConv with a 1×1 kernel → Flatten: the standard has no Gemm on codes, and
// QLinearMatMul no bias. The integers are the same.
func (l *lowerer) gemm(n *graph.Node, out *graph.Value) {
	x, w := l.g.Values[n.Inputs[0]], l.g.Values[n.Inputs[1]]
	image := l.fresh(stem(out.Name) + "_input")
	l.emitCodes(graph.Unsqueeze, n.Name+"_Unsqueeze", graph.Attrs{"axes": []int{2, 3}}, []string{l.codes(x.Name)}, image,
		&graph.Value{Shape: withOnes(x.Shape)}, l.rawType(x))
	kernel := l.fresh(w.Name + codes.KernelSuffix)
	t := *w.Const
	t.Shape = withOnes(t.Shape)
	l.out.AddConst(kernel, t)
	l.out.Values[kernel].Type = l.rawType(w)
	if l.g.Values[w.Name].Quant.Type.Bits < 8 { // noted by its own name
		l.kernels = append(l.kernels, [2]string{kernel, w.Name})
	}
	pixels := &graph.Value{Name: l.fresh(stem(out.Name) + "_output"), Shape: withOnes(out.Shape), Quant: out.Quant}
	l.clipped(pixels, func(name string, t quant.Type) {
		l.emitCodes(raw.QLinearConv, n.Name, nil, l.layerInputs(n, image, kernel), name, pixels, t)
	})
	flat := graph.Attrs{"axis": 1}
	l.emitCodes(graph.Flatten, n.Name+"_Flatten", flat, []string{pixels.Name}, out.Name, out, l.rawType(out))
}

// withOnes appends two dimensions of 1 to a shape that is known.
func withOnes(s tensor.Shape) tensor.Shape {
	if s == nil {
		return nil
	}
	return append(append(tensor.Shape{}, s...), 1, 1)
}

// clamp lowers a Relu or Clip whose input and output have the same parameters to a Clip of the codes, if the opset has
// one. A Relu that the clamp to the type's range implies is left out.
func (l *lowerer) clamp(n *graph.Node, x, out *graph.Value) bool {
	lo, hi := codeBounds(n, *out.Quant)
	if implied(n, *out.Quant) && !l.g.IsOutput(out.Name) {
		l.alias[out.Name] = l.codes(x.Name)
		return true
	}
	if !l.onIntegers(graph.Clip) {
		return false
	}
	attrs := graph.Attrs{"min": float32(lo), "max": float32(hi)}
	l.emitCodes(graph.Clip, n.Name, attrs, []string{l.codes(x.Name)}, out.Name, out, l.rawType(out))
	return true
}

// codeBounds returns the codes that a Relu or Clip clamps to.
func codeBounds(n *graph.Node, p quant.Params) (lo, hi int32) {
	if n.Op == graph.Relu {
		_, hi = p.Type.Range()
		return codes.Zeros(p)[0], hi
	}
	min, max := codes.Bounds(n)
	return integer.Code(min, &p), integer.Code(max, &p)
}

// moved lowers a node that moves elements to the same node on codes.
func (l *lowerer) moved(n *graph.Node, x, out *graph.Value) {
	attrs := n.Attrs
	if n.Op == graph.Pad {
		attrs = graph.Attrs{}
		for k, v := range n.Attrs {
			attrs[k] = v
		}
		attrs["value"] = float32(integer.Code(n.Float("value"), x.Quant))
	}
	inputs := make([]string, len(n.Inputs))
	for i, in := range n.Inputs {
		inputs[i] = l.codes(in)
	}
	l.emitCodes(n.Op, n.Name, attrs, inputs, out.Name, out, l.rawType(out))
}
