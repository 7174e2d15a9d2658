package quant_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"linquant/quant"
	"linquant/tensor"
)

var (
	nan32  = float32(math.NaN())
	inf32  = float32(math.Inf(1))
	usable = quant.TensorParams(quant.Int(8), 0.5, 0)
)

// refused fails unless err says every one of the words.
func refused(t *testing.T, what string, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Errorf("%s was accepted", what)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%s: %q does not say %q", what, err, w)
		}
	}
	if strings.Contains(err.Error(), "\n") {
		t.Errorf("%s: %q is more than a line", what, err)
	}
}

func TestTypes(t *testing.T) {
	for _, typ := range []quant.Type{{}, quant.Int(1), quant.Int(9), quant.Int(-3), quant.Int(33), quant.Int(31), quant.Uint(32), quant.Uint(1)} {
		refused(t, typ.String(), typ.Check(), "not supported", "2 to 8 bits")
		if lo, hi := typ.Range(); lo != 0 || hi != 0 {
			t.Errorf("%v has the range [%d, %d]", typ, lo, hi)
		}
		p := usable
		p.Type = typ
		refused(t, "Quantize to "+typ.String(), quant.Quantize(make([]int32, 1), make([]float32, 1), nil, p), "not supported")
		_, _, err := quant.AffineScale(0, 1, typ)
		refused(t, "AffineScale", err, "not supported")
		_, err = quant.SymmetricScale(1, typ)
		refused(t, "SymmetricScale", err, "not supported")
		_, err = quant.SymmetricParams(make([]float32, 1), nil, typ, quant.Layout{})
		refused(t, "SymmetricParams", err, "not supported")
		_, err = quant.AffineParams(make([]float32, 1), nil, typ, quant.Layout{}, true)
		refused(t, "AffineParams", err, "not supported")
	}
	for _, c := range []struct {
		typ    quant.Type
		lo, hi int32
	}{{quant.Int(2), -2, 1}, {quant.Int(8), -128, 127}, {quant.Uint(2), 0, 3}, {quant.Uint(8), 0, 255}, {quant.Int(32), math.MinInt32, math.MaxInt32}} {
		if lo, hi := c.typ.Range(); c.typ.Check() != nil || lo != c.lo || hi != c.hi {
			t.Errorf("%v has the range [%d, %d], error %v", c.typ, lo, hi, c.typ.Check())
		}
	}
}

func TestRanges(t *testing.T) {
	int8s := quant.Int(8)
	_, _, err := quant.Extremes(nil)
	refused(t, "an empty tensor", err, "empty")
	for _, bad := range []float32{nan32, inf32, -inf32} {
		for at := range 6 {
			x := make([]float32, 6)
			x[at] = bad
			index := "element " + string(rune('0'+at))
			_, _, err := quant.Extremes(x)
			refused(t, "Extremes", err, index)
			_, err = quant.AbsMax(x)
			refused(t, "AbsMax", err, index)
			_, err = quant.SymmetricParams(x, tensor.Shape{3, 2}, int8s, quant.Layout{Per: quant.PerChannel})
			refused(t, "SymmetricParams", err, index)
			_, err = quant.AffineParams(x, tensor.Shape{3, 2}, int8s, quant.Layout{Per: quant.PerChannel}, false)
			refused(t, "AffineParams", err, index)
		}
		_, _, err = quant.AffineScale(bad, 1, int8s)
		refused(t, "an end that is not finite", err, "finite")
		_, _, err = quant.AffineScale(0, bad, int8s)
		refused(t, "an end that is not finite", err, "finite")
		_, err = quant.SymmetricScale(bad, int8s)
		refused(t, "a magnitude that is not finite", err, "finite")
	}
	_, _, err = quant.AffineScale(2, 1, int8s)
	refused(t, "exchanged ends", err, "exchanged")
	_, err = quant.SymmetricScale(-1, int8s)
	refused(t, "a negative magnitude", err, "negative")
	_, err = quant.AffineParams(nil, nil, int8s, quant.Layout{}, false)
	refused(t, "an empty tensor", err, "empty")
	if m, err := quant.AbsMax(nil); m != 0 || err != nil {
		t.Errorf("AbsMax of nothing is %v, error %v", m, err)
	}
	if scale, _, err := quant.AffineScale(0, 1e-45, int8s); scale != 0x1p-126 || err != nil {
		t.Errorf("a subnormal range has scale %g, error %v", scale, err)
	}
	if scale, _, err := quant.AffineScale(-math.MaxFloat32, math.MaxFloat32, quant.Int(2)); err != nil || float32(scale) > math.MaxFloat32 {
		t.Errorf("the widest range has scale %g, error %v", scale, err)
	}
}

