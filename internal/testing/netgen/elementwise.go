package netgen

import (
	"slices"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/tensor"
)

func (b *generator) clamp(x string, _ tensor.Shape) {
	spread := 0.0
	if b.in(0, 3, "other parameters") == 0 {
		spread = b.spread(x)
	}
	if b.yes("relu") {
		b.add(graph.Relu, nil, spread, x)
		return
	}
	attrs := graph.Attrs{}
	reach := b.spread(x)
	if b.yes("min") {
		attrs["min"] = float32(reach * float64(b.in(-10, 4, "min")) / 10)
	}
	if b.yes("max") {
		attrs["max"] = float32(reach * float64(b.in(0, 12, "max")) / 10)
	}
	b.add(graph.Clip, attrs, spread, x)
}

func (b *generator) same(x string, _ tensor.Shape) {
	b.add(rapid.SampledFrom([]graph.Op{graph.Identity, graph.Dropout}).Draw(b.T, "unary"), nil, 0, x)
}

func (b *generator) pair(x string, _ tensor.Shape) {
	op := rapid.SampledFrom([]graph.Op{graph.Add, graph.Add, graph.Mul}).Draw(b.T, "op")
	for _, y := range b.shuffled() {
		spread := b.spread(x) + b.spread(y)
		if op == graph.Mul {
			spread = b.spread(x) * b.spread(y)
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

func (b *generator) shuffled() []string {
	return rapid.Permutation(slices.Clone(b.values)).Draw(b.T, "order")
}

func (b *generator) constantPair(x string, shape tensor.Shape) {
	own := slices.Clone(shape[1:])
	for d := range own {
		if b.yes("broadcast") {
			own[d] = 1
		}
	}
	if b.yes("batch dimension") {
		own = append(tensor.Shape{1}, own...)
	} else if b.yes("fewer dimensions") {
		own = own[len(own)/2:]
	}
	name := b.operand(x, own)
	operands := []string{x, name}
	if b.yes("constant first") {
		operands = []string{name, x}
	}
	b.add(rapid.SampledFrom([]graph.Op{graph.Add, graph.Mul}).Draw(b.T, "op"), nil, b.spread(x)*1.5, operands...)
}

func (b *generator) softmax(x string, shape tensor.Shape) {
	axis := graph.Attrs{"axis": b.in(1, len(shape)-1, "axis")}
	if !b.codes {
		b.add(graph.Softmax, axis, 0, x)
		return
	}
	if b.in(0, 2, "island") != 0 {
		return
	}
	b.codes = false
	ok := b.add(graph.DequantizeLinear, nil, 0, x) && b.add(graph.Softmax, axis, 0, b.values[len(b.values)-1])
	b.codes = true
	if !ok {
		panic("softmax")
	}
	y := b.values[len(b.values)-1]
	b.values = b.values[:len(b.values)-2]
	b.add(graph.QuantizeLinear, nil, 1, y)
}
