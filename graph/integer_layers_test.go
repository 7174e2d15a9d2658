package graph_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// A Gemm on codes is quant.Linear, in every convention.
func TestGemmIsLinear(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		in, out, rows := rapid.IntRange(1, 9).Draw(rt, "in"), rapid.IntRange(1, 5).Draw(rt, "out"), rapid.IntRange(1, 3).Draw(rt, "batch")
		x, y := drawCode(rt, "x"), drawCode(rt, "y")
		wp := quant.Params{Type: quant.Int(rapid.IntRange(2, 8).Draw(rt, "weight bits")), Scale: []float32{0.02}}
		if rapid.Bool().Draw(rt, "per channel") {
			wp.Layout = quant.Layout{Per: quant.PerChannel}
			wp.Scale = rapid.SliceOfN(rapid.Float32Range(0.001, 0.1), out, out).Draw(rt, "weight scales")
		}
		w := drawCodes(rt, wp, in*out, "w")
		bias := rapid.SliceOfN(rapid.Float32Range(-1, 1), out, out).Draw(rt, "bias")
		codes := drawCodes(rt, x.params(), rows*in, "codes")
		convention := rapid.SampledFrom([]string{"onnx", "torch", "fixed", "fixed-double"}).Draw(rt, "convention")

		shape := tensor.Shape{rows, in}
		g := graphOn(t, graph.Gemm, graph.Attrs{"transB": 1}, convention, shape, y, x)
		addLayer(t, g, tensor.Shape{out, in}, w, wp, bias)
		got := codesOf(t, eval(t, g, map[string]tensor.Tensor{"x0": x.tensor(t, shape, codes)}))

		narrow := make([]int8, len(w))
		for i, q := range w {
			narrow[i] = int8(q)
		}
		l, err := quant.NewLinear(narrow, tensor.Shape{out, in}, wp, bias, x.params(), y.params(), g.Requant)
		if err != nil {
			rt.Fatal(err)
		}
		if diff := cmp.Diff(forward(rt, l, codes, rows), got); diff != "" {
			rt.Fatal(diff)
		}
	})
}

// forward runs the layer on codes, whatever they are stored as.
func forward(t *rapid.T, l *quant.Linear, codes []int32, rows int) []int32 {
	signedX, unsignedX := make([]int8, len(codes)), make([]uint8, len(codes))
	for i, q := range codes {
		signedX[i], unsignedX[i] = int8(q), uint8(q)
	}
	signedY, unsignedY := make([]int8, rows*l.Out), make([]uint8, rows*l.Out)
	var err error
	switch {
	case l.Input.Type.Unsigned && l.Output.Type.Unsigned:
		err = quant.Forward(l, unsignedY, unsignedX)
	case l.Input.Type.Unsigned:
		err = quant.Forward(l, signedY, unsignedX)
	case l.Output.Type.Unsigned:
		err = quant.Forward(l, unsignedY, signedX)
	default:
		err = quant.Forward(l, signedY, signedX)
	}
	if err != nil {
		t.Fatal(err)
	}
	y := make([]int32, rows*l.Out)
	for i := range y {
		y[i] = int32(signedY[i])
		if l.Output.Type.Unsigned {
			y[i] = int32(unsignedY[i])
		}
	}
	return y
}

// addLayer gives the last node of g a constant weight of codes, and a bias.
func addLayer(t testing.TB, g *graph.Graph, shape tensor.Shape, w []int32, wp quant.Params, bias []float32) {
	t.Helper()
	n := g.Nodes[len(g.Nodes)-1]
	g.AddConst("w", codeTensor(t, wp.Type, shape, w))
	quantize(g, "w", wp)
	n.Inputs = append(n.Inputs[:1], "w")
	if bias == nil {
		return
	}
	x := *g.Value(n.Inputs[0]).Quant
	p, err := quant.BiasParams(x, wp)
	if err != nil {
		t.Fatal(err)
	}
	q := make([]int32, len(bias))
	if err := quant.QuantizeBias(q, bias, x, wp); err != nil {
		t.Fatal(err)
	}
	g.AddConst("b", of(t, tensor.Shape{len(q)}, q))
	quantize(g, "b", p)
	n.Inputs = append(n.Inputs, "b")
}

// A convolution on codes is the convolution of the reals they stand for, quantized, but for where the convention
// rounds: the codes are equal unless the real result lies at a tie.
func TestConvOfCodesIsConvOfReals(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x, y := drawCode(rt, "x"), drawCode(rt, "y")
		group := rapid.IntRange(1, 2).Draw(rt, "group")
		attrs := graph.Attrs{
			"group": group, "strides": []int{rapid.IntRange(1, 2).Draw(rt, "stride"), 1},
			"pads":      rapid.SliceOfN(rapid.IntRange(0, 2), 4, 4).Draw(rt, "pads"),
			"dilations": []int{1, rapid.IntRange(1, 2).Draw(rt, "dilation")},
		}
		shape, wShape := tensor.Shape{1, 2 * group, 5, 5}, tensor.Shape{2 * group, 2, 3, 2}
		wp := quant.Params{Type: quant.Int(rapid.IntRange(2, 8).Draw(rt, "weight bits")), Scale: []float32{0.02}}
		w := drawCodes(rt, wp, elements(wShape), "w")
		codes := drawCodes(rt, x.params(), elements(shape), "codes")
		convention := rapid.SampledFrom([]string{"onnx", "torch", "fixed", "fixed-double"}).Draw(rt, "convention")

		g := graphOn(t, graph.Conv, attrs, convention, shape, y, x)
		addLayer(t, g, wShape, w, wp, nil)
		input := map[string]tensor.Tensor{"x0": x.tensor(t, shape, codes)}
		got := codesOf(t, eval(t, g, input))

		f := graph.New("reals")
		f.AddInput("x0", batch(shape))
		quantize(f, "x0", x.params())
		f.AddConst("w", codeTensor(t, wp.Type, wShape, w))
		quantize(f, "w", wp)
		f.AddNode(graph.DequantizeLinear, "", "x", nil, "x0")
		f.AddNode(graph.DequantizeLinear, "", "wf", nil, "w")
		f.Outputs = []string{f.AddNode(graph.Conv, "", "y", attrs, "x", "wf")}
		reals := floats(t, eval(t, f, input))

		lo, hi := y.params().Type.Range()
		slack := 1e-4
		if convention == "fixed-double" {
			slack = 0.51 // it rounds to steps of 2^-s first, which are as large as 1
		}
		for i, r := range reals {
			exact := float64(r)/float64(y.Scale) + float64(y.Zero)
			low := math.Max(float64(lo), math.Min(float64(hi), math.Ceil(exact-0.5-slack)))
			high := math.Max(float64(lo), math.Min(float64(hi), math.Floor(exact+0.5+slack)))
			if float64(got[i]) < low || float64(got[i]) > high {
				rt.Fatalf("element %d: code %d for the real %g, which is %g steps", i, got[i], r, exact)
			}
		}
	})
}
