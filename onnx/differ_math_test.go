package onnx

import (
	"encoding/binary"
	"math"

	"linquant/graph"
	"linquant/internal/onnxpb"
)

func (d draw) reduce() trial {
	rank := d.between(1, 4)
	op := "Reduce" + d.one("L1", "L2", "LogSum", "LogSumExp", "Max", "Mean", "Min", "Prod", "Sum", "SumSquare")
	c := trial{op: op, opset: d.opset(7), x: d.shape(rank, 4), loose: 1e-4}
	axes, since := d.axes(rank), int64(18)
	if op == "ReduceSum" {
		since = 13
	}
	if c.opset < 11 {
		for i := range axes {
			axes[i] = (axes[i] + int64(rank)) % int64(rank)
		}
	}
	switch {
	case axes != nil:
		c.parameter(since, "axes", axes)
	case c.opset >= since && d.maybe():
		c.parameter(since, "axes", nil)
	}
	if c.opset >= since {
		d.add(&c, intAttr("noop_with_empty_axes", 1))
	}
	d.add(&c, intAttr("keepdims", int64(d.between(0, 1))))
	return c
}

func (d draw) resize() trial {
	c := trial{op: "Resize", opset: d.opset(7), x: append([]int64{2, 2}, d.shape(2, 7)...)}
	mode := d.one("nearest", "linear", "cubic")
	if c.opset < 11 && mode == "cubic" {
		mode = "linear"
	}
	d.add(&c, textAttr("mode", mode))
	scales := []float32{1, 1, float32(d.between(1, 12)) / 4, float32(d.between(1, 12)) / 4}
	if d.maybe() {
		scales[2], scales[3] = float32(d.between(2, 21))/7, float32(d.between(2, 21))/7
	}
	for i, n := range c.x {
		if int64(scales[i]*float32(n)) == n {
			scales[i] = 1 // ONNX Runtime copies what remains as large as it is in some cases, whatever the scale
		}
	}
	switch {
	case c.opset < 9:
		c.op, c.attrs = "Upsample", append(c.attrs, onnxpb.Attr{Name: "scales", Type: onnxpb.AttrFloats, Floats: scales})
		return c
	case c.opset < 11:
		if c.opset == 9 {
			c.op = "Upsample"
		}
		c.consts = append(c.consts, floatsOf("scales", scales...))
		return c
	}
	modes := []string{"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"}
	if c.opset < 13 {
		modes = append(modes, "tf_half_pixel_for_nn")
	}
	if c.opset >= 19 {
		modes = append(modes, "half_pixel_symmetric")
	}
	d.add(&c, textAttr("coordinate_transformation_mode", d.one(modes...)))
	d.add(&c, textAttr("nearest_mode", d.one("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")))
	if mode == "cubic" {
		d.add(&c, intAttr("exclude_outside", 1))
		d.add(&c, floatAttr("cubic_coeff_a", -0.5))
	}
	roi := onnxpb.Tensor{}
	if c.opset < 13 {
		roi = floatsOf("roi")
	}
	first := 0
	if c.opset >= 18 {
		if d.maybe() {
			c.attrs, first = append(c.attrs, intsAttr("axes", 2, 3)), 2
		}
		if mode != "nearest" {
			d.add(&c, intAttr("antialias", 1))
		}
	}
	if d.maybe() {
		c.consts = []onnxpb.Tensor{roi, floatsOf("scales", scales[first:]...)}
		return c
	}
	none := onnxpb.Tensor{}
	if c.opset < 13 {
		none = floatsOf("none")
	}
	sizes := []int64{2, 2, int64(d.between(1, 14)), int64(d.between(1, 14))}
	c.consts = []onnxpb.Tensor{roi, none, intsOf("sizes", sizes[first:]...)}
	if c.opset >= 18 && first == 2 {
		d.add(&c, textAttr("keep_aspect_ratio_policy", d.one("stretch", "not_larger", "not_smaller")))
	}
	return c
}

func (d draw) softmax() trial {
	rank := d.between(1, 4)
	c := trial{op: d.one("Softmax", "LogSoftmax", "Hardmax"), opset: d.opset(7), x: d.shape(rank, 5)}
	axis := d.axis(rank)
	if c.opset < 11 && axis < 0 {
		axis += int64(rank)
	}
	d.add(&c, intAttr("axis", axis))
	return c
}

// reshape is Reshape or Flatten.
func (d draw) reshape() trial {
	rank := d.between(1, 4)
	c := trial{op: d.one("Reshape", "Flatten"), opset: d.opset(7), x: d.shape(rank, 3)}
	if c.op == "Flatten" {
		axis := d.between(-rank, rank)
		if c.opset < 11 {
			axis = max(axis, -axis)
		}
		d.add(&c, intAttr("axis", int64(axis)))
		return c
	}
	target := append([]int64{}, c.x...)
	if i := d.between(0, rank-1); i+1 < rank && d.maybe() { // two become one
		target[i] *= target[i+1]
		target = append(target[:i+1], target[i+2:]...)
	}
	for i := range target {
		if i < rank && target[i] == c.x[i] && d.maybe() {
			target[i] = 0
		}
	}
	if i := d.between(0, len(target)-1); d.maybe() && (i < rank) {
		target[i] = -1
	}
	if d.maybe() {
		target = append(target, 1)
	}
	if c.opset >= 14 {
		d.add(&c, intAttr("allowzero", int64(d.between(0, 1))))
	}
	c.consts = append(c.consts, intsOf("shape", target...))
	return c
}

