package graph_test

import (
	"math"
	"testing"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

func perChannel(bits int, scales ...float32) quant.Params {
	return quant.Params{Type: quant.Int(bits), Layout: quant.Layout{Per: quant.PerChannel}, Scale: scales}
}

// quantized returns input → QuantizeLinear → Gemm → DequantizeLinear.
func quantized(t testing.TB) *graph.Graph {
	t.Helper()
	g := graph.New("test")
	g.AddInput("x", tensor.Shape{graph.Batch, 3})
	g.AddNode(graph.QuantizeLinear, "q", "x_quantized", nil, "x")
	quantize(g, "x_quantized", quant.TensorParams(quant.Uint(8), 0.5, 10))
	g.AddNode(graph.Gemm, "fc", "y_quantized", graph.Attrs{"transB": 1}, "x_quantized")
	addLayer(t, &graph.Graph{Values: g.Values, Nodes: g.Nodes}, tensor.Shape{2, 3}, []int32{1, -2, 3, 4, 5, -6}, perChannel(8, 0.5, 0.25), []float32{1, 2})
	quantize(g, "y_quantized", quant.TensorParams(quant.Uint(8), 2, 100))
	g.Outputs = []string{g.AddNode(graph.DequantizeLinear, "d", "y", nil, "y_quantized")}
	return g
}

func TestCheck(t *testing.T) {
	if err := graph.Check(quantized(t)); err != nil {
		t.Fatal(err)
	}
	node := func(g *graph.Graph, name string) *graph.Node {
		for _, n := range g.Nodes {
			if n.Name == name {
				return n
			}
		}
		t.Fatalf("no node %q", name)
		return nil
	}
	for _, c := range []struct {
		says   string
		change func(g *graph.Graph)
	}{
		{`input "missing" is not defined`, func(g *graph.Graph) { node(g, "fc").Inputs[0] = "missing" }},
		{`input "y_quantized" is computed later`, func(g *graph.Graph) { node(g, "q").Inputs[0] = "y_quantized" }},
		{"apply graph.Sort", func(g *graph.Graph) { g.Nodes[0], g.Nodes[1] = g.Nodes[1], g.Nodes[0] }},
		{"a value has one origin", func(g *graph.Graph) { node(g, "d").Outputs[0] = "y_quantized" }},
		{"already a constant", func(g *graph.Graph) { node(g, "d").Outputs[0] = "w" }},
		{"already an input", func(g *graph.Graph) { g.Inputs = append(g.Inputs, "x") }},
		{"has no value: add it with AddInput", func(g *graph.Graph) { g.Inputs = append(g.Inputs, "z") }},
		{"no outputs", func(g *graph.Graph) { g.Outputs = nil }},
		{`output "z" is not defined`, func(g *graph.Graph) { g.Outputs = []string{"z"} }},
		{"has 2 outputs", func(g *graph.Graph) { node(g, "d").Outputs = []string{"y", "z"} }},
		{"has 1 inputs, not 2 to 3", func(g *graph.Graph) { node(g, "fc").Inputs = []string{"x"} }},
		{"input 1 is left out", func(g *graph.Graph) { node(g, "fc").Inputs[1] = "" }},
		{"the attribute transB is a float32: make it an int", func(g *graph.Graph) { node(g, "fc").Attrs["transB"] = float32(1) }},
		{"not one of the", func(g *graph.Graph) { node(g, "fc").Op = "Loop" }},
		{"mixes codes and reals", func(g *graph.Graph) { node(g, "fc").Inputs[0] = "x" }},
		{"has no quantization parameters: set its Quant", func(g *graph.Graph) { g.Values["y_quantized"].Quant = nil }},
		{"it makes codes of reals", func(g *graph.Graph) { g.Values["x_quantized"].Quant = nil }},
		{"it makes reals of codes", func(g *graph.Graph) { node(g, "d").Inputs[0] = "x" }},
		{"only constants are", func(g *graph.Graph) { quantize(g, "x_quantized", perChannel(8, 1, 1, 1)) }},
		{"3 scales for a tensor that needs 2", func(g *graph.Graph) { quantize(g, "w", perChannel(8, 1, 1, 1)) }},
		{"no usable scale", func(g *graph.Graph) { quantize(g, "w", perChannel(8, 1, 0)) }},
		{"no usable scale", func(g *graph.Graph) { quantize(g, "w", perChannel(8, 1, float32(math.NaN()))) }},
		{"1 zero points for 2 scales", func(g *graph.Graph) {
			p := perChannel(8, 1, 1)
			p.ZeroPoint = []int32{0}
			quantize(g, "w", p)
		}},
		{"outside uint8's range", func(g *graph.Graph) { quantize(g, "x_quantized", quant.TensorParams(quant.Uint(8), 1, 256)) }},
		{"are stored as uint8, not int8", func(g *graph.Graph) { quantize(g, "w", quant.TensorParams(quant.Uint(8), 1, 0)) }},
		{"element 4 is 5, outside int3's range", func(g *graph.Graph) {
			g.AddConst("w", of(t, tensor.Shape{2, 3}, []int8{1, 2, 3, -4, 5, 0}))
			quantize(g, "w", perChannel(3, 0.5, 0.25))
		}},
		{"quantize it per tensor or per channel on axis 0", func(g *graph.Graph) {
			p := perChannel(8, 1, 1, 1)
			p.Axis = 1
			quantize(g, "w", p)
		}},
		{"must have input scale × weight scale", func(g *graph.Graph) { quantize(g, "w", perChannel(8, 0.5, 0.5)) }},
		{"must be a constant of int32 codes", func(g *graph.Graph) {
			g.AddConst("b", of(t, tensor.Shape{2}, []int8{1, 2}))
			quantize(g, "b", quant.TensorParams(quant.Int(8), 1, 0))
		}},
		{"alpha and beta are 1", func(g *graph.Graph) { node(g, "fc").Attrs["alpha"] = float32(2) }},
		{"it has no form in integers", func(g *graph.Graph) {
			*node(g, "fc") = graph.Node{Name: "s", Op: graph.Softmax, Inputs: []string{"x_quantized"}, Outputs: []string{"y_quantized"}}
		}},
		{"must have the quantization parameters of", func(g *graph.Graph) {
			*node(g, "fc") = graph.Node{Name: "s", Op: graph.Flatten, Inputs: []string{"x_quantized"}, Outputs: []string{"y_quantized"}}
		}},
		{"its inputs are reals, and its output", func(g *graph.Graph) {
			*node(g, "fc") = graph.Node{Name: "s", Op: graph.Relu, Inputs: []string{"x"}, Outputs: []string{"y_quantized"}}
		}},
		{"its shape [2, 3] and its 4 bytes of int8 do not agree", func(g *graph.Graph) {
			c := *g.Values["w"].Const
			c.Data = c.Data[:4]
			g.Values["w"].Const = &c
		}},
		{"has another name", func(g *graph.Graph) { g.Values["w"].Name = "v" }},
		{"holds int64 and has no quantization parameters", func(g *graph.Graph) {
			g.AddConst("i", of(t, tensor.Shape{3}, []int64{1, 2, 3}))
			*node(g, "fc") = graph.Node{Name: "s", Op: graph.Add, Inputs: []string{"x", "i"}, Outputs: []string{"sum"}}
			g.Values["sum"] = &graph.Value{Name: "sum"}
			g.Nodes = g.Nodes[:2]
			g.Outputs = []string{"sum"}
		}},
	} {
		t.Run(c.says, func(t *testing.T) {
			g := quantized(t).Clone()
			c.change(g)
			contains(t, graph.Check(g), c.says)
			if _, err := graph.InferShapes(g); err == nil && c.says[:7] != "element" {
				t.Error("InferShapes lets it pass")
			}
		})
	}
}

func TestSort(t *testing.T) {
	n := newNet(t, 3)
	n.node(graph.Relu, "a", nil, "x")
	n.node(graph.Relu, "b", nil, "a")
	g := n.outputs(n.node(graph.Add, "c", nil, "b", "a"))
	g.Nodes[0], g.Nodes[1], g.Nodes[2] = g.Nodes[2], g.Nodes[0], g.Nodes[1]
	sorted, err := graph.Sort(g)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"a", "b", "c"} {
		if sorted.Nodes[i].Name != want {
			t.Errorf("node %d is %s, want %s", i, sorted.Nodes[i].Name, want)
		}
	}
	if g.Nodes[0].Name != "c" {
		t.Error("Sort changed its argument")
	}
	if err := graph.Check(sorted); err != nil {
		t.Error(err)
	}

	n.node(graph.Add, "d", nil, "x", "e")
	n.node(graph.Relu, "e", nil, "d")
	_, err = graph.Sort(n.Graph)
	contains(t, err, "is on a cycle", `"e"`)
}

