package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// windowed is a network of convolutions that kernels for windows take apart in different ways.
func windowed() *graph.Graph {
	b := newBuilder("windowed")
	b.AddInput("x", tensor.Shape{graph.Batch, 3, 32, 32})
	x := b.relu(b.conv("colours", "x", 3, 16, 3, 1)) // pixels of 3 channels in 4
	x = b.relu(b.conv("lines", x, 16, 12, 3, 1))     // lines of pixels
	x = b.relu(b.conv("stride", x, 12, 64, 3, 2))    // 16×16 pixels
	x = b.relu(b.conv("pairs", x, 64, 128, 3, 1))    // two examples at once
	x = b.relu(b.conv("few", x, 128, 5, 3, 2))       // 8×8 pixels
	x = b.relu(b.conv("odd", x, 5, 40, 5, 1))        // pixels of 5 channels in 8
	x = b.relu(b.conv("groups", x, 40, 72, 3, 2))    // four examples at once
	x = b.AddNode(graph.GlobalAveragePool, "pool", "pool", nil, x)
	x = b.AddNode(graph.Flatten, "flat", "flat", nil, x)
	b.Outputs = []string{b.gemm("fc", x, 72, 10)}
	return b.Graph
}

// Windows give the bits that panels in plain Go do: for one example and several, with values kept and not, however the
// work is divided.
func TestCodeWindows(t *testing.T) {
	const batch, elements, classes = 5, 3 * 32 * 32, 10
	x := pictures(batch, elements)
	for _, c := range []quant.Convention{quant.ONNX, quant.Torch} {
		g := quantized(windowed(), true, c)
		compile := func(t *testing.T, cfg engine.Config) *engine.Program {
			t.Helper()
			p, err := engine.Compile(t.Context(), g, cfg)
			if err != nil {
				t.Fatal(err)
			}
			return p
		}
		run := func(t *testing.T, p *engine.Program, batch int) []float32 {
			t.Helper()
			y := make([]float32, batch*classes)
			if err := p.Run(context.Background(), [][]float32{y}, [][]float32{x[:batch*elements]}); err != nil {
				t.Fatal(err)
			}
			return y
		}
		want := run(t, compile(t, engine.Config{CPU: "generic", Threads: 1}), batch)
		for _, tier := range someTiers() {
			for _, keepAll := range []bool{false, true} {
				for threads := 1; threads <= 2; threads++ {
					t.Run(fmt.Sprintf("%v/%v/keep=%v/%dthreads", c, tier, keepAll, threads), func(t *testing.T) {
						p := compile(t, engine.Config{CPU: tier.String(), Threads: threads, KeepAll: keepAll})
						if threads > 1 {
							engine.Divide(p)
						}
						for n := 1; n <= batch; n++ {
							if got := run(t, p, n); !slices.Equal(got, want[:len(got)]) {
								t.Errorf("batch %d: %v, want %v", n, got, want[:len(got)])
							}
							engine.Poison(p)
						}
					})
				}
			}
		}
	}
}