// squeeze is Squeeze or Unsqueeze.
func (d draw) squeeze() trial {
	rank := d.between(1, 4)
	c := trial{op: d.one("Squeeze", "Unsqueeze"), opset: d.opset(7), x: d.shape(rank, 2)}
	var axes []int64
	if c.op == "Squeeze" {
		for _, a := range d.axes(rank) {
			if c.x[(a+int64(rank))%int64(rank)] == 1 {
				axes = append(axes, a)
			}
		}
		if axes == nil {
			c.x[0] = 2 // a batch of 1 would be removed
			return c
		}
	} else {
		axes = []int64{d.axis(rank + 2), d.axis(rank + 2)}
	}
	if c.opset < 11 {
		for i := range axes {
			axes[i] = max(axes[i], -axes[i]-1)
		}
	}
	c.parameter(13, "axes", axes)
	return c
}

// product is Gemm or MatMul.
func (d draw) product() trial {
	m, k, n := int64(d.between(1, 4)), int64(d.between(1, 4)), int64(d.between(1, 4))
	c := trial{op: d.one("Gemm", "MatMul"), opset: d.opset(7)}
	if c.op == "MatMul" {
		c.x = append(d.shape(d.between(0, 2), 3), m, k)
		b := append(d.broadcast(c.x[:len(c.x)-2]), k, n)
		if d.between(0, 4) == 0 {
			b = []int64{k}
		}
		if d.between(0, 4) == 0 {
			c.x = []int64{k}
		}
		c.consts = append(c.consts, d.floats("b", b...))
		return c
	}
	a, b := []int64{m, k}, []int64{k, n}
	if d.maybe() {
		a, c.attrs = []int64{k, m}, append(c.attrs, intAttr("transA", 1))
	}
	if d.maybe() {
		b, c.attrs = []int64{n, k}, append(c.attrs, intAttr("transB", 1))
	}
	c.x, c.consts = a, append(c.consts, d.floats("b", b...))
	d.add(&c, floatAttr("alpha", 0.5))
	d.add(&c, floatAttr("beta", -2))
	if c.opset < 11 || d.maybe() {
		c.consts = append(c.consts, d.floats("c", d.broadcast([]int64{m, n})...))
	}
	return c
}

// pair is an operator on pairs of elements.
func (d draw) pair() trial {
	c := trial{op: d.one("Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "PRelu", "Sum", "Mean"), opset: d.opset(8)}
	c.x, c.special = d.shape(d.between(1, 4), 3), d.maybe()
	other := d.floats("other", d.broadcast(c.x)...)
	if c.op == "Pow" && d.maybe() {
		other = d.floats("other")
		binary.LittleEndian.PutUint32(other.Raw, math.Float32bits(float32(d.between(-3, 4))/2))
	}
	if c.op != "PRelu" && d.maybe() {
		for i := range c.x {
			if d.between(0, 3) == 0 {
				c.x[i] = 1
			}
		}
	}
	c.consts = append(c.consts, other)
	return c
}

// unary is any function of elements that the table of operators has, with any numbers for attributes.
func (d draw) unary() trial {
	var ops []string
	for _, o := range graph.Operators() {
		if o.Unary != nil && o.Op != graph.Clip && o.Since <= 20 {
			ops = append(ops, string(o.Op))
		}
	}
	c := trial{op: d.one(ops...), opset: d.opset(20)}
	c.x, c.special = d.shape(d.between(1, 4), 5), d.maybe()
	row, _ := graph.Lookup(graph.Op(c.op))
	for _, a := range row.Attrs {
		if a.Kind != graph.KindFloat || !a.InGraph() {
			continue
		}
		x := float32(d.between(-3, 9)) / 4
		if c.op == "Celu" && x == 0 {
			x = 1 // it divides by it
		}
		d.add(&c, floatAttr(a.Name, x))
	}
	if c.op == "Gelu" {
		d.add(&c, textAttr("approximate", d.one("none", "tanh")))
	}
	return c
}

func (d draw) clip() trial {
	c := trial{op: "Clip", opset: d.opset(7), x: d.shape(3, 4)}
	bounds := []float32{float32(d.between(-4, 4)) / 4, float32(d.between(-4, 4)) / 4}
	c.special = d.maybe() // with both bounds: one that is missing is the largest number in ONNX, and no bound here
	for i, name := range []string{"min", "max"} {
		switch given := c.special || d.maybe(); {
		case given && c.opset < 11:
			c.attrs = append(c.attrs, floatAttr(name, bounds[i]))
		case given:
			c.consts = append(c.consts, scalar(name, bounds[i]))
		case c.opset >= 11:
			c.consts = append(c.consts, onnxpb.Tensor{})
		}
	}
	return c
}
