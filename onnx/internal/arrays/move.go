package arrays

import (
	"slices"

	"linquant/graph"
	"linquant/onnx/internal/elements"
)

// The functions here are of operators that move the elements of arrays.

func concat(c Call, in []Array) (Array, bool) {
	axis, ok := in[0].Axis(c.Node.Int("axis"))
	if !ok {
		return Array{}, false
	}
	shape := slices.Clone(in[0].Shape)
	for _, a := range in[1:] {
		if len(a.Shape) != len(shape) {
			return Array{}, false
		}
		for d := range shape {
			if d != axis && a.Shape[d] != shape[d] {
				return Array{}, false
			}
		}
		shape[axis] += a.Shape[axis]
	}
	out, ok := c.make(in[0].DType, shape)
	if !ok || out.Elements() == 0 {
		return out, ok
	}
	for _, a := range in {
		if out.Sizes = out.Sizes || a.Sizes; a.Float() != out.Float() {
			return out, false
		}
	}
	rows, at := 1, 0
	for _, n := range shape[:axis] {
		rows *= n
	}
	for r := range rows {
		for _, a := range in {
			n := a.Elements() / rows
			if out.Float() {
				copy(out.Floats[at:], a.Floats[r*n:(r+1)*n])
			} else {
				copy(out.Ints[at:], a.Ints[r*n:(r+1)*n])
			}
			at += n
		}
	}
	return out, true
}

func transpose(c Call, in []Array) (Array, bool) {
	perm, err := graph.PermOf(c.Node.InGraph(), len(in[0].Shape))
	if err != nil {
		return Array{}, false
	}
	shape, from := make([]int, len(perm)), make([]int, len(perm))
	for d, p := range perm {
		shape[d] = in[0].Shape[p]
	}
	return c.move(in[0], shape, func(index []int) []int {
		for d, p := range perm {
			from[p] = index[d]
		}
		return from
	})
}

func Slice(c Call, in []Array) (Array, bool) {
	rank := len(in[0].Shape)
	starts, ends := c.numbers(in, 1, "starts"), c.numbers(in, 2, "ends")
	axes, steps := c.numbers(in, 3, "axes"), c.numbers(in, 4, "steps")
	if len(ends) != len(starts) || axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		return Array{}, false
	}
	spans, shape, from := make([]graph.Span, rank), slices.Clone(in[0].Shape), make([]int, rank)
	for d, n := range shape {
		spans[d] = graph.Span{Start: 0, Step: 1, Count: n}
	}
	for i := range starts {
		axis, step, ok := i, 1, true
		if axes != nil {
			axis = axes[i]
		}
		if steps != nil {
			step = steps[i]
		}
		if axis, ok = in[0].Axis(axis); !ok || step == 0 {
			return Array{}, false
		}
		spans[axis] = graph.SpanOf(starts[i], ends[i], step, in[0].Shape[axis])
		shape[axis] = spans[axis].Count
	}
	return c.move(in[0], shape, func(index []int) []int {
		for d, span := range spans {
			from[d] = span.Start + index[d]*span.Step
		}
		return from
	})
}

func gather(c Call, in []Array) (Array, bool) {
	data, indices := in[0], in[1]
	axis, ok := data.Axis(c.Node.Int("axis"))
	if !ok || indices.Float() {
		return Array{}, false
	}
	at, ok := WithinAxis(indices.Ints, data.Shape[axis])
	if !ok {
		return Array{}, false
	}
	rank, from := len(indices.Shape), make([]int, len(data.Shape))
	shape := slices.Concat(data.Shape[:axis], indices.Shape, data.Shape[axis+1:])
	return c.move(data, shape, func(index []int) []int {
		copy(from, index[:axis])
		from[axis] = at[Array{Shape: indices.Shape}.offset(index[axis:axis+rank])]
		copy(from[axis+1:], index[axis+rank:])
		return from
	})
}

// WithinAxis returns indices counted from the front of a dimension with n elements.
func WithinAxis(indices []int64, n int) (at []int, ok bool) {
	at = make([]int, len(indices))
	for i, v := range indices {
		if v < int64(-n) || v >= int64(n) {
			return nil, false
		}
		if at[i] = int(v); v < 0 {
			at[i] += n
		}
	}
	return at, true
}

