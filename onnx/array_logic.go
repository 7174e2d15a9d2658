package onnx

import (
	"math"

	"linquant/graph"
	"linquant/tensor"
)

// The functions here are of operators that make or read booleans, and of one operand.

// comparison makes booleans. Sizes that are not known are at least 1, which decides some comparisons.
func comparison(floats func(a, b float32) bool, order func(c int) bool) func(s site, in []array) (array, bool) {
	return func(s site, in []array) (array, bool) {
		a, b := in[0], in[1]
		shape, ok := broadcastShape(a.shape, b.shape)
		if !ok || a.float() != b.float() {
			return array{}, false
		}
		out, ok := s.im.make(tensor.Bool, shape)
		if !ok {
			return out, false
		}
		each(shape, func(i int, index []int) {
			p, q := a.offset(index), b.offset(index)
			if a.float() {
				out.v[i] = truth(floats(a.f[p], b.f[q]))
				return
			}
			x, y := a.v[p], b.v[q]
			hidden, other := a.sizes && isSize(x), b.sizes && isSize(y)
			switch {
			case hidden && other:
				ok = ok && x == y && x == batchSize
				x, y = 0, 0
			case hidden:
				ok = ok && y < 1
				x, y = 1, 0
			case other:
				ok = ok && x < 1
				x, y = 0, 1
			}
			out.v[i] = truth(order(compare(x, y, a.dtype == tensor.Uint64)))
		})
		return out, ok
	}
}

// logic computes with booleans.
func logic(f func(a, b int64) int64) func(s site, in []array) (array, bool) {
	return func(s site, in []array) (array, bool) {
		if in[0].dtype != tensor.Bool || in[1].dtype != tensor.Bool {
			return array{}, false
		}
		return s.pair(in[0], in[1], operation{nil, func(a, b int64, _ bool) (int64, bool) { return f(a, b), true }, 0})
	}
}

func whereArray(s site, in []array) (array, bool) {
	condition, a, b := in[0], in[1], in[2]
	shape, ok := broadcastShape(a.shape, b.shape)
	if ok {
		shape, ok = broadcastShape(shape, condition.shape)
	}
	if !ok || condition.dtype != tensor.Bool {
		return array{}, false
	}
	return s.pick(in[1:], shape, func(index []int) (int, int) {
		if condition.v[condition.offset(index)] != 0 {
			return 0, a.offset(index)
		}
		return 1, b.offset(index)
	})
}

// unary computes element by element; nil where there is no such function of the type.
func unary(floats func(float32) float32, integers func(int64) int64) func(s site, in []array) (array, bool) {
	return func(s site, in []array) (array, bool) {
		a := in[0]
		out, ok := s.im.make(a.dtype, a.shape)
		if !ok || a.float() && floats == nil || !a.float() && integers == nil || a.unknown() {
			return array{}, false
		}
		for i, x := range a.f {
			out.f[i] = floats(x)
		}
		for i, v := range a.v {
			out.v[i] = wrap(integers(v), a.dtype)
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
func test(f func(float32) bool) func(s site, in []array) (array, bool) {
	return func(s site, in []array) (array, bool) {
		out, ok := s.im.make(tensor.Bool, in[0].shape)
		if !ok || !in[0].float() {
			return array{}, false
		}
		for i, x := range in[0].f {
			out.v[i] = truth(f(x))
		}
		return out, true
	}
}

func isInfArray(s site, in []array) (array, bool) {
	up, down := s.n.Attrs.Int("detect_positive", 1) != 0, s.n.Attrs.Int("detect_negative", 1) != 0
	return test(func(x float32) bool {
		return up && math.IsInf(float64(x), 1) || down && math.IsInf(float64(x), -1)
	})(s, in)
}

// clipArray bounds integers; its bounds may be left out.
func clipArray(s site, in []array) (array, bool) {
	out := in[0]
	for i, op := range []operation{1: larger, 2: smaller} {
		if i == 0 || s.n.Input(i) == "" {
			continue
		}
		var ok bool
		if out, ok = s.pair(out, in[i], op); !ok {
			return array{}, false
		}
	}
	return out, !out.float()
}
