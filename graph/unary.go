package graph

import "math"

// Unary returns the function of one real that the node applies to each element, and whether the node is of that kind:
// Relu, Clip, Sigmoid, Tanh, Gelu, Sqrt and so on, and Identity and Dropout. Results have the same bits on every
// processor. Arithmetic, HardSigmoid and HardSwish round every step to float32; what is made of e**x, logarithms and the
// error function is computed in float64 and rounded once, within 0.501 units in the last place. (Gelu far below 0, where
// it is tiny, is off by up to 1e-14 instead.) A NaN stays a NaN; ThresholdedRelu makes 0 of it, as ONNX defines it.
func Unary(n *Node) (f func(float32) float32, ok bool) {
	if f, ok = functions[n.Op]; ok {
		return f, true
	}
	if w, ok := withAlpha[n.Op]; ok {
		alpha := n.Attrs.Float("alpha", w.alpha)
		return func(x float32) float32 { return w.of(x, alpha) }, true
	}
	switch n.Op {
	case Identity, Dropout:
		return func(x float32) float32 { return x }, true
	case Relu:
		return func(x float32) float32 { return max(x, 0) }, true
	case Clip:
		lo := n.Attrs.Float("min", float32(math.Inf(-1)))
		hi := n.Attrs.Float("max", float32(math.Inf(1)))
		return func(x float32) float32 { return min(max(x, lo), hi) }, true
	case Gelu:
		if n.Attrs.Str("approximate", "none") == "tanh" {
			return geluTanh, true
		}
		return gelu, true
	case HardSigmoid:
		return hardSigmoid(n.Attrs.Float("alpha", 0.2), n.Attrs.Float("beta", 0.5)), true
	case HardSwish:
		gate := hardSigmoid(1.0/6, 0.5)
		return func(x float32) float32 { return x * gate(x) }, true
	case Selu:
		return selu(n.Attrs.Float("alpha", 1.67326319217681884765625), n.Attrs.Float("gamma", 1.05070102214813232421875)), true
	}
	return nil, false
}

func hardSigmoid(alpha, beta float32) func(float32) float32 {
	return func(x float32) float32 { return max(0, min(1, float32(alpha*x)+beta)) }
}
