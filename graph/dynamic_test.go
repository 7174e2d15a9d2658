package graph_test

import (
	"math"
	"slices"
	"testing"

	"linquant/graph"
	"linquant/internal/integer"
	"linquant/quant"
	"linquant/tensor"
)

// Scales, zero points and codes are those of ONNX Runtime's DynamicQuantizeLinear (testdata/make_dynamic.py).
func TestDynamicCodes(t *testing.T) {
	var cases []struct {
		X           []uint32 // bits of float32
		Codes       []int32
		Scale, Zero uint32
	}
	readJSON(t, "testdata/dynamic.json", &cases)
	for _, c := range cases {
		n := len(c.X)
		x, lo, hi := make([]float32, n), float32(0), float32(0)
		identity := make([]int8, n*n)
		for i, b := range c.X {
			x[i] = math.Float32frombits(b)
			lo, hi = min(lo, x[i]), max(hi, x[i])
			identity[i*n+i] = 1
		}
		if lo != lo { // ONNX's scale is NaN, of which ONNX Runtime makes what its vectors do
			g := dynamicMatrix(t, n, n, identity, quant.Params{Type: quant.Int(8), Scale: []float32{1}})
			for i, v := range floats(t, eval(t, g, map[string]tensor.Tensor{"x": of(t, tensor.Shape{1, n}, x)})) {
				if v == v {
					t.Errorf("%v: element %d is %g, want NaN", x, i, v)
				}
			}
			continue
		}
		scale, zeroPoint := integer.Dynamic(lo, hi)
		if math.Float32bits(scale) != c.Scale || zeroPoint != int32(c.Zero) {
			t.Errorf("%v: scale %g and zero point %d, want %g and %d", x, scale, zeroPoint, math.Float32frombits(c.Scale), c.Zero)
			continue
		}
		g := dynamicMatrix(t, n, n, identity, quant.Params{Type: quant.Int(8), Scale: []float32{1}})
		y := floats(t, eval(t, g, map[string]tensor.Tensor{"x": of(t, tensor.Shape{1, n}, x)}))
		for i, code := range c.Codes {
			if want := float32(code-zeroPoint) * scale; y[i] != want {
				t.Errorf("%v: element %d is %g, want %g, code %d", x, i, y[i], want, code)
			}
		}
	}
}

// dynamicMatrix returns a network of one dynamic MatMul of x [batch, depth] by codes [depth, channels].
func dynamicMatrix(t *testing.T, depth, channels int, codes []int8, p quant.Params) *graph.Graph {
	t.Helper()
	g := graph.New("dynamic")
	g.AddInput("x", tensor.Shape{graph.Batch, depth})
	g.AddConst("w", of(t, tensor.Shape{depth, channels}, codes))
	g.Values["w"].Quant = &p
	n := &graph.Node{Op: graph.MatMul}
	graph.SetDynamic(n)
	g.AddNode(graph.MatMul, "layer", "y", n.Attrs, "x", "w")
	g.Outputs = []string{"y"}
	return g
}

// Each example has its own range, and each step is rounded: ((sum of integers) · (scale of input · scale of weight)) + bias.
func TestDynamicLayer(t *testing.T) {
	g := dynamicMatrix(t, 2, 2, []int8{3, -4, 5, 7}, quant.Params{
		Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel, Axis: 1}, Scale: []float32{0.1, 0.3}, ZeroPoint: []int32{1, -2},
	})
	g.Nodes[0].Op = graph.Gemm
	g.AddConst("b", of(t, tensor.Shape{2}, []float32{0.7, -0.9}))
	g.Nodes[0].Inputs = append(g.Nodes[0].Inputs, "b")
	y := floats(t, eval(t, g, map[string]tensor.Tensor{"x": of(t, tensor.Shape{3, 2}, []float32{255, 100, -2, 0.55, 0, 0})}))
	sum := func(a, b, c int32, scale, weight, bias float32) float32 {
		product := float32(scale * weight)
		scaled := float32(float32(a*b+c) * product)
		return scaled + bias
	}
	// 255 and 100 are codes 255 and 100 with scale 1; −2 and 0.55 have scale 0.01, zero point 200 and codes 0 and 255.
	s := float32(0.55+2) / 255
	want := []float32{
		sum(255, 2, 100*4, 1, 0.1, 0.7), sum(255, -2, 100*9, 1, 0.3, -0.9),
		sum(-200, 2, 55*4, s, 0.1, 0.7), sum(-200, -2, 55*9, s, 0.3, -0.9),
		0.7, -0.9,
	}
	for i := range want {
		if y[i] != want[i] {
			t.Errorf("output %d is %g, want %g", i, y[i], want[i])
		}
	}
}

