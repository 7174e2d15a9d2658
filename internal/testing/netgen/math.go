package netgen

import (
	"math"
	"slices"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/tensor"
)

// The operators of mathematics, drawn.

// function applies a function of one value.
func (b *generator) function(x string, _ tensor.Shape) {
	op := b.ofClass(graph.ClassUnary)
	row, _ := graph.Lookup(op)
	attrs := graph.Attrs{}
	if _, ok := row.Attr("alpha"); ok && b.yes("alpha") {
		attrs["alpha"] = float32(b.in(5, 20, "alpha")) / 10
	}
	if op == graph.Gelu && b.yes("approximate") {
		attrs["approximate"] = "tanh"
	}
	b.add(op, attrs, b.spread(x), x)
}

func (b *generator) otherPair(x string, _ tensor.Shape) {
	op := b.ofClass(graph.ClassBinary)
	for _, y := range b.shuffled() {
		spread := b.spread(x) + b.spread(y)
		if b.codes && (op == graph.Max || op == graph.Min) && b.yes("same parameters") {
			spread = 0
		}
		if b.add(op, nil, spread, x, y) {
			if b.yes("relu after") {
				y := b.values[len(b.values)-1]
				b.clamp(y, b.shape(y))
			}
			return
		}
	}
}

// number combines with a constant of one element, or one for each channel.
func (b *generator) number(x string, shape tensor.Shape) {
	own := tensor.Shape{}
	if len(shape) > 2 && b.yes("per channel") {
		own = tensor.Shape{shape[1]}
		for range shape[2:] {
			own = append(own, 1)
		}
	}
	op := b.ofClass(graph.ClassBinary)
	if len(own) == 0 && b.yes("sum or product") {
		op = rapid.SampledFrom([]graph.Op{graph.Add, graph.Mul}).Draw(b.T, "op")
	}
	operands := []string{x, b.operand(x, own)}
	if op != graph.PRelu && b.yes("constant first") {
		operands[0], operands[1] = operands[1], operands[0]
	}
	if b.add(op, nil, b.spread(x)*1.5, operands...) && b.yes("relu after") {
		y := b.values[len(b.values)-1]
		b.clamp(y, b.shape(y))
	}
}

// island runs what has no form on codes: of reals directly, of codes between two conversions.
func (b *generator) island(x string, build func(x string) bool) {
	if !b.codes {
		build(x)
		return
	}
	if b.in(0, 2, "island") != 0 {
		return
	}
	n := len(b.values)
	b.codes = false
	ok := b.add(graph.DequantizeLinear, nil, 0, x)
	first := len(b.values)
	ok = ok && build(b.values[first-1])
	b.codes = true
	made := b.values[len(b.values)-1]
	b.values = b.values[:n]
	if ok {
		b.add(graph.QuantizeLinear, nil, 1, made)
	}
}

func (b *generator) reduction(x string, shape tensor.Shape) {
	op := b.ofClass(graph.ClassReduction)
	var axes []int
	for d := 1; d < len(shape); d++ {
		if b.yes("reduce") {
			axes = append(axes, d)
		}
	}
	b.island(x, func(x string) bool {
		attrs := graph.Attrs{"axes": axes, "keepdims": b.in(0, 1, "keep"), "noop_with_empty_axes": 1}
		return b.add(op, attrs, 0, x)
	})
}

func (b *generator) logSoftmax(x string, shape tensor.Shape) {
	axis := b.in(1, len(shape)-1, "axis")
	b.island(x, func(x string) bool { return b.add(graph.LogSoftmax, graph.Attrs{"axis": axis}, 0, x) })
}

// real adds a constant of reals in a network of codes too.
func (b *generator) real(shape tensor.Shape) string {
	codes := b.codes
	b.codes = false
	defer func() { b.codes = codes }()
	b.n++
	return b.operand("x", shape)
}

