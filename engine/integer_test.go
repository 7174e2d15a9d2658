package engine_test

import (
	"context"
	"fmt"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// Whole networks: the outputs must be those of the reference evaluator exactly, and near those of the float network.
func TestIntegerNetworks(t *testing.T) {
	x := pictures(1, 3*32*32)
	batch := map[string]tensor.Tensor{"x": mustTensor(tensor.Shape{1, 3, 32, 32}, x)}
	for name, float := range map[string]*graph.Graph{"resnet": resNet(1, 4), "vgg": vgg(16)} {
		reals := run(t, float, engine.Config{Threads: 1}, x)
		for _, c := range []quant.Convention{quant.ONNX, quant.Torch, quant.Fixed, quant.FixedDouble} {
			for _, unsigned := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s_%v_%v", name, c, unsigned), func(t *testing.T) {
					g := quantized(float, unsigned, c)
					want, err := graph.Eval(context.Background(), g, batch, nil)
					if err != nil {
						t.Fatal(err)
					}
					got := run(t, g, engine.Config{Threads: 1}, x)
					if err := sameElements("logits", mustTensor(tensor.Shape{1, 10}, got), want[g.Outputs[0]]); err != nil {
						t.Error(err)
					}
					if s := sqnr(got, reals); s < 20 {
						t.Errorf("SQNR %.1f dB to the float network", s)
					}
				})
			}
		}
	}
}

// run runs a network with one input and one output.
func run(t testing.TB, g *graph.Graph, cfg engine.Config, x []float32) []float32 {
	t.Helper()
	p, err := engine.Compile(t.Context(), g, cfg)
	if err != nil {
		t.Fatal(err)
	}
	in, _ := p.Inputs()[0].Shape.Elements()
	out := roomFor(p, len(x)/in)
	if err := p.Run(context.Background(), out, [][]float32{x}); err != nil {
		t.Fatal(err)
	}
	return out[0]
}

func BenchmarkResNet20Integer(b *testing.B) {
	benchmark(b, quantized(resNet(3, 16), true, quant.ONNX))
}
func BenchmarkVGGInteger(b *testing.B) { benchmark(b, quantized(vgg(1), true, quant.ONNX)) }

func BenchmarkCompileVGGInteger(b *testing.B) {
	g := quantized(vgg(1), true, quant.ONNX)
	for b.Loop() {
		if _, err := engine.Compile(b.Context(), g, engine.Config{}); err != nil {
			b.Fatal(err)
		}
	}
}