func gatherElements(c Call, in []Array) (Array, bool) {
	data, indices := in[0], in[1]
	axis, ok := data.Axis(c.Node.Int("axis"))
	if !ok || indices.Float() || len(indices.Shape) != len(data.Shape) {
		return Array{}, false
	}
	for d, n := range indices.Shape {
		if d != axis && n > data.Shape[d] {
			return Array{}, false
		}
	}
	at, ok := WithinAxis(indices.Ints, data.Shape[axis])
	from := make([]int, len(data.Shape))
	if !ok {
		return Array{}, false
	}
	return c.move(data, indices.Shape, func(index []int) []int {
		copy(from, index)
		from[axis] = at[indices.offset(index)]
		return from
	})
}

func expand(c Call, in []Array) (Array, bool) {
	shape, ok := broadcastShape(in[0].Shape, elements.ClampAll(in[1].Ints))
	if !ok {
		return Array{}, false
	}
	return c.move(in[0], shape, func(index []int) []int { return index })
}

func tile(c Call, in []Array) (Array, bool) {
	repeats := elements.ClampAll(in[1].Ints)
	if len(repeats) != len(in[0].Shape) {
		return Array{}, false
	}
	shape, from := slices.Clone(in[0].Shape), make([]int, len(repeats))
	for d, r := range repeats {
		if r < 0 || int64(shape[d])*int64(r) > 1<<31-1 {
			return Array{}, false
		}
		shape[d] *= r
	}
	return c.move(in[0], shape, func(index []int) []int {
		for d, i := range index {
			from[d] = i % in[0].Shape[d]
		}
		return from
	})
}

// trilu keeps the triangle above or below a diagonal.
func trilu(c Call, in []Array) (Array, bool) {
	shift, a := int64(0), in[0]
	if c.Node.Input(1) != "" {
		var ok bool
		if shift, ok = in[1].number(); !ok {
			return Array{}, false
		}
	}
	rank := len(a.Shape)
	if rank < 2 {
		return Array{}, false
	}
	upper := c.Node.Int("upper") != 0
	return c.pick(in[:1], a.Shape, func(index []int) (int, int) {
		above := int64(index[rank-1]) - int64(index[rank-2])
		if upper && above < shift || !upper && above > shift {
			return 0, -1
		}
		return 0, a.offset(index)
	})
}

// broadcastShape returns the shape of an operator on elements of two arrays, by NumPy's rules.
func broadcastShape(a, b []int) ([]int, bool) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out, skip := slices.Clone(a), len(a)-len(b)
	for d, n := range b {
		switch at := skip + d; {
		case n < 0 || n != 1 && out[at] != 1 && out[at] != n:
			return nil, false
		case out[at] == 1:
			out[at] = n
		}
	}
	return out, true
}

// pad pads all dimensions, before opset 18 the only way.
func pad(c Call, in []Array) (Array, bool) {
	a, pads := in[0], c.numbers(in, 1, "pads")
	if len(pads) != 2*len(a.Shape) || c.Node.Input(3) != "" {
		return Array{}, false
	}
	value := Array{DType: a.DType, Shape: []int{}, Ints: []int64{0}, Floats: []float32{c.Node.Float("value")}}
	if c.Node.Input(2) != "" {
		value = in[2]
	}
	mode := c.Node.Str("mode")
	shape := slices.Clone(a.Shape)
	for d := range shape {
		before, after := pads[d], pads[d+len(shape)]
		if before < 0 || after < 0 || mode == "reflect" && max(before, after) >= shape[d] || shape[d] == 0 {
			return Array{}, false
		}
		if int64(shape[d])+int64(before)+int64(after) > 1<<31-1 {
			return Array{}, false
		}
		shape[d] += before + after
	}
	from := make([]int, len(shape))
	return c.pick([]Array{a, value}, shape, func(index []int) (int, int) {
		for d, i := range index {
			last := a.Shape[d] - 1
			switch i -= pads[d]; {
			case i >= 0 && i <= last:
			case mode == "constant":
				return 1, 0
			case mode == "reflect" && i < 0:
				i = -i
			case mode == "reflect":
				i = 2*last - i
			default:
				i = min(max(i, 0), last)
			}
			from[d] = i
		}
		return 0, a.offset(from)
	})
}
