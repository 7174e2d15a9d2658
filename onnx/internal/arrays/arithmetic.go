package arrays

import (
	"math"

	"linquant/graph"
	"linquant/onnx/internal/elements"
	"linquant/tensor"
)

// operation is an operator on two elements, for floats and for integers. An integer result may leave its type: it is
// wrapped. ok is false where there is none.
type operation struct {
	floats   func(a, b float32) float32
	integers func(a, b int64, unsigned bool) (v int64, ok bool)
	neutral  int64 // the second operand that changes nothing
}

var (
	add = operation{
		func(a, b float32) float32 { return a + b },
		func(a, b int64, _ bool) (int64, bool) { return a + b, true }, 0,
	}
	subtract = operation{
		func(a, b float32) float32 { return a - b },
		func(a, b int64, _ bool) (int64, bool) { return a - b, true }, 0,
	}
	multiply = operation{
		func(a, b float32) float32 { return a * b },
		func(a, b int64, _ bool) (int64, bool) { return a * b, true }, 1,
	}
	divide = operation{
		func(a, b float32) float32 { return a / b },
		func(a, b int64, unsigned bool) (int64, bool) {
			switch {
			case b == 0:
				return 0, false
			case unsigned:
				return int64(uint64(a) / uint64(b)), true
			}
			return a / b, true
		}, 1,
	}
	larger = operation{
		func(a, b float32) float32 { return max(a, b) },
		func(a, b int64, unsigned bool) (int64, bool) {
			if compare(a, b, unsigned) < 0 {
				return b, true
			}
			return a, true
		}, math.MinInt64,
	}
	smaller = operation{
		func(a, b float32) float32 { return min(a, b) },
		func(a, b int64, unsigned bool) (int64, bool) {
			if compare(a, b, unsigned) > 0 {
				return b, true
			}
			return a, true
		}, math.MinInt64,
	}
)

// compare is negative, 0 or positive as a is below, equal to or above b.
func compare(a, b int64, unsigned bool) int {
	if unsigned {
		a, b = a^math.MinInt64, b^math.MinInt64
	}
	return int(elements.Truth(a > b) - elements.Truth(a < b))
}

// arithmetic computes element by element, with broadcasting, an operator of any number of inputs. What is not known
// stays so, unless the second operand changes nothing.
func arithmetic(op operation) func(c Call, in []Array) (Array, bool) {
	return func(c Call, in []Array) (Array, bool) {
		out := in[0]
		for i, b := range in[1:] {
			if c.Node.Input(1+i) == "" { // none of its inputs is optional
				return Array{}, false
			}
			var ok bool
			if out, ok = c.pair(out, b, op); !ok {
				return Array{}, false
			}
		}
		return out, true
	}
}

func (c Call) pair(a, b Array, op operation) (Array, bool) {
	shape, ok := broadcastShape(a.Shape, b.Shape)
	if !ok || a.Float() != b.Float() || a.Float() && op.floats == nil || !a.Float() && op.integers == nil {
		return Array{}, false
	}
	out, ok := c.make(a.DType, shape)
	if !ok {
		return Array{}, false
	}
	out.Sizes = a.Sizes || b.Sizes
	unsigned := a.DType == tensor.Uint64
	each(shape, func(i int, index []int) {
		p, q := a.offset(index), b.offset(index)
		if out.Float() {
			out.Floats[i] = op.floats(a.Floats[p], b.Floats[q])
			return
		}
		x, y := a.Ints[p], b.Ints[q]
		switch {
		case b.Sizes && IsSize(y) || a.Sizes && IsSize(x) && y != op.neutral:
			out.Ints[i] = UnknownSize
		case a.Sizes && IsSize(x):
			out.Ints[i] = x
		default:
			v, valid := op.integers(x, y, unsigned)
			ok = ok && valid
			out.Ints[i] = wrap(v, out.DType)
		}
	})
	return out, ok
}

// modulo has the sign of the divisor, or with fmod that of the dividend.
func modulo(c Call, in []Array) (Array, bool) {
	truncated := c.Node.Int("fmod") != 0
	return c.pair(in[0], in[1], operation{
		func(a, b float32) float32 { return float32(math.Mod(float64(a), float64(b))) },
		func(a, b int64, unsigned bool) (int64, bool) {
			switch {
			case b == 0:
				return 0, false
			case unsigned:
				return int64(uint64(a) % uint64(b)), true
			}
			m := a % b
			if !truncated && m != 0 && m < 0 != (b < 0) {
				m += b
			}
			return m, true
		}, math.MinInt64,
	})
}

// power raises integers to integers.
func power(c Call, in []Array) (Array, bool) {
	exponent := in[1]
	if !in[0].Float() && exponent.Float() {
		var ok bool
		if exponent, ok = c.convert(exponent, tensor.Int64); !ok {
			return Array{}, false
		}
	}
	if in[0].Float() && !exponent.Float() {
		var ok bool
		if exponent, ok = c.convert(exponent, tensor.Float32); !ok {
			return Array{}, false
		}
	}
	power, _ := graph.Binary(graph.Pow)
	return c.pair(in[0], exponent, operation{
		power,
		func(a, b int64, _ bool) (int64, bool) {
			v := int64(1)
			if b < 0 {
				return 0, false
			}
			for ; b > 0; b >>= 1 {
				if b&1 == 1 {
					v *= a
				}
				a *= a
			}
			return v, true
		}, 1,
	})
}

func bitShift(c Call, in []Array) (Array, bool) {
	left := c.Node.Str("direction") == "LEFT"
	return c.pair(in[0], in[1], operation{nil, func(a, b int64, _ bool) (int64, bool) {
		if left {
			return a << uint64(b), true
		}
		return int64(uint64(a) >> uint64(b)), true
	}, 0})
}
