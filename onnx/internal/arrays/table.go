package arrays

import (
	"linquant/graph"
	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
	"linquant/tensor"
)

// Op computes an operator on arrays.
type Op struct {
	// data is the number of inputs whose elements the output has; the others are parameters. 0: all.
	Data int
	// always is for what package graph has no operator: it is also computed of nothing but floats. Other nodes of
	// constant floats stay, since graph.Fold computes them when it is known what else becomes of a weight.
	Always bool
	// compute returns the output; ok is false where it does not work on arrays so. The number of inputs was checked.
	Compute func(c Call, in []Array) (out Array, ok bool)
}

var Ops = map[graph.Op]Op{
	graph.Identity:    {1, false, func(_ Call, in []Array) (Array, bool) { return in[0], true }},
	"Cast":            {1, false, cast},
	"CastLike":        {1, true, func(c Call, in []Array) (Array, bool) { return c.convert(in[0], in[1].DType) }},
	graph.Concat:      {0, false, concat},
	graph.Unsqueeze:   {1, false, unsqueeze},
	graph.Squeeze:     {1, false, squeeze},
	graph.Reshape:     {1, false, reshape},
	graph.Flatten:     {1, false, flatten},
	graph.Transpose:   {1, false, transpose},
	graph.Slice:       {1, false, Slice},
	graph.Gather:      {1, true, gather},
	graph.Expand:      {1, false, expand},
	graph.Tile:        {1, false, tile},
	graph.Pad:         {1, false, pad},
	graph.Clip:        {0, false, clip},
	"GatherElements":  {1, true, gatherElements},
	"Trilu":           {1, true, trilu},
	"ConstantOfShape": {0, true, constantOfShape},
	"Range":           {0, true, rangeOf},
	"EyeLike":         {1, true, eyeLike},
	"OneHot":          {0, true, oneHot},
	"CumSum":          {1, true, cumSum},
	"NonZero":         {1, true, nonZero},
	"ReduceProd":      {1, false, reduce(multiply)},
	"ReduceSum":       {1, false, reduce(add)},
	"ReduceMax":       {1, false, reduce(larger)},
	"ReduceMin":       {1, false, reduce(smaller)},
	"ArgMax":          {1, true, argOf(larger)},
	"ArgMin":          {1, true, argOf(smaller)},

	graph.Add:  {0, false, arithmetic(add)},
	"Sub":      {0, false, arithmetic(subtract)},
	graph.Mul:  {0, false, arithmetic(multiply)},
	"Div":      {0, false, arithmetic(divide)},
	"Mod":      {0, true, modulo},
	"Pow":      {0, false, power},
	"Max":      {0, false, arithmetic(larger)},
	"Min":      {0, false, arithmetic(smaller)},
	"Sum":      {0, false, arithmetic(add)},
	"BitShift": {0, true, bitShift},

	"Neg": {0, false, unary(function(graph.Neg), func(v int64) int64 { return -v })},
	"Abs": {0, false, unary(function(graph.Abs), func(v int64) int64 { return max(v, -v) })},
	"Sign": {0, false, unary(function(graph.Sign), func(v int64) int64 {
		return elements.Truth(v > 0) - elements.Truth(v < 0)
	})},
	"Floor": {0, false, unary(function(graph.Floor), nil)},
	"Ceil":  {0, false, unary(function(graph.Ceil), nil)},
	"Not":   {0, true, unary(nil, func(v int64) int64 { return 1 - v })},

	"Equal":          {0, true, comparison(func(a, b float32) bool { return a == b }, func(c int) bool { return c == 0 })},
	"Greater":        {0, true, comparison(func(a, b float32) bool { return a > b }, func(c int) bool { return c > 0 })},
	"GreaterOrEqual": {0, true, comparison(func(a, b float32) bool { return a >= b }, func(c int) bool { return c >= 0 })},
	"Less":           {0, true, comparison(func(a, b float32) bool { return a < b }, func(c int) bool { return c < 0 })},
	"LessOrEqual":    {0, true, comparison(func(a, b float32) bool { return a <= b }, func(c int) bool { return c <= 0 })},
	"And":            {0, true, logic(func(a, b int64) int64 { return a & b })},
	"Or":             {0, true, logic(func(a, b int64) int64 { return a | b })},
	"Xor":            {0, true, logic(func(a, b int64) int64 { return a ^ b })},
	graph.Where:      {0, true, where},
	"IsNaN":          {0, true, test(func(x float32) bool { return x != x })},
	"IsInf":          {0, true, isInf},
}

// cast converts the elements.
func cast(c Call, in []Array) (Array, bool) {
	e, err := elements.Supported(onnxpb.DataType(c.Node.Int("to")))
	if err != nil || e.Bits < 8 {
		return Array{}, false
	}
	return c.convert(in[0], e.Store)
}

// convert returns the array with elements of another type. Floats lose what is behind the point.
func (c Call) convert(a Array, to tensor.DType) (Array, bool) {
	if a.DType == to {
		return a, true
	}
	out, ok := c.make(to, a.Shape)
	if !ok || a.Unknown() && to != tensor.Int64 && to != tensor.Int32 {
		return out, false
	}
	switch {
	case out.Float():
		for i, v := range a.Ints {
			if out.Floats[i] = float32(v); a.DType == tensor.Uint64 {
				out.Floats[i] = float32(uint64(v))
			}
		}
	case !a.Float() && a.Sizes:
		copy(out.Ints, a.Ints) // shapes fit
		out.Sizes = true
	case !a.Float():
		for i, v := range a.Ints {
			out.Ints[i] = wrap(v, to)
		}
	case to == tensor.Bool:
		for i, x := range a.Floats {
			out.Ints[i] = elements.Truth(x != 0)
		}
	default:
		for i, x := range a.Floats {
			if !(x > -0x1p63 && x < 0x1p63) {
				return out, false // it has no meaning that processors agree on
			}
			out.Ints[i] = wrap(int64(x), to)
		}
	}
	return out, true
}