func TestDynamicErrors(t *testing.T) {
	for name, c := range map[string]struct {
		change func(g *graph.Graph)
		says   string
	}{
		"codes as input":  {func(g *graph.Graph) { quantize(g, "x", quant.TensorParams(quant.Int(8), 1, 0)) }, "must be reals"},
		"codes as output": {func(g *graph.Graph) { quantize(g, "y", quant.TensorParams(quant.Int(8), 1, 0)) }, "must be reals"},
		"reals as weight": {func(g *graph.Graph) {
			g.AddConst("w", of(t, tensor.Shape{2, 2}, []float32{1, 2, 3, 4}))
		}, "must be a constant of codes"},
		"computed weight": {func(g *graph.Graph) { g.Nodes[0].Inputs[1] = "x" }, "must be a constant of codes"},
		"groups": {func(g *graph.Graph) {
			g.Values["w"].Quant = &quant.Params{
				Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerGroup, GroupSize: 1}, Scale: []float32{1, 1, 1, 1},
			}
		}, "no common scale"},
		"bias of codes": {func(g *graph.Graph) {
			g.Nodes[0].Op = graph.Gemm
			g.Nodes[0].Inputs = append(g.Nodes[0].Inputs, "b")
			g.AddConst("b", of(t, tensor.Shape{2}, []int32{1, 2}))
			quantize(g, "b", quant.Params{Type: quant.Int(32), Scale: []float32{1}})
		}, "must be a constant of reals"},
		"short bias": {func(g *graph.Graph) {
			g.Nodes[0].Op = graph.Gemm
			g.Nodes[0].Inputs = append(g.Nodes[0].Inputs, "b")
			g.AddConst("b", of(t, tensor.Shape{1}, []float32{1}))
		}, "must be a constant of reals, [2]"},
		"alpha": {func(g *graph.Graph) {
			g.Nodes[0].Op, g.Nodes[0].Attrs["alpha"] = graph.Gemm, float32(2)
		}, "alpha"},
	} {
		t.Run(name, func(t *testing.T) {
			g := dynamicMatrix(t, 2, 2, []int8{1, 2, 3, 4}, quant.Params{Type: quant.Int(8), Scale: []float32{1}})
			if err := graph.Check(g); err != nil {
				t.Fatal(err)
			}
			c.change(g)
			contains(t, graph.Check(g), "layer", c.says)
		})
	}
}

// Sums of more products than int32 can hold are refused, and those that it holds are not.
func TestDynamicSums(t *testing.T) {
	for _, c := range []struct {
		depth int
		code  int8
		fits  bool
	}{{66311, 127, true}, {66312, 127, false}, {70000, 100, true}, {70000, -128, false}} {
		codes := make([]int8, c.depth)
		for i := range codes {
			codes[i] = c.code
		}
		g := dynamicMatrix(t, c.depth, 1, codes, quant.Params{Type: quant.Int(8), Scale: []float32{1}})
		if err := graph.Check(g); (err == nil) != c.fits {
			t.Errorf("%d products by %d: %v", c.depth, c.code, err)
		}
	}
}

// An LSTM that quantizes its input has weights whose rows have one scale each, steps first, and reals beside them.
func TestDynamicLSTMErrors(t *testing.T) {
	weight := func(p quant.Params) func(g *graph.Graph) {
		return func(g *graph.Graph) { g.Values["w"].Quant = &p }
	}
	scales := func(n int) []float32 { return slices.Repeat([]float32{0.5}, n) }
	for name, c := range map[string]struct {
		change func(g *graph.Graph)
		says   string // "" where it is right
	}{
		"a scale for all": {weight(quant.Params{Type: quant.Int(8), Scale: scales(1)}), ""},
		"rows": {weight(quant.Params{
			Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerGroup, GroupSize: 3}, Scale: scales(16),
		}), ""},
		"groups in rows": {weight(quant.Params{
			Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerGroup, GroupSize: 2}, Scale: scales(24),
		}), "the sums of a row need one scale"},
		"columns": {weight(quant.Params{
			Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel, Axis: 2}, Scale: scales(3),
		}), "the sums of a row need one scale"},
		"ended":          {func(g *graph.Graph) { g.Nodes[0].Attrs[graph.EndedAttr] = 1 }, "only the last states"},
		"layout":         {func(g *graph.Graph) { g.Nodes[0].Attrs["layout"] = 1 }, "layout 1"},
		"reals":          {func(g *graph.Graph) { g.Values["w"].Quant = nil }, "must be a constant of codes"},
		"computed":       {func(g *graph.Graph) { g.Nodes[0].Inputs[1] = "x" }, "must be a constant of codes"},
		"codes as input": {func(g *graph.Graph) { quantize(g, "x", quant.TensorParams(quant.Int(8), 1, 0)) }, "must be reals"},
		"biases of codes": {func(g *graph.Graph) {
			g.AddConst("b", of(t, tensor.Shape{2, 16}, make([]int32, 32)))
			g.Nodes[0].Inputs = append(g.Nodes[0].Inputs, "b")
			quantize(g, "b", quant.Params{Type: quant.Int(32), Scale: scales(1)})
		}, `input "b" is codes`},
		"long rows": {func(g *graph.Graph) {
			g.AddConst("w", of(t, tensor.Shape{1, 4, 40000}, make([]int8, 160000)))
			weight(quant.Params{Type: quant.Int(8), Scale: scales(1)})(g)
		}, "beyond int32"},
	} {
		t.Run(name, func(t *testing.T) {
			g := graph.New("lstm")
			g.AddInput("x", tensor.Shape{5, 1, 3})
			g.AddConst("w", of(t, tensor.Shape{2, 8, 3}, make([]int8, 48)))
			g.AddConst("r", of(t, tensor.Shape{2, 8, 2}, make([]int8, 32)))
			for _, name := range []string{"w", "r"} {
				g.Values[name].Quant = &quant.Params{Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel}, Scale: scales(2)}
			}
			n := &graph.Node{Op: graph.LSTM, Attrs: graph.Attrs{"direction": "bidirectional"}}
			graph.SetDynamic(n)
			g.AddNode(n.Op, "layer", "y", n.Attrs, "x", "w", "r")
			g.Outputs = []string{"y"}
			if err := graph.Check(g); err != nil {
				t.Fatal(err)
			}
			c.change(g)
			if err := graph.Check(g); c.says != "" {
				contains(t, err, "layer", c.says)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}
