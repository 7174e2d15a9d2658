package arrays

import (
	"math"
	"slices"

	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
	"linquant/tensor"
)

func constantOfShape(c Call, in []Array) (Array, bool) {
	value := Array{DType: tensor.Float32, Shape: []int{}, Floats: []float32{0}}
	if t, ok := c.Node.Attrs["value"].(tensor.Tensor); ok {
		if value, ok = c.Decode(t); !ok {
			return Array{}, false
		}
	}
	if in[0].Float() || in[0].Unknown() || len(in[0].Ints) > elements.MaxRank {
		return Array{}, false
	}
	return c.pick([]Array{value}, elements.ClampAll(in[0].Ints), func([]int) (int, int) { return 0, 0 })
}

func rangeOf(c Call, in []Array) (Array, bool) {
	for _, a := range in {
		if a.Elements() != 1 || a.DType != in[0].DType || a.Unknown() {
			return Array{}, false
		}
	}
	if in[0].Float() {
		start, step := in[0].Floats[0], in[2].Floats[0]
		n := math.Ceil(float64(in[1].Floats[0]-start) / float64(step))
		if !(n < math.MaxInt32) {
			return Array{}, false
		}
		out, ok := c.make(tensor.Float32, []int{int(max(n, 0))})
		for i := range out.Floats {
			out.Floats[i] = start + float32(float32(i)*step)
		}
		return out, ok
	}
	start, end, step := in[0].Ints[0], in[1].Ints[0], in[2].Ints[0]
	if step == 0 || max(start, -start, end, -end, step, -step) > math.MaxInt32 {
		return Array{}, false
	}
	n := (end - start + step - (elements.Truth(step > 0) - elements.Truth(step < 0))) / step
	out, ok := c.make(in[0].DType, []int{int(min(max(n, 0), math.MaxInt32))})
	for i := range out.Ints {
		out.Ints[i] = start + int64(i)*step
	}
	return out, ok
}

func eyeLike(c Call, in []Array) (Array, bool) {
	dtype := in[0].DType
	if to := c.Node.Int("dtype"); to != 0 {
		e, err := elements.Supported(onnxpb.DataType(to))
		if err != nil || e.Bits < 8 {
			return Array{}, false
		}
		dtype = e.Store
	}
	out, ok := c.make(dtype, in[0].Shape)
	if !ok || len(in[0].Shape) != 2 {
		return Array{}, false
	}
	each(out.Shape, func(i int, index []int) {
		switch {
		case index[1]-index[0] != c.Node.Int("k"):
		case out.Float():
			out.Floats[i] = 1
		default:
			out.Ints[i] = 1
		}
	})
	return out, true
}

// oneHot: inputs indices, depth, [off, on].
func oneHot(c Call, in []Array) (Array, bool) {
	indices, ok := c.convert(in[0], tensor.Int64)
	if !ok {
		return Array{}, false
	}
	depth, ok := c.convert(in[1], tensor.Int64)
	if !ok {
		return Array{}, false
	}
	n, ok := depth.number()
	if !ok || n < 1 || n > math.MaxInt32 || in[2].Elements() != 2 {
		return Array{}, false
	}
	axis := c.Node.Int("axis")
	if rank := len(indices.Shape) + 1; axis < 0 {
		axis += rank
	}
	if axis < 0 || axis > len(indices.Shape) {
		return Array{}, false
	}
	shape := slices.Insert(slices.Clone(indices.Shape), axis, int(n))
	return c.pick(in[2:], shape, func(index []int) (int, int) {
		v := indices.Ints[indices.offset(slices.Concat(index[:axis], index[axis+1:]))]
		if v < 0 {
			v += n
		}
		return 0, int(elements.Truth(v == int64(index[axis])))
	})
}

// nonZero returns the indices of what is not 0, as the columns of a matrix.
func nonZero(c Call, in []Array) (Array, bool) {
	a := in[0]
	if a.Unknown() {
		return Array{}, false
	}
	other := func(i int) bool { return a.Float() && a.Floats[i] != 0 || !a.Float() && a.Ints[i] != 0 }
	columns := 0
	for i := range a.Elements() {
		columns += int(elements.Truth(other(i)))
	}
	out, ok := c.make(tensor.Int64, []int{len(a.Shape), columns})
	if !ok {
		return Array{}, false
	}
	column := 0
	each(a.Shape, func(i int, index []int) {
		if !other(i) {
			return
		}
		for d, at := range index {
			out.Ints[d*columns+column] = int64(at)
		}
		column++
	})
	return out, true
}
