package engine

import (
	"math"

	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/elementwise"
)

// onSlice returns the function of one value of a node on slices of one length, which may be the same. What takes less
// time than a call has a loop of its own; it computes what graph.Unary does.
func onSlice(n *graph.Node, f func(float32) float32, tier cpu.Tier) func(dst, src []float32) {
	if f, ok := vectorFunction(n); ok {
		alpha := float32(1)
		if n.Op == graph.Swish {
			alpha = n.Float("alpha")
		}
		return func(dst, src []float32) { f.Reals(dst, src, alpha, tier) }
	}
	switch n.Op {
	case graph.Abs:
		return func(dst, src []float32) {
			for i, x := range src[:len(dst)] {
				dst[i] = float32(math.Abs(float64(x)))
			}
		}
	case graph.Neg:
		return func(dst, src []float32) {
			for i, x := range src[:len(dst)] {
				dst[i] = -x
			}
		}
	case graph.Sqrt:
		return func(dst, src []float32) {
			for i, x := range src[:len(dst)] {
				dst[i] = float32(math.Sqrt(float64(x)))
			}
		}
	case graph.LeakyRelu:
		alpha := n.Float("alpha")
		return func(dst, src []float32) {
			for i, x := range src[:len(dst)] {
				if x < 0 {
					x *= alpha
				}
				dst[i] = x
			}
		}
	case graph.HardSigmoid, graph.HardSwish:
		alpha, beta := float32(1.0/6), float32(0.5)
		swish := n.Op == graph.HardSwish
		if !swish {
			alpha, beta = n.Float("alpha"), n.Float("beta")
		}
		return func(dst, src []float32) { elementwise.GateReals(dst, src, alpha, beta, swish, tier) }
	}
	return func(dst, src []float32) {
		for i, x := range src[:len(dst)] {
			dst[i] = f(x)
		}
	}
}

// vectorFunction returns the function of a node that is computed for several elements at a time.
func vectorFunction(n *graph.Node) (f elementwise.Function, ok bool) {
	switch n.Op {
	case graph.Exponential:
		return elementwise.Exp, true
	case graph.Sigmoid:
		return elementwise.Sigmoid, true
	case graph.Swish:
		return elementwise.Swish, true
	case graph.Tanh:
		return elementwise.Tanh, true
	case graph.Erf:
		return elementwise.Erf, true
	case graph.Gelu:
		if n.Str("approximate") == "tanh" {
			return elementwise.GeluTanh, true
		}
		return elementwise.Gelu, true
	}
	return 0, false
}
