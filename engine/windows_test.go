package engine_test

import (
	"context"
	"math"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/tensor"
)

// Convolutions that leave out their padding give the bits of those that do not, whatever the weights and biases are.
func TestPaddingLeftOut(t *testing.T) {
	const size, in, out = 9, 16, 37
	inf, zero := float32(math.Inf(1)), float32(math.Copysign(0, -1))
	for name, change := range map[string]func(w, bias []float32){
		"ordinary":      func(_, _ []float32) {},
		"infinite":      func(w, _ []float32) { w[0] = inf },
		"NaN":           func(w, _ []float32) { w[len(w)-1] = float32(math.NaN()) },
		"negative zero": func(w, bias []float32) { clear(w); w[0] = -1e-45; bias[0] = zero },
		"vanishing":     func(w, bias []float32) { w[0] = -1e-45; clear(bias) },
	} {
		for _, stride := range []int{1, 2} {
			b := newBuilder("padding")
			b.AddInput("x", tensor.Shape{graph.Batch, in, size, size})
			b.Outputs = []string{b.conv("conv", "x", in, out, 3, stride)}
			w, _ := b.Values["conv.w"].Const.Float32s()
			bias, _ := b.Values["conv.b"].Const.Float32s()
			change(w, bias)
			b.Values["conv.w"].Const = ptr(mustTensor(tensor.Shape{out, in, 3, 3}, w))
			b.Values["conv.b"].Const = ptr(mustTensor(tensor.Shape{out}, bias))
			x := pictures(1, in*size*size)
			for i := range x {
				x[i] = max(x[i], 0) // many zeros
			}
			var want []float32
			for _, tier := range cpu.Available()[1:] {
				p, err := engine.Compile(t.Context(), b.Graph, engine.Config{Threads: 1, CPU: tier.String()})
				if err != nil {
					t.Fatal(err)
				}
				shape := p.Outputs()[0].Shape
				y := make([]float32, shape[0]*shape[1]*shape[2])
				if err := p.Run(context.Background(), [][]float32{y}, [][]float32{x}); err != nil {
					t.Fatal(err)
				}
				if want == nil {
					want = y
				}
				for i, v := range y {
					if math.Float32bits(v) != math.Float32bits(want[i]) && !(v != v && want[i] != want[i]) {
						t.Fatalf("%s, stride %d, %v: %g at %d, another tier has %g", name, stride, tier, v, i, want[i])
					}
				}
			}
		}
	}
}

func ptr[T any](v T) *T { return &v }
