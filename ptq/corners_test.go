package ptq_test

import (
	"cmp"
	"strings"
	"testing"

	"linquant/calib"
	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// The conventions multiply scales in float32 or in float64; a layer is refused by the one that cannot.
func TestStageOfTheConvention(t *testing.T) {
	n := newNet(t, 1)
	g := n.done(n.op(graph.Gemm, "fc", graph.Attrs{"transB": 1}, "x", n.constant("w", tensor.Shape{1, 1}, 1e-9)))
	// 1e-37 × 4e-9 is 0 in float32, and a good multiplier over 2e-38 in float64.
	ranges := calib.Ranges{"x": {Hi: 255e-37}, "fc.y": {Hi: 255 * 2e-38}}
	for convention, fails := range map[quant.Convention]bool{quant.ONNX: true, quant.Torch: true, quant.Fixed: false, quant.FixedDouble: false} {
		_, _, err := ptq.Quantize(t.Context(), g, ranges, ptq.Config{Requant: convention})
		if (err != nil) != fails || fails && !strings.Contains(err.Error(), `from input "x"`) {
			t.Errorf("%v: error %v", convention, err)
		}
	}
}

// No scale is below that of a weight of zeros, whatever the squared error wants.
func TestLeastSquaresKeepsItsFloor(t *testing.T) {
	for _, small := range []float32{1e-7, 3e-7} {
		w := make([]float32, 101)
		for i := range w {
			w[i] = small
		}
		w[50] = 1e-6
		q, _, err := ptq.Quantize(t.Context(), fc(t, 1, len(w), w, []float32{0}), calib.Ranges{"x": {Hi: 1}, "fc.y": {Hi: 1}},
			ptq.Config{WeightBits: 2, WeightMethod: ptq.LeastSquares{}})
		if err != nil {
			t.Fatal(err)
		}
		if scale := q.Value("w").Quant.Scale[0]; scale < 4.999e-7 {
			t.Errorf("the scale %v is below 5e-7", scale)
		}
	}
}

// Constants that are added have codes as activations have: in the middle where those are symmetric, and scales that
// float32 holds.
func TestConstantOperands(t *testing.T) {
	for _, tt := range []struct {
		values []float32
		cfg    ptq.Config
		scale  float32
		zero   int32
	}{
		{[]float32{-0.5}, ptq.Config{}, 0.5, 1},
		{[]float32{-0.5}, ptq.Config{ActSymmetric: true}, 0.5, 128},
		{[]float32{-0.5}, ptq.Config{ActSymmetric: true, ActBits: 4}, 0.5, 8},
		{[]float32{-0.5}, ptq.Config{ActSigned: true}, 0.5, 0},
		{[]float32{0.5}, ptq.Config{ActSymmetric: true}, 0.5, 0},
		{[]float32{-1, 0.5}, ptq.Config{ActSymmetric: true}, 1. / 127, 128},
		{[]float32{-1, 0.5}, ptq.Config{}, 1.5 / 255, 170},
	} {
		n := newNet(t, 2)
		g := n.done(n.op(graph.Add, "add", nil, n.gemm("fc", "x", 2, 2), n.constant("k", tensor.Shape{len(tt.values)}, tt.values...)))
		q, _ := quantizeNet(t, g, tt.cfg)
		p := q.Value("k").Quant
		if p.Scale[0] != tt.scale || p.ZeroPoint[0] != tt.zero {
			t.Errorf("%v, %+v: scale %v and zero point %d, want %v and %d", tt.values, tt.cfg, p.Scale[0], p.ZeroPoint[0], tt.scale, tt.zero)
		}
	}
	n := newNet(t, 2)
	g := n.done(n.op(graph.Add, "add", nil, n.gemm("fc", "x", 2, 2), n.constant("k", tensor.Shape{1}, 1e-40)))
	q, _ := quantizeNet(t, g, ptq.Config{})
	if scale := q.Value("k").Quant.Scale[0]; scale < 0x1p-126 {
		t.Errorf("the scale %v is not normal", scale)
	}
}

// What is put beside activations has their parameters.
func TestConcatOfConstant(t *testing.T) {
	n := newNet(t, 3, 6, 6)
	token := n.constant("token", tensor.Shape{1, 1, 6, 6})
	y := n.op(graph.Concat, "cat", graph.Attrs{"axis": 1}, token, n.conv("conv", "x", 3, 2))
	g := n.done(n.conv("last", y, 3, 2))
	q, report := quantizeNet(t, g, ptq.Config{})
	if a, b := q.Value("token").Quant, q.Value("cat.y").Quant; !graph.SameParams(a, b) {
		t.Errorf("the constant has %+v, the output %+v", a, b)
	}
	for _, a := range report.Activations {
		if a.Value == "token" {
			t.Errorf("%+v is reported, as if it had parameters of its own", a)
		}
	}
}

// Of overrides that say different things about values that share parameters, the later one wins, wherever its node is.
func TestLaterOverrideWins(t *testing.T) {
	n := newNet(t, 3, 6, 6)
	g := n.done(n.op(graph.Relu, "relu", nil, n.conv("conv", "x", 3, 4)))
	conv, relu := ptq.Override{Pattern: "conv", ActBits: 7}, ptq.Override{Pattern: "relu", ActBits: 6}
	for _, tt := range []struct {
		overrides []ptq.Override
		want      int
	}{{[]ptq.Override{conv, relu}, 6}, {[]ptq.Override{relu, conv}, 7}} {
		_, report := quantizeNet(t, g, ptq.Config{Overrides: tt.overrides})
		if got := report.Layers[0].Output.Type.Bits; got != tt.want {
			t.Errorf("%+v: %d bits", tt.overrides, got)
		}
	}
	for _, tt := range []struct {
		overrides []ptq.Override
		layers    int
	}{
		{[]ptq.Override{{Pattern: "*", Float: true}, {Pattern: "conv", WeightBits: 4}}, 1},
		{[]ptq.Override{{Pattern: "conv", WeightBits: 4}, {Pattern: "*", Float: true}}, 0},
		{[]ptq.Override{{Pattern: "conv", Float: true}, {Pattern: "relu", ActBits: 4}}, 0},
		{[]ptq.Override{{Pattern: "!conv", Float: true}}, 1},
		{[]ptq.Override{{Pattern: "*,!relu", Float: true}}, 0},
	} {
		_, report := quantizeNet(t, g, ptq.Config{Overrides: tt.overrides})
		if len(report.Layers) != tt.layers {
			t.Errorf("%+v: %d layers of integers, want %d", tt.overrides, len(report.Layers), tt.layers)
		}
		for _, l := range report.Layers {
			if want := cmp.Or(tt.overrides[len(tt.overrides)-1].WeightBits, 8); l.Bits != want {
				t.Errorf("%+v: %d bits, want %d", tt.overrides, l.Bits, want)
			}
		}
	}
}
