package quant_test

import (
	"math"
	"testing"

	"linquant/quant"
	"linquant/tensor"
)

func TestBiasErrors(t *testing.T) {
	dst := make([]int32, 2)
	perChannel := quant.Params{Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel}, Scale: []float32{1, 1}}
	refused(t, "a NaN bias", quant.QuantizeBias(dst, []float32{0, nan32}, usable, perChannel), "channel 1", "NaN")
	refused(t, "three biases", quant.QuantizeBias(make([]int32, 3), make([]float32, 3), usable, perChannel), "2 scales")
	refused(t, "a short destination", quant.QuantizeBias(dst[:1], make([]float32, 2), usable, perChannel), "1 codes")
	refused(t, "a per-channel input", quant.QuantizeBias(dst, make([]float32, 2), perChannel, perChannel), "one scale")

	for what, change := range map[string]func(input, weight *quant.Params){
		"groups":            func(_, w *quant.Params) { w.Per = quant.PerGroup },
		"axis 1":            func(_, w *quant.Params) { w.Axis = 1 },
		"a product of 0":    func(x, w *quant.Params) { x.Scale, w.Scale[1] = []float32{1e-30}, 1e-30 },
		"infinite product":  func(x, w *quant.Params) { x.Scale, w.Scale[1] = []float32{1e30}, 1e30 },
		"negative scales":   func(x, w *quant.Params) { x.Scale, w.Scale[0], w.Scale[1] = []float32{-1}, -1, -1 },
		"a NaN input scale": func(x, _ *quant.Params) { x.Scale = []float32{nan32} },
	} {
		input, weight := usable, perChannel
		weight.Scale = []float32{1, 1}
		change(&input, &weight)
		_, err := quant.BiasParams(input, weight)
		refused(t, what, err)
	}

	refused(t, "a short destination", quant.FoldZeroPoint(dst[:1], make([]int32, 2), make([]int8, 4), 1), "1 destinations")
	refused(t, "weights that do not divide", quant.FoldZeroPoint(dst, dst, make([]int8, 3), 1), "3 weights")
	refused(t, "no channels", quant.FoldZeroPoint(nil, nil, nil, 1), "0 output channels")
	refused(t, "a sum beyond int32", quant.FoldZeroPoint(dst, []int32{0, math.MaxInt32}, []int8{1, -1}, 1), "channel 1", "int32")
}

func TestRequantizerErrors(t *testing.T) {
	one := []float64{1}
	make1 := func(c quant.Convention, m []float64, out quant.Params) error {
		_, err := quant.NewRequantizer(c, m, out)
		return err
	}
	for _, m := range []float64{0, -1, math.NaN(), math.Inf(1), 1e-40, 1e39} {
		for _, c := range conventions {
			refused(t, "a multiplier", make1(c, []float64{1, m}, usable), "channel 1")
		}
	}
	refused(t, "no multiplier", make1(quant.ONNX, nil, usable), "no multiplier")
	refused(t, "no convention", make1(9, one, usable), "Convention(9)")
	refused(t, "a 32-bit output", make1(quant.ONNX, one, quant.TensorParams(quant.Int(32), 1, 0)), "32")
	refused(t, "an output per channel", make1(quant.ONNX, one, quant.Params{Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel}}), "channel")
	refused(t, "a zero point outside", make1(quant.ONNX, one, quant.TensorParams(quant.Int(4), 1, 8)), "zero point")
	_, err := quant.ParseConvention("onxx")
	refused(t, "a misspelt convention", err, "onxx", "fixed-double")
	_, err = quant.ParseGranularity("row")
	refused(t, "a misspelt granularity", err, "row", "group")

	r, err := quant.NewRequantizer(quant.ONNX, []float64{1, 1}, usable)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "half a row", quant.Requantize(make([]int8, 3), make([]int32, 3), r), "2 channels")
	refused(t, "a short destination", quant.Requantize(make([]int8, 2), make([]int32, 4), r), "2 codes")
	refused(t, "negative codes in uint8", quant.Requantize(make([]uint8, 2), make([]int32, 2), r), "[-128, 127]")
	refused(t, "an empty stage", quant.Requantize(make([]int8, 2), make([]int32, 2), &quant.Requantizer{}), "NewRequantizer")
}

