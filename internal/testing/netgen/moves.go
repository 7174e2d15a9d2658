package netgen

import (
	"slices"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/tensor"
)

func (b *generator) concat(x string, shape tensor.Shape) {
	axis := b.in(1, len(shape)-1, "axis")
	inputs := []string{x}
	for _, y := range b.shuffled() {
		if s := b.shape(y); len(s) == len(shape) {
			same := true
			for d := range s {
				same = same && (d == axis || s[d] == shape[d])
			}
			if same && len(inputs) < 3 {
				inputs = append(inputs, y)
			}
		}
	}
	if b.in(0, 3, "constant") == 0 {
		own := append(tensor.Shape{1}, shape[1:]...)
		own[axis] = b.in(1, 3, "length")
		inputs = slices.Insert(inputs, b.in(0, 1, "place"), b.operand(x, own))
	}
	spread := 0.0
	if b.yes("other parameters") {
		spread = b.spread(x)
	}
	b.add(graph.Concat, graph.Attrs{"axis": axis}, spread, inputs...)
}

func (b *generator) slice(x string, shape tensor.Shape) {
	var starts, ends, axes, steps []int
	for d := 1; d < len(shape); d++ {
		if b.yes("slice") {
			starts, ends = append(starts, b.in(-shape[d], shape[d], "start")), append(ends, b.in(-shape[d], shape[d]+1, "end"))
			axes, steps = append(axes, d), append(steps, rapid.SampledFrom([]int{1, 1, 2, 3, -1, -2}).Draw(b.T, "step"))
		}
	}
	b.add(graph.Slice, graph.Attrs{"starts": starts, "ends": ends, "axes": axes, "steps": steps}, 0, x)
}

func (b *generator) transpose(x string, shape tensor.Shape) {
	rest := make([]int, len(shape)-1)
	for i := range rest {
		rest[i] = i + 1
	}
	b.add(graph.Transpose, graph.Attrs{"perm": append([]int{0}, rapid.Permutation(rest).Draw(b.T, "perm")...)}, 0, x)
}

func (b *generator) reshape(x string, shape tensor.Shape) {
	n, _ := shape[1:].Elements()
	switch b.in(0, 3, "reshape") {
	case 0:
		b.add(graph.Unsqueeze, graph.Attrs{"axes": []int{b.in(1, len(shape), "axis")}}, 0, x)
	case 1:
		b.add(graph.Squeeze, graph.Attrs{"axes": []int{b.in(1, len(shape)-1, "axis")}}, 0, x)
	case 2:
		var divisors []int
		for d := 1; d <= n; d++ {
			if n%d == 0 {
				divisors = append(divisors, d)
			}
		}
		c := rapid.SampledFrom(divisors).Draw(b.T, "channels")
		b.add(graph.Reshape, graph.Attrs{"shape": []int{0, c, -1, 1}}, 0, x)
	case 3:
		if len(shape) == 4 {
			b.add(graph.Reshape, graph.Attrs{"shape": []int{-1, shape[2], shape[1], shape[3]}}, 0, x)
		}
	}
}

func (b *generator) flatten(x string, shape tensor.Shape) {
	if b.add(graph.Flatten, nil, 0, x) && b.yes("gemm after") {
		y := b.values[len(b.values)-1]
		b.gemm(y, b.shape(y))
	}
}
