package graph

import "math"

// functions has the functions of one real that have no attributes. Those that need more than a rounding are computed in
// float64 and rounded once. It is read and never written.
var functions = map[Op]func(float32) float32{
	Abs:         func(x float32) float32 { return float32(math.Abs(float64(x))) },
	Ceil:        func(x float32) float32 { return float32(math.Ceil(float64(x))) },
	Erf:         func(x float32) float32 { return float32(erf(float64(x))) },
	Exponential: func(x float32) float32 { return float32(Exp(float64(x))) },
	Floor:       func(x float32) float32 { return float32(math.Floor(float64(x))) },
	Logarithm:   func(x float32) float32 { return float32(log(float64(x))) },
	Mish:        mish,
	Neg:         func(x float32) float32 { return -x },
	Reciprocal:  func(x float32) float32 { return 1 / x },
	Round:       func(x float32) float32 { return float32(math.RoundToEven(float64(x))) },
	Sigmoid:     func(x float32) float32 { return float32(sigmoid(float64(x))) },
	Sign:        sign,
	Softplus:    func(x float32) float32 { return float32(softplus(float64(x))) },
	Softsign:    func(x float32) float32 { return x / (1 + float32(math.Abs(float64(x)))) },
	Sqrt:        func(x float32) float32 { return float32(math.Sqrt(float64(x))) },
	Tanh:        func(x float32) float32 { return float32(tanh(float64(x))) },
}

// mish returns x·tanh(softplus(x)): with e = eˣ, the tanh is e(e + 2) / (e(e + 2) + 2).
func mish(x float32) float32 {
	if x > 40 {
		return x
	}
	e := Exp(float64(x))
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

// withAlpha has the functions whose only attribute is alpha, and its default.
var withAlpha = map[Op]struct {
	alpha float32
	of    func(x, alpha float32) float32
}{
	Celu: {1, func(x, alpha float32) float32 {
		if x > 0 {
			return x
		}
		return float32(float64(alpha) * expm1(float64(x)/float64(alpha)))
	}},
	Elu: {1, func(x, alpha float32) float32 {
		if x > 0 {
			return x
		}
		return float32(float64(alpha) * expm1(float64(x)))
	}},
	LeakyRelu: {0.01, func(x, alpha float32) float32 {
		if x < 0 {
			return alpha * x
		}
		return x
	}},
	Swish: {1, func(x, alpha float32) float32 { return float32(float64(x) * sigmoid(float64(alpha)*float64(x))) }},
	ThresholdedRelu: {1, func(x, alpha float32) float32 {
		if x > alpha {
			return x
		}
		return 0 // of a NaN too
	}},
}

// selu returns gamma·x, below 0 gamma·alpha·(eˣ − 1).
func selu(alpha, gamma float32) func(float32) float32 {
	return func(x float32) float32 {
		if x > 0 {
			return gamma * x
		}
		return float32(float64(gamma) * float64(alpha) * expm1(float64(x)))
	}
}

// gelu returns x·Φ(x), Φ being the distribution of a normal variable.
func gelu(x float32) float32 {
	v := float64(x)
	return float32(0.5 * v * (1 + erf(v*(math.Sqrt2/2))))
}

// geluTanh is an approximation of gelu (Hendrycks & Gimpel 2016).
func geluTanh(x float32) float32 {
	v := float64(x)
	cube := float64(0.044715 * v * v * v)
	return float32(0.5 * v * (1 + tanh(math.Sqrt2/math.SqrtPi*(v+cube))))
}
