package engine_test

import (
	"context"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"linquant/engine"
	"linquant/graph"
	"linquant/internal/cpu"
	"linquant/internal/testing/netgen"
	"linquant/quant"
	"linquant/tensor"
)

// Every bit of dynamic networks is the reference evaluator's, for any thread count and division of the work.
func TestDynamic(t *testing.T) {
	often(t, func(t *rapid.T) { checkNetwork(t, drawInput(t, netgen.Dynamic(t)), sameReals) })
}

// sameReals compares bits; a NaN is a NaN.
func sameReals(*graph.Graph) func(name string, got, want tensor.Tensor) error { return sameRealBits }

func sameRealBits(name string, got, want tensor.Tensor) error {
	g, _ := got.Float32s()
	w, _ := want.Float32s()
	if !got.Shape.Equal(want.Shape) || len(g) != len(w) {
		return fmt.Errorf("%s has the shape %v, want %v", name, got.Shape, want.Shape)
	}
	for i := range w {
		if math.Float32bits(g[i]) != math.Float32bits(w[i]) && (g[i] == g[i] || w[i] == w[i]) {
			return fmt.Errorf("%s[%d] is %g (%#x), want %g (%#x)", name, i, g[i], math.Float32bits(g[i]), w[i], math.Float32bits(w[i]))
		}
	}
	return nil
}

// On every tier, with all steps divided between workers, for layers that are larger than blocks of rows and ranges.
func TestDynamicTiers(t *testing.T) {
	b := &builder{graph.New("dynamic"), 1}
	g := b.Graph
	g.AddInput("x", tensor.Shape{graph.Batch, 33, 40, 40})
	y := "x"
	for i, layer := range []struct {
		shape    tensor.Shape
		group    int
		unsigned bool
	}{
		{tensor.Shape{48, 33, 3, 3}, 1, false},
		{tensor.Shape{48, 1, 5, 5}, 48, true},
		{tensor.Shape{320, 48, 1, 1}, 1, true},
		{tensor.Shape{64, 80, 3, 3}, 4, false},
	} {
		y = dynamicConv(g, b, fmt.Sprint("layer", i), y, layer.shape, layer.group, layer.unsigned)
	}
	g.Outputs = []string{y}
	const batch = 2
	x := b.reals(batch*33*40*40, 3)
	x[7], x[33*1600+9] = float32(math.NaN()), 40
	size := []int{batch, 33, 40, 40}
	if testing.Short() {
		t.Skip("the reference takes a while")
	}
	want, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"x": mustTensor(size, x)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, tier := range cpu.Available() {
		for _, threads := range []int{1, 3} {
			p, err := engine.Compile(t.Context(), g, engine.Config{Threads: threads, CPU: tier.String()})
			if err != nil {
				t.Fatal(err)
			}
			if threads > 1 && engine.Divide(p) < 10 {
				t.Error("workers do not share the steps")
			}
			out := roomFor(p, batch)
			if err := p.Run(context.Background(), out, [][]float32{x}); err != nil {
				t.Fatal(err)
			}
			if err := sameRealBits(tier.String(), mustTensor(want[y].Shape, out[0]), want[y]); err != nil {
				t.Error(err)
			}
		}
	}
}

// dynamicConv appends a convolution with a kernel of random codes and a Relu.
func dynamicConv(g *graph.Graph, b *builder, name, x string, shape tensor.Shape, group int, unsigned bool) string {
	n, _ := shape.Elements()
	codes, scales := make([]int8, n), make([]float32, shape[0])
	for i := range codes {
		codes[i] = int8(int(127 * b.uniform()))
	}
	for i := range scales {
		scales[i] = 0.004 + 0.003*b.uniform()
	}
	p := quant.Params{Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel}, Scale: scales}
	if unsigned {
		p = quant.Params{Type: quant.Uint(8), Scale: scales[:1], ZeroPoint: []int32{117}}
		moved := make([]uint8, n)
		for i, c := range codes {
			moved[i] = uint8(c) ^ 0x80
		}
		g.AddConst(name+".w", mustTensor(shape, moved))
	} else {
		g.AddConst(name+".w", mustTensor(shape, codes))
	}
	g.Values[name+".w"].Quant = &p
	g.AddConst(name+".b", mustTensor(tensor.Shape{shape[0]}, b.reals(shape[0], 0.5)))
	pad := shape[2] / 2
	node := &graph.Node{
		Name: name, Op: graph.Conv, Inputs: []string{x, name + ".w", name + ".b"}, Outputs: []string{name + ".y"},
		Attrs: graph.Attrs{"pads": []int{pad, pad, pad, pad}, "group": group},
	}
	graph.SetDynamic(node)
	g.AddNode(graph.Conv, name, name+".y", node.Attrs, node.Inputs...)
	return g.AddNode(graph.Relu, name+".relu", name+".relu", nil, name+".y")
}

// The range of an input is that of all its elements, wherever the blocks that workers look at end.
func TestDynamicRange(t *testing.T) {
	const n = 2*4096 + 5
	for _, at := range []int{0, 4095, 4096, 8191, 8192, n - 1} {
		g := graph.New("range")
		g.AddInput("x", tensor.Shape{graph.Batch, n})
		w := make([]int8, n)
		for i := range w {
			w[i] = 1
		}
		weight, err := tensor.Of(tensor.Shape{n, 1}, w)
		if err != nil {
			t.Fatal(err)
		}
		g.AddConst("w", weight)
		g.Values["w"].Quant = &quant.Params{Type: quant.Int(8), Scale: []float32{1}}
		layer := &graph.Node{Op: graph.MatMul}
		graph.SetDynamic(layer)
		g.AddNode(graph.MatMul, "layer", "y", layer.Attrs, "x", "w")
		g.Outputs = []string{"y"}
		x := make([]float32, n)
		x[100], x[at] = 2, 510 // the scale is 2
		if y := run(t, g, engine.Config{Threads: 1}, x); y[0] != 512 {
			t.Errorf("the largest element is number %d: the sum is %g, want 512", at, y[0])
		}
	}
}
