package graph

import "linquant/internal/arith"

func reduceAttrs(inputSince int) []Attribute {
	return []Attribute{
		intsAttr("axes").input(1, inputSince), intAttr("keepdims", 1), intAttr("noop_with_empty_axes", 0).from(inputSince),
	}
}

func init() {
	add(ClassBinary, Arity{2, 2}, []Operator{
		{Op: Add, Since: 1, Counting: true, Role: RoleOwn, Attrs: []Attribute{qlinear}, Binary: func(a, b float32) float32 { return a + b }},
		{Op: Div, Since: 1, Counting: true, role: site.divRole, Count: quotient, Binary: func(a, b float32) float32 { return a / b }},
		{Op: Max, Since: 1, Counting: true, File: Arity{1, Many}, Role: RoleOwn, Binary: func(a, b float32) float32 { return max(a, b) }},
		{Op: Min, Since: 1, Counting: true, File: Arity{1, Many}, Role: RoleOwn, Binary: func(a, b float32) float32 { return min(a, b) }},
		{Op: Mul, Since: 1, Counting: true, Role: RoleOwn, Attrs: []Attribute{qlinear}, Binary: func(a, b float32) float32 { return float32(a * b) }},
		{Op: Pow, Since: 1, Counting: true, Count: power, Binary: arith.Pow},
		{Op: PRelu, Since: 1, Role: RoleOwn, Binary: prelu, shape: site.prelu},
		{Op: Sub, Since: 1, Counting: true, Role: RoleOwn, Binary: func(a, b float32) float32 { return a - b }},
	}...)

	add(ClassReduction, Arity{1, 1}, []Operator{
		{Op: ReduceL1, Since: 1, FloatOnly: true, Attrs: reduceAttrs(18), Reduce: arith.SumOfMagnitudes},
		{Op: ReduceL2, Since: 1, FloatOnly: true, Attrs: reduceAttrs(18), Reduce: arith.Length},
		{Op: ReduceLogSum, Since: 1, FloatOnly: true, Attrs: reduceAttrs(18), Reduce: func(x []float32) float32 { return float32(arith.Log(arith.Sum(x))) }},
		{Op: ReduceLogSumExp, Since: 1, FloatOnly: true, Attrs: reduceAttrs(18), Reduce: arith.LogSumExp},
		{Op: ReduceMax, Since: 1, Counting: true, FloatOnly: true, Attrs: reduceAttrs(18), Reduce: arith.Max},
		{Op: ReduceMean, Since: 1, FloatOnly: true, Attrs: reduceAttrs(18), Reduce: func(x []float32) float32 { return float32(arith.Sum(x) / float64(len(x))) }},
		{Op: ReduceMin, Since: 1, Counting: true, FloatOnly: true, Attrs: reduceAttrs(18), Reduce: arith.Min},
		{Op: ReduceProd, Since: 1, Counting: true, FloatOnly: true, Attrs: reduceAttrs(18), Reduce: arith.Product},
		{Op: ReduceSum, Since: 1, Counting: true, FloatOnly: true, Attrs: reduceAttrs(13), Reduce: func(x []float32) float32 { return float32(arith.Sum(x)) }},
		{Op: ReduceSumSquare, Since: 1, FloatOnly: true, Attrs: reduceAttrs(18), Reduce: func(x []float32) float32 { return float32(arith.SumOfSquares(x, 0)) }},
	}...)
}