func TestUnusableParams(t *testing.T) {
	shape, channels := tensor.Shape{2, 3}, quant.Layout{Per: quant.PerChannel}
	with := func(change func(*quant.Params)) quant.Params {
		p := quant.Params{Type: quant.Int(8), Layout: channels, Scale: []float32{1, 1}, ZeroPoint: []int32{0, 0}}
		change(&p)
		return p
	}
	for _, c := range []struct {
		what  string
		p     quant.Params
		words string
	}{
		{"a zero scale", with(func(p *quant.Params) { p.Scale[1] = 0 }), "scale 1"},
		{"a negative scale", with(func(p *quant.Params) { p.Scale[0] = -1 }), "scale 0"},
		{"a subnormal scale", with(func(p *quant.Params) { p.Scale[1] = 0x1p-127 }), "smallest normal"},
		{"a NaN scale", with(func(p *quant.Params) { p.Scale[1] = nan32 }), "scale 1"},
		{"an infinite scale", with(func(p *quant.Params) { p.Scale[1] = inf32 }), "finite"},
		{"too few scales", with(func(p *quant.Params) { p.Scale = p.Scale[:1] }), "1 scales"},
		{"too few zero points", with(func(p *quant.Params) { p.ZeroPoint = p.ZeroPoint[:1] }), "1 zero points"},
		{"a zero point below", with(func(p *quant.Params) { p.ZeroPoint[1] = -129 }), "zero point 1"},
		{"a zero point above", with(func(p *quant.Params) { p.ZeroPoint[0] = 128 }), "[-128, 127]"},
		{"axis 2 of 2", with(func(p *quant.Params) { p.Axis = 2 }), "axis 2"},
		{"axis -1", with(func(p *quant.Params) { p.Axis = -1 }), "axis -1"},
		{"groups of 0", with(func(p *quant.Params) { p.Per = quant.PerGroup }), "group size 0"},
		{"groups of -1", with(func(p *quant.Params) { p.Per, p.GroupSize = quant.PerGroup, -1 }), "group size -1"},
		{"no granularity", with(func(p *quant.Params) { p.Per = 9 }), "granularity"},
	} {
		refused(t, c.what, quant.Quantize(make([]int8, 6), make([]float32, 6), shape, c.p), c.words)
		refused(t, c.what, quant.Dequantize(make([]float32, 6), make([]int8, 6), shape, c.p), c.words)
	}
	ok := with(func(*quant.Params) {})
	six := make([]float32, 6)
	refused(t, "a short destination", quant.Quantize(make([]int8, 5), six, shape, ok), "5 codes")
	refused(t, "a wrong shape", quant.Quantize(make([]int8, 6), six, tensor.Shape{2, 2}, ok), "[2, 2]")
	refused(t, "a negative shape", quant.Quantize(make([]int8, 6), six, tensor.Shape{-2, -3}, ok), "negative")
	refused(t, "no shape per channel", quant.Quantize(make([]int8, 6), six, nil, ok), "axis 0")
	refused(t, "uint8 codes in int8", quant.Quantize(make([]int8, 1), six[:1], nil, quant.TensorParams(quant.Uint(8), 1, 0)), "uint8")
	refused(t, "int8 codes in uint8", quant.Quantize(make([]uint8, 1), six[:1], nil, usable), "int8")
	refused(t, "int32 codes in int8", quant.Quantize(make([]int8, 1), six[:1], nil, quant.TensorParams(quant.Int(32), 1, 0)), "int32")
	if err := quant.Quantize([]int8{}, nil, tensor.Shape{0}, usable); err != nil {
		t.Errorf("an empty tensor: %v", err)
	}
}

// TestEmptyChannels: a shape that claims very many channels without elements allocates nothing for them.
func TestEmptyChannels(t *testing.T) {
	for _, l := range []quant.Layout{{Per: quant.PerChannel, Axis: 1}, {Per: quant.PerGroup, Axis: 1, GroupSize: 4}} {
		p, err := quant.SymmetricParams(nil, tensor.Shape{0, math.MaxInt}, quant.Int(8), l)
		if err != nil || len(p.Scale) != 0 {
			t.Errorf("per %v: %d scales, error %v", l.Per, len(p.Scale), err)
		}
		if err := quant.Quantize([]int8{}, nil, tensor.Shape{0, math.MaxInt}, p); err != nil {
			t.Errorf("per %v: %v", l.Per, err)
		}
	}
}

// One number that is not finite, wherever in a tensor and however its scales lie in it, is refused and said where it is.
func TestNotFiniteAnywhere(t *testing.T) {
	shape := tensor.Shape{3, 20} // 20 columns are enough for the kernels
	for _, l := range []quant.Layout{
		{}, {Per: quant.PerChannel}, {Per: quant.PerChannel, Axis: 1}, {Per: quant.PerGroup, Axis: 1, GroupSize: 5},
	} {
		for _, bad := range []float32{nan32, inf32, -inf32} {
			for i := range 60 {
				x := make([]float32, 60)
				x[i] = bad
				want := fmt.Sprintf("element %d is %v", i, bad)
				_, err := quant.SymmetricParams(x, shape, quant.Int(8), l)
				refused(t, fmt.Sprintf("%v, symmetric", l), err, want)
				_, err = quant.AffineParams(x, shape, quant.Int(8), l, true)
				refused(t, fmt.Sprintf("%v, affine", l), err, want)
			}
		}
	}
}

// Parameters that cannot be are an error of the parameters, and no codes are made with them.
func TestQuantizeInOneStepRefuses(t *testing.T) {
	dst := []int8{7, 7}
	x := []float32{1, nan32}
	_, err := quant.QuantizeAffine(dst, x, tensor.Shape{2}, quant.Int(8), quant.Layout{}, true)
	refused(t, "a NaN", err, "NaN")
	_, err = quant.QuantizeSymmetric(dst, x, tensor.Shape{2}, quant.Int(8), quant.Layout{})
	refused(t, "a NaN", err, "NaN")
	if dst[0] != 7 || dst[1] != 7 {
		t.Errorf("codes %d were made", dst)
	}
}
