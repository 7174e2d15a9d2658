package onnx

import (
	"slices"

	"linquant/graph"
)

// The functions here are of operators that move the elements of arrays.

func concatArrays(s site, in []array) (array, bool) {
	axis, ok := in[0].axis(s.n.Attrs.Int("axis", 0))
	if !ok {
		return array{}, false
	}
	shape := slices.Clone(in[0].shape)
	for _, a := range in[1:] {
		if len(a.shape) != len(shape) {
			return array{}, false
		}
		for d := range shape {
			if d != axis && a.shape[d] != shape[d] {
				return array{}, false
			}
		}
		shape[axis] += a.shape[axis]
	}
	out, ok := s.im.make(in[0].dtype, shape)
	if !ok || out.elements() == 0 {
		return out, ok
	}
	for _, a := range in {
		if out.sizes = out.sizes || a.sizes; a.float() != out.float() {
			return out, false
		}
	}
	rows, at := 1, 0
	for _, n := range shape[:axis] {
		rows *= n
	}
	for r := range rows {
		for _, a := range in {
			n := a.elements() / rows
			if out.float() {
				copy(out.f[at:], a.f[r*n:(r+1)*n])
			} else {
				copy(out.v[at:], a.v[r*n:(r+1)*n])
			}
			at += n
		}
	}
	return out, true
}

func transposeArray(s site, in []array) (array, bool) {
	perm, err := graph.PermOf(s.n.Float(), len(in[0].shape))
	if err != nil {
		return array{}, false
	}
	shape, from := make([]int, len(perm)), make([]int, len(perm))
	for d, p := range perm {
		shape[d] = in[0].shape[p]
	}
	return s.move(in[0], shape, func(index []int) []int {
		for d, p := range perm {
			from[p] = index[d]
		}
		return from
	})
}

func sliceArray(s site, in []array) (array, bool) {
	rank := len(in[0].shape)
	starts, ends := s.numbers(in, 1, "starts"), s.numbers(in, 2, "ends")
	axes, steps := s.numbers(in, 3, "axes"), s.numbers(in, 4, "steps")
	if len(ends) != len(starts) || axes != nil && len(axes) != len(starts) || steps != nil && len(steps) != len(starts) {
		return array{}, false
	}
	spans, shape, from := make([]graph.Span, rank), slices.Clone(in[0].shape), make([]int, rank)
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
		if axis, ok = in[0].axis(axis); !ok || step == 0 {
			return array{}, false
		}
		spans[axis] = graph.SpanOf(starts[i], ends[i], step, in[0].shape[axis])
		shape[axis] = spans[axis].Count
	}
	return s.move(in[0], shape, func(index []int) []int {
		for d, span := range spans {
			from[d] = span.Start + index[d]*span.Step
		}
		return from
	})
}

func gatherArray(s site, in []array) (array, bool) {
	data, indices := in[0], in[1]
	axis, ok := data.axis(s.n.Attrs.Int("axis", 0))
	if !ok || indices.float() {
		return array{}, false
	}
	at, ok := withinAxis(indices.v, data.shape[axis])
	if !ok {
		return array{}, false
	}
	rank, from := len(indices.shape), make([]int, len(data.shape))
	shape := slices.Concat(data.shape[:axis], indices.shape, data.shape[axis+1:])
	return s.move(data, shape, func(index []int) []int {
		copy(from, index[:axis])
		from[axis] = at[array{shape: indices.shape}.offset(index[axis:axis+rank])]
		copy(from[axis+1:], index[axis+rank:])
		return from
	})
}

// withinAxis returns indices counted from the front of a dimension with n elements.
func withinAxis(indices []int64, n int) (at []int, ok bool) {
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

func gatherElementsArray(s site, in []array) (array, bool) {
	data, indices := in[0], in[1]
	axis, ok := data.axis(s.n.Attrs.Int("axis", 0))
	if !ok || indices.float() || len(indices.shape) != len(data.shape) {
		return array{}, false
	}
	for d, n := range indices.shape {
		if d != axis && n > data.shape[d] {
			return array{}, false
		}
	}
	at, ok := withinAxis(indices.v, data.shape[axis])
	from := make([]int, len(data.shape))
	if !ok {
		return array{}, false
	}
	return s.move(data, indices.shape, func(index []int) []int {
		copy(from, index)
		from[axis] = at[indices.offset(index)]
		return from
	})
}

func expandArray(s site, in []array) (array, bool) {
	shape, ok := broadcastShape(in[0].shape, clampAll(in[1].v))
	if !ok {
		return array{}, false
	}
	return s.move(in[0], shape, func(index []int) []int { return index })
}

func tileArray(s site, in []array) (array, bool) {
	repeats := clampAll(in[1].v)
	if len(repeats) != len(in[0].shape) {
		return array{}, false
	}
	shape, from := slices.Clone(in[0].shape), make([]int, len(repeats))
	for d, r := range repeats {
		if r < 0 || int64(shape[d])*int64(r) > 1<<31-1 {
			return array{}, false
		}
		shape[d] *= r
	}
	return s.move(in[0], shape, func(index []int) []int {
		for d, i := range index {
			from[d] = i % in[0].shape[d]
		}
		return from
	})
}

// triluArray keeps the triangle above or below a diagonal.
func triluArray(s site, in []array) (array, bool) {
	shift, a := int64(0), in[0]
	if s.n.Input(1) != "" {
		var ok bool
		if shift, ok = in[1].number(); !ok {
			return array{}, false
		}
	}
	rank := len(a.shape)
	if rank < 2 {
		return array{}, false
	}
	upper := s.n.Attrs.Int("upper", 1) != 0
	return s.pick(in[:1], a.shape, func(index []int) (int, int) {
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

// padArray pads all dimensions, before opset 18 the only way.
func padArray(s site, in []array) (array, bool) {
	a, pads := in[0], s.numbers(in, 1, "pads")
	if len(pads) != 2*len(a.shape) || s.n.Input(3) != "" {
		return array{}, false
	}
	value := array{dtype: a.dtype, shape: []int{}, v: []int64{0}, f: []float32{s.n.Attrs.Float("value", 0)}}
	if s.n.Input(2) != "" {
		value = in[2]
	}
	mode := s.n.Attrs.Str("mode", "constant")
	shape := slices.Clone(a.shape)
	for d := range shape {
		before, after := pads[d], pads[d+len(shape)]
		if before < 0 || after < 0 || mode == "reflect" && max(before, after) >= shape[d] || shape[d] == 0 {
			return array{}, false
		}
		if int64(shape[d])+int64(before)+int64(after) > 1<<31-1 {
			return array{}, false
		}
		shape[d] += before + after
	}
	from := make([]int, len(shape))
	return s.pick([]array{a, value}, shape, func(index []int) (int, int) {
		for d, i := range index {
			last := a.shape[d] - 1
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
