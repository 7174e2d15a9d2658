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
	channels, kernel := b.in(1, 80, "channels"), [2]int{b.in(1, 3, "kernel"), b.in(1, 3, "kernel")}
	deep := rapid.Bool().Draw(t, "deep")
	if deep { // some processors do it with many products and bits alone
		b.leastBits = 7
		channels, kernel = rapid.SampledFrom([]int{16, 24, 47, 64}).Draw(t, "deep channels"), [2]int{3, 3}
	}
	b.g.AddInput("x", tensor.Shape{graph.Batch, channels, b.in(3, 7, "height"), b.in(18, 36, "width")})
	b.g.AddNode(graph.QuantizeLinear, "quantize", "x_quantized", nil, "x")
	b.g.Values["x_quantized"].Quant = b.params(1)
	b.values = []string{"x_quantized"}
	attrs := b.window(kernel)
	attrs["strides"] = []int{1, 1}
	if deep {
		attrs["dilations"] = []int{1, 1}
	}
	inputs, spread := b.weight("x_quantized", tensor.Shape{b.in(1, 40, "out"), channels, kernel[0], kernel[1]}, 0)
	if !b.add(graph.Conv, attrs, spread, inputs...) {
		return nil
	}
	b.g.Outputs = []string{b.last()}
	return b.g
}
