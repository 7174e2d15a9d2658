package fuse

import (
	"testing"

	"linquant/graph"
	"linquant/quant"
	"linquant/tensor"
)

// The codes of a bias are taken as they are where their scale is the product, up to the last bits of a float32.
func TestScaledAs(t *testing.T) {
	p := func(zero []int32, scale ...float32) quant.Params {
		return quant.Params{Type: quant.Int(32), Scale: scale, ZeroPoint: zero}
	}
	for _, test := range []struct {
		got, want quant.Params
		same      bool
	}{
		{p(nil, 0.5), p(nil, 0.5, 0.5), true},
		{p(nil, 0.5, 0.25), p(nil, 0.5, 0.25*(1+0x1p-22)), true},
		{p(nil, 0.5, 0.25), p(nil, 0.5, 0.25*(1+0x1p-15)), false},
		{p(nil, 0.5*(1-0x1p-12)), p(nil, 0.5), false},
		{p([]int32{0, 0}, 0.5), p(nil, 0.5), true},
		{p([]int32{0, 1}, 0.5), p(nil, 0.5), false},
	} {
		if scaledAs(test.got, test.want) != test.same {
			t.Errorf("%v and %v: want %v", test.got, test.want, test.same)
		}
	}
}

// What broadcasts to the output of a layer has its elements beside the channels: NumPy's rules.
func TestAlongChannels(t *testing.T) {
	for _, test := range []struct {
		shape tensor.Shape
		op    graph.Op
		want  bool
	}{
		{tensor.Shape{3}, graph.MatMul, true},
		{tensor.Shape{1, 3}, graph.MatMul, true},
		{tensor.Shape{3, 1}, graph.MatMul, false},
		{tensor.Shape{2, 3}, graph.MatMul, false},
		{tensor.Shape{3, 1, 1}, graph.Conv, true},
		{tensor.Shape{1, 3, 1, 1}, graph.Conv, true},
		{tensor.Shape{2, 3, 1, 1}, graph.Conv, false},
		{tensor.Shape{3, 2, 1}, graph.Conv, false},
		{tensor.Shape{3}, graph.Conv, false},
	} {
		if got := alongChannels(test.shape, test.op, 3); got != test.want {
			t.Errorf("%v of %s: %v, want %v", test.shape, test.op, got, test.want)
		}
	}
}

// A constant that is read with other scales each time becomes one constant for each of them.
func TestConstantReadWithSeveralScales(t *testing.T) {
	b := newRaw()
	constOf(b, "c", tensor.Shape{1, 2, 4, 4}, make([]int8, 32)...)
	var outs []string
	for _, s := range []string{"0", "1", "2"} {
		d := b.op(graph.DequantizeLinear, "d"+s, nil, "c", constOf(b, "s"+s, tensor.Shape{}, 0.5+float32(len(outs))))
		outs = append(outs, b.op(graph.Add, "y"+s, nil, "x", d))
	}
	g, err := Graph(t.Context(), b.result(outs...))
	if err != nil {
		t.Fatal(err)
	}
	constants := 0
	for _, v := range g.Values {
		if v.Const != nil && v.Quant != nil {
			constants++
		}
	}
	if constants != 3 {
		t.Errorf("%d constants of codes, want 3", constants)
	}
}
