package arrays

import (
	"math"
	"slices"
	"strconv"
	"testing"

	"linquant/graph"
	"linquant/onnx/internal/elements"
	"linquant/onnx/internal/raw"
	"linquant/tensor"
)

// is makes an array of int64.
func is(shape []int, v ...int64) Array {
	return Array{DType: tensor.Int64, Shape: shape, Ints: v, Sizes: slices.ContainsFunc(v, IsSize)}
}

// fs makes an array of floats.
func fs(shape []int, v ...float32) Array {
	return Array{DType: tensor.Float32, Shape: shape, Floats: v}
}

// as gives the elements of an array another type.
func as(d tensor.DType, a Array) Array {
	a.DType = d
	return a
}

// bs makes booleans of 0 and 1.
func bs(shape []int, v ...int64) Array { return as(tensor.Bool, is(shape, v...)) }

// TestOps computes what ONNX's text defines, with the elements that NumPy computes.
func TestOps(t *testing.T) {
	const batch, unknown = BatchSize, UnknownSize
	refused := Array{}
	for i, c := range []struct {
		op    graph.Op
		attrs graph.Attrs
		in    []Array
		want  Array
	}{
		{"Slice", nil, []Array{is([]int{6}, 0, 1, 2, 3, 4, 5), Vector(1), Vector(6), Vector(0), Vector(2)}, is([]int{3}, 1, 3, 5)},
		{"Slice", nil, []Array{is([]int{6}, 0, 1, 2, 3, 4, 5), Vector(-1), Vector(-7), Vector(0), Vector(-2)}, is([]int{3}, 5, 3, 1)},
		{"Slice", nil, []Array{is([]int{2, 3}, 0, 1, 2, 3, 4, 5), Vector(1, 0), Vector(2, 3), Vector(0, 1), Vector(1, 2)}, is([]int{1, 2}, 3, 5)},
		{"Slice", nil, []Array{is([]int{2, 3}, 0, 1, 2, 3, 4, 5), Vector(1, 0), Vector(2)}, refused},
		{"Slice", nil, []Array{is([]int{2, 3}, 0, 1, 2, 3, 4, 5), Vector(1, 0), Vector(2, 3), Vector(0)}, refused},
		{"Slice", nil, []Array{is([]int{2, 3}, 0, 1, 2, 3, 4, 5), Vector(1, 0), Vector(2, 3), Vector(0, 1), Vector(1)}, refused},
		{"Slice", nil, []Array{is([]int{2}, 0, 1), Vector(0), Vector(2), Vector(0), Vector(0)}, refused},
		{"Slice", nil, []Array{is([]int{2}, 0, 1), Vector(0), Vector(2), Vector(1)}, refused},

		{"Tile", nil, []Array{is([]int{1, 2}, 1, 2), Vector(2, 2)}, is([]int{2, 4}, 1, 2, 1, 2, 1, 2, 1, 2)},
		{"Tile", nil, []Array{is([]int{2}, 1, 2), Vector(0)}, is([]int{0})},
		{"Tile", nil, []Array{is([]int{2}, 1, 2), Vector(-1)}, refused},
		{"Tile", nil, []Array{is([]int{2}, 1, 2), Vector(1 << 31)}, refused},
		{"Tile", nil, []Array{is([]int{2}, 1, 2), Vector(1, 2)}, refused},

		{"Pad", nil, []Array{is([]int{2}, 1, 2), Vector(1, 2)}, is([]int{5}, 0, 1, 2, 0, 0)},
		{"Pad", nil, []Array{is([]int{2}, 1, 2), Vector(1, 0), is([]int{}, 7)}, is([]int{3}, 7, 1, 2)},
		{"Pad", nil, []Array{fs([]int{2}, 1, 2), Vector(0, 1), fs([]int{}, 7)}, fs([]int{3}, 1, 2, 7)},
		{"Pad", graph.Attrs{"mode": "reflect"}, []Array{is([]int{3}, 1, 2, 3), Vector(2, 1)}, is([]int{6}, 3, 2, 1, 2, 3, 2)},
		{"Pad", graph.Attrs{"mode": "reflect"}, []Array{is([]int{3}, 1, 2, 3), Vector(3, 0)}, refused},
		{"Pad", graph.Attrs{"mode": "edge"}, []Array{is([]int{3}, 1, 2, 3), Vector(2, 1)}, is([]int{6}, 1, 1, 1, 2, 3, 3)},
		{"Pad", nil, []Array{is([]int{2}, 1, 2), Vector(-1, 0)}, refused},

		{"Unsqueeze", nil, []Array{is([]int{2}, 1, 2), Vector(0, 2)}, is([]int{1, 2, 1}, 1, 2)},
		{"Unsqueeze", nil, []Array{is([]int{2}, 1, 2), Vector(-1)}, is([]int{2, 1}, 1, 2)},
		{"Squeeze", nil, []Array{is([]int{1, 2, 1}, 1, 2), Vector(0)}, is([]int{2, 1}, 1, 2)},
		{"Squeeze", nil, []Array{is([]int{1, 2, 1}, 1, 2)}, is([]int{2}, 1, 2)},
		{"Squeeze", nil, []Array{is([]int{1, 2, 1}, 1, 2), Vector(-1)}, is([]int{1, 2}, 1, 2)},
		{"Squeeze", nil, []Array{is([]int{1, 2, 1}, 1, 2), Vector(1)}, refused},
		{"Squeeze", nil, []Array{is([]int{1, 2, 1}, 1, 2), Vector(3)}, refused},

		{"Mod", nil, []Array{Vector(7, -7, 7, -7, 6), Vector(3, 3, -3, -3, 3)}, Vector(1, 2, -2, -1, 0)},
		{"Mod", graph.Attrs{"fmod": 1}, []Array{Vector(7, -7, 7, -7, 6), Vector(3, 3, -3, -3, 3)}, Vector(1, -1, 1, -1, 0)},
		{"Mod", graph.Attrs{"fmod": 1}, []Array{fs([]int{2}, 5.5, -5.5), fs([]int{1}, 2)}, fs([]int{2}, 1.5, -1.5)},
		{"Mod", nil, []Array{as(tensor.Uint64, is([]int{1}, -1)), as(tensor.Uint64, is([]int{1}, 10))}, as(tensor.Uint64, is([]int{1}, 5))}, // 2^64 − 1
		{"Mod", nil, []Array{Vector(7), Vector(0)}, refused},
		{"Pow", nil, []Array{Vector(2, -3, 5, 7), Vector(10, 3, 0, 1)}, Vector(1024, -27, 1, 7)},
		{"Pow", nil, []Array{Vector(2), Vector(-1)}, refused},
		{"Add", nil, []Array{Vector(1), fs([]int{1}, 1)}, refused},
		{"BitShift", graph.Attrs{"direction": "LEFT"}, []Array{fs([]int{1}, 1), fs([]int{1}, 1)}, refused},
		{"Add", nil, []Array{is([]int{2, 1}, 1, 2), is([]int{3}, 10, 20, 30)}, is([]int{2, 3}, 11, 21, 31, 12, 22, 32)},
		{"Add", nil, []Array{Vector(1, 2), Vector(1, 2, 3)}, refused},
		{"Mul", nil, []Array{Vector(batch, 3), Vector(1, 2)}, Vector(batch, 6)},
		{"Mul", nil, []Array{Vector(batch, 3), Vector(2, 2)}, Vector(unknown, 6)},

		{"Less", nil, []Array{Vector(1, 2, 3), Vector(2)}, bs([]int{3}, 1, 0, 0)},
		{"Less", nil, []Array{as(tensor.Uint64, is([]int{2}, -1, 1)), as(tensor.Uint64, is([]int{1}, 2))}, bs([]int{2}, 0, 1)}, // 2^64 − 1
		{"LessOrEqual", nil, []Array{Vector(1, 2, 3), Vector(2)}, bs([]int{3}, 1, 1, 0)},
		{"Greater", nil, []Array{fs([]int{3}, 1, 2, 3), fs([]int{1}, 2)}, bs([]int{3}, 0, 0, 1)},
		{"GreaterOrEqual", nil, []Array{fs([]int{3}, 1, 2, 3), fs([]int{1}, 2)}, bs([]int{3}, 0, 1, 1)},
		{"Equal", nil, []Array{fs([]int{2}, 1, 2), fs([]int{2}, 1, 3)}, bs([]int{2}, 1, 0)},
		// A number of examples is at least 1, and the same everywhere; another size is at least 1.
		{"Equal", nil, []Array{Vector(batch, 4), Vector(batch, 5)}, bs([]int{2}, 1, 0)},
		{"Equal", nil, []Array{Vector(unknown), Vector(unknown)}, refused},
		{"Equal", nil, []Array{Vector(batch), Vector(unknown)}, refused},
		{"Equal", nil, []Array{Vector(batch), Vector(-1)}, bs([]int{1}, 0)},
		{"Equal", nil, []Array{Vector(0), Vector(unknown)}, bs([]int{1}, 0)},
		{"Equal", nil, []Array{Vector(batch), Vector(1)}, refused},
		{"Equal", nil, []Array{Vector(1), Vector(batch)}, refused},
		{"Greater", nil, []Array{Vector(batch), Vector(0)}, bs([]int{1}, 1)},
		{"Less", nil, []Array{Vector(0), Vector(batch)}, bs([]int{1}, 1)},

		{"ReduceSum", graph.Attrs{"keepdims": 0}, []Array{is([]int{2, 3}, 0, 1, 2, 3, 4, 5), Vector(1)}, is([]int{2}, 3, 12)},
		{"ReduceMax", graph.Attrs{"keepdims": 1}, []Array{fs([]int{2, 3}, 0, 5, 2, 3, 4, 1), Vector(0)}, fs([]int{1, 3}, 3, 5, 2)},
		{"ReduceProd", graph.Attrs{"keepdims": 0}, []Array{is([]int{3}, 2, 3, 4)}, is([]int{}, 24)},
		{"ReduceSum", graph.Attrs{"keepdims": 0}, []Array{is([]int{2, 0}), Vector(1)}, refused},
		{"ReduceSum", graph.Attrs{"keepdims": 0}, []Array{Vector(batch, 2), Vector(0)}, refused},
		{"ReduceSum", graph.Attrs{"keepdims": 0}, []Array{Vector(1, 2), Vector(1)}, refused},

		{"ArgMax", graph.Attrs{"axis": 1, "keepdims": 0}, []Array{is([]int{2, 3}, 1, 5, 5, 9, 2, 9)}, is([]int{2}, 1, 0)},
		{"ArgMax", graph.Attrs{"axis": 1, "keepdims": 0, "select_last_index": 1}, []Array{is([]int{2, 3}, 1, 5, 5, 9, 2, 9)}, is([]int{2}, 2, 2)},
		{"ArgMax", graph.Attrs{"axis": 0, "keepdims": 1}, []Array{fs([]int{2, 3}, 1, 5, 5, 9, 2, 9)}, is([]int{1, 3}, 1, 0, 1)},
		{"ArgMin", graph.Attrs{"axis": 1, "keepdims": 0}, []Array{fs([]int{2, 3}, 1, 1, 5, 9, 2, 9)}, is([]int{2}, 0, 1)},
		{"ArgMin", graph.Attrs{"axis": 1, "keepdims": 0, "select_last_index": 1}, []Array{fs([]int{2, 3}, 1, 1, 5, 9, 2, 9)}, is([]int{2}, 1, 1)},
		{"ArgMax", graph.Attrs{"axis": 1, "keepdims": 0}, []Array{is([]int{2}, 1, 2)}, refused},

		{"CumSum", nil, []Array{is([]int{2, 2}, 1, 2, 3, 4), Vector(0)}, is([]int{2, 2}, 1, 2, 4, 6)},
		{"CumSum", graph.Attrs{"exclusive": 1, "reverse": 1}, []Array{fs([]int{3}, 1, 2, 3), Vector(0)}, fs([]int{3}, 5, 3, 0)},
		{"Where", nil, []Array{bs([]int{2}, 1, 0), Vector(1, 2), Vector(3, 4)}, Vector(1, 4)},
		{"Where", nil, []Array{Vector(1, 0), Vector(1, 2), Vector(3, 4)}, refused},
		{"Xor", nil, []Array{bs([]int{4}, 0, 0, 1, 1), bs([]int{4}, 0, 1, 0, 1)}, bs([]int{4}, 0, 1, 1, 0)},
	} {
		left := elements.NewBudget(0)
		n := &raw.Node{Op: c.op, Attrs: c.attrs}
		for k := range c.in {
			n.Inputs = append(n.Inputs, strconv.Itoa(k))
		}
		got, ok := Ops[c.op].Compute(Call{Node: n, Left: &left}, c.in)
		switch want := c.want; {
		case want.Shape != nil && !ok:
			t.Errorf("%d: %s is refused", i, c.op)
		case want.Shape == nil && ok:
			t.Errorf("%d: %s of %v is %v", i, c.op, c.in, got)
		case ok && !same(got, want):
			t.Errorf("%d: %s of %v is %v, want %v", i, c.op, c.in, got, want)
		}
	}
}

func same(a, b Array) bool {
	return a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && slices.Equal(a.Ints, b.Ints) &&
		slices.EqualFunc(a.Floats, b.Floats, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}