func TestNewLinearErrors(t *testing.T) {
	type arguments struct {
		weight        []int8
		shape         tensor.Shape
		wp            quant.Params
		bias          []float32
		input, output quant.Params
		convention    quant.Convention
	}
	perChannel := quant.Params{Type: quant.Int(8), Layout: quant.Layout{Per: quant.PerChannel, Axis: 1}, Scale: []float32{1, 1, 1}}
	for what, c := range map[string]struct {
		change func(*arguments)
		words  string
	}{
		"three dimensions":      {func(a *arguments) { a.shape = tensor.Shape{1, 2, 3} }, "[out, in]"},
		"no inputs":             {func(a *arguments) { a.shape, a.weight = tensor.Shape{2, 0}, nil }, "[out, in]"},
		"no outputs":            {func(a *arguments) { a.shape, a.weight = tensor.Shape{0, 3}, nil }, "[out, in]"},
		"too few weights":       {func(a *arguments) { a.weight = a.weight[1:] }, "weight"},
		"an affine weight":      {func(a *arguments) { a.wp.ZeroPoint = []int32{1} }, "symmetrically"},
		"an unsigned weight":    {func(a *arguments) { a.wp.Type = quant.Uint(8) }, "weight"},
		"channels along inputs": {func(a *arguments) { a.wp = perChannel }, "axis 1"},
		"32-bit inputs":         {func(a *arguments) { a.input.Type = quant.Int(32) }, "2 to 8 bits"},
		"32-bit weights":        {func(a *arguments) { a.wp.Type = quant.Int(32) }, "2 to 8 bits"},
		"an input scale of 0":   {func(a *arguments) { a.input = quant.TensorParams(quant.Int(8), 0, 0) }, "input"},
		"two output scales":     {func(a *arguments) { a.output.Scale = []float32{1, 1} }, "output"},
		"an output scale of 0":  {func(a *arguments) { a.output = quant.TensorParams(quant.Int(8), 0, 0) }, "output"},
		"three biases":          {func(a *arguments) { a.bias = make([]float32, 3) }, "3 biases"},
		"a NaN bias":            {func(a *arguments) { a.bias = []float32{0, nan32} }, "NaN"},
		"no convention":         {func(a *arguments) { a.convention = 7 }, "Convention(7)"},
		"an overflow":           {func(a *arguments) { a.weight, a.bias = []int8{0, 0, 0, 1, 1, 1}, []float32{0, 1e9} }, "channel 1"},
		"an underflow":          {func(a *arguments) { a.weight, a.bias = []int8{0, 0, 0, 1, 1, 1}, []float32{0, -1e9} }, "channel 1"},
	} {
		a := arguments{make([]int8, 6), tensor.Shape{2, 3}, usable, nil, usable, usable, quant.ONNX}
		if _, err := quant.NewLinear(a.weight, a.shape, a.wp, a.bias, a.input, a.output, a.convention); err != nil {
			t.Fatal(err)
		}
		c.change(&a)
		_, err := quant.NewLinear(a.weight, a.shape, a.wp, a.bias, a.input, a.output, a.convention)
		refused(t, what, err, c.words)
	}
}

// TestAccumulatorLimit: the sum of a channel may reach the ends of int32 exactly, and not one step more.
func TestAccumulatorLimit(t *testing.T) {
	input, out := quant.TensorParams(quant.Uint(2), 1, 1), quant.TensorParams(quant.Int(8), 1, 0)
	weight := quant.TensorParams(quant.Int(8), 1, 0)
	// Inputs less their zero point lie in [-1, 2]. float32 holds 2^31-128, but not the values above it.
	for _, c := range []struct {
		weights []int8
		bias    float32
		fits    bool
	}{
		{[]int8{63, 0}, 1<<31 - 128, true},  // at most 2^31 - 2
		{[]int8{63, -1}, 1<<31 - 128, true}, // and the limit itself
		{[]int8{64, 0}, 1<<31 - 128, false},
		{[]int8{1, -1}, -(1 << 31), false},
		{[]int8{0, 0}, -(1 << 31), true},
	} {
		_, err := quant.NewLinear(c.weights, tensor.Shape{1, 2}, weight, []float32{c.bias}, input, out, quant.Fixed)
		if (err == nil) != c.fits {
			t.Errorf("weights %v, bias %v: error %v", c.weights, c.bias, err)
		}
	}
}

func TestForwardErrors(t *testing.T) {
	l, err := quant.NewLinear(make([]int8, 6), tensor.Shape{2, 3}, usable, nil, usable, usable, quant.ONNX)
	if err != nil {
		t.Fatal(err)
	}
	refused(t, "half a row", quant.Forward(l, make([]int8, 2), make([]int8, 4)), "4 inputs")
	refused(t, "a short destination", quant.Forward(l, make([]int8, 3), make([]int8, 6)), "3 outputs")
	refused(t, "one row for two", quant.Forward(l, make([]int8, 2), make([]int8, 6)), "2 outputs")
	refused(t, "uint8 inputs", quant.Forward(l, make([]int8, 2), make([]uint8, 3)), "input")
	refused(t, "uint8 outputs", quant.Forward(l, make([]uint8, 2), make([]int8, 3)), "output")
	refused(t, "an empty layer", quant.Forward(&quant.Linear{}, make([]int8, 2), make([]int8, 3)))
}

func TestNoAllocations(t *testing.T) {
	shape := tensor.Shape{8, 32}
	x, q, acc := noise(256), make([]int8, 256), make([]int32, 256)
	for _, l := range []quant.Layout{{}, {Per: quant.PerChannel}, {Per: quant.PerChannel, Axis: 1}, {Per: quant.PerGroup, GroupSize: 5}} {
		p, err := quant.AffineParams(x, shape, quant.Int(8), l, true)
		if err != nil {
			t.Fatal(err)
		}
		free(t, "Quantize per "+l.Per.String(), func() error { return quant.Quantize(q, x, shape, p) })
		free(t, "Dequantize per "+l.Per.String(), func() error { return quant.Dequantize(x, q, shape, p) })
	}
	for _, c := range conventions {
		l, err := quant.NewLinear(q, shape, usable, nil, usable, usable, c)
		if err != nil {
			t.Fatal(err)
		}
		in, out := make([]int8, 64), make([]int8, 16)
		free(t, "Forward", func() error { return quant.Forward(l, out, in) })
		free(t, "Requantize", func() error { return quant.Requantize(q, acc, l.Stage) })
	}
}

// free fails if f allocates.
func free(t *testing.T, what string, f func() error) {
	t.Helper()
	n := testing.AllocsPerRun(20, func() {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	})
	if n != 0 {
		t.Errorf("%s allocates %v times", what, n)
	}
}
