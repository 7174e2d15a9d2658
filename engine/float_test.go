package engine_test

import (
	"context"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/tensor"
)

func TestFloatNetworks(t *testing.T) {
	for name, g := range map[string]*graph.Graph{"resnet": resNet(1, 4), "vgg": vgg(16)} {
		t.Run(name, func(t *testing.T) {
			x := pictures(2, 3*32*32)
			batch := map[string]tensor.Tensor{"x": mustTensor(tensor.Shape{2, 3, 32, 32}, x)}
			want, err := graph.Eval(context.Background(), g, batch, nil)
			if err != nil {
				t.Fatal(err)
			}
			p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			y := make([]float32, 20)
			if err := p.Run(context.Background(), [][]float32{y}, [][]float32{x}); err != nil {
				t.Fatal(err)
			}
			reals, _ := want[g.Outputs[0]].Float32s()
			near(t, "logits", y, reals)
		})
	}
}

func BenchmarkResNet20Float(b *testing.B) { benchmark(b, resNet(3, 16)) }
func BenchmarkVGGFloat(b *testing.B)      { benchmark(b, vgg(1)) }

func benchmark(b *testing.B, g *graph.Graph) {
	p, err := engine.Compile(b.Context(), g, engine.Config{Threads: 1})
	if err != nil {
		b.Fatal(err)
	}
	x, y := pictures(1, 3*32*32), make([]float32, 10)
	for b.Loop() {
		if err := p.Run(context.Background(), [][]float32{y}, [][]float32{x}); err != nil {
			b.Fatal(err)
		}
	}
	seconds := b.Elapsed().Seconds() / float64(b.N)
	b.ReportMetric(1/seconds, "images/s")
	b.ReportMetric(float64(p.MACs())/seconds/1e9, "GMAC/s")
}
