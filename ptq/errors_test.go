package ptq_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"linquant/calib"
	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

func TestConfigErrors(t *testing.T) {
	g := func() *graph.Graph {
		n := newNet(t, 3, 6, 6)
		y := n.op(graph.Relu, "/layer1/relu", nil, n.conv("/layer1/conv", "x", 3, 4))
		return n.done(n.conv("/layer2/conv", y, 4, 4))
	}()
	over := func(o ptq.Override) ptq.Config {
		return ptq.Config{Overrides: []ptq.Override{{Pattern: "*/*/*", ActBits: 7}, o}}
	}
	tests := []struct {
		cfg  ptq.Config
		want string
	}{
		{ptq.Config{WeightBits: 9}, "weights of 9 bits are not supported: use 2 to 8"},
		{ptq.Config{WeightBits: -1}, "weights of -1 bits"},
		{ptq.Config{ActBits: 1}, "activations of 1 bits"},
		{ptq.Config{Requant: 4}, "no convention"},
		{over(ptq.Override{Pattern: "*", WeightBits: 12}), `override of "*": weights of 12 bits`},
		{over(ptq.Override{Pattern: "/layer1/conv", ActBits: 16}), `override of "/layer1/conv": activations of 16 bits`},
		{over(ptq.Override{Pattern: "[a", Float: true}), `override of "[a": it is no pattern`},
		{over(ptq.Override{Pattern: "/layer1/cnov", Float: true}), `it matches no node; near to it: "/layer1/conv"`},
		{over(ptq.Override{Pattern: "conv", Float: true}), `near to it: "/layer1/conv", "/layer2/conv"`},
		{over(ptq.Override{Pattern: "*conb", Float: true}), `near to it: "/layer1/conv", "/layer2/conv"`},
		{over(ptq.Override{Pattern: "something.else", Float: true}), `there are for instance: "/layer1/conv", "/layer1/relu", "/layer2/conv"`},
		{over(ptq.Override{Pattern: "/layer1/relu", WeightBits: 4}), `matches no layer with weights; near to it: "/layer1/conv"`},
	}
	for _, tt := range tests {
		_, err := ptq.Points(g, tt.cfg)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Points: error %v, want %q", err, tt.want)
		}
		if _, _, err := ptq.Quantize(t.Context(), g, nil, tt.cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Quantize: error %v, want %q", err, tt.want)
		}
	}
}

// Who shows errors can ask what they are about.
func TestErrorTypes(t *testing.T) {
	g := fc(t, 1, 2, []float32{1, float32(math.NaN())}, []float32{0})
	good := calib.Ranges{"x": {Lo: 0, Hi: 1}, "fc.y": {Lo: -1, Hi: 1}}
	var node *graph.NodeError
	if _, _, err := ptq.Quantize(t.Context(), g, good, ptq.Config{}); !errors.As(err, &node) || node.Node != "fc" || node.Op != graph.Gemm {
		t.Errorf("error %v, of the node %+v", err, node)
	}
	if _, _, err := ptq.Dynamic(t.Context(), g, ptq.Config{}); !errors.As(err, &node) || node.Node != "fc" {
		t.Errorf("dynamic: error %v, of the node %+v", err, node)
	}
	var value *graph.ValueError
	if _, _, err := ptq.Quantize(t.Context(), g, calib.Ranges{"x": {}}, ptq.Config{}); !errors.As(err, &value) || value.Value != "fc.y" {
		t.Errorf("error %v, of the value %+v", err, value)
	}
	var override *ptq.OverrideError
	for _, o := range []ptq.Override{{Pattern: "[a"}, {Pattern: "gc"}, {Pattern: "fc", WeightBits: 1}} {
		if _, err := ptq.Points(g, ptq.Config{Overrides: []ptq.Override{o}}); !errors.As(err, &override) || override.Pattern != o.Pattern {
			t.Errorf("error %v, of the override %+v", err, override)
		}
	}
	n := newNet(t, 3, 6, 6)
	q, _ := quantizeNet(t, n.done(n.conv("conv", "x", 3, 4)), ptq.Config{})
	if _, err := ptq.Points(q, ptq.Config{}); !errors.Is(err, ptq.ErrQuantized) {
		t.Errorf("error %v", err)
	}
}

func TestSetGranularity(t *testing.T) {
	var cfg ptq.Config
	if err := cfg.SetGranularity(quant.PerTensor); err != nil || !cfg.PerTensor {
		t.Errorf("per tensor: %v, %v", cfg, err)
	}
	if err := cfg.SetGranularity(quant.PerChannel); err != nil || cfg.PerTensor {
		t.Errorf("per channel: %v, %v", cfg, err)
	}
	if err := cfg.SetGranularity(quant.PerGroup); err == nil || !strings.Contains(err.Error(), "one scale per output channel") {
		t.Errorf("per group: %v", err)
	}
}

