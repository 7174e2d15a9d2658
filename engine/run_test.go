package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/quant"
	"linquant/tensor"
)

// networks are one of each world.
func networks() map[string]*graph.Graph {
	float := resNet(1, 4)
	return map[string]*graph.Graph{"float": float, "integer": quantized(float, true, quant.ONNX)}
}

// The batch and the threads change nothing.
func TestBatchesAndThreads(t *testing.T) {
	for name, g := range networks() {
		t.Run(name, func(t *testing.T) {
			x := pictures(9, 3*32*32)
			want := run(t, g, engine.Config{Threads: 1}, x)
			for threads := 1; threads <= 4; threads++ {
				p, err := engine.Compile(t.Context(), g, engine.Config{Threads: threads})
				if err != nil {
					t.Fatal(err)
				}
				for batch := 0; batch <= 9; batch++ {
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

// Every tier of this processor gives the same codes.
func TestTiers(t *testing.T) {
	g := quantized(resNet(1, 4), true, quant.ONNX)
	x := pictures(1, 3*32*32)
	want := run(t, g, engine.Config{CPU: cpu.Generic.String()}, x)
	for _, tier := range cpu.Available() {
		if got := run(t, g, engine.Config{CPU: tier.String()}, x); !slices.Equal(got, want) {
			t.Errorf("%v: %v, want %v", tier, got, want)
		}
	}
}

// Many goroutines share one program that has memory for two of their runs.
func TestConcurrentRuns(t *testing.T) {
	for name, g := range networks() {
		t.Run(name, func(t *testing.T) {
			x := pictures(3, 3*32*32)
			want := run(t, g, engine.Config{Threads: 1}, x)
			p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 2, MaxRuns: 1})
			if err != nil {
				t.Fatal(err)
			}
			var wait sync.WaitGroup
			for range 8 {
				wait.Go(func() {
					y := make([]float32, 30)
					for range 3 {
						clear(y)
						if err := p.Run(context.Background(), [][]float32{y}, [][]float32{x}); err != nil {
							t.Error(err)
						}
						if !slices.Equal(y, want) {
							t.Errorf("%v, want %v", y, want)
						}
					}
				})
			}
			wait.Wait()
			if n := engine.States(p); n > 2 {
				t.Errorf("memory for %d workers, want at most 2", n)
			}
		})
	}
}

func TestRunDoesNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	for name, g := range networks() {
		t.Run(name, func(t *testing.T) {
			p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			x, y := [][]float32{pictures(2, 3*32*32)}, [][]float32{make([]float32, 20)}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			allocs := testing.AllocsPerRun(10, func() {
				if err := p.Run(ctx, y, x); err != nil {
					t.Fatal(err)
				}
			})
			if allocs != 0 {
				t.Errorf("%v allocations a run", allocs)
			}
		})
	}
}

// Whatever is in the memory of a worker before a run, the results are the same: nothing is read that was not written.
func TestMemoryIsWrittenBeforeItIsRead(t *testing.T) {
	for name, g := range networks() {
		t.Run(name, func(t *testing.T) {
			x := pictures(1, 3*32*32)
			want := run(t, g, engine.Config{Threads: 1}, x)
			p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				y := make([]float32, 10)
				if err := p.Run(context.Background(), [][]float32{y}, [][]float32{x}); err != nil {
					t.Fatal(err)
				}
				if !slices.Equal(y, want) {
					t.Fatalf("%v, want %v", y, want)
				}
				engine.Poison(p)
			}
		})
	}
}

func TestCancel(t *testing.T) {
	g := resNet(1, 4)
	x := pictures(4, 3*32*32)
	for _, threads := range []int{1, 3} {
		p, err := engine.Compile(t.Context(), g, engine.Config{Threads: threads, MaxRuns: 1, KeepAll: true})
		if err != nil {
			t.Fatal(err)
		}
		y := [][]float32{make([]float32, 40)}
		ctx, cancel := context.WithCancel(context.Background())
		stop := fmt.Errorf("enough")
		calls := 0
		err = p.Trace(ctx, [][]float32{x}, func(string, []float32) error {
			if calls++; calls == 2 {
				cancel()
				return stop
			}
			return nil
		})
		if !errors.Is(err, stop) || calls != 2 {
			t.Errorf("Trace: %v after %d calls", err, calls)
		}
		if err := p.Run(ctx, y, [][]float32{x}); !errors.Is(err, context.Canceled) {
			t.Errorf("Run: %v", err)
		}
		if err := p.Trace(ctx, [][]float32{x}, func(string, []float32) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("Trace: %v", err)
		}
		if _, err := p.Profile(ctx, [][]float32{x}); !errors.Is(err, context.Canceled) {
			t.Errorf("Profile: %v", err)
		}

		// A run that waits for memory gives up when its context is done.
		release := engine.Occupy(p)
		ctx, cancel = context.WithCancel(context.Background())
		done := make(chan error)
		go func() { done <- p.Run(ctx, y, [][]float32{x}) }()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("a waiting Run: %v", err)
		}
		release()
		if err := p.Run(context.Background(), y, [][]float32{x}); err != nil {
			t.Errorf("after cancellations: %v", err)
		}
	}
}

// Trace shows each kept value of each example in order, on any number of threads alike.
func TestTraceOrder(t *testing.T) {
	g := quantized(resNet(1, 4), false, quant.ONNX)
	x := pictures(5, 3*32*32)
	keep := []string{"x", "stem.y_quantized", "flat_quantized", "fc.y"}
	type shown struct {
		name string
		x    []float32
	}
	var want []shown
	for threads := 1; threads <= 3; threads++ {
		p, err := engine.Compile(t.Context(), g, engine.Config{Threads: threads, Keep: keep})
		if err != nil {
			t.Fatal(err)
		}
		var got []shown
		err = p.Trace(context.Background(), [][]float32{x}, func(name string, x []float32) error {
			got = append(got, shown{name, slices.Clone(x)})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != 5*len(keep) {
			t.Fatalf("%d values, want %d of each of 5 examples", len(got), len(keep))
		}
		for i, s := range got {
			if s.name != keep[i%len(keep)] {
				t.Errorf("value %d is %s, want %s", i, s.name, keep[i%len(keep)])
			}
			if s.name == "x" && !slices.Equal(s.x, x[i/len(keep)*3*32*32:][:3*32*32]) {
				t.Errorf("the input of example %d is not what was given", i/len(keep))
			}
			if want != nil && !slices.Equal(s.x, want[i].x) {
				t.Errorf("%d threads: %s differs", threads, s.name)
			}
		}
		want = got
	}
}

func TestProfile(t *testing.T) {
	p, err := engine.Compile(t.Context(), resNet(1, 4), engine.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	times, err := p.Profile(context.Background(), [][]float32{pictures(2, 3*32*32)})
	if err != nil {
		t.Fatal(err)
	}
	steps, macs := p.Steps(), int64(0)
	if len(times) != len(steps) {
		t.Fatalf("%d times for %d steps", len(times), len(steps))
	}
	for i, s := range times {
		macs += s.MACs
		if s.Node != steps[i].Node || s.Elapsed <= 0 {
			t.Errorf("step %d: %+v", i, s)
		}
	}
	want, err := graph.MACs(resNet(1, 4))
	if err != nil || macs != want || p.MACs() != want {
		t.Errorf("%d and %d MACs, want %d (%v)", macs, p.MACs(), want, err)
	}
}

// A kept value that is another one under a new name is shown before anything is written over it.
func TestTraceOfRenamed(t *testing.T) {
	for at := 1; at <= 4; at++ { // where the Reshape stands
		g := graph.New("renamed")
		g.AddInput("x", tensor.Shape{graph.Batch, 2})
		g.AddNode(graph.Sigmoid, "s", "a", nil, "x")
		g.AddNode(graph.Neg, "l", "b", nil, "a")
		g.AddNode(graph.HardSwish, "h", "c", nil, "b")
		g.AddNode(graph.HardSwish, "i", "e", nil, "c")
		g.AddNode(graph.Reshape, "r", "d", graph.Attrs{"shape": []int{0, 1, 2}}, "a")
		g.Nodes = slices.Insert(g.Nodes[:4:4], at, g.Nodes[4])
		g.Outputs = []string{"e"}
		p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1, KeepAll: true})
		if err != nil {
			t.Fatal(err)
		}
		shown := map[string][]float32{}
		err = p.Trace(context.Background(), [][]float32{{1, -1}}, func(name string, x []float32) error {
			shown[name] = slices.Clone(x)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(shown["a"], shown["d"]) || len(shown) != 5 {
			t.Errorf("%d: %v: a and d are the same values", at, shown)
		}
	}
}
