package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/quant"
	"linquant/tensor"
)

// mixed is a network that has every step that workers share.
func mixed() *graph.Graph {
	b := newBuilder("mixed")
	b.AddInput("x", tensor.Shape{graph.Batch, 3, 32, 32})
	x := b.relu(b.conv("a", "x", 3, 16, 3, 2))
	b.AddConst("d.w", mustTensor(tensor.Shape{16, 1, 3, 3}, b.reals(16*9, 0.5)))
	b.AddConst("d.b", mustTensor(tensor.Shape{16}, b.reals(16, 0.1)))
	x = b.AddNode(graph.Conv, "d", "d.y", graph.Attrs{"pads": []int{1, 1, 1, 1}, "group": 16}, x, "d.w", "d.b")
	x = b.AddNode(graph.Clip, "clip", "clip", graph.Attrs{"min": float32(0), "max": float32(6)}, x)
	y := b.conv("p", x, 16, 16, 1, 1)
	x = b.AddNode(graph.HardSwish, "swish", "swish", nil, b.AddNode(graph.Add, "add", "add", nil, x, y))
	x = b.AddNode(graph.Mul, "mul", "mul", nil, x, y)
	x = b.AddNode(graph.MaxPool, "max", "max", graph.Attrs{
		"kernel_shape": []int{3, 3}, "strides": []int{2, 2}, "pads": []int{1, 1, 1, 1},
	}, x)
	x = b.AddNode(graph.AveragePool, "mean", "mean", graph.Attrs{"kernel_shape": []int{2, 2}, "strides": []int{2, 2}}, x)
	x = b.relu(b.conv("wide", x, 16, 128, 3, 1)) // more channels than pixels: shared by channels
	b.AddConst("g.w", mustTensor(tensor.Shape{128, 64, 1, 1}, b.reals(128*64, 0.1)))
	b.AddConst("g.b", mustTensor(tensor.Shape{128}, b.reals(128, 0.1)))
	x = b.AddNode(graph.Conv, "g", "g.y", graph.Attrs{"group": 2}, x, "g.w", "g.b")
	x = b.AddNode(graph.GlobalAveragePool, "pool", "pool", nil, x)
	x = b.AddNode(graph.Flatten, "flat", "flat", nil, x)
	b.Outputs = []string{b.gemm("fc", x, 128, 10)}
	return b.Graph
}

// someTiers are all tiers of this processor; where time is short, the first and the last.
func someTiers() []cpu.Tier {
	tiers := cpu.Available()
	if len(tiers) > 2 && (testing.Short() || raceEnabled) {
		return []cpu.Tier{tiers[0], tiers[len(tiers)-1]}
	}
	return tiers
}

// However the work is divided, the bits are the same.
func TestDivided(t *testing.T) {
	float := mixed()
	for name, g := range map[string]*graph.Graph{
		"float": float, "onnx": quantized(float, true, quant.ONNX), "fixed": quantized(float, false, quant.Fixed),
	} {
		for _, tier := range someTiers() {
			t.Run(fmt.Sprintf("%s/%v", name, tier), func(t *testing.T) {
				x := pictures(5, 3*32*32)
				want := run(t, g, engine.Config{Threads: 1, CPU: tier.String()}, x)
				for threads := 1; threads <= 4; threads++ {
					p, err := engine.Compile(t.Context(), g, engine.Config{Threads: threads, CPU: tier.String(), MaxRuns: 1})
					if err != nil {
						t.Fatal(err)
					}
					if n := engine.Divide(p); threads > 1 && n < 10 {
						t.Errorf("only %d steps are shared", n)
					}
					for batch := 1; batch <= 5; batch++ {
						y := make([]float32, batch*10)
						if err := p.Run(context.Background(), [][]float32{y}, [][]float32{x[:batch*3*32*32]}); err != nil {
							t.Fatal(err)
						}
						if !slices.Equal(y, want[:batch*10]) {
							t.Errorf("%d threads, batch %d: %v, want %v", threads, batch, y, want[:batch*10])
						}
					}
				}
			})
		}
	}
}

// Runs that want each other's memory, cancellations among them, end, and leave nothing behind.
func TestWorkersEnd(t *testing.T) {
	before := runtime.NumGoroutine()
	g := quantized(mixed(), true, quant.ONNX)
	x := pictures(3, 3*32*32)
	want := run(t, g, engine.Config{Threads: 1}, x)
	p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 3, MaxRuns: 2})
	if err != nil {
		t.Fatal(err)
	}
	engine.Divide(p)
	var wait sync.WaitGroup
	for i := range 8 {
		wait.Go(func() {
			for range 5 {
				ctx, cancel := context.WithCancel(context.Background())
				if i%2 == 0 {
					go cancel()
				}
				batch := 1 + i%3
				y := make([]float32, 10*batch)
				err := p.Run(ctx, [][]float32{y}, [][]float32{x[:batch*3*32*32]})
				if err == nil && !slices.Equal(y, want[:10*batch]) {
					t.Errorf("%v, want %v", y, want)
				}
				if err != nil && (i%2 != 0 || !errors.Is(err, context.Canceled)) {
					t.Error(err)
				}
				cancel()
			}
		})
	}
	wait.Wait()
	if n := engine.States(p); n > 6 {
		t.Errorf("memory for %d workers, want at most 6", n)
	}
	for range 100 { // those that cancel may not be gone yet
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}
