package graph

// Unary returns the function of one real that the node applies to each element, and whether the node is of that kind:
// Relu, Clip, Sigmoid, Tanh, Gelu, Sqrt and so on, and Identity and Dropout. Results have the same bits on every
// processor. Arithmetic, HardSigmoid and HardSwish round every step to float32; what is made of e**x, logarithms and the
// error function is computed in float64 and rounded once, within 0.501 units in the last place. (Gelu far below 0, where
// it is tiny, is off by up to 1e-14 instead.) A NaN stays a NaN; ThresholdedRelu makes 0 of it, as ONNX defines it.
func Unary(n *Node) (f func(float32) float32, ok bool) {
	if o := of(n); o.Unary != nil {
		return o.Unary(n), true
	}
	return nil, false
}
