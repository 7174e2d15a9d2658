package onnx

import (
	"math"
	"strings"
)

// kinds draw trials, by what they are about.
var kinds = map[string]func(d draw) trial{
	"window": draw.window, "transposed": draw.transposed, "pad": draw.pad, "slice": draw.slice, "split": draw.split,
	"pick": draw.pick, "reduce": draw.reduce, "resize": draw.resize, "softmax": draw.softmax, "reshape": draw.reshape,
	"axes": draw.squeeze, "product": draw.product, "pair": draw.pair, "unary": draw.unary, "clip": draw.clip,
	"norm": draw.norm, "spaces": draw.spaces, "range": draw.sequence, "fold": draw.fold, "logic": draw.logic,
}

// window is a convolution or a pool.
func (d draw) window() trial {
	rank := 2
	if d.between(0, 4) == 0 {
		rank = 1
	}
	c := trial{op: d.one("Conv", "MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"), opset: d.opset(7)}
	group := d.between(1, 2)
	c.x = append([]int64{2, int64(group * d.between(1, 2))}, d.shape(rank, 7)...)
	for i := range rank {
		c.x[2+i] += 2
	}
	if c.op[0] == 'G' {
		return c
	}
	kernel := d.shape(rank, 3)
	if c.op == "Conv" {
		out := int64(group * d.between(1, 2))
		c.consts = append(c.consts, d.floats("w", append([]int64{out, c.x[1] / int64(group)}, kernel...)...))
		if d.maybe() {
			c.consts = append(c.consts, d.floats("b", out))
		}
		c.attrs = append(c.attrs, intAttr("group", int64(group)))
		d.add(&c, intsAttr("kernel_shape", kernel...))
	} else {
		c.attrs = append(c.attrs, intsAttr("kernel_shape", kernel...))
	}
	auto, strides := d.one("", "NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"), d.ints(rank, 1, 3)
	for i, k := range kernel { // else ONNX Runtime's pools skip elements in front
		if strings.HasPrefix(auto, "SAME") {
			strides[i] = min(strides[i], k)
		}
	}
	d.add(&c, intsAttr("strides", strides...))
	if auto == "" {
		d.add(&c, intsAttr("pads", d.ints(2*rank, 0, 2)...))
	} else {
		c.attrs = append(c.attrs, textAttr("auto_pad", auto))
	}
	// ONNX Runtime does not know of dilations where it pads a pool by itself.
	pool := (c.op == "MaxPool" && c.opset >= 10 || c.opset >= 19) && !strings.HasPrefix(auto, "SAME")
	if c.op == "Conv" || pool {
		d.add(&c, intsAttr("dilations", d.ints(rank, 1, 2)...))
	}
	if c.op != "Conv" && c.opset >= 10 {
		d.add(&c, intAttr("ceil_mode", 1))
	}
	if c.op == "AveragePool" {
		d.add(&c, intAttr("count_include_pad", 1))
	}
	return c
}

func (d draw) transposed() trial {
	rank, group := d.between(1, 2), int64(d.between(1, 2))
	c := trial{op: "ConvTranspose", opset: d.opset(7)}
	c.x = append([]int64{2, group * int64(d.between(1, 2))}, d.shape(rank, 4)...)
	kernel, out := d.shape(rank, 3), int64(d.between(1, 2))
	c.consts = append(c.consts, d.floats("w", append([]int64{c.x[1], out}, kernel...)...))
	if d.maybe() {
		c.consts = append(c.consts, d.floats("b", out*group))
	}
	c.attrs = append(c.attrs, intAttr("group", group))
	strides := d.ints(rank, 1, 3)
	c.attrs = append(c.attrs, intsAttr("strides", strides...))
	d.add(&c, intsAttr("dilations", d.ints(rank, 1, 2)...))
	if d.maybe() {
		extra := make([]int64, rank)
		for i := range extra {
			extra[i] = int64(d.between(0, int(strides[i])-1))
		}
		c.attrs = append(c.attrs, intsAttr("output_padding", extra...))
	}
	switch d.between(0, 3) {
	case 0:
		for i, k := range kernel { // else ONNX Runtime's output is shorter than ONNX says
			kernel[i] = max(k, strides[i])
		}
		c.consts[0] = d.floats("w", append([]int64{c.x[1], out}, kernel...)...)
		c.attrs = append(c.attrs, textAttr("auto_pad", d.one("SAME_UPPER", "SAME_LOWER", "VALID")))
	case 1:
		c.attrs = append(c.attrs, intsAttr("pads", d.ints(2*rank, 0, 1)...))
	case 2:
		c.attrs = append(c.attrs, intsAttr("output_shape", d.ints(rank, 3, 9)...))
	}
	return c
}

