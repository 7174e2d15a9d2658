package engine_test

import (
	"context"
	"errors"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/testing/looks"
	"linquant/tensor"
)

// A step that takes long in itself ends with the context of the run, whose error that is, and the program is as good as before.
func TestReferenceEndsWithContext(t *testing.T) {
	const rows, columns = 1000, 1500
	for _, c := range []struct {
		op    graph.Op
		attrs graph.Attrs
	}{
		{graph.CumSum, graph.Attrs{"axis": 2}},
		{graph.ArgMax, graph.Attrs{"axis": 1}},
		{graph.TopK, graph.Attrs{"axis": 2, "k": 1}},
	} {
		g := graph.New("long")
		g.AddInput("x", tensor.Shape{graph.Batch, rows, columns})
		g.Outputs = []string{g.AddNode(c.op, "node", "y", c.attrs, "x")}
		p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		n, err := p.Outputs()[0].Shape.Elements()
		if err != nil {
			t.Fatal(err)
		}
		x, y := [][]float32{make([]float32, rows*columns)}, [][]float32{make([]float32, n)}
		if err := p.Run(looks.After(t.Context(), 4), y, x); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: error %v, want that of the context", c.op, err)
		}
		if err := p.Run(t.Context(), y, x); err != nil {
			t.Errorf("%s, again: %v", c.op, err)
		}
	}
}
