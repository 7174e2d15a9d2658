package netgen

import (
	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/tensor"
)

// Wide returns a network of one convolution of codes, wide enough to be computed in padded lines where the processor
// does that, or nil for a kernel that is larger than the picture.
func Wide(t *rapid.T) *graph.Graph {
	b := begin(t, true)
	b.g.Requant = rapid.SampledFrom(conventions).Draw(t, "convention")
	channels := b.in(1, 80, "channels")
	b.g.AddInput("x", tensor.Shape{graph.Batch, channels, b.in(3, 7, "height"), b.in(18, 36, "width")})
	b.g.AddNode(graph.QuantizeLinear, "quantize", "x_quantized", nil, "x")
	b.g.Values["x_quantized"].Quant = b.params(1)
	b.values = []string{"x_quantized"}
	kernel := [2]int{b.in(1, 3, "kernel"), b.in(1, 3, "kernel")}
	attrs := b.window(kernel)
	attrs["strides"] = []int{1, 1}
	inputs, spread := b.weight("x_quantized", tensor.Shape{b.in(1, 40, "out"), channels, kernel[0], kernel[1]}, 0)
	if !b.add(graph.Conv, attrs, spread, inputs...) {
		return nil
	}
	b.g.Outputs = []string{b.last()}
	return b.g
}
