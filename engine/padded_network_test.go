package engine_test

import (
	"testing"

	"pgregory.net/rapid"

	"linquant/engine"
	"linquant/graph"
	"linquant/tensor"
)

// Convolutions that are wide enough to be computed in padded lines, where the processor does that, against the
// reference evaluator.
func TestWideConvolutions(t *testing.T) {
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		b := &generator{T: t, g: graph.New("wide"), codes: true, seed: rapid.Uint64().Draw(t, "seed")}
		b.g.Requant = rapid.SampledFrom(conventions).Draw(t, "convention")
		channels := b.in(1, 80, "channels")
		shape := tensor.Shape{graph.Batch, channels, b.in(3, 7, "height"), b.in(18, 36, "width")}
		b.g.AddInput("x", shape)
		b.g.AddNode(graph.QuantizeLinear, "quantize", "x_quantized", nil, "x")
		b.g.Values["x_quantized"].Quant = b.params(1)
		b.values = []string{"x_quantized"}
		kernel := [2]int{b.in(1, 3, "kernel"), b.in(1, 3, "kernel")}
		attrs := b.window(kernel)
		attrs["strides"] = []int{1, 1}
		inputs, spread := b.weight("x_quantized", tensor.Shape{b.in(1, 40, "out"), channels, kernel[0], kernel[1]}, 0)
		if !b.add(graph.Conv, attrs, spread, inputs...) {
			t.Skip("a kernel larger than the picture")
		}
		b.g.Outputs = []string{b.values[len(b.values)-1]}
		p, err := engine.Compile(b.g, engine.Config{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		seen += engine.Padded(p)
		checkNetwork(t, drawInput(t, b.g), sameCodes)
	})
	if engine.PadsLines() && seen == 0 {
		t.Error("none was computed in padded lines")
	}
	t.Logf("%d in padded lines", seen)
}
