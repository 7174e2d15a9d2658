package graph

import "math"

// Unary returns the function of one real that the node applies to each element, and whether the node is of that kind:
// Relu, Clip, LeakyRelu, Sigmoid, HardSigmoid, HardSwish, and Identity and Dropout. Every step is rounded to float32,
// except Sigmoid, which is computed in float64 and rounded once; results have the same bits on every processor. A NaN
// stays a NaN.
func Unary(n *Node) (f func(float32) float32, ok bool) {
	switch n.Op {
	case Identity, Dropout:
		return func(x float32) float32 { return x }, true
	case Relu:
		return func(x float32) float32 { return max(x, 0) }, true
	case Clip:
		lo := n.Attrs.Float("min", float32(math.Inf(-1)))
		hi := n.Attrs.Float("max", float32(math.Inf(1)))
		return func(x float32) float32 { return min(max(x, lo), hi) }, true
	case LeakyRelu:
		alpha := n.Attrs.Float("alpha", 0.01)
		return func(x float32) float32 {
			if x < 0 {
				return alpha * x
			}
			return x
		}, true
	case Sigmoid:
		return func(x float32) float32 { return float32(1 / (1 + Exp(-float64(x)))) }, true
	case HardSigmoid:
		return hardSigmoid(n.Attrs.Float("alpha", 0.2), n.Attrs.Float("beta", 0.5)), true
	case HardSwish:
		gate := hardSigmoid(1.0/6, 0.5)
		return func(x float32) float32 { return x * gate(x) }, true
	}
	return nil, false
}

func hardSigmoid(alpha, beta float32) func(float32) float32 {
	return func(x float32) float32 { return max(0, min(1, float32(alpha*x)+beta)) }
}

// SoftmaxRow fills dst with exp(x[i]) / Σ exp(x[j]) in float64, less the maximum for range, summed in order and rounded
// once: the same bits on every processor. dst and x have the same length and may be the same slice.
func SoftmaxRow(dst, x []float32) {
	most := float32(math.Inf(-1))
	for _, v := range x {
		most = max(most, v)
	}
	sum := 0.0
	for _, v := range x {
		sum += Exp(float64(v) - float64(most))
	}
	for i, v := range x {
		dst[i] = float32(Exp(float64(v)-float64(most)) / sum)
	}
}
