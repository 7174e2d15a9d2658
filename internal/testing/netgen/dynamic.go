package netgen

import (
	"fmt"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// dynamicGenerator draws networks of layers that quantize their inputs while they run, and of what moves and clamps
// elements: nothing in them is rounded in another order anywhere.
type dynamicGenerator struct{ *generator }

// Dynamic returns a network with one input x of layers that quantize their inputs while they run, and of what moves and
// clamps elements: nothing in it is rounded in another order anywhere.
func Dynamic(t *rapid.T) *graph.Graph {
	b := dynamicGenerator{begin(t, false)}
	shape := tensor.Shape{graph.Batch, b.in(1, 40, "channels"), b.in(1, 9, "height"), b.in(1, 9, "width")}
	if b.in(0, 3, "form") == 0 {
		shape = tensor.Shape{graph.Batch, b.in(1, 9, "rows"), b.in(1, 70, "depth")}
	}
	b.g.AddInput("x", shape)
	b.values = []string{"x"}
	if b.in(0, 2, "reshaped first") == 0 {
		n, _ := shape[1:].Elements()
		channels := b.divisor(n, "channels")
		height := b.divisor(n/channels, "height")
		b.add(graph.Reshape, graph.Attrs{"shape": []int{0, channels, height, n / channels / height}}, 0, "x")
		b.add(rapid.SampledFrom([]graph.Op{graph.Abs, graph.Neg, graph.Tanh}).Draw(t, "function"), nil, 0, b.last())
	}
	for range b.in(1, 4, "layers") {
		b.layer(b.pick("operand"))
	}
	b.g.Outputs = []string{b.values[len(b.values)-1]}
	if other := b.pick("other output"); other != "x" && other != b.g.Outputs[0] {
		b.g.Outputs = append(b.g.Outputs, other)
	}
	return b.g
}

func (b dynamicGenerator) layer(x string) {
	shape := b.shape(x)
	out := b.in(1, 40, "output channels")
	op, attrs, weight := graph.MatMul, graph.Attrs{}, tensor.Shape{shape[len(shape)-1], out}
	switch {
	case len(shape) == 4 && b.yes("flatten"):
		flat := fmt.Sprintf("flat%d", b.n)
		b.g.AddNode(graph.Flatten, flat, flat, graph.Attrs{"axis": 1}, x)
		x, shape = flat, tensor.Shape{graph.Batch, shape[1] * shape[2] * shape[3]}
		weight[0] = shape[1]
		if op = graph.Gemm; b.yes("transB") {
			attrs["transB"], weight = 1, tensor.Shape{out, shape[1]}
		}
	case len(shape) == 4:
		kh, kw := b.in(1, 4, "kernel height"), b.in(1, 4, "kernel width")
		group := 1
		switch b.in(0, 3, "groups") {
		case 0:
			group, out = shape[1], shape[1] // depthwise
		case 1:
			if shape[1]%2 == 0 {
				group, out = 2, 2*out
			}
		}
		op, weight = graph.Conv, tensor.Shape{out, shape[1] / group, kh, kw}
		attrs = graph.Attrs{
			"group": group, "pads": []int{b.in(0, kh, "top"), b.in(0, kw, "left"), b.in(0, 2, "bottom"), b.in(0, 2, "right")},
			"strides": []int{b.in(1, 2, "stride down"), b.in(1, 2, "stride across")},
		}
		if b.in(0, 4, "dilated") == 0 {
			attrs["dilations"] = []int{2, 2}
		}
	}
	n := &graph.Node{Op: op, Attrs: attrs}
	inputs := b.dynamicWeight(x, weight, graph.ChannelAxis(n, len(weight)), op != graph.MatMul && b.yes("bias"))
	graph.SetDynamic(n)
	if !b.add(op, n.Attrs, 0, inputs...) {
		return
	}
	if b.yes("clamp") {
		y := b.values[len(b.values)-1]
		if b.yes("Relu") {
			b.add(graph.Relu, nil, 0, y)
		} else {
			b.add(graph.Clip, graph.Attrs{"min": float32(-0.5), "max": float32(2)}, 0, y)
		}
	}
}

func (b dynamicGenerator) dynamicWeight(x string, shape tensor.Shape, axis int, bias bool) []string {
	typ := quant.Type{Bits: b.in(2, 8, "weight bits"), Unsigned: b.yes("unsigned weight")}
	lo, hi := typ.Range()
	n, _ := shape.Elements()
	p, scales := quant.Params{Type: typ}, 1
	if b.yes("per channel") {
		p.Layout, scales = quant.Layout{Per: quant.PerChannel, Axis: axis}, shape[axis]
	}
	affine := b.yes("affine")
	for range scales {
		p.Scale = append(p.Scale, float32(b.between(50, 150))/float32(hi)/100)
		if affine {
			p.ZeroPoint = append(p.ZeroPoint, b.between(lo, hi))
		}
	}
	name := fmt.Sprintf("w%d", b.n)
	if typ.Unsigned {
		b.g.AddConst(name, mustTensor(shape, fillCodes[uint8](b.generator, n, lo, hi)))
	} else {
		b.g.AddConst(name, mustTensor(shape, fillCodes[int8](b.generator, n, lo, hi)))
	}
	b.g.Values[name].Quant = &p
	if !bias {
		return []string{x, name}
	}
	values := make([]float32, shape[axis])
	for i := range values {
		values[i] = float32(b.between(-1000, 1000)) / 777
	}
	b.g.AddConst(name+".b", mustTensor(tensor.Shape{shape[axis]}, values))
	return []string{x, name, name + ".b"}
}
