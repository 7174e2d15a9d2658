package engine_test

import (
	"math"
	"testing"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/testing/kerneltest"
	"linquant/tensor"
)

// Means and sums of large pictures have the error of a few roundings, not one that grows with the picture (a naive sum of
// 512×512 is off by 100 and more): compared with float64, the same bits in every tier, with any number of threads and in any
// batch.
func TestMeansOfLargePictures(t *testing.T) {
	const channels, side, batch = 3, 512, 2
	plane := side * side
	x := make([]float32, batch*channels*plane)
	for i := range x {
		x[i] = float32(i*7919%10007)/10007 + 0.25
	}
	exact := make([]float64, batch*channels)
	for i := range exact {
		for _, v := range x[i*plane:][:plane] {
			exact[i] += float64(v)
		}
		exact[i] /= float64(plane)
	}
	whole := []int{side, side}
	for name, c := range map[string]struct {
		op    graph.Op
		attrs graph.Attrs
		scale float64
	}{
		"GlobalAveragePool": {graph.GlobalAveragePool, nil, 1},
		"AveragePool":       {graph.AveragePool, graph.Attrs{"kernel_shape": whole}, 1},
		"ReduceMean":        {graph.ReduceMean, graph.Attrs{"axes": []int{2, 3}}, 1},
		"ReduceSum":         {graph.ReduceSum, graph.Attrs{"axes": []int{2, 3}}, float64(plane)},
	} {
		t.Run(name, func(t *testing.T) {
			g := graph.New(name)
			g.AddInput("x", tensor.Shape{graph.Batch, channels, side, side})
			g.AddNode(c.op, "mean", "y", c.attrs, "x")
			g.Outputs = []string{"y"}
			var first []float32
			kerneltest.Each(t, func(t *testing.T, tier cpu.Tier) {
				for _, threads := range []int{1, 3} {
					p, err := engine.Compile(t.Context(), g, engine.Config{Threads: threads, CPU: tier.String()})
					if err != nil {
						t.Fatal(err)
					}
					y := make([]float32, batch*channels)
					if err := p.Run(t.Context(), [][]float32{y}, [][]float32{x}); err != nil {
						t.Fatal(err)
					}
					alone := make([]float32, channels)
					if err := p.Run(t.Context(), [][]float32{alone}, [][]float32{x[channels*plane:]}); err != nil {
						t.Fatal(err)
					}
					if first == nil {
						first = y
					}
					for i := range y {
						want := exact[i] * c.scale
						if d := math.Abs(float64(y[i])-want) / want; d > 0x1p-23 {
							t.Errorf("%d threads: element %d is %v, exactly %v: %.2g apart", threads, i, y[i], want, d)
						}
						if y[i] != first[i] || i >= channels && alone[i-channels] != y[i] {
							t.Errorf("%d threads: element %d depends on how it is computed", threads, i)
						}
					}
				}
			})
		})
	}
}
