package engine_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"linquant/engine"
	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// codes gives a value parameters.
func codes(g *graph.Graph, name string, t quant.Type, scale float64, zero int32) {
	p := quant.TensorParams(t, scale, zero)
	g.Values[name].Quant = &p
}

// image returns a graph with one input of codes, or of reals.
func image(quantized bool, shape ...int) *graph.Graph {
	g := graph.New("one")
	g.AddInput("x", append(tensor.Shape{graph.Batch}, shape...))
	if quantized {
		codes(g, "x", quant.Uint(8), 0.1, 128)
	}
	return g
}

func TestCompileErrors(t *testing.T) {
	for name, tc := range map[string]struct {
		cfg   engine.Config
		want  string
		build func() *graph.Graph
	}{
		"operator": {want: `Bogus node "bogus"`, build: func() *graph.Graph {
			g := image(false, 2)
			g.Outputs = []string{g.AddNode("Bogus", "bogus", "y", nil, "x")}
			return g
		}},
		"kept": {cfg: engine.Config{Keep: []string{"nothing"}}, want: `no value "nothing" to keep`, build: func() *graph.Graph {
			g := image(false, 2)
			g.Outputs = []string{g.AddNode(graph.Relu, "r", "y", nil, "x")}
			return g
		}},
		"cpu": {cfg: engine.Config{CPU: "z80"}, want: `"z80"`, build: func() *graph.Graph { return image(false, 2) }},
		"no input": {want: "a network has inputs and outputs", build: func() *graph.Graph {
			g := graph.New("none")
			g.AddConst("c", mustTensor(tensor.Shape{1}, []float32{1}))
			g.Outputs = []string{g.AddNode(graph.Relu, "r", "y", nil, "c")}
			return g
		}},
		"constant output": {want: `output "c" does not depend on an input`, build: func() *graph.Graph {
			g := image(false, 2)
			g.AddConst("c", mustTensor(tensor.Shape{1}, []float32{1}))
			g.Outputs = []string{"c"}
			return g
		}},
		"too large": {want: "elements an example", build: func() *graph.Graph {
			g := image(false, 1, 1<<14, 1<<15)
			g.Outputs = []string{g.AddNode(graph.Relu, "r", "y", nil, "x")}
			return g
		}},
		"rank": {want: `value "x" has 9 dimensions an example: use at most 8`, build: func() *graph.Graph {
			g := image(false, 1, 1, 1, 1, 1, 1, 1, 1, 1)
			g.Outputs = []string{g.AddNode(graph.Relu, "r", "y", nil, "x")}
			return g
		}},
		"concat of a constant": {want: `Concat node "c"`, build: func() *graph.Graph {
			g := image(false, 2, 2)
			g.AddConst("k", mustTensor(tensor.Shape{2, 2, 2}, make([]float32, 8))) // not 1 for the batch
			g.Outputs = []string{g.AddNode(graph.Concat, "c", "y", graph.Attrs{"axis": 1}, "x", "k")}
			return g
		}},
		"mixed": {want: `Add node "a"`, build: func() *graph.Graph {
			g := image(true, 2)
			g.AddConst("k", mustTensor(tensor.Shape{2}, []float32{1, 2}))
			g.AddNode(graph.Add, "a", "y", nil, "x", "k")
			codes(g, "y", quant.Uint(8), 0.1, 128)
			g.Outputs = []string{"y"}
			return g
		}},
		"accumulator": {want: `Gemm node "fc": output channel 1: the sum of products can reach`, build: func() *graph.Graph {
			const depth = 66400 // 127·255·66400 = 2150364000
			g := image(true, depth)
			codes(g, "x", quant.Uint(8), 0.1, 0)
			w := make([]int8, 2*depth)
			for k := range depth {
				w[depth+k] = 127
			}
			g.AddConst("w", mustTensor(tensor.Shape{2, depth}, w))
			codes(g, "w", quant.Int(8), 0.1, 0)
			g.AddNode(graph.Gemm, "fc", "y", graph.Attrs{"transB": 1}, "x", "w")
			codes(g, "y", quant.Uint(8), 0.1, 0)
			g.Outputs = []string{"y"}
			return g
		}},
		"grouped accumulator": {want: `Conv node "conv": output channel 3: the sum of products can reach`, build: func() *graph.Graph {
			const depth = 66400
			g := image(true, 2*depth, 2, 2)
			codes(g, "x", quant.Uint(8), 0.1, 0)
			w := make([]int8, 4*depth)
			for k := range depth {
				w[3*depth+k] = -127
			}
			g.AddConst("w", mustTensor(tensor.Shape{4, depth, 1, 1}, w))
			codes(g, "w", quant.Int(8), 0.1, 0)
			g.AddNode(graph.Conv, "conv", "y", graph.Attrs{"group": 2}, "x", "w")
			codes(g, "y", quant.Uint(8), 0.1, 0)
			g.Outputs = []string{"y"}
			return g
		}},
		"vector per channel": {want: `MatMul node "m": weight "w"`, build: func() *graph.Graph {
			g := image(true, 3, 2)
			g.AddConst("w", mustTensor(tensor.Shape{2}, []int8{1, 2}))
			p := quant.Params{Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel}, Scale: []float32{1, 2}}
			g.Values["w"].Quant = &p
			g.AddNode(graph.MatMul, "m", "y", nil, "x", "w")
			codes(g, "y", quant.Uint(8), 0.1, 0)
			g.Outputs = []string{"y"}
			return g
		}},
		"multiplier": {want: `Gemm node "fc"`, build: func() *graph.Graph {
			g := image(true, 1)
			g.AddConst("w", mustTensor(tensor.Shape{1, 1}, []int8{1}))
			codes(g, "w", quant.Int(8), 1e-30, 0)
			g.AddNode(graph.Gemm, "fc", "y", nil, "x", "w")
			codes(g, "y", quant.Uint(8), 1e10, 0)
			g.Outputs = []string{"y"}
			return g
		}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := engine.Compile(t.Context(), tc.build(), tc.cfg)
			if err == nil || !strings.Contains(err.Error(), tc.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %v, want one line with %q", err, tc.want)
			}
		})
	}
}

