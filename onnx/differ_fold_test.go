package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"linquant/internal/onnxpb"
	"linquant/onnx/internal/elements"
)

// numbers makes a constant of some integer type, or of floats.
func (d draw) numbers(name string, shape []int64, lo, hi int, types ...onnxpb.DataType) onnxpb.Tensor {
	n := int64(1)
	for _, s := range shape {
		n *= s
	}
	typ := types[d.between(0, len(types)-1)]
	c := onnxpb.Tensor{Name: name, Dims: shape, Type: typ}
	v := d.ints(int(n), lo, hi)
	switch typ {
	case onnxpb.Float:
		for _, x := range v {
			c.Raw = binary.LittleEndian.AppendUint32(c.Raw, math.Float32bits(float32(x)/2))
		}
	case onnxpb.Int32:
		c.Raw = elements.EncodeInts(v, 4)
	case onnxpb.Bool:
		for i := range v {
			v[i] &= 1
		}
		c.Raw = elements.EncodeInts(v, 1)
	case onnxpb.Int64:
		c.Raw = elements.EncodeInts(v, 8)
	default:
		panic(fmt.Sprint(typ))
	}
	return c
}

// sequence is Range.
func (d draw) sequence() trial {
	c := trial{op: "Range", opset: d.opset(11)}
	typ := []onnxpb.DataType{onnxpb.Float, onnxpb.Int32, onnxpb.Int64}[d.between(0, 2)]
	c.makes = typ
	for _, name := range strings.Fields("start limit delta") {
		c.consts = append(c.consts, d.numbers(name, nil, -9, 9, typ))
	}
	return c
}

// logic is of comparisons and booleans.
func (d draw) logic() trial {
	op := d.one("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual", "And", "Or", "Xor", "Where", "Mod")
	c := trial{op: op, opset: d.opset(16)}
	types := []onnxpb.DataType{onnxpb.Int32, onnxpb.Int64, onnxpb.Float}
	switch op {
	case "And", "Or", "Xor":
		types = []onnxpb.DataType{onnxpb.Bool}
	case "Mod":
		types = types[:2]
		d.add(&c, intAttr("fmod", 1))
	}
	typ, shape := types[d.between(0, len(types)-1)], d.shape(d.between(0, 3), 3)
	if c.makes = onnxpb.Bool; op == "Where" || op == "Mod" {
		c.makes = typ
	}
	if op == "Where" {
		c.consts = append(c.consts, d.numbers("c", d.broadcast(shape), 0, 1, onnxpb.Bool))
	}
	c.consts = append(c.consts, d.numbers("a", shape, -4, 4, typ), d.numbers("b", d.broadcast(shape), -4, 4, typ))
	return c
}

// fold is an operator on constants alone.
func (d draw) fold() trial {
	all := []onnxpb.DataType{onnxpb.Int64, onnxpb.Int32, onnxpb.Float}
	rank := d.between(1, 3)
	shape := d.shape(rank, 3)
	c := trial{opset: d.opset(14), op: d.one("ArgMax", "ArgMin", "CumSum", "NonZero", "OneHot", "Trilu", "GatherElements",
		"ConstantOfShape", "EyeLike", "Neg", "Abs", "Sign", "ReduceSum", "Div", "Sub", "Mul", "Squeeze", "Concat", "Slice")}
	a := d.numbers("a", shape, -4, 4, all...)
	c.consts, c.makes = []onnxpb.Tensor{a}, a.Type
	switch c.op {
	case "NonZero":
		c.makes = onnxpb.Int64
	case "ArgMax", "ArgMin":
		c.makes = onnxpb.Int64
		c.attrs = append(c.attrs, intAttr("axis", d.axis(rank)))
		d.add(&c, intAttr("keepdims", 0))
		d.add(&c, intAttr("select_last_index", 1))
	case "CumSum":
		c.consts = append(c.consts, d.numbers("axis", nil, -rank, rank-1, onnxpb.Int64))
		d.add(&c, intAttr("exclusive", 1))
		d.add(&c, intAttr("reverse", 1))
	case "OneHot":
		c.consts = []onnxpb.Tensor{
			d.numbers("i", shape, -3, 3, onnxpb.Int64), d.numbers("depth", nil, 1, 4, onnxpb.Int64),
			d.numbers("values", []int64{2}, -3, 3, onnxpb.Int64, onnxpb.Float),
		}
		c.attrs, c.makes = append(c.attrs, intAttr("axis", d.axis(rank+1))), c.consts[2].Type
	case "Trilu":
		c.consts = []onnxpb.Tensor{d.numbers("a", d.shape(d.between(2, 3), 4), -4, 4, onnxpb.Int64, onnxpb.Float)}
		c.makes = c.consts[0].Type
		if d.maybe() {
			c.consts = append(c.consts, d.numbers("k", nil, -3, 3, onnxpb.Int64))
		}
		d.add(&c, intAttr("upper", int64(d.between(0, 1))))
	case "GatherElements":
		axis := d.axis(rank)
		n := int(shape[(axis+int64(rank))%int64(rank)])
		c.consts = append(c.consts, d.numbers("i", shape, -n, n-1, onnxpb.Int64))
		c.attrs = append(c.attrs, intAttr("axis", axis))
	case "ConstantOfShape":
		c.consts = []onnxpb.Tensor{d.numbers("shape", []int64{int64(rank)}, 1, 4, onnxpb.Int64)}
		if c.makes = onnxpb.Float; d.maybe() {
			v := d.numbers("", []int64{1}, -4, 4, all...)
			c.makes = v.Type
			c.attrs = append(c.attrs, onnxpb.Attr{Name: "value", Type: onnxpb.AttrTensor, Tensor: &v})
		}
	case "EyeLike":
		c.consts = []onnxpb.Tensor{d.numbers("a", d.shape(2, 4), -4, 4, all...)}
		d.add(&c, intAttr("k", int64(d.between(-3, 3))))
		c.makes = c.consts[0].Type
		if d.maybe() {
			c.attrs, c.makes = append(c.attrs, intAttr("dtype", int64(onnxpb.Int32))), onnxpb.Int32
		}
	case "ReduceSum":
		c.parameter(13, "axes", d.axes(rank))
		d.add(&c, intAttr("keepdims", 0))
		d.add(&c, intAttr("noop_with_empty_axes", 1))
	case "Div", "Sub", "Mul":
		c.consts = append(c.consts, d.numbers("b", d.broadcast(shape), 1, 4, a.Type))
	case "Concat":
		c.consts = append(c.consts, d.numbers("b", shape, 1, 4, a.Type))
		c.attrs = append(c.attrs, intAttr("axis", d.axis(rank)))
	case "Slice":
		s := d.slice()
		s.op = "Slice"
		c.opset = max(s.opset, 13)
		c.consts = append(c.consts, intsOf("starts", d.ints(1, -4, 4)...), intsOf("ends", d.ints(1, -4, 4)...),
			intsOf("axes", d.axis(rank)), intsOf("steps", int64(1-2*d.between(0, 1))))
	}
	return c
}
