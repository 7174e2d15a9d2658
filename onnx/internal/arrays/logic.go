package arrays

import (
	"math"

	"linquant/graph"
	"linquant/onnx/internal/elements"
	"linquant/tensor"
)

// The functions here are of operators that make or read booleans, and of one operand.

// comparison makes booleans. Sizes that are not known are at least 1, which decides some comparisons.
func comparison(floats func(a, b float32) bool, order func(c int) bool) func(c Call, in []Array) (Array, bool) {
	return func(c Call, in []Array) (Array, bool) {
		a, b := in[0], in[1]
		shape, ok := broadcastShape(a.Shape, b.Shape)
		if !ok || a.Float() != b.Float() {
			return Array{}, false
		}
		out, ok := c.make(tensor.Bool, shape)
		if !ok {
			return out, false
		}
		each(shape, func(i int, index []int) {
			p, q := a.offset(index), b.offset(index)
			if a.Float() {
				out.Ints[i] = elements.Truth(floats(a.Floats[p], b.Floats[q]))
				return
			}
			x, y := a.Ints[p], b.Ints[q]
			hidden, other := a.Sizes && IsSize(x), b.Sizes && IsSize(y)
			switch {
			case hidden && other:
				ok = ok && x == y && x == BatchSize
				x, y = 0, 0
			case hidden:
				ok = ok && y < 1
				x, y = 1, 0
			case other:
				ok = ok && x < 1
				x, y = 0, 1
			}
			out.Ints[i] = elements.Truth(order(compare(x, y, a.DType == tensor.Uint64)))
		})
		return out, ok
	}
}

// logic computes with booleans.
func logic(f func(a, b int64) int64) func(c Call, in []Array) (Array, bool) {
	return func(c Call, in []Array) (Array, bool) {
		if in[0].DType != tensor.Bool || in[1].DType != tensor.Bool {
			return Array{}, false
		}
		return c.pair(in[0], in[1], operation{nil, func(a, b int64, _ bool) (int64, bool) { return f(a, b), true }, 0})
	}
}

func where(c Call, in []Array) (Array, bool) {
	condition, a, b := in[0], in[1], in[2]
	shape, ok := broadcastShape(a.Shape, b.Shape)
	if ok {
		shape, ok = broadcastShape(shape, condition.Shape)
	}
	if !ok || condition.DType != tensor.Bool {
		return Array{}, false
	}
	return c.pick(in[1:], shape, func(index []int) (int, int) {
		if condition.Ints[condition.offset(index)] != 0 {
			return 0, a.offset(index)
		}
		return 1, b.offset(index)
	})
}

// unary computes element by element; nil where there is no such function of the type.
func unary(floats func(float32) float32, integers func(int64) int64) func(c Call, in []Array) (Array, bool) {
	return func(c Call, in []Array) (Array, bool) {
		a := in[0]
		out, ok := c.make(a.DType, a.Shape)
		if !ok || a.Float() && floats == nil || !a.Float() && integers == nil || a.Unknown() {
			return Array{}, false
		}
		for i, x := range a.Floats {
			out.Floats[i] = floats(x)
		}
		for i, v := range a.Ints {
			out.Ints[i] = wrap(integers(v), a.DType)
		}
		return out, true
	}
}

// function is what an operator of package graph computes of a real.
func function(op graph.Op) func(float32) float32 {
	f, _ := graph.Unary(&graph.Node{Op: op})
	return f
}

// test makes booleans of floats.
func test(f func(float32) bool) func(c Call, in []Array) (Array, bool) {
	return func(c Call, in []Array) (Array, bool) {
		out, ok := c.make(tensor.Bool, in[0].Shape)
		if !ok || !in[0].Float() {
			return Array{}, false
		}
		for i, x := range in[0].Floats {
			out.Ints[i] = elements.Truth(f(x))
		}
		return out, true
	}
}

func isInf(c Call, in []Array) (Array, bool) {
	up, down := c.Node.Int("detect_positive") != 0, c.Node.Int("detect_negative") != 0
	return test(func(x float32) bool {
		return up && math.IsInf(float64(x), 1) || down && math.IsInf(float64(x), -1)
	})(c, in)
}

// clip bounds integers; its bounds may be left out.
func clip(c Call, in []Array) (Array, bool) {
	out := in[0]
	for i, op := range []operation{1: larger, 2: smaller} {
		if i == 0 || c.Node.Input(i) == "" {
			continue
		}
		var ok bool
		if out, ok = c.pair(out, in[i], op); !ok {
			return Array{}, false
		}
	}
	return out, !out.Float()
}