// sumOf returns a layer whose second channel sums depth products of 127, and a bias.
func sumOf(t *testing.T, depth int, bias int32) *graph.Graph {
	g := graph.New("test")
	g.AddInput("x", tensor.Shape{graph.Batch, depth})
	quantize(g, "x", quant.TensorParams(quant.Uint(8), 1, 0))
	w := make([]int8, 2*depth)
	for i := range depth {
		w[i], w[depth+i] = 1, 127
	}
	g.AddConst("w", of(t, tensor.Shape{2, depth}, w))
	quantize(g, "w", perChannel(8, 1, 1))
	g.AddConst("b", of(t, tensor.Shape{2}, []int32{0, bias}))
	quantize(g, "b", quant.Params{Type: quant.Int(32), Scale: []float32{1}})
	g.Outputs = []string{g.AddNode(graph.Gemm, "fc", "y", graph.Attrs{"transB": 1}, "x", "w", "b")}
	quantize(g, "y", quant.TensorParams(quant.Uint(8), 1e6, 0))
	return g
}

// No sum of products may leave int32: the interval that inputs can reach is exact, so that one step decides.
func TestStageProvesAccumulators(t *testing.T) {
	const most = math.MaxInt32 / (255 * 127)
	for _, bias := range []int32{0, math.MinInt32} {
		g := sumOf(t, most, bias)
		if _, err := graph.Stage(g, g.Nodes[0]); err != nil {
			t.Error(err)
		}
		g = sumOf(t, most+1, bias)
		_, err := graph.Stage(g, g.Nodes[0])
		contains(t, err, `Gemm node "fc"`, "output channel 1", "beyond int32")
	}
}

