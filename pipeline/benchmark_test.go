package pipeline

import (
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/tensor"
)

// The first numbers of splitmix64 with the seed 0 are e220a8397b1dcdaf, 6e789e6aa1b965f4 and 06c45d188009454f in its
// author's program (prng.di.unimi.it/splitmix64.c); a float has the upper 24 bits.
func TestFillUniform(t *testing.T) {
	x := make([]float32, 3)
	fillUniform(x, 0)
	if want := [3]float32{0xe220a8p-24, 0x6e789ep-24, 0x06c45dp-24}; [3]float32(x) != want {
		t.Errorf("%v, want %v", x, want)
	}
}

// Inputs of integers are 1: an index that every table has.
func TestBenchmarkIntegers(t *testing.T) {
	g := graph.New("ids")
	g.AddInput("ids", tensor.Shape{graph.Batch, 3})
	g.Values["ids"].DType = tensor.Int64
	table, err := tensor.Of(tensor.Shape{2, 2}, []float32{1, 2, 3, 4})
	if err != nil {
		t.Fatal(err)
	}
	g.AddConst("table", table)
	g.Outputs = []string{g.AddNode(graph.Gather, "embed", "y", graph.Attrs{"axis": 0}, "table", "ids")}
	m, err := CompileGraph(t.Context(), g, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.Benchmark(t.Context(), 2, 1, 0); err != nil {
		t.Error(err)
	}
}