func TestRunErrors(t *testing.T) {
	p, err := engine.Compile(t.Context(), resNet(1, 4), engine.Config{Threads: 2})
	if err != nil {
		t.Fatal(err)
	}
	x, y := make([]float32, 2*3*32*32), make([]float32, 20)
	for name, tc := range map[string]struct {
		out, in [][]float32
		want    string
	}{
		"no inputs":     {[][]float32{y}, nil, "1 inputs, not 0"},
		"part":          {[][]float32{y}, [][]float32{x[:100]}, `input "x": 100 values`},
		"no outputs":    {nil, [][]float32{x}, "1 outputs, not 0"},
		"short outputs": {[][]float32{y[:10]}, [][]float32{x}, `output "fc.y": room for 10 values`},
		"long outputs":  {[][]float32{y}, [][]float32{x[:3*32*32]}, `output "fc.y": room for 20 values`},
	} {
		if err := p.Run(context.Background(), tc.out, tc.in); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, tc.want)
		}
	}
	nothing := func(string, []float32) error { return nil }
	if err := p.Trace(context.Background(), nil, nothing); err == nil {
		t.Error("Trace of nothing")
	}
}

// A quantized network with a part in floating point says so, and only then.
func TestIslands(t *testing.T) {
	for _, g := range networks() {
		p, err := engine.Compile(t.Context(), g, engine.Config{})
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Islands(); got != nil {
			t.Errorf("islands %v in a network without", got)
		}
	}
	g := image(true, 4)
	g.AddNode(graph.DequantizeLinear, "d", "r", nil, "x")
	g.AddNode(graph.Softmax, "soft", "s", nil, "r")
	g.AddNode(graph.Identity, "same", "t", nil, "s")
	g.AddNode(graph.QuantizeLinear, "q", "y", nil, "t")
	codes(g, "y", quant.Uint(8), 1./256, 0)
	g.Outputs = []string{"y"}
	p, err := engine.Compile(t.Context(), g, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	want := []engine.Island{{Node: "soft", Op: "Softmax", Reason: "the operator has no integer form"}}
	if diff := cmp.Diff(want, p.Islands()); diff != "" {
		t.Errorf("islands (-want +got):\n%s", diff)
	}
}

// Every operator that computes or moves reals inside a quantized network is an island, of whatever class it is; what
// gives them another name or shape is none.
func TestIslandsOfEveryClass(t *testing.T) {
	g := image(true, 1, 2, 4)
	x := g.AddNode(graph.DequantizeLinear, "d", "d", nil, "x")
	want := []string{"tanh", "twice", "both", "larger", "chosen", "turned", "pool"}
	x = g.AddNode(graph.Tanh, "tanh", "v1", nil, x)
	x = g.AddNode(graph.Add, "twice", "v2", nil, x, x)
	x = g.AddNode(graph.Reshape, "renamed", "v3", graph.Attrs{"shape": []int{0, 1, 4, 2}}, x)
	x = g.AddNode(graph.Concat, "both", "v4", graph.Attrs{"axis": 1}, x, x)
	x = g.AddNode(graph.Resize, "larger", "v5", graph.Attrs{"scales": []float32{1, 1, 2, 2}, "coordinate_transformation_mode": "asymmetric"}, x)
	condition, err := tensor.Of(tensor.Shape{4}, []float32{1, 0, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	g.AddConst("condition", condition)
	x = g.AddNode(graph.Where, "chosen", "v6", nil, "condition", x, x)
	x = g.AddNode(graph.Transpose, "turned", "v7", graph.Attrs{"perm": []int{0, 1, 3, 2}}, x)
	x = g.AddNode(graph.MaxPool, "pool", "v8", graph.Attrs{"kernel_shape": []int{2, 2}}, x)
	g.AddNode(graph.QuantizeLinear, "q", "y", nil, x)
	codes(g, "y", quant.Uint(8), 1./256, 0)
	g.Outputs = []string{"y"}
	p, err := engine.Compile(t.Context(), g, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range p.Islands() {
		got = append(got, i.Node)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("islands (-want +got):\n%s", diff)
	}
}

// Inputs and outputs that are codes are given and taken as reals.
func TestCodesOutside(t *testing.T) {
	g := image(true, 2, 1, 2)
	g.AddNode(graph.MaxPool, "pool", "y", graph.Attrs{"kernel_shape": []int{1, 2}}, "x")
	g.Outputs = []string{"y", "x"}
	p, err := engine.Compile(t.Context(), g, engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	out := [][]float32{make([]float32, 2), make([]float32, 4)}
	if err := p.Run(context.Background(), out, [][]float32{{0.24, 0.26, -100, 1}}); err != nil {
		t.Fatal(err)
	}
	scale := float32(0.1)
	want := [][]float32{{3 * scale, 10 * scale}, {2 * scale, 3 * scale, -128 * scale, 10 * scale}}
	if diff := cmp.Diff(want, out); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
}

// Several inputs, one of them an output too, and one that nothing reads.
func TestSeveralInputs(t *testing.T) {
	g := graph.New("two")
	g.AddInput("a", tensor.Shape{graph.Batch, 2, 1, 2})
	g.AddInput("b", tensor.Shape{graph.Batch, 2, 1, 1})
	g.AddInput("c", tensor.Shape{graph.Batch, 3})
	g.AddNode(graph.Mul, "m", "y", nil, "a", "b")
	g.Outputs = []string{"y", "a", "y"}
	p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	in := [][]float32{{1, 2, 3, 4, 5, 6, 7, 8}, {10, 100, 2, 3}, make([]float32, 6)}
	out := [][]float32{make([]float32, 8), make([]float32, 8), make([]float32, 8)}
	if err := p.Run(context.Background(), out, in); err != nil {
		t.Fatal(err)
	}
	y := []float32{10, 20, 300, 400, 10, 12, 21, 24}
	if diff := cmp.Diff([][]float32{y, in[0], y}, out); diff != "" {
		t.Errorf("outputs (-want +got):\n%s", diff)
	}
	in[1] = in[1][:2]
	if err := p.Run(context.Background(), out, in); err == nil || !strings.Contains(err.Error(), `input "b" has 1 examples, input "a" 2`) {
		t.Errorf("error %v", err)
	}
}

// Weights that are stored as codes of a float network are dequantized once.
func TestWeightOnly(t *testing.T) {
	g := image(false, 2)
	g.AddConst("codes", mustTensor(tensor.Shape{2, 2}, []int8{1, 2, 3, 4}))
	codes(g, "codes", quant.Int(8), 0.5, 0)
	g.AddNode(graph.DequantizeLinear, "d", "w", nil, "codes")
	g.AddNode(graph.Gemm, "fc", "y", graph.Attrs{"transB": 1, "alpha": float32(2)}, "x", "w")
	g.Outputs = []string{"y"}
	p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	out := [][]float32{make([]float32, 2)}
	if err := p.Run(context.Background(), out, [][]float32{{1, 10}}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]float32{{21, 43}}, out); diff != "" || p.Islands() != nil || len(p.Steps()) != 2 {
		t.Errorf("islands %v, steps %v, outputs (-want +got):\n%s", p.Islands(), p.Steps(), diff)
	}
}

// An operand that is a quantized constant is quantized once.
func TestQuantizedConstant(t *testing.T) {
	for _, unsigned := range []bool{false, true} {
		g := image(true, 2)
		g.AddConst("c", mustTensor(tensor.Shape{2}, []float32{0.5, -20}))
		g.AddNode(graph.QuantizeLinear, "q", "cq", nil, "c")
		codes(g, "cq", quant.Type{Bits: 8, Unsigned: unsigned}, 0.25, 3)
		g.AddNode(graph.Add, "a", "y", nil, "x", "cq")
		codes(g, "y", quant.Int(8), 0.5, -1)
		g.Outputs = []string{"y"}
		p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		out := [][]float32{make([]float32, 2)}
		if err := p.Run(context.Background(), out, [][]float32{{1, 10.2}}); err != nil {
			t.Fatal(err)
		}
		want := [][]float32{{1.5, -10}}
		if unsigned {
			want[0][1] = 9.5 // the least code stands for −0.75
		}
		if diff := cmp.Diff(want, out); diff != "" {
			t.Errorf("unsigned %v (-want +got):\n%s", unsigned, diff)
		}
	}
}

// A Relu is part of the layer before it unless somebody else sees what is between them.
func TestFusion(t *testing.T) {
	ops := func(g *graph.Graph, cfg engine.Config) string {
		p, err := engine.Compile(t.Context(), g, cfg)
		if err != nil {
			t.Fatal(err)
		}
		var list []string
		for _, s := range p.Steps() {
			list = append(list, s.Op)
		}
		return strings.Join(list, " ")
	}
	build := func(outputs ...string) *graph.Graph {
		b := newBuilder("fusion")
		b.AddInput("x", tensor.Shape{graph.Batch, 1, 4, 4})
		y := b.relu(b.conv("c", "x", 1, 2, 3, 1))
		b.AddNode(graph.Clip, "clip", "y", graph.Attrs{"max": float32(6)}, y)
		b.Outputs = outputs
		return b.Graph
	}
	for _, tc := range []struct {
		g    *graph.Graph
		cfg  engine.Config
		want string
	}{
		{build("y"), engine.Config{}, "Conv+Relu+Clip Store"},
		{build("y", "c.y"), engine.Config{}, "Conv Relu Clip Store Store"},
		{build("y"), engine.Config{Keep: []string{"c.y.relu"}}, "Conv+Relu Clip Store"},
		{build("y"), engine.Config{KeepAll: true}, "Conv Relu Clip Store"},
	} {
		if got := ops(tc.g, tc.cfg); got != tc.want {
			t.Errorf("steps %q, want %q", got, tc.want)
		}
	}
}

func TestMemory(t *testing.T) {
	g := resNet(3, 16)
	p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	m := p.Memory()
	// 4 bytes for each parameter; three values of 16 × 32 × 32 at a time where a block's shortcut waits.
	if least := 4 * graph.Parameters(g); m.Weights < least || m.Weights > least+least/10 {
		t.Errorf("weights %d bytes, want about %d", m.Weights, least)
	}
	if want := int64(3 * 4 * 16 * 32 * 32); m.Activations > want {
		t.Errorf("activations %d bytes, want at most %d", m.Activations, want)
	}
	if m.Scratch < 1 {
		t.Errorf("scratch %d bytes", m.Scratch)
	}
	q, err := engine.Compile(t.Context(), quantized(g, true, quant.ONNX), engine.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	if got := q.Memory(); got.Activations > m.Activations/3 || got.Weights > m.Weights/2 {
		t.Errorf("in integers %+v, in floats %+v", got, m)
	}
}

func ExampleCompile() {
	g := graph.New("double")
	g.AddInput("x", tensor.Shape{graph.Batch, 2})
	two, err := tensor.Of(tensor.Shape{}, []float32{2})
	if err != nil {
		fmt.Println(err)
		return
	}
	g.AddConst("two", two)
	g.Outputs = []string{g.AddNode(graph.Mul, "double", "y", nil, "x", "two")}

	p, err := engine.Compile(context.Background(), g, engine.Config{})
	if err != nil {
		fmt.Println(err)
		return
	}
	y := make([]float32, 4)
	if err := p.Run(context.Background(), [][]float32{y}, [][]float32{{1, 2, 3, 4}}); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(y)
	// Output: [2 4 6 8]
}
