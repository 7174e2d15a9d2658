package graph

import (
	"math"

	"linquant/internal/arith"
)

// alpha is the only attribute of many functions.
func alpha(missing float32) []Attribute { return []Attribute{floatAttr("alpha", missing)} }

// always is the Unary of an operator without attributes.
func always(f func(float32) float32) func(*Node) func(float32) float32 {
	return func(*Node) func(float32) float32 { return f }
}

// withAlpha is the Unary of a function of x and the attribute alpha.
func withAlpha(f func(x, alpha float32) float32) func(*Node) func(float32) float32 {
	return func(n *Node) func(float32) float32 {
		alpha := n.Float("alpha")
		return func(x float32) float32 { return f(x, alpha) }
	}
}

func init() {
	add(ClassUnary, Arity{1, 1}, []Operator{
		{Op: Abs, Since: 1, Counting: true, Role: RoleOwn, Unary: always(func(x float32) float32 { return float32(math.Abs(float64(x))) })},
		{Op: Acos, Since: 7, Unary: always(arith.Acos)},
		{Op: Acosh, Since: 9, Unary: always(arith.Acosh)},
		{Op: Asin, Since: 7, Unary: always(arith.Asin)},
		{Op: Asinh, Since: 9, Role: RoleOwn, Unary: always(arith.Asinh)},
		{Op: Atan, Since: 7, Role: RoleOwn, Unary: always(arith.Atan)},
		{Op: Atanh, Since: 9, Unary: always(arith.Atanh)},
		{Op: Ceil, Since: 1, Unary: always(func(x float32) float32 { return float32(math.Ceil(float64(x))) })},
		{Op: Celu, Since: 12, Role: RoleOwn, Attrs: alpha(1), Unary: withAlpha(celu)},
		{
			Op: Clip, Since: 1, Counting: true, Integers: 12, Role: RoleClamp, Unary: clip, nothing: unbounded,
			Attrs: []Attribute{
				floatAttr("min", float32(math.Inf(-1))).input(1, 11), floatAttr("max", float32(math.Inf(1))).input(2, 11),
			},
		},
		{Op: Cos, Since: 7, Unary: always(arith.Cos)},
		{Op: Cosh, Since: 9, Unary: always(arith.Cosh)},
		{Op: Elu, Since: 1, Role: RoleOwn, Attrs: alpha(1), Unary: withAlpha(elu)},
		{Op: Erf, Since: 9, Role: RoleOwn, Unary: always(arith.Erf32)},
		{Op: Exponential, Since: 1, Unary: always(arith.Exp32)},
		{Op: Floor, Since: 1, Unary: always(func(x float32) float32 { return float32(math.Floor(float64(x))) })},
		{
			Op: Gelu, Since: 20, Role: RoleOwn, Unary: geluOf, spelled: []recognizer{pieces.gelu},
			Attrs: []Attribute{strAttr("approximate", "none")},
		},
		{
			Op: HardSigmoid, Since: 1, Role: RoleOwn, Unary: hardSigmoidOf, spelled: []recognizer{pieces.hardSigmoid},
			Attrs: []Attribute{floatAttr("alpha", 0.2), floatAttr("beta", 0.5)},
		},
		{Op: HardSwish, Since: 14, Role: RoleOwn, Unary: always(hardSwish), spelled: []recognizer{pieces.hardSwish}},
		{Op: LeakyRelu, Since: 1, Role: RoleOwn, Attrs: alpha(0.01), Unary: withAlpha(leakyRelu)},
		{Op: Logarithm, Since: 1, Unary: always(func(x float32) float32 { return float32(arith.Log(float64(x))) })},
		{Op: Mish, Since: 18, Role: RoleOwn, Unary: always(mish), spelled: []recognizer{pieces.mish}},
		{Op: Neg, Since: 1, Counting: true, Role: RoleOwn, Unary: always(func(x float32) float32 { return -x })},
		{Op: Reciprocal, Since: 1, Unary: always(func(x float32) float32 { return 1 / x })},
		{Op: Relu, Since: 1, Role: RoleClamp, Unary: always(func(x float32) float32 { return max(x, 0) })},
		{Op: Round, Since: 11, Unary: always(func(x float32) float32 { return float32(math.RoundToEven(float64(x))) })},
		{
			Op: Selu, Since: 1, Role: RoleOwn, Unary: seluOf,
			Attrs: []Attribute{floatAttr("alpha", 1.67326319217681884765625), floatAttr("gamma", 1.05070102214813232421875)},
		},
		{Op: Shrink, Since: 9, Role: RoleOwn, Attrs: []Attribute{floatAttr("bias", 0), floatAttr("lambd", 0.5)}, Unary: shrink},
		{Op: Sigmoid, Since: 1, Role: RoleOwn, Unary: always(arith.Sigmoid32)},
		{Op: Sign, Since: 9, Counting: true, Unary: always(sign)},
		{Op: Sin, Since: 7, Unary: always(arith.Sin)},
		{Op: Sinh, Since: 9, Unary: always(arith.Sinh)},
		{Op: Softplus, Since: 1, Role: RoleOwn, Unary: always(func(x float32) float32 { return float32(arith.Softplus(float64(x))) })},
		{Op: Softsign, Since: 1, Role: RoleOwn, Unary: always(softsign)},
		{Op: Sqrt, Since: 1, Unary: always(func(x float32) float32 { return float32(math.Sqrt(float64(x))) })},
		{Op: Swish, Since: 24, Role: RoleOwn, Attrs: alpha(1), Unary: withAlpha(arith.Swish32), spelled: []recognizer{pieces.swish}},
		{Op: Tan, Since: 7, Unary: always(arith.Tan)},
		{Op: Tanh, Since: 1, Role: RoleOwn, Unary: always(arith.Tanh32)},
		{Op: ThresholdedRelu, Since: 10, Role: RoleOwn, Attrs: alpha(1), Unary: withAlpha(thresholdedRelu)},
	}...)
}