// fc is a network of one fully-connected layer with the given weight and bias.
func fc(t testing.TB, out, in int, weight, bias []float32) *graph.Graph {
	n := newNet(t, in)
	w, b := n.constant("w", tensor.Shape{out, in}, weight...), n.constant("b", tensor.Shape{out}, bias...)
	return n.done(n.op(graph.Gemm, "fc", graph.Attrs{"transB": 1}, "x", w, b))
}

func TestLayerErrors(t *testing.T) {
	nan, inf := float32(math.NaN()), float32(math.Inf(1))
	ones := make([]float32, 70000)
	for i := range ones {
		ones[i] = 1
	}
	mixed := make([]float32, 100000)
	for i := range mixed {
		mixed[i] = float32(i%2*2 - 1)
	}
	good := calib.Ranges{"x": {Lo: 0, Hi: 1}, "fc.y": {Lo: -1, Hi: 1}}
	with := func(value string, lo, hi float32) calib.Ranges {
		return calib.Ranges{"x": good["x"], "fc.y": good["fc.y"], value: {Lo: lo, Hi: hi}}
	}
	tests := []struct {
		name         string
		weight, bias []float32
		ranges       calib.Ranges
		want         string
	}{
		{"no range", []float32{1}, []float32{1}, calib.Ranges{"x": {}}, `value "fc.y": it has no range: calibrate the values that ptq.Points lists`},
		{"NaN range", []float32{1}, []float32{1}, with("x", nan, 1), `value "x": [NaN, 1] is no range`},
		{"infinite range", []float32{1}, []float32{1}, with("x", 0, inf), `value "x": [0, +Inf] is no range`},
		{"exchanged range", []float32{1}, []float32{1}, with("fc.y", 2, 1), `value "fc.y": [2, 1] is no range`},
		{"NaN weight", []float32{1, nan}, []float32{1}, good, `Gemm node "fc": weight "w": element 1 is NaN`},
		{"infinite bias", []float32{1}, []float32{inf}, good, `Gemm node "fc": bias "b": element 0 is +Inf`},
		{"overflow", ones, []float32{0}, good, `Gemm node "fc": output channel 0: the accumulator can reach [0, 2266950000], beyond int32`},
		{"overflow below 0", mixed, []float32{-50000}, with("x", -1, 1), `output channel 0: the accumulator can reach [-2428`},
		{"scales too small", []float32{1e-6}, []float32{0}, with("x", 0, 1e-36), `Gemm node "fc": bias scale of output channel 0`},
		{"output too large", []float32{1e-4}, []float32{0}, calib.Ranges{"x": {Hi: 1e-20}, "fc.y": {Hi: 1e30}}, `Gemm node "fc": from input "x"`},
	}
	for _, tt := range tests {
		g := fc(t, 1, len(tt.weight), tt.weight, tt.bias)
		q, report, err := ptq.Quantize(t.Context(), g, tt.ranges, ptq.Config{})
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
		if q != nil || report != nil {
			t.Errorf("%s: there is a result beside the error", tt.name)
		}
	}
	if _, _, err := ptq.Quantize(t.Context(), fc(t, 1, 70000, ones, []float32{0}), good, ptq.Config{ActBits: 7}); err != nil {
		t.Errorf("the remedy for the overflow does not help: %v", err)
	}
}

// The channels of a matrix product are the columns of its weight.
func TestMatMulOverflow(t *testing.T) {
	n := newNet(t, 70000)
	w := make([]float32, 2*70000)
	for i := range w {
		w[i] = float32(i%2*2-1) * float32(i%4/2) // only half of the first column, and negative, all of the second
		if i%2 == 1 {
			w[i] = 1
		}
	}
	g := n.done(n.op(graph.MatMul, "m", nil, "x", n.constant("w", tensor.Shape{70000, 2}, w...)))
	_, _, err := ptq.Quantize(t.Context(), g, calib.Ranges{"x": {Lo: 0, Hi: 1}, "m.y": {Lo: -1, Hi: 1}}, ptq.Config{})
	if want := `MatMul node "m": output channel 1: the accumulator can reach [0, 2266950000]`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

func TestNetworkErrors(t *testing.T) {
	n := newNet(t, 3, 6, 6)
	g := n.done(n.conv("conv", "x", 3, 4))
	q, _ := quantizeNet(t, g, ptq.Config{})
	unordered := g.Clone()
	unordered.Nodes[0].Inputs[0] = "missing"
	for want, g := range map[string]*graph.Graph{
		"no network": nil, "quantized already": q, `input "missing" is not defined`: unordered,
	} {
		if _, err := ptq.Points(g, ptq.Config{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
