package ort

import (
	"context"
	"testing"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// network is a convolution with a Relu, and an average of what it makes.
func network(t *testing.T) (*graph.Graph, map[string]tensor.Tensor) {
	t.Helper()
	g := graph.New("network")
	act := quant.TensorParams(quant.Uint(8), 0.05, 10)
	half := quant.TensorParams(quant.Uint(8), 0.1, 10)
	g.AddInput("x", tensor.Shape{graph.Batch, 1, 2, 4})
	w, _ := tensor.Of(tensor.Shape{1, 1, 1, 1}, []int8{3})
	g.AddConst("w", w)
	g.Values["w"].Quant = &quant.Params{Type: quant.Int(8), Scale: []float32{0.3}}
	for _, n := range []struct {
		op     graph.Op
		out    string
		p      *quant.Params
		attrs  graph.Attrs
		inputs []string
	}{
		{op: graph.QuantizeLinear, out: "q", p: &act, inputs: []string{"x"}},
		{op: graph.Conv, out: "c", p: &act, inputs: []string{"q", "w"}},
		{op: graph.Relu, out: "r", p: &act, inputs: []string{"c"}},
		{op: graph.AveragePool, out: "a", p: &half, inputs: []string{"r"}, attrs: graph.Attrs{"kernel_shape": []int{1, 2}}},
	} {
		g.AddNode(n.op, n.out, n.out, n.attrs, n.inputs...)
		g.Values[n.out].Quant, g.Values[n.out].DType = n.p, tensor.Uint8
	}
	g.Outputs = []string{"a"}
	x, _ := tensor.Of(tensor.Shape{1, 1, 2, 4}, []float32{0.1, 0.2, 0.3, 0.45, 0.52, 0.61, 0.7, 0.8})
	values, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"x": x}, []string{"q", "r"})
	if err != nil {
		t.Fatal(err)
	}
	values["x"] = x
	return g, values
}

func TestCompare(t *testing.T) {
	for name, test := range map[string]struct {
		change func(map[string]tensor.Tensor)
		wrong  string // the value that is refused
	}{
		"equal":                 {change: func(map[string]tensor.Tensor) {}},
		"a step in a layer":     {change: func(v map[string]tensor.Tensor) { v["r"].Data[3]++ }, wrong: "r"},
		"two steps elsewhere":   {change: func(v map[string]tensor.Tensor) { v["a"].Data[3] += 2 }, wrong: "a"},
		"a step far from a tie": {change: func(v map[string]tensor.Tensor) { v["q"].Data[2]++ }, wrong: "q"},
	} {
		t.Run(name, func(t *testing.T) {
			g, values := network(t)
			test.change(values)
			layers, err := Compare(g, values)
			if err != nil {
				t.Fatal(err)
			}
			if len(layers) != 3 || layers[1].Op != graph.Conv || !layers[1].Exact || layers[2].Exact {
				t.Fatalf("layers %+v", layers)
			}
			for _, l := range layers {
				refused := l.Check() != nil
				// A changed code is the input of the next layer too, which is then computed from it and may differ.
				if refused != (l.Value == test.wrong) && l.Value <= test.wrong {
					t.Errorf("%+v: refused %v", l, refused)
				}
				if l.Value == test.wrong && l.Differ != 1 {
					t.Errorf("%+v: one element was changed", l)
				}
			}
		})
	}
}

// A tie that went the other way is let through: the average of 11 and 12 with half the scale, 10 being zero, is 10.75;
// that of 10 and 12 is 10.5, for which 10 and 11 are as good.
func TestCompareTie(t *testing.T) {
	g, values := network(t)
	values["r"].Data[0], values["r"].Data[1] = 10, 12
	values["r"].Data[2], values["r"].Data[3] = 11, 12
	for code, refused := range map[byte]bool{9: true, 10: false, 11: false, 12: true} {
		values["a"].Data[0] = code
		values["a"].Data[1], values["a"].Data[2] = 11, 11
		layers, err := Compare(g, map[string]tensor.Tensor{"x": values["x"], "r": values["r"], "a": values["a"]})
		if err != nil {
			t.Fatal(err)
		}
		if l := layers[1]; (l.Check() != nil) != refused {
			t.Errorf("code %d: %v, %+v", code, l.Check(), l)
		}
	}
}

// How far from a tie a difference is can be said where floats are computed between codes: of 11 and 12 with scale 0.05,
// 10 being zero, a Softmax makes 0.4875 and 0.5125, and with scale 1/256 these are 124.8 and 131.2.
func TestCompareIsland(t *testing.T) {
	g := graph.New("island")
	act, out := quant.TensorParams(quant.Uint(8), 0.05, 10), quant.TensorParams(quant.Uint(8), 1.0/256, 0)
	g.AddInput("x", tensor.Shape{graph.Batch, 2})
	g.Values["x"].Quant, g.Values["x"].DType = &act, tensor.Uint8
	g.AddNode(graph.DequantizeLinear, "d", "d", nil, "x")
	g.AddNode(graph.Softmax, "s", "s", graph.Attrs{"axis": 1}, "d")
	g.AddNode(graph.QuantizeLinear, "y", "y", nil, "s")
	g.Values["y"].Quant, g.Values["y"].DType = &out, tensor.Uint8
	g.Outputs = []string{"y"}
	x, _ := tensor.Of(tensor.Shape{1, 2}, []uint8{11, 12})
	y, _ := tensor.Of(tensor.Shape{1, 2}, []uint8{125, 132})
	layers, err := Compare(g, map[string]tensor.Tensor{"x": x, "y": y})
	if err != nil {
		t.Fatal(err)
	}
	if l := layers[0]; l.Differ != 1 || l.Steps != 1 || l.Tie < 0.25 || l.Tie > 0.35 {
		t.Errorf("%+v", l)
	}
}

func TestTail(t *testing.T) {
	var l tail
	for range 1000 {
		if _, err := l.Write([]byte("0123456789")); err != nil {
			t.Fatal(err)
		}
	}
	if s := l.String(); len(s) != 2000 || s[len(s)-1] != '9' {
		t.Errorf("%d bytes", len(s))
	}
}

// Many elements may differ beside a tie where a table has one or two codes there, and nowhere else.
func TestCheckTables(t *testing.T) {
	for _, c := range []struct {
		op    graph.Op
		codes int
		tie   float64
		right bool
	}{
		{graph.Tanh, 1, 1e-5, true},
		{graph.Tanh, 2, 1e-5, true},
		{graph.Tanh, 3, 1e-5, false},
		{graph.Tanh, 1, 1e-3, false},
		{graph.Add, 1, 1e-5, false},
	} {
		l := Layer{Op: c.op, Elements: 1000, Differ: 40, Codes: c.codes, Steps: 1, Tie: c.tie}
		if err := l.Check(); (err == nil) != c.right {
			t.Errorf("%+v: %v", l, err)
		}
	}
}