func (b *generator) norm(x string, shape tensor.Shape) {
	op := rapid.SampledFrom([]graph.Op{
		graph.LayerNormalization, graph.RMSNormalization, graph.InstanceNormalization, graph.GroupNormalization,
	}).Draw(b.T, "norm")
	attrs, own := graph.Attrs{"epsilon": float32(0.1)}, tensor.Shape{}
	if op == graph.LayerNormalization || op == graph.RMSNormalization {
		axis := b.in(1, len(shape)-1, "axis")
		attrs["axis"], own = axis, shape[axis:]
		if b.yes("broadcast") {
			own = own[len(own)-1:]
		}
	} else if len(shape) > 2 {
		own = tensor.Shape{shape[1]}
		var groups []int
		for n := 1; n <= shape[1]; n++ {
			if shape[1]%n == 0 {
				groups = append(groups, n)
			}
		}
		if op == graph.GroupNormalization {
			attrs["num_groups"] = rapid.SampledFrom(groups).Draw(b.T, "groups")
		}
	}
	b.island(x, func(x string) bool {
		inputs := []string{x, b.real(own), b.real(own)}
		if op == graph.RMSNormalization {
			inputs = inputs[:2]
		}
		return b.add(op, attrs, 0, inputs...)
	})
}

func (b *generator) resize(x string, shape tensor.Shape) {
	attrs := graph.Attrs{
		"coordinate_transformation_mode": rapid.SampledFrom([]string{
			"half_pixel", "half_pixel_symmetric", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_half_pixel_for_nn",
			"tf_crop_and_resize",
		}).Draw(b.T, "coordinates"),
		"nearest_mode": rapid.SampledFrom([]string{"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"}).Draw(b.T, "nearest"),
	}
	mode := rapid.SampledFrom([]string{"nearest", "nearest", "linear", "cubic"}).Draw(b.T, "mode")
	attrs["mode"] = mode
	rank := len(shape)
	if attrs["coordinate_transformation_mode"] == "tf_crop_and_resize" {
		roi := make([]float32, 2*rank)
		for d := range rank {
			roi[rank+d] = 1
		}
		for d := 1; d < rank; d++ {
			roi[d], roi[rank+d] = float32(b.in(-2, 5, "start"))/10, float32(b.in(5, 12, "end"))/10
		}
		attrs["roi"], attrs["extrapolation_value"] = roi, float32(0.25)
	}
	if mode != "nearest" {
		attrs["antialias"], attrs["exclude_outside"] = b.in(0, 1, "antialias"), b.in(0, 1, "exclude")
	}
	if b.yes("sizes") {
		sizes := []int{graph.Batch}
		for range shape[1:] {
			sizes = append(sizes, b.in(1, 9, "size"))
		}
		attrs["sizes"] = sizes
	} else {
		scales := []float32{1} // none of which puts a picture element in the middle between two others
		for _, d := range shape[1:] {
			scales = append(scales, float32(max(1/float64(d), float64(b.in(2, 25, "scale"))/10)*(1+math.Exp2(-7))))
		}
		attrs["scales"] = scales
	}
	if mode == "nearest" && attrs["roi"] == nil {
		b.add(graph.Resize, attrs, 0, x)
		return
	}
	b.island(x, func(x string) bool { return b.add(graph.Resize, attrs, 0, x) })
}

func (b *generator) globalMax(x string, _ tensor.Shape) { b.add(graph.GlobalMaxPool, nil, 0, x) }

// Operators that reals cannot be compared with to the last digits: with steps or poles, with a part of the reals for
// their domain, or which grow without end. On codes they are drawn like the others.
var forCodes = []graph.Op{
	graph.Acos, graph.Acosh, graph.Asin, graph.Atanh, graph.Cosh, graph.Sinh, graph.Tan, graph.Ceil, graph.Exponential, graph.Floor, graph.Logarithm, graph.Reciprocal, graph.Round, graph.Sign, graph.Sqrt,
	graph.ThresholdedRelu, graph.Div, graph.Pow, graph.ReduceL1, graph.ReduceL2, graph.ReduceLogSum, graph.ReduceProd,
	graph.ReduceSum, graph.ReduceSumSquare,
}

// ofClass draws an operator of a class, but none of those.
func (b *generator) ofClass(class graph.Class, but ...graph.Op) graph.Op {
	var ops []graph.Op
	for _, row := range graph.Operators() {
		if row.Class == class && !slices.Contains(but, row.Op) && (b.codes || !slices.Contains(forCodes, row.Op)) {
			ops = append(ops, row.Op)
		}
	}
	return rapid.SampledFrom(ops).Draw(b.T, class.String())
}
