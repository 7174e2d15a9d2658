package netgen

import (
	"fmt"
	"math"
	"slices"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/tensor"
)

func (b *generator) window(kernel [2]int) graph.Attrs {
	at := func(limit int) int { return b.in(0, limit, "pad") }
	return graph.Attrs{
		"strides":   []int{b.in(1, 2, "stride"), b.in(1, 3, "stride")},
		"dilations": []int{b.in(1, 2, "dilation"), b.in(1, 2, "dilation")},
		"pads":      []int{at(kernel[0] - 1), at(kernel[1] - 1), at(kernel[0]), at(kernel[1])},
	}
}

func (b *generator) kernel() [2]int {
	k := rapid.SampledFrom([]int{1, 1, 2, 3, 3, 5})
	return [2]int{k.Draw(b.T, "kernel"), k.Draw(b.T, "kernel")}
}

func (b *generator) conv(x string, shape tensor.Shape) {
	groups := []int{1, 1, shape[1]}
	for n := 2; n < shape[1]; n++ {
		if shape[1]%n == 0 {
			groups = append(groups, n)
		}
	}
	group := rapid.SampledFrom(groups).Draw(b.T, "group")
	kernel := b.kernel()
	attrs := b.window(kernel)
	if b.in(0, 2, "plain") == 0 {
		attrs = graph.Attrs{}
	}
	attrs["group"] = group
	out := group * b.in(1, max(1, 9/group), "out")
	inputs, spread := b.weight(x, tensor.Shape{out, shape[1] / group, kernel[0], kernel[1]}, 0)
	if b.add(graph.Conv, attrs, spread, inputs...) && b.yes("relu after") {
		y := b.values[len(b.values)-1]
		b.clamp(y, b.shape(y))
	}
}

func (b *generator) gemm(x string, shape tensor.Shape) {
	out := b.in(1, 9, "out")
	if b.yes("transB") {
		inputs, spread := b.weight(x, tensor.Shape{out, shape[1]}, 0)
		b.add(graph.Gemm, graph.Attrs{"transB": 1}, spread, inputs...)
		return
	}
	inputs, spread := b.weight(x, tensor.Shape{shape[1], out}, 1)
	b.add(graph.Gemm, nil, spread, inputs...)
}

func (b *generator) matMul(x string, shape tensor.Shape) {
	last := shape[len(shape)-1]
	if len(shape) > 2 {
		switch b.in(0, 3, "product") {
		case 0: // of two values
			var fit []string
			for _, v := range b.values {
				if s := b.shape(v); len(s) > 2 && s[len(s)-2] == last {
					fit = append(fit, v)
				}
			}
			if len(fit) > 0 {
				b.add(graph.MatMul, nil, b.spread(x), x, rapid.SampledFrom(fit).Draw(b.T, "second"))
			}
			return
		case 1: // with a constant, a vector or a matrix or a stack, on either side
			own := tensor.Shape{shape[len(shape)-2]}
			right := b.yes("constant last")
			if right {
				own[0] = last
			}
			if n := b.in(0, 4, "other dimension"); n > 0 && right {
				own = append(own, n)
			} else if n > 0 {
				own = tensor.Shape{n, own[0]}
			}
			if len(own) == 2 && b.yes("stack") {
				own = append(tensor.Shape{1}, own...)
			}
			operands := []string{b.operand(x, own), x}
			if right {
				slices.Reverse(operands)
				if q := b.g.Values[operands[1]].Quant; q != nil && len(own) == 3 && b.yes("per channel") {
					b.perChannel(q, own[2])
				}
			}
			b.add(graph.MatMul, nil, b.spread(x)*math.Sqrt(float64(last)), operands...)
			return
		}
	}
	if last > 0 {
		inputs, spread := b.weight(x, tensor.Shape{last, b.in(1, 9, "out")}, 1)
		b.add(graph.MatMul, nil, spread, inputs[:2]...)
	}
}

func (b *generator) pool(x string, _ tensor.Shape) {
	kernel := b.kernel()
	attrs := b.window(kernel)
	attrs["kernel_shape"] = kernel[:]
	attrs["ceil_mode"] = b.in(0, 1, "ceil")
	if b.yes("max") {
		b.add(graph.MaxPool, attrs, 0, x)
		return
	}
	attrs["count_include_pad"] = b.in(0, 1, "count pad")
	b.add(graph.AveragePool, attrs, b.spread(x), x)
}

func (b *generator) globalPool(x string, _ tensor.Shape) {
	b.add(graph.GlobalAveragePool, nil, b.spread(x)/2, x)
}

func (b *generator) pad(x string, shape tensor.Shape) {
	pads := make([]int, 8)
	for d := 1; d < 4; d++ {
		pads[d], pads[d+4] = b.in(0, 2, "pad"), b.in(0, 2, "pad")
	}
	attrs := graph.Attrs{"pads": pads, "mode": rapid.SampledFrom([]string{"constant", "reflect", "edge"}).Draw(b.T, "mode")}
	if b.yes("value") {
		attrs["value"] = float32(b.spread(x) / 3)
	}
	b.add(graph.Pad, attrs, 0, x)
}

func (b *generator) batchNorm(x string, shape tensor.Shape) {
	if b.codes {
		return
	}
	inputs := []string{x}
	for i := range 4 {
		v := make([]float32, shape[1])
		for c := range v {
			v[c] = float32(b.between(-100, 100)) / 100
			if i == 3 {
				v[c] = 0.1 + v[c]*v[c]
			}
		}
		name := fmt.Sprintf("bn%d.%d", b.n, i)
		b.g.AddConst(name, mustTensor(tensor.Shape{shape[1]}, v))
		inputs = append(inputs, name)
	}
	b.add(graph.BatchNormalization, nil, 0, inputs...)
}
