package engine_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"linquant/engine"
	"linquant/quant"
)

// isBroken fails unless err names the step that was broken.
func isBroken(t *testing.T, how string, err error, step engine.Step) {
	t.Helper()
	var p *engine.PanicError
	switch {
	case !errors.As(err, &p) || !errors.Is(err, engine.ErrBroken):
		t.Errorf("%s: error %v, want that of a panic", how, err)
	case p.Step.Node != step.Node || !strings.Contains(err.Error(), fmt.Sprintf("%v node %q", step.Op, step.Node)):
		t.Errorf("%s: %v, and it was %v %q", how, err, step.Op, step.Node)
	case strings.Contains(err.Error(), "\n") || !strings.Contains(string(p.Stack), "export_test.go"):
		t.Errorf("%s: error %q, stack %s", how, err, p.Stack)
	}
}

// A step that panics is an error of whatever runs it, on any worker, and the program goes on after it.
func TestPanics(t *testing.T) {
	before := runtime.NumGoroutine()
	const batch = 5
	x := pictures(batch, 3*32*32)
	for name, g := range map[string]func() *engine.Program{
		"mixed": func() *engine.Program { return mustCompile(t, engine.Config{Threads: 3, KeepAll: true}) },
		"fused": func() *engine.Program { return mustCompile(t, engine.Config{Threads: 3}) },
		"alone": func() *engine.Program { return mustCompile(t, engine.Config{Threads: 1}) },
	} {
		whole := g()
		want := make([]float32, batch*10)
		if err := whole.Run(t.Context(), [][]float32{want}, [][]float32{x}); err != nil {
			t.Fatal(err)
		}
		steps := whole.Steps()
		for i, step := range steps {
			if i%3 != 0 && (testing.Short() || raceEnabled) && i != len(steps)-1 {
				continue
			}
			t.Run(fmt.Sprintf("%s/%d %s", name, i, step.Op), func(t *testing.T) {
				p := g()
				if name != "alone" {
					engine.Divide(p)
				}
				var on atomic.Bool
				engine.Break(p, i, &on)
				y := make([]float32, batch*10)
				for round := range 3 {
					on.Store(true)
					for _, n := range []int{1, batch} {
						how := fmt.Sprintf("round %d, batch %d", round, n)
						err := p.Run(context.Background(), [][]float32{y[:n*10]}, [][]float32{x[:n*3*32*32]})
						isBroken(t, how, err, step)
					}
					on.Store(false)
					engine.Poison(p)
					if err := p.Run(context.Background(), [][]float32{y}, [][]float32{x}); err != nil || !slices.Equal(y, want) {
						t.Errorf("after the panic %v, want %v: %v", y, want, err)
					}
				}
				on.Store(true)
				_, err := p.Profile(context.Background(), [][]float32{x})
				isBroken(t, "Profile", err, step)
				nothing := func(string, []float32) error { return nil }
				isBroken(t, "Trace", p.Trace(context.Background(), [][]float32{x}, nothing), step)
			})
		}
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(time.Millisecond)
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

// mustCompile compiles the network of every step that workers share.
func mustCompile(t *testing.T, cfg engine.Config) *engine.Program {
	t.Helper()
	p, err := engine.Compile(t.Context(), quantized(mixed(), true, quant.ONNX), cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// A panic while weights are packed is an error that names the node.
func TestPanicsInPacking(t *testing.T) {
	nodes := make([]string, 50)
	for i := range nodes {
		nodes[i] = fmt.Sprint("conv", i)
	}
	if err := engine.Pack(nodes, func(string) bool { return false }); err != nil {
		t.Error(err)
	}
	err := engine.Pack(nodes, func(node string) bool { return node == "conv33" || node == "conv40" })
	isBroken(t, "packing", err, engine.Step{Op: "Conv", Node: "conv33"})
}