// A bias may take sums out of int32, where they wrap: one step decides.
func TestWrapping(t *testing.T) {
	const depth = 66000 // 255 · 127 · 66000 = 2137410000
	const room = math.MaxInt32 - 255*127*depth
	for bias, want := range map[int32]graph.Wrap{
		room:          {},
		room + 1:      {Channels: 1, Channel: 1, Least: room + 1, Most: math.MaxInt32 + 1},
		math.MinInt32: {},
	} {
		g := sumOf(t, depth, bias)
		if got := graph.Wrapping(g, g.Nodes[0]); got != want {
			t.Errorf("bias %d: %+v, want %+v", bias, got, want)
		}
	}
}

// Scales that no multiplier of float32 can join are an error that says which.
func TestStageRefusesScales(t *testing.T) {
	g := graph.New("test")
	g.AddInput("x", tensor.Shape{graph.Batch, 1})
	quantize(g, "x", quant.TensorParams(quant.Uint(8), 1e-20, 0))
	g.AddConst("w", of(t, tensor.Shape{1, 1}, []int8{1}))
	quantize(g, "w", perChannel(8, 1))
	g.Outputs = []string{g.AddNode(graph.Gemm, "fc", "y", graph.Attrs{"transB": 1}, "x", "w")}
	quantize(g, "y", quant.TensorParams(quant.Uint(8), 1e20, 0)) // 1e-20 · 1 / 1e20 is below the smallest normal number
	r, err := graph.Stage(g, g.Nodes[0])
	contains(t, err, `Gemm node "fc"`, "input scale 1e-20, output scale 1e+20", "output channel 0")
	if r != nil {
		t.Errorf("beside the error: %+v", r)
	}
}

// Each layout of a weight finds its channels: one output channel of the second matrix is too large.
func TestStageFindsChannels(t *testing.T) {
	const depth = 66600 // 127·255·66600 = 2156841000
	for _, c := range []struct {
		op    graph.Op
		attrs graph.Attrs
		shape tensor.Shape
		at    func(k int) int // where element k of the channel lies
	}{
		{graph.Gemm, graph.Attrs{"transB": 1}, tensor.Shape{2, depth}, func(k int) int { return depth + k }},
		{graph.Gemm, nil, tensor.Shape{depth, 2}, func(k int) int { return 2*k + 1 }},
		{graph.MatMul, nil, tensor.Shape{depth, 2}, func(k int) int { return 2*k + 1 }},
		{graph.MatMul, nil, tensor.Shape{2, depth, 2}, func(k int) int { return 2*depth + 2*k + 1 }},
		{graph.Conv, nil, tensor.Shape{2, depth / 6, 2, 3}, func(k int) int { return depth + k }},
	} {
		g := graph.New("test")
		x := tensor.Shape{graph.Batch, depth}
		switch {
		case len(c.shape) == 3:
			x = tensor.Shape{graph.Batch, 2, 1, depth}
		case len(c.shape) == 4:
			x = tensor.Shape{graph.Batch, depth / 6, 2, 3}
		}
		g.AddInput("x", x)
		quantize(g, "x", quant.TensorParams(quant.Int(8), 1, 0))
		w := make([]int8, elements(c.shape))
		for k := range depth {
			w[c.at(k)] = 127
		}
		g.AddConst("w", of(t, c.shape, w))
		quantize(g, "w", quant.TensorParams(quant.Int(8), 1, 0))
		g.Outputs = []string{g.AddNode(c.op, "node", "y", c.attrs, "x", "w")}
		quantize(g, "y", quant.TensorParams(quant.Int(8), 1e6, 0))
		if _, err := graph.InferShapes(g); err != nil {
			t.Fatal(err)
		}
		if _, err := graph.Stage(g, g.Nodes[0]); err != nil {
			t.Errorf("%s %v: %v", c.op, c.shape, err)
		}
		quantize(g, "x", quant.TensorParams(quant.Int(8), 1, 127))
		_, err := graph.Stage(g, g.Nodes[0])
		contains(t, err, "output channel 1", "beyond int32")
	}
}

// How codes are rounded means nothing to reals.
func TestQLinearIsOfCodes(t *testing.T) {
	g := graph.New("reals")
	g.AddInput("x", tensor.Shape{graph.Batch, 2})
	g.AddNode(graph.Add, "sum", "y", graph.SetQLinear(graph.Add, nil), "x", "x")
	g.Outputs = []string{"y"}
	contains(t, graph.Check(g), "sum", "qlinear", "reals")
}