func (d draw) pad() trial {
	rank := d.between(1, 4)
	c := trial{op: "Pad", opset: d.opset(7), x: d.shape(rank, 4)}
	mode := d.one("constant", "reflect", "edge")
	least := 0
	if d.maybe() && mode == "constant" {
		least = -1
	}
	d.add(&c, textAttr("mode", mode))
	n := rank
	var axes []int64
	if c.opset >= 18 && d.maybe() {
		axes = d.axes(rank)
		n = len(axes)
	}
	c.parameter(11, "pads", d.ints(2*n, least, 2))
	switch {
	case c.opset < 11:
		d.add(&c, floatAttr("value", 1.5))
	case axes != nil:
		c.consts = append(c.consts, scalar("value", 1.5), intsOf("axes", axes...))
	case d.maybe():
		c.consts = append(c.consts, scalar("value", 1.5))
	}
	return c
}

func (d draw) slice() trial {
	rank := d.between(1, 4)
	c := trial{op: "Slice", opset: d.opset(7), x: d.shape(rank, 5)}
	axes := d.axes(rank)
	if axes == nil {
		axes = []int64{0}
	}
	bound := func() []int64 {
		v := d.ints(len(axes), -7, 7)
		for i := range v {
			switch d.between(0, 9) {
			case 0:
				v[i] = math.MaxInt64
			case 1:
				v[i] = math.MinInt64
			case 2:
				v[i] = math.MaxInt32
			}
		}
		return v
	}
	c.parameter(10, "starts", bound())
	c.parameter(10, "ends", bound())
	if d.between(0, 4) > 0 {
		c.parameter(10, "axes", axes)
		if c.opset >= 10 && d.maybe() {
			steps := d.ints(len(axes), -3, 3)
			for i := range steps {
				if steps[i] == 0 {
					steps[i] = math.MinInt64
				}
			}
			c.parameter(10, "steps", steps)
		}
	}
	return c
}

func (d draw) split() trial {
	rank := d.between(1, 4)
	c := trial{op: "Split", opset: d.opset(7), x: d.shape(rank, 6), outputs: d.between(1, 3)}
	axis := d.axis(rank)
	c.attrs = append(c.attrs, intAttr("axis", axis))
	if axis < 0 {
		axis += int64(rank)
	}
	switch {
	case d.maybe():
		parts := d.ints(c.outputs, 0, 3)
		c.x[axis] = 0
		for _, p := range parts {
			c.x[axis] += p
		}
		c.x[axis] += int64(d.between(0, 9) / 9)
		if c.x[axis] == 0 {
			c.x[axis] = 1
		}
		c.parameter(13, "split", parts)
	case c.opset >= 18:
		c.attrs = append(c.attrs, intAttr("num_outputs", int64(c.outputs)))
	}
	return c
}

// pick is Gather, Expand, Tile, Transpose or Concat.
func (d draw) pick() trial {
	rank := d.between(1, 4)
	c := trial{op: d.one("Gather", "Expand", "Tile", "Transpose", "Concat"), opset: d.opset(8), x: d.shape(rank, 4)}
	switch c.op {
	case "Gather":
		axis := d.axis(rank)
		n := int(c.x[(axis+int64(rank))%int64(rank)])
		shape := d.shape(d.between(0, 2), 3)
		count := int64(1)
		for _, s := range shape {
			count *= s
		}
		least := -n
		if c.opset < 11 {
			least = 0
		}
		i := intsOf("indices", d.ints(int(count), least, n-1)...)
		i.Dims = shape
		c.consts, c.attrs = append(c.consts, i), append(c.attrs, intAttr("axis", axis))
	case "Expand":
		for i := range c.x {
			if d.maybe() {
				c.x[i] = 1
			}
		}
		target := d.broadcast(c.x)
		for i := range target {
			if at := len(c.x) - len(target) + i; c.x[at] == 1 {
				target[i] = int64(d.between(1, 3))
			}
		}
		if d.maybe() {
			target = append(d.shape(d.between(0, 1), 3), target...)
		}
		c.consts = append(c.consts, intsOf("shape", target...))
	case "Tile":
		c.consts = append(c.consts, intsOf("repeats", d.ints(rank, 1, 3)...))
	case "Transpose":
		if d.maybe() {
			perm := make([]int64, rank)
			for i := range perm {
				j := d.between(0, i)
				perm[i] = perm[j]
				perm[j] = int64(i)
			}
			c.attrs = append(c.attrs, intsAttr("perm", perm...))
		}
	case "Concat":
		axis := d.axis(rank)
		if c.opset < 11 && axis < 0 {
			axis += int64(rank)
		}
		other := append([]int64{}, c.x...)
		other[(axis+int64(rank))%int64(rank)] = int64(d.between(1, 3))
		c.consts, c.attrs = append(c.consts, d.floats("other", other...)), append(c.attrs, intAttr("axis", axis))
	}
	return c
}
