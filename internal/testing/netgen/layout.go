package netgen

import (
	"slices"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/tensor"
)

// What makes an engine that decides twice how a value lies give wrong numbers: elements that are taken as they lie, on
// the way from a reshape to an operator for which it matters where they are.

// reshaped makes three dimensions of a value, mostly the first one, goes through functions of its elements, and ends in
// an operator that tells one order from another.
func (b *generator) reshaped(x string, shape tensor.Shape) {
	if b.in(0, 2, "another value") > 0 {
		x = b.values[0]
		shape = b.shape(x)
	}
	n, _ := shape[1:].Elements()
	channels := b.divisor(n, "channels")
	height := b.divisor(n/channels, "height")
	if !b.add(graph.Reshape, graph.Attrs{"shape": []int{0, channels, height, n / channels / height}}, 0, x) {
		return
	}
	b.elementwise()
	for b.in(0, 2, "more functions") == 0 {
		b.elementwise()
	}
	if b.exact {
		exact := []func(string, tensor.Shape){b.norm, b.transpose, b.rearranged, b.softmax, b.slice, b.concat, func(string, tensor.Shape) {}}
		exact[b.in(0, len(exact)-1, "end")](b.last(), b.shape(b.last()))
		return
	}
	ends := []func(string, tensor.Shape){
		b.flatten, b.flatten, b.norm, b.heads, b.heads, b.transpose, b.rearranged, b.softmax, b.matMul, b.conv, b.slice, b.concat,
		b.reduction, func(string, tensor.Shape) {},
	}
	ends[b.in(0, len(ends)-1, "end")](b.last(), b.shape(b.last()))
}

// rearranged cuts the dimensions of a value, exchanges what comes out and joins it again, once or twice: shuffles of channels, pixels
// that become channels, pictures that become rows.
func (b *generator) rearranged(x string, shape tensor.Shape) {
	n, _ := shape[1:].Elements()
	for range b.in(1, 2, "exchanges") {
		cut := []int{0}
		for _, d := range b.shape(x)[1:] {
			if outer := b.divisor(d, "cut"); len(cut) < 4 && b.yes("cut") {
				cut = append(cut, outer, d/outer)
			} else {
				cut = append(cut, d)
			}
		}
		if !b.add(graph.Reshape, graph.Attrs{"shape": cut}, 0, x) {
			return
		}
		b.transpose(b.last(), b.shape(b.last()))
		x = b.last()
	}
	switch b.in(0, 3, "end") {
	case 0:
		b.add(graph.Flatten, nil, 0, x)
	case 1:
		rows := b.divisor(n, "rows")
		b.add(graph.Reshape, graph.Attrs{"shape": []int{0, rows, n / rows}}, 0, x)
	default:
		channels := b.divisor(n, "channels")
		height := b.divisor(n/channels, "height")
		b.add(graph.Reshape, graph.Attrs{"shape": []int{0, channels, height, n / channels / height}}, 0, x)
	}
}

// branches takes channels of a picture apart, computes on some of them, and joins them again, as ShuffleNet, SqueezeNet and DenseNet do.
func (b *generator) branches(x string, shape tensor.Shape) {
	part := func(from, to int) string {
		if from == 0 && to == shape[1] || !b.add(graph.Slice, graph.Attrs{"starts": []int{from}, "ends": []int{to}, "axes": []int{1}}, 0, x) {
			return x
		}
		return b.last()
	}
	cut := b.in(1, shape[1], "cut")
	parts := []string{part(0, cut), part(min(b.in(0, cut, "from"), shape[1]-1), shape[1])}
	for i, y := range parts {
		switch b.in(0, 4, "branch") {
		case 0:
		case 1:
			b.conv(y, b.shape(y))
			parts[i] = b.last()
		default:
			inputs, spread := b.weight(y, tensor.Shape{b.in(1, 9, "out"), b.shape(y)[1], 1, 1}, 0)
			if b.add(graph.Conv, graph.Attrs{}, spread, inputs...) {
				parts[i] = b.last()
			}
		}
		if b.in(0, 3, "clamp") == 0 && b.codes == (b.g.Values[parts[i]].Quant != nil) {
			b.clamp(parts[i], b.shape(parts[i]))
			parts[i] = b.last()
		}
	}
	if b.in(0, 3, "three") == 0 {
		parts = append(parts, x)
	}
	spread := 0.0
	if b.in(0, 3, "other parameters") == 0 {
		spread = b.spread(x)
	}
	if b.add(graph.Concat, graph.Attrs{"axis": 1}, spread, parts...) && b.in(0, 2, "deeper") == 0 {
		b.branches(b.last(), b.shape(b.last()))
	}
}

// divisor draws one of n, more often one in the middle.
func (b *generator) divisor(n int, what string) int {
	var all []int
	for d := 1; d <= n; d++ {
		if n%d == 0 {
			all = append(all, d)
		}
	}
	if len(all) > 2 && b.in(0, 4, "any divisor") > 0 {
		all = all[1 : len(all)-1]
	}
	return rapid.SampledFrom(all).Draw(b.T, what)
}

// elementwise applies something to each element of the last value.
func (b *generator) elementwise() {
	all := []func(string, tensor.Shape){b.same, b.function, b.function, b.clamp, b.number, b.constantPair, b.pair}
	all[b.in(0, len(all)-1, "function")](b.last(), b.shape(b.last()))
}

// heads is attention written by hand: tokens are cut into heads, scaled, multiplied with each other and normalized, and
// weigh themselves. A value of three dimensions is taken for heads that are there already.
func (b *generator) heads(x string, shape tensor.Shape) {
	switch len(shape) {
	case 3:
		count := b.divisor(shape[2], "heads")
		if !b.add(graph.Reshape, graph.Attrs{"shape": []int{0, shape[1], count, shape[2] / count}}, 0, x) {
			return
		}
		x = b.last()
	case 4:
	default:
		return
	}
	if b.yes("scaled") {
		b.number(x, tensor.Shape{graph.Batch})
		x = b.last()
	}
	if len(b.shape(x)) != 4 || !b.add(graph.Transpose, graph.Attrs{"perm": []int{0, 2, 1, 3}}, 0, x) {
		return
	}
	query := b.last()
	if !b.add(graph.Transpose, graph.Attrs{"perm": []int{0, 2, 3, 1}}, 0, x) ||
		!b.add(graph.MatMul, nil, b.spread(x), query, b.last()) {
		return
	}
	scores := b.last()
	b.softmax(scores, b.shape(scores))
	if !slices.Equal(b.shape(b.last()), b.shape(scores)) || !b.add(graph.MatMul, nil, b.spread(x), b.last(), query) {
		return
	}
	if b.yes("joined") && b.add(graph.Transpose, graph.Attrs{"perm": []int{0, 2, 1, 3}}, 0, b.last()) {
		s := b.shape(b.last())
		b.add(graph.Reshape, graph.Attrs{"shape": []int{0, s[1], s[2] * s[3]}}, 0, b.last())
	}
}
