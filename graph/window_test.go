package graph_test

import (
	"testing"

	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/tensor"
)

// Span and Count say what a walk over every kernel position finds.
func TestWindowAgainstWalk(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		pair := func(label string, lo, hi int) []int {
			return rapid.SliceOfN(rapid.IntRange(lo, hi), 2, 2).Draw(rt, label)
		}
		kernel, size := pair("kernel", 1, 4), pair("size", 1, 9)
		attrs := graph.Attrs{
			"kernel_shape": kernel, "strides": pair("strides", 1, 4), "dilations": pair("dilations", 1, 3),
			"pads":      rapid.SliceOfN(rapid.IntRange(0, 3), 4, 4).Draw(rt, "pads"),
			"ceil_mode": rapid.IntRange(0, 1).Draw(rt, "ceil"), "count_include_pad": rapid.IntRange(0, 1).Draw(rt, "count"),
		}
		g := one(t, graph.AveragePool, attrs, tensor.Shape{graph.Batch, 1, size[0], size[1]})
		w, err := graph.WindowOf(g, g.Nodes[0], size[0], size[1])
		if err != nil {
			return // the kernel is larger than the input, or padding is all it sees
		}
		for y := range w.Out[0] {
			for x := range w.Out[1] {
				count := 1
				for axis, o := range []int{y, x} {
					inside, padded := 0, 0
					lo, hi := w.Span(axis, o, size[axis])
					for k := range kernel[axis] {
						at := o*w.Stride[axis] + k*w.Dilation[axis] - w.Pad[axis]
						in := at >= 0 && at < size[axis]
						if in != (k >= lo && k < hi) {
							rt.Fatalf("axis %d, output %d: position %d reads %d, and the span is [%d, %d)", axis, o, k, at, lo, hi)
						}
						if in {
							inside++
						}
						if at < size[axis]+w.Pad[axis+2] {
							padded++
						}
					}
					if w.CountPad {
						inside = padded
					}
					count *= inside
				}
				if got := w.Count(size[0], size[1], y, x); got != count {
					rt.Fatalf("output %d, %d divides by %d, want %d", y, x, got, count)
				}
			}
		}
	})
}
