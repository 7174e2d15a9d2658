package ptq_test

import (
	"bytes"
	"context"
	"encoding"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"linquant/calib"
	"linquant/checkpoint"
	"linquant/engine"
	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// correction is a method of somebody else: it rounds to the nearest and then makes the mean of the layer's output, over
// the examples, what it was: b = b₀ + W·mean(X) − Q·mean(X'), with X what the float network shows the layer and X' what
// the network does that is quantized up to there. It is for layers whose weights are [outputs, inputs].
type correction struct{ log *[]string }

func (correction) String() string { return "correction" }

func (m correction) Needs(w *ptq.LayerWeight) ([]ptq.Watch, error) {
	*m.log = append(*m.log, fmt.Sprintf("%s %v %v", w.Node.Name, w.InputShape, w.Input.Type))
	x, err := calib.NewMoments(w.Shape[1], 1)
	if err != nil {
		return nil, err
	}
	y, err := calib.NewMoments(w.Shape[1], 1)
	if err != nil {
		return nil, err
	}
	return []ptq.Watch{{ptq.InFloat, x}, {ptq.InQuantized, y}, {ptq.InBoth, &pairs{}}}, nil
}

func (m correction) Quantize(ctx context.Context, w *ptq.LayerWeight, codes []int8) (quant.Params, []float32, error) {
	p, _, err := ptq.AbsMax{}.Quantize(ctx, w, codes)
	if err != nil {
		return p, nil, err
	}
	x, y, both := w.Seen[0].Observer.(*calib.Moments), w.Seen[1].Observer.(*calib.Moments), w.Seen[2].Observer.(*pairs)
	in := w.Shape[1]
	bias := make([]float32, w.Shape[0])
	copy(bias, w.Bias)
	for o := range bias {
		sum := float64(bias[o])
		for i := range in {
			q := float64(codes[o*in+i]) * float64(p.Scale[o])
			sum += float64(w.Real[o*in+i])*x.Mean(i) - q*y.Mean(i)
		}
		bias[o] = float32(sum)
	}
	for i := range in {
		if d := x.Mean(i) - y.Mean(i); math.Abs(d-both.differences[i]/float64(both.examples)) > 1e-6 {
			return p, nil, fmt.Errorf("input %d: the means differ by %v, and pair by pair by %v", i, d, both.differences[i]/float64(both.examples))
		}
	}
	*m.log = append(*m.log, fmt.Sprintf("%d examples", both.examples))
	return p, bias, nil
}

// pairs is an Observer of somebody else: it sums what each element of the float network's example differs by from that
// of the quantized one's.
type pairs struct {
	examples    int
	differences []float64
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

func (p *pairs) Observe(x []float32) error {
	n := len(x) / 2
	if p.differences == nil {
		p.differences = make([]float64, n)
	}
	for i := range n {
		p.differences[i] += float64(x[i]) - float64(x[n+i])
	}
	p.examples++
	return nil
}

func (p *pairs) EndBatch() {}

func (p *pairs) Merge(calib.Observer) error { return errors.New("not merged") }

// chain is a network of three layers whose outputs keep all that the next operator reads.
func chain(t testing.TB) *graph.Graph {
	n := newNet(t, 12)
	a := n.op(graph.Sigmoid, "sigmoid", nil, n.gemm("a", "x", 12, 16))
	b := n.op(graph.Tanh, "tanh", nil, n.op(graph.Gemm, "b", graph.Attrs{"transB": 1}, a, n.constant("b.w", tensor.Shape{16, 16}))) // without a bias
	return n.done(n.gemm("c", b, 16, 4))
}

// examplesOf are 64 examples, in batches of 24.
func examplesOf(t testing.TB) (ptq.Examples, []float32) {
	x := newNet(t, 12).random(64 * 12)
	return ptq.Examples{
		Compile: func(g *graph.Graph, keep []string) (calib.Runner, error) {
			return engine.Compile(t.Context(), g, engine.Config{Threads: 1, Keep: keep})
		},
		Batches: func(yield func([][]float32, error) bool) {
			for batch := range slices.Chunk(x, 24*12) {
				if !yield([][]float32{batch}, nil) {
					return
				}
			}
		},
	}, x
}

// talkative is a network that shows more than it was asked for.
type talkative struct{ calib.Runner }

func (r talkative) Trace(ctx context.Context, inputs [][]float32, visit func(value string, x []float32) error) error {
	return r.Runner.Trace(ctx, inputs, func(value string, x []float32) error {
		if err := visit(value+", as it was once", x[:1]); err != nil {
			return err
		}
		return visit(value, x)
	})
}

// means returns the mean of each element of some values over the examples.
func means(t testing.TB, g *graph.Graph, x []float32, values map[string]string) map[string][]float64 {
	t.Helper()
	var keep []string
	for _, v := range values {
		keep = append(keep, v)
	}
	p, err := engine.Compile(t.Context(), g, engine.Config{Threads: 1, Keep: keep})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]float64{}
	err = p.Trace(t.Context(), [][]float32{x}, func(value string, x []float32) error {
		for layer, v := range values {
			if v != value {
				continue
			}
			if found[layer] == nil {
				found[layer] = make([]float64, len(x))
			}
			for i, v := range x {
				found[layer][i] += float64(v) / 64
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The seam for methods is open: one from outside, with a statistic from outside, sees each layer's input in the order of
// the network, in both networks, and what it returns is what the layer gets.
func TestWeightMethodFromOutside(t *testing.T) {
	g := chain(t)
	examples, x := examplesOf(t)
	var log []string
	cfg := ptq.Config{WeightBits: 3}
	points, err := ptq.Points(g, cfg)
	if err != nil {
		t.Fatal(err)
	}
	program, err := examples.Compile(g, calib.Values(points))
	if err != nil {
		t.Fatal(err)
	}
	ranges, err := calib.Run(t.Context(), program, examples.Batches, points, calib.Config{})
	if err != nil {
		t.Fatal(err)
	}
	for value, r := range ranges { // room for a corrected output
		ranges[value] = calib.Range{Lo: r.Lo - 1, Hi: r.Hi + 1}
	}
	worst := func(method ptq.WeightMethod, dynamic bool) map[string]float64 {
		cfg.WeightMethod, cfg.Examples = method, examples
		cfg.Examples.Compile = func(g *graph.Graph, keep []string) (calib.Runner, error) {
			r, err := examples.Compile(g, keep)
			return talkative{r}, err
		}
		quantize := func() (*graph.Graph, *ptq.NetworkReport, error) { return ptq.Quantize(t.Context(), g, ranges, cfg) }
		if dynamic {
			quantize = func() (*graph.Graph, *ptq.NetworkReport, error) { return ptq.Dynamic(t.Context(), g, cfg) }
		}
		q, report, err := quantize()
		if err != nil {
			t.Fatal(err)
		}
		if len(report.Layers) != 3 {
			t.Fatalf("%d layers", len(report.Layers))
		}
		layers := map[string]string{"a": "a.y", "b": "b.y", "c": "c.y"}
		want, got := means(t, g, x, layers), means(t, q, x, layers)
		differ := map[string]float64{}
		for layer := range layers {
			for i, m := range want[layer] {
				differ[layer] = max(differ[layer], math.Abs(m-got[layer][i]))
			}
		}
		return differ
	}
	for _, dynamic := range []bool{false, true} {
		before := worst(ptq.AbsMax{}, dynamic)
		log = nil
		after := worst(correction{&log}, dynamic)
		for layer := range before {
			t.Logf("dynamic %v, %s: the mean of an output differs by up to %.4f, corrected by %.4f", dynamic, layer, before[layer], after[layer])
			if after[layer] > 0.005 || before[layer] < 4*after[layer] {
				t.Errorf("dynamic %v, %s: the mean of an output differs by up to %v, corrected by %v", dynamic, layer, before[layer], after[layer])
			}
		}
		typ := map[bool]string{false: "uint8", true: "int0"}[dynamic] // dynamic layers have no type beforehand
		want := []string{
			"a [-1, 12] " + typ, "64 examples", "b [-1, 16] " + typ, "64 examples", "c [-1, 16] " + typ, "64 examples",
		}
		if !slices.Equal(log, want) {
			t.Errorf("it was asked %q, want %q", log, want)
		}
	}
}

// odd is a method that does something wrong.
type odd struct {
	needs   []ptq.Watch
	refuses error
	bias    []float32
	params  func(*quant.Params)
}

func (odd) String() string { return "odd" }

func (o odd) Needs(*ptq.LayerWeight) ([]ptq.Watch, error) { return o.needs, o.refuses }

func (o odd) Quantize(ctx context.Context, w *ptq.LayerWeight, codes []int8) (quant.Params, []float32, error) {
	p, _, err := ptq.AbsMax{}.Quantize(ctx, w, codes)
	if o.params != nil {
		o.params(&p)
	}
	return p, o.bias, err
}

// ones is a method whose codes are not the nearest: each is 1.
type ones struct{ ptq.AbsMax }

func (ones) Quantize(ctx context.Context, w *ptq.LayerWeight, codes []int8) (quant.Params, []float32, error) {
	p, _, err := ptq.AbsMax{}.Quantize(ctx, w, codes)
	for i := range codes {
		codes[i] = 1
	}
	return p, nil, err
}

// Where a bias makes the scale of a channel larger, the weights of that channel are rounded again, and no others.
func TestRaisedScaleKeepsCodes(t *testing.T) {
	rows := []float32{1e-8, 0, 0, 0.5, -0.25, 1} // the first of two output channels has all but no weights
	n := newNet(t, 3)
	w, b := n.constant("w", tensor.Shape{2, 3}, rows...), n.constant("b", tensor.Shape{2}, 0.5, 0.25)
	gemm := n.done(n.op(graph.Gemm, "fc", graph.Attrs{"transB": 1}, "x", w, b))
	n = newNet(t, 1, 2, 1)
	w = n.constant("w", tensor.Shape{2, 1, 2, 1}, 1e-8, 0, 0.5, -0.25)
	b = n.constant("b", tensor.Shape{2}, 0.5, 0.25)
	conv := n.done(n.op(graph.Conv, "fc", nil, "x", w, b))
	for _, tt := range []struct {
		g    *graph.Graph
		want []int8
	}{{gemm, []int8{0, 0, 0, 1, 1, 1}}, {conv, []int8{0, 0, 1, 1}}} {
		ranges := calib.Ranges{"x": {Lo: 0, Hi: 2}, "fc.y": {Lo: -1, Hi: 1}}
		q, report, err := ptq.Quantize(t.Context(), tt.g, ranges, ptq.Config{WeightMethod: ones{}})
		if err != nil {
			t.Fatal(err)
		}
		if got := codesOf[int8](t, *q.Value("w").Const); !slices.Equal(got, tt.want) || report.Layers[0].Raised != 1 {
			t.Errorf("codes %v, %d channels raised, want %v and 1", got, report.Layers[0].Raised, tt.want)
		}
	}
}

func TestWeightMethodErrors(t *testing.T) {
	examples, _ := examplesOf(t)
	watch := func(in ptq.Network) []ptq.Watch { return []ptq.Watch{{in, &pairs{}}} }
	failing := examples
	failing.Compile = func(*graph.Graph, []string) (calib.Runner, error) { return nil, errors.New("no such processor") }
	stopped := examples
	stopped.Batches = func(yield func([][]float32, error) bool) { yield(nil, errors.New("the disk is on fire")) }
	n := newNet(t, 12)
	product := n.done(n.op(graph.MatMul, "a", nil, "x", n.constant("a.w", tensor.Shape{12, 3})))
	for _, tt := range []struct {
		g        *graph.Graph
		method   odd
		examples ptq.Examples
		want     string
	}{
		{chain(t), odd{refuses: errors.New("not this one")}, examples, `Gemm node "a": weight "a.w": not this one`},
		{chain(t), odd{needs: watch(ptq.InFloat)}, ptq.Examples{}, "odd quantizes weights by what their layers are shown: give examples"},
		{chain(t), odd{needs: watch(4)}, examples, "odd asks to watch no network that there is"},
		{chain(t), odd{needs: []ptq.Watch{{}}}, examples, "with no observer"},
		{chain(t), odd{needs: watch(ptq.InFloat)}, failing, "no such processor"},
		{chain(t), odd{needs: watch(ptq.InQuantized)}, failing, "no such processor"},
		{chain(t), odd{needs: watch(ptq.InBoth)}, stopped, "the disk is on fire"},
		{chain(t), odd{bias: make([]float32, 3)}, examples, "a bias of 3 elements is none for 16 output channels"},
		{chain(t), odd{bias: slices.Repeat([]float32{float32(math.NaN())}, 16)}, examples, "element 0 is NaN"},
		{product, odd{bias: make([]float32, 3)}, examples, "its layer can have no bias"},
		{chain(t), odd{params: func(p *quant.Params) { *p = quant.Params{} }}, examples, `weight "a.w": the method returns codes of int0, and int8 are wanted`},
		{chain(t), odd{params: func(p *quant.Params) { p.Type = quant.Int(4) }}, examples, "the method returns codes of int4, and int8 are wanted"},
		{chain(t), odd{params: func(p *quant.Params) { p.Layout = quant.Layout{} }}, examples, "the method returns scales for the layout"},
		{chain(t), odd{params: func(p *quant.Params) { p.Scale = nil }}, examples, "0 scales for a tensor that needs 16"},
		{chain(t), odd{params: func(p *quant.Params) { p.Scale = p.Scale[:3] }}, examples, "3 scales for a tensor that needs 16"},
		{chain(t), odd{params: func(p *quant.Params) { p.Scale[1] = 0 }}, examples, "scale 1: 0 is no usable scale"},
	} {
		cfg := ptq.Config{WeightMethod: tt.method, Examples: tt.examples}
		_, _, err := ptq.Quantize(t.Context(), tt.g, spread(t, tt.g, cfg), cfg)
		if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("error %v, want %q", err, tt.want)
		}
		if _, _, err := ptq.Dynamic(t.Context(), tt.g, cfg); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("dynamic: error %v, want %q", err, tt.want)
		}
	}
	f := reopen(t, func(w *bytes.Buffer) error {
		return checkpoint.WriteSafetensors(w, nil, []checkpoint.Output{floats(t, "weight", tensor.Shape{2, 2})})
	})
	for want, method := range map[string]odd{
		`tensor "weight": odd quantizes weights by what their layers are shown, and a checkpoint has no layers`: {needs: watch(ptq.InFloat)},
		`tensor "weight": the method returns codes of int0, and int8 are wanted`:                                {params: func(p *quant.Params) { *p = quant.Params{} }},
	} {
		_, err := ptq.Weights(t.Context(), &bytes.Buffer{}, f, f.Tensors(), nil, ptq.WeightConfig{Method: method})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}

// lowest is a method that gives an element the most negative code.
type lowest struct{ ptq.AbsMax }

func (lowest) Quantize(ctx context.Context, w *ptq.LayerWeight, codes []int8) (quant.Params, []float32, error) {
	p, _, err := ptq.AbsMax{}.Quantize(ctx, w, codes)
	qmin, _ := w.Type.Range()
	codes[len(codes)-1] = int8(qmin)
	return p, nil, err
}

// Symmetric codes of 8 bits have no most negative one, whatever a method says: of a network, of layers that are dynamic, and
// of the weights of a checkpoint. Where there are fewer, all of them may be used.
func TestNoMostNegativeCode(t *testing.T) {
	for bits, text := range map[int]string{8: "code -128, and symmetric codes of int8 reach from -127 to 127", 3: ""} {
		cfg := ptq.Config{WeightBits: bits, WeightMethod: lowest{}}
		g := fc(t, 2, 3, []float32{1, 2, 3, 4, 5, 6}, []float32{0.5, 0.25})
		_, _, err := ptq.Quantize(t.Context(), g, calib.Ranges{"x": {Lo: 0, Hi: 2}, "fc.y": {Lo: -1, Hi: 1}}, cfg)
		if bits < 8 {
			if q, _, dynamic := ptq.Dynamic(t.Context(), g, cfg); err != nil || dynamic != nil || codesOf[int8](t, *q.Value("w").Const)[5] != -4 {
				t.Errorf("%d bits: %v, dynamic: %v", bits, err, dynamic)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), text) || !strings.Contains(err.Error(), `weight "w"`) {
			t.Errorf("%d bits: %v", bits, err)
		}
		if _, _, err = ptq.Dynamic(t.Context(), g, cfg); err == nil || !strings.Contains(err.Error(), text) {
			t.Errorf("%d bits, dynamic: %v", bits, err)
		}
	}
}
