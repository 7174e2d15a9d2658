package graph

import (
	"math"

	"linquant/internal/arith"
)

// The functions of elements. Those that need more than a rounding are computed in float64 and rounded once.

func same(x float32) float32 { return x }

func softsign(x float32) float32 { return x / (1 + float32(math.Abs(float64(x)))) }

// mish returns x·tanh(softplus(x)): with e = eˣ, the tanh is e(e + 2) / (e(e + 2) + 2).
func mish(x float32) float32 {
	if x > 40 {
		return x
	}
	e := arith.Exp(float64(x))
	e = float64(e * (e + 2))
	return float32(float64(x) * (e / (e + 2)))
}

func sign(x float32) float32 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x // 0, or a NaN
}

func celu(x, alpha float32) float32 {
	if x > 0 {
		return x
	}
	return float32(float64(alpha) * arith.Expm1(float64(x)/float64(alpha)))
}

func elu(x, alpha float32) float32 {
	if x > 0 {
		return x
	}
	return float32(float64(alpha) * arith.Expm1(float64(x)))
}

func leakyRelu(x, alpha float32) float32 {
	if x < 0 {
		return alpha * x
	}
	return x
}

func thresholdedRelu(x, alpha float32) float32 {
	if x > alpha {
		return x
	}
	return 0 // of a NaN too
}

func clip(n *Node) func(float32) float32 {
	lo, hi := n.Float("min"), n.Float("max")
	return func(x float32) float32 { return min(max(x, lo), hi) }
}

func hardSigmoidOf(n *Node) func(float32) float32 {
	return hardSigmoid(n.Float("alpha"), n.Float("beta"))
}

func hardSigmoid(alpha, beta float32) func(float32) float32 {
	return func(x float32) float32 { return max(0, min(1, float32(alpha*x)+beta)) }
}

func hardSwish(x float32) float32 { return x * max(0, min(1, float32(float32(1.0/6)*x)+0.5)) }

func seluOf(n *Node) func(float32) float32 { return selu(n.Float("alpha"), n.Float("gamma")) }

// selu returns gamma·x, below 0 gamma·alpha·(eˣ − 1).
func selu(alpha, gamma float32) func(float32) float32 {
	return func(x float32) float32 {
		if x > 0 {
			return gamma * x
		}
		return float32(float64(gamma) * float64(alpha) * arith.Expm1(float64(x)))
	}
}

func geluOf(n *Node) func(float32) float32 {
	if n.Str("approximate") == "tanh" {
		return arith.GeluTanh32
	}
	return arith.Gelu32
}
