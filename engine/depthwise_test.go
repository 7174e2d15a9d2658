package engine_test

import (
	"fmt"
	"math"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// Depthwise convolutions round by every convention as the reference evaluator does: of channels that fill panels of sums, of
// more and of fewer, lines longer than are summed at once, strides, dilations and pads.
func TestDepthwiseConventions(t *testing.T) {
	for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble} {
		for _, channels := range []int{5, 16, 40} {
			t.Run(fmt.Sprintf("%v/%d", c, channels), func(t *testing.T) {
				b := newBuilder("depthwise")
				b.AddInput("x", tensor.Shape{graph.Batch, 3, 6, 70})
				depthwise := func(name, x string, k, stride, dilation int) string {
					b.AddConst(name+".w", mustTensor(tensor.Shape{channels, 1, k, k}, b.reals(channels*k*k, math.Sqrt(6/float64(k*k)))))
					b.AddConst(name+".b", mustTensor(tensor.Shape{channels}, b.reals(channels, 0.1)))
					pad := k / 2 * dilation
					return b.AddNode(graph.Conv, name, name+".y", graph.Attrs{
						"strides": []int{stride, stride}, "pads": []int{pad, pad, pad, pad}, "dilations": []int{dilation, dilation}, "group": channels,
					}, x, name+".w", name+".b")
				}
				x := b.conv("stem", "x", 3, channels, 1, 1)
				x = b.relu(depthwise("a", x, 3, 1, 1))
				x = depthwise("b", x, 5, 1, 2)
				b.Outputs = []string{depthwise("c", x, 3, 2, 1)}
				checkGraph(t, quantized(b.Graph, true, c), 2, func(*engine.Program) {})
			})
		}
	}
}
