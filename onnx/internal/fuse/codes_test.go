package fuse

import (
	"context"
	"math"
	"slices"
	"strings"
	"testing"

	"linquant/graph"
	"linquant/onnx/internal/lower"
	"linquant/onnx/internal/onnxtest"
	"linquant/onnx/internal/raw"
	"linquant/quant"
	"linquant/tensor"
)

// A float bias is rounded to codes, ties to even; one of a single element is that of every channel.
func TestBiasCodes(t *testing.T) {
	p := quant.Params{Type: quant.Int(32), Scale: []float32{0.5, 0.25}}
	for _, test := range []struct {
		bias []float32
		want []int32
	}{
		{[]float32{0.75, 0.375}, []int32{2, 2}},
		{[]float32{1.25, -0.875}, []int32{2, -4}},
		{[]float32{-0.26, 0.6}, []int32{-1, 2}},
		{[]float32{1}, []int32{2, 4}},
		{[]float32{1, float32(math.NaN())}, nil},
		{[]float32{2e9, 1}, nil},
		{[]float32{1, 2, 3}, nil},
	} {
		b, _ := tensor.Of(tensor.Shape{len(test.bias)}, test.bias)
		if got, ok := biasCodes(b, p, 2, 1); ok != (test.want != nil) || ok && !slices.Equal(got, test.want) {
			t.Errorf("%v: codes %v, %v, want %v", test.bias, got, ok, test.want)
		}
	}
}

// One whose codes are further from it than is allowed is none.
func TestBiasCodesTooFar(t *testing.T) {
	p := quant.Params{Type: quant.Int(32), Scale: []float32{0.5}}
	b, _ := tensor.Of(tensor.Shape{2}, []float32{1, 1.125})
	for most, want := range map[float64]bool{0.12: false, 0.125: true} {
		if _, ok := biasCodes(b, p, 2, most); ok != want {
			t.Errorf("1/8 where %g is allowed: %v", most, ok)
		}
	}
}

// Inputs and outputs may be codes, whatever passes them on before something says what they stand for.
func TestFuseCodesInAndOut(t *testing.T) {
	for _, test := range []struct {
		op    graph.Op
		attrs graph.Attrs
		in    []string
		shape tensor.Shape
	}{
		{graph.MaxPool, graph.Attrs{"kernel_shape": []int{2, 2}}, []string{"x"}, tensor.Shape{1, 2, 3, 3}},
		{graph.Concat, graph.Attrs{"axis": 2}, []string{"x", "x"}, tensor.Shape{1, 2, 8, 4}},
		{graph.Relu, nil, []string{"x"}, tensor.Shape{1, 2, 4, 4}},
	} {
		t.Run(string(test.op), func(t *testing.T) {
			b := newRaw()
			b.Values["x"].DType = tensor.Uint8
			constOf(b, "x_s", tensor.Shape{}, float32(0.02))
			constOf(b, "x_z", tensor.Shape{}, uint8(120))
			p := b.op(test.op, "p", test.attrs, test.in...)
			b.Values[p].DType = tensor.Uint8
			y := b.conv(b.op(graph.DequantizeLinear, "xd", nil, p, "x_s", "x_z"), "y")
			q := b.q(y, "yq", 0.05, 128)
			b.Outputs = []string{q}
			in := tensor.Tensor{DType: tensor.Uint8, Shape: tensor.Shape{1, 2, 4, 4}, Data: []byte(strings.Repeat("\x80\x70\x10\xff", 8))}
			want := evalRaw(t, b.Graph, in)["yq"]
			g, err := Graph(t.Context(), b.Graph)
			if err != nil {
				t.Fatal(err)
			}
			out, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"x": in}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if r := out["yq"]; r.DType != tensor.Uint8 || !r.Shape.Equal(test.shape) {
				t.Errorf("output %v %v, want %v", r.DType, r.Shape, test.shape)
			}
			for i, c := range out["yq"].Data {
				if float64(c) != want[i] {
					t.Errorf("code %d is %d, want %g", i, c, want[i])
				}
			}
		})
	}
}

// groupedWeight has a weight in blocks of 5 along its rows, and is otherwise float.
func groupedWeight() *raw.Graph {
	b := newRaw()
	f := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, "x")
	w := make([]int8, 64)
	for i := range w {
		w[i] = int8(i*37%251 - 125)
	}
	constOf(b, "w", tensor.Shape{2, 32}, w...)
	s := make([]float32, 14)
	for i := range s {
		s[i] = 0.01 * float32(1+i)
	}
	constOf(b, "s", tensor.Shape{2, 7}, s...)
	d := b.op(graph.DequantizeLinear, "wd", graph.Attrs{"axis": 1, "block_size": 5}, "w", "s")
	return b.result(b.op(graph.Gemm, "y", graph.Attrs{"transB": 1}, f, d))
}

// Weights in blocks, as opset 21 has them, are read and written.
func TestBlocks(t *testing.T) {
	r := groupedWeight()
	g, err := Graph(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	p := g.Values["w"].Quant
	if p == nil || p.Per != quant.PerGroup || p.GroupSize != 5 || len(p.Scale) != 14 {
		t.Fatalf("parameters %+v", p)
	}
	back, err := lower.Graph(g, lower.Config{})
	if err != nil {
		t.Fatal(err)
	}
	again, err := Graph(t.Context(), back)
	if err != nil || onnxtest.Dump(again) != onnxtest.Dump(g) {
		t.Errorf("%v\n%s\n%s", err, onnxtest.Dump(g), onnxtest.Dump(again))
	}
	reals, err := graph.Eval(context.Background(), g, map[string]tensor.Tensor{"x": onnxtest.RandomInput(t, g, 1, 1)}, []string{"wd"})
	if err != nil {
		t.Fatal(err)
	}
	w, _ := reals["wd"].Float32s()
	for i, x := range w {
		code, scale := float32(int8(r.Values["w"].Const.Data[i])), 0.01*float32(1+i/32*7+i%32/5)
		if x != code*scale {
			t.Errorf("weight %d is %g, want %g", i, x, code*scale)
		}
	}
}

// Two layers that read one weight [in, out] share its transpose.
func TestTransposedOnce(t *testing.T) {
	b := newRaw()
	x := b.op(graph.Flatten, "f", graph.Attrs{"axis": 1}, b.qdq("x", 0.02, 120))
	w := b.weight("w", tensor.Shape{32, 2}, 1, 0.01, 0.02)
	y1, y2 := b.op(graph.Gemm, "y1", nil, x, w), b.op(graph.Gemm, "y2", nil, x, w)
	g, err := Graph(t.Context(), b.result(b.qdq(y1, 0.1, 128), b.qdq(y2, 0.2, 128)))
	if err != nil {
		t.Fatal(err)
	}
	var weights []string
	for _, n := range g.Nodes {
		if n.Op == graph.Gemm {
			weights = append(weights, n.Inputs[1])
		}
	}
	if len(weights) != 2 || weights[0] != weights[1] || !g.Values[weights[0]].Shape.Equal(tensor.Shape{2, 32}) {
		t.Errorf("weights %q\n%s", weights, onnxtest.Dump(g))
	}
}
