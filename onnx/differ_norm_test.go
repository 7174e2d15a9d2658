package onnx

import (
	"encoding/binary"
	"math"

	"linquant/internal/onnxpb"
)

func (d draw) norm() trial {
	op := d.one("BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization", "LRN", "LpNormalization")
	c := trial{op: op, opset: d.opset(map[string]int64{"LayerNormalization": 17, "GroupNormalization": 21}[op]), loose: 1e-4}
	c.x = append([]int64{2, int64(2 * d.between(1, 3))}, d.shape(2, 4)...)
	channels := c.x[1]
	positive := floatsOf("var", make([]float32, channels)...)
	for i := range channels {
		binary.LittleEndian.PutUint32(positive.Raw[4*i:], math.Float32bits(float32(i)/4+0.1))
	}
	d.add(&c, floatAttr("epsilon", 1e-3))
	switch op {
	case "BatchNormalization":
		c.x = c.x[:d.between(2, 4)]
		c.consts = []onnxpb.Tensor{d.floats("s", channels), d.floats("b", channels), d.floats("m", channels), positive}
		d.add(&c, floatAttr("momentum", 0.5))
	case "LRN":
		c.x, c.attrs = append(c.x[:2], d.shape(2, 3)...), nil
		c.attrs = append(c.attrs, intAttr("size", int64(1+2*d.between(0, 3))))
		for _, name := range []string{"alpha", "beta", "bias"} {
			d.add(&c, floatAttr(name, float32(d.between(1, 8))/4))
		}
	case "LpNormalization":
		c.attrs = []onnxpb.Attr{intAttr("axis", d.axis(4)), intAttr("p", int64(d.between(1, 2)))}
	case "LayerNormalization":
		axis := d.axis(4)
		d.add(&c, intAttr("axis", axis))
		if len(c.attrs) == 0 || c.attrs[len(c.attrs)-1].Name != "axis" {
			axis = -1
		}
		rows := c.x[(axis+4)%4:]
		c.consts = []onnxpb.Tensor{d.floats("s", rows...)}
		if d.maybe() {
			c.consts = append(c.consts, d.floats("b", rows...))
		}
	case "GroupNormalization":
		c.attrs = append(c.attrs, intAttr("num_groups", int64(d.between(1, 2))))
		fallthrough
	default:
		c.consts = []onnxpb.Tensor{d.floats("s", channels), d.floats("b", channels)}
	}
	return c
}

func (d draw) spaces() trial {
	block := int64(d.between(1, 3))
	c := trial{op: d.one("DepthToSpace", "SpaceToDepth"), opset: d.opset(7), x: d.shape(4, 3)}
	c.attrs = append(c.attrs, intAttr("blocksize", block))
	if c.op == "SpaceToDepth" {
		c.x[2], c.x[3] = c.x[2]*block, c.x[3]*block
		return c
	}
	c.x[1] *= block * block
	if c.opset >= 11 {
		d.add(&c, textAttr("mode", d.one("DCR", "CRD")))
	}
	return c
}
