package graph_test

import (
	"testing"

	"linquant/graph"
	"linquant/tensor"
)

// The proof that accumulators stay within int32 reads every weight each time a network is compiled.
func BenchmarkStage(b *testing.B) {
	const channels, depth = 512, 512 * 9
	g := graph.New("bench")
	p := code{8, true, 0.1, 128}
	g.AddInput("x", tensor.Shape{graph.Batch, depth})
	quantize(g, "x", p.params())
	g.AddConst("w", of(b, tensor.Shape{channels, depth}, pseudoCodes[int8](channels*depth, 1, -127, 127)))
	scales := make([]float32, channels)
	for i := range scales {
		scales[i] = 0.01
	}
	quantize(g, "w", perChannel(8, scales...))
	g.Outputs = []string{g.AddNode(graph.Gemm, "fc", "y", graph.Attrs{"transB": 1}, "x", "w")}
	quantize(g, "y", p.params())
	b.SetBytes(channels * depth)
	for b.Loop() {
		if _, err := graph.Stage(g, g.Nodes[0]); err != nil {
			b.Fatal(err)
		}
	}
}

// One convolution of the reference evaluator: 16 channels of 32×32 by 3×3, 2.4 million multiplications.
func BenchmarkEvalConv(b *testing.B) {
	n := newNet(b, 16, 32, 32)
	g := n.outputs(n.conv("conv", "x", 16, 16, 1, true))
	x := of(b, tensor.Shape{1, 16, 32, 32}, pseudo(16*32*32, 1, -128))
	for b.Loop() {
		if _, err := graph.Eval(b.Context(), g, map[string]tensor.Tensor{"x": x}, nil); err != nil {
			b.Fatal(err)
		}
	}
}
