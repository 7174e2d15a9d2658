package engine_test

import (
	"strings"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/tensor"
)

// What was never made is an error, and no panic.
func TestEmptyProgram(t *testing.T) {
	for name, p := range map[string]*engine.Program{"zero": {}, "nil": nil} {
		one := [][]float32{{1}}
		_, profile := p.Profile(t.Context(), one)
		for what, err := range map[string]error{
			"Run":          p.Run(t.Context(), nil, nil),
			"Run on one":   p.Run(t.Context(), one, one),
			"RunUint8":     p.RunUint8(t.Context(), nil, nil),
			"Trace":        p.Trace(t.Context(), nil, func(string, []float32) error { return nil }),
			"TraceTensors": p.TraceTensors(t.Context(), nil, func(string, tensor.Tensor) error { return nil }),
			"Profile":      profile,
		} {
			if err == nil || !strings.Contains(err.Error(), "engine.Compile") {
				t.Errorf("%s of a %s program: %v", what, name, err)
			}
		}
	}
}

// Compile refuses what is no graph, and numbers that cannot be.
func TestCompileRefuses(t *testing.T) {
	var g graph.Graph // the zero value is of use
	g.AddInput("x", tensor.Shape{graph.Batch, 2})
	g.AddNode(graph.Relu, "relu", "y", nil, "x")
	g.Outputs = []string{"y"}
	if _, err := engine.Compile(t.Context(), &g, engine.Config{}); err != nil {
		t.Error(err)
	}
	for name, c := range map[string]struct {
		g    *graph.Graph
		cfg  engine.Config
		text string
	}{
		"nil":     {nil, engine.Config{}, "there is no graph"},
		"empty":   {&graph.Graph{}, engine.Config{}, "no outputs"},
		"threads": {&g, engine.Config{Threads: -1}, "-1 threads"},
		"runs":    {&g, engine.Config{MaxRuns: -2}, "-2 runs"},
	} {
		if _, err := engine.Compile(t.Context(), c.g, c.cfg); err == nil || !strings.Contains(err.Error(), c.text) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
