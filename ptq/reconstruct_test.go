package ptq_test

import (
	"context"
	"encoding"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"linquant/calib"
	"linquant/engine"
	"linquant/graph"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
)

// examplesFor are random examples of a network, in batches of 24, and others that it is measured on.
func examplesFor(t testing.TB, n *net, elements, count int) (ptq.Examples, []float32, []float32) {
	x := n.random(count * elements)
	return ptq.Examples{
		Compile: func(g *graph.Graph, keep []string) (calib.Runner, error) {
			return engine.Compile(context.Background(), g, engine.Config{Threads: 2, Keep: keep})
		},
		Batches: func(yield func([][]float32, error) bool) {
			for batch := range slices.Chunk(x, 24*elements) {
				if !yield([][]float32{batch}, nil) {
					return
				}
			}
		},
	}, x, n.random(count * elements)
}

// rangesOf are those that the examples need.
func rangesOf(t testing.TB, g *graph.Graph, cfg ptq.Config) calib.Ranges {
	t.Helper()
	points, err := ptq.Points(g, cfg)
	if err != nil {
		t.Fatal(err)
	}
	p, err := cfg.Examples.Compile(g, calib.Values(points))
	if err != nil {
		t.Fatal(err)
	}
	ranges, err := calib.Run(t.Context(), p, cfg.Examples.Batches, points, calib.Config{})
	if err != nil {
		t.Fatal(err)
	}
	return ranges
}

// traced returns what values are for each example, in the order of the examples.
func traced(t testing.TB, g *graph.Graph, x []float32, values ...string) map[string][]float32 {
	t.Helper()
	p, err := engine.Compile(context.Background(), g, engine.Config{Keep: values})
	if err != nil {
		t.Fatal(err)
	}
	found := map[string][]float32{}
	err = p.Trace(context.Background(), [][]float32{x}, func(value string, x []float32) error {
		found[value] = append(found[value], x...)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// residual has layers of all forms: pictures, strides, groups, depthwise, dilation, a residual sum, rows of a matrix.
func residual(t testing.TB) (*net, *graph.Graph) {
	n := newNet(t, 3, 8, 8)
	a := n.op(graph.Relu, "ra", nil, n.conv("a", "x", 3, 8))
	b := n.op(graph.Conv, "b", graph.Attrs{"group": 8, "pads": []int{1, 1, 1, 1}}, a, n.constant("b.w", tensor.Shape{8, 1, 3, 3}), n.constant("b.b", tensor.Shape{8}))
	c := n.op(graph.Relu, "rc", nil, n.op(graph.Add, "add", nil, n.op(graph.Conv, "c", nil, b, n.constant("c.w", tensor.Shape{8, 8, 1, 1})), a))
	d := n.op(graph.Conv, "d", graph.Attrs{"group": 2, "strides": []int{2, 2}, "dilations": []int{2, 1}, "pads": []int{2, 0, 1, 1}}, c,
		n.constant("d.w", tensor.Shape{6, 4, 3, 2}), n.constant("d.b", tensor.Shape{6}))
	d = n.op(graph.Sigmoid, "sd", nil, d)
	m := n.op(graph.MatMul, "m", nil, d, n.constant("m.w", tensor.Shape{4, 5}))
	return n, n.done(n.gemm("fc", n.op(graph.Flatten, "flat", nil, m), 6*4*5, 4))
}

// With few bits the reconstructed network is nearer to the float one than one whose codes are the nearest, on examples that
// it has not seen, and every layer is.
func TestReconstruct(t *testing.T) {
	n, g := residual(t)
	examples, _, unseen := examplesFor(t, n, 3*8*8, 240)
	layers := []string{"a.y", "b.y", "c.y", "d.y", "m.y", "fc.y"}
	want := traced(t, g, unseen, layers...)
	for i, cfg := range []ptq.Config{
		{WeightBits: 2},
		{WeightBits: 3},
		{WeightBits: 2, PerTensor: true},
		{WeightBits: 3, ActSigned: true, ActSymmetric: true},
		{WeightBits: 2, Overrides: []ptq.Override{{Pattern: "d", Float: true}}},
	} {
		noise := func(method ptq.WeightMethod, dynamic bool) float64 {
			cfg := cfg
			cfg.WeightMethod, cfg.Examples = method, examples
			var q *graph.Graph
			var report *ptq.NetworkReport
			var err error
			if dynamic {
				q, report, err = ptq.Dynamic(t.Context(), g, cfg)
			} else {
				q, report, err = ptq.Quantize(t.Context(), g, rangesOf(t, g, cfg), cfg)
			}
			if err != nil {
				t.Fatal(err)
			}
			if got := report.WeightMethod; method == nil && (got != "reconstruct" || report.Examples != 240 || report.Memory <= 0) {
				t.Errorf("it was %s, on %d examples, with %d bytes", got, report.Examples, report.Memory)
			}
			got := traced(t, q, unseen, q.Outputs[0])[q.Outputs[0]]
			sum := 0.0
			for i, v := range want["fc.y"] {
				sum += math.Pow(float64(v-got[i]), 2)
			}
			return sum
		}
		for _, dynamic := range []bool{false, true} {
			if dynamic && i > 0 {
				continue
			}
			nearest, mse, reconstructed := noise(ptq.AbsMax{}, dynamic), noise(ptq.LeastSquares{}, dynamic), noise(nil, dynamic)
			if reconstructed*1.4 > min(nearest, mse) {
				t.Errorf("%d, dynamic %v: noise of the nearest codes %v, at a better scale %v, reconstructed %v", i, dynamic, nearest, mse, reconstructed)
			}
		}
	}
}

// Without examples, or with 8 bits, the codes are the nearest.
func TestReconstructIsTheDefault(t *testing.T) {
	n, g := residual(t)
	examples, _, _ := examplesFor(t, n, 3*8*8, 24)
	for want, cfg := range map[string]ptq.Config{
		"nearest":     {Examples: examples},
		"reconstruct": {Examples: examples, Overrides: []ptq.Override{{Pattern: "c", WeightBits: 4}}},
		"mse":         {Examples: examples, WeightBits: 4, WeightMethod: ptq.LeastSquares{}},
	} {
		_, report, err := ptq.Quantize(t.Context(), g, rangesOf(t, g, cfg), cfg)
		if err != nil || report.WeightMethod != want {
			t.Errorf("%v: %v, want %s", report.WeightMethod, err, want)
		}
		if cfg.Examples = (ptq.Examples{}); want == "reconstruct" {
			if _, report, err := ptq.Dynamic(t.Context(), g, cfg); err != nil || report.WeightMethod != "nearest" {
				t.Errorf("without examples: %v, %v", report.WeightMethod, err)
			}
		}
	}
}

// The same network comes of the same examples and seed, on any number of threads.
func TestReconstructIsDeterministic(t *testing.T) {
	n, g := residual(t)
	examples, _, _ := examplesFor(t, n, 3*8*8, 48)
	var first map[string][]int8
	for _, r := range []ptq.Reconstruct{{Threads: 1, Samples: 1000}, {Threads: 3, Samples: 1000}, {Threads: 3, Samples: 1000, Seed: 1}} {
		cfg := ptq.Config{WeightBits: 2, WeightMethod: r, Examples: examples}
		q, _, err := ptq.Quantize(t.Context(), g, rangesOf(t, g, cfg), cfg)
		if err != nil {
			t.Fatal(err)
		}
		codes := map[string][]int8{}
		for _, name := range []string{"a.w", "b.w", "c.w", "d.w", "m.w", "fc.w"} {
			codes[name] = codesOf[int8](t, *q.Value(name).Const)
		}
		if first == nil {
			first = codes
		}
		same := true
		for name := range codes {
			same = same && slices.Equal(codes[name], first[name])
		}
		if same != (r.Seed == 0) {
			t.Errorf("%+v: the same codes is %v", r, same)
		}
	}
}

// spy is a method that remembers what it is shown.
type spy struct {
	ptq.AbsMax
	seen map[string][]float32
}

type memory struct {
	into *[]float32
	encoding.BinaryMarshaler
	encoding.BinaryUnmarshaler
}

func (m memory) Observe(x []float32) error  { *m.into = append(*m.into, x...); return nil }
func (memory) EndBatch()                    {}
func (memory) Merge(o calib.Observer) error { return errors.New("not merged") }

func (s spy) Needs(w *ptq.LayerWeight) ([]ptq.Watch, error) {
	var list []ptq.Watch
	for _, in := range []ptq.Network{ptq.InFloat, ptq.InQuantized, ptq.OfOutput} {
		if in != ptq.InFloat && w.Node.Name == "b" {
			continue // not every layer asks for everything
		}
		m := memory{into: new([]float32)}
		list = append(list, ptq.Watch{In: in, Observer: m})
	}
	return list, nil
}

func (s spy) Quantize(ctx context.Context, w *ptq.LayerWeight, codes []int8) (quant.Params, []float32, error) {
	for _, watch := range w.Seen {
		s.seen[fmt.Sprint(w.Node.Name, watch.In)] = *watch.Observer.(memory).into
	}
	return s.AbsMax.Quantize(ctx, w, codes)
}

// What layers are shown, while each node runs once, is what whole networks show: their inputs in both, and their outputs in
// the float one, to which a sum's other part has lost is added.
func TestLayersAreShown(t *testing.T) {
	n, g := residual(t)
	examples, x, _ := examplesFor(t, n, 3*8*8, 60)
	inputs := map[string]string{"a": "x", "b": "ra.y", "c": "b.y", "d": "rc.y", "m": "sd.y", "fc": "flat.y"}
	for _, cfg := range []ptq.Config{{}, {Overrides: []ptq.Override{{Pattern: "sd,add", Float: true}}}, {ActBits: 4}} {
		s := spy{seen: map[string][]float32{}}
		cfg.WeightMethod, cfg.Examples = s, examples
		q, _, err := ptq.Quantize(t.Context(), g, rangesOf(t, g, cfg), cfg)
		if err != nil {
			t.Fatal(err)
		}
		var values []string
		for _, v := range inputs {
			values = append(values, v)
		}
		floats := traced(t, g, x, append(values, "a.y", "c.y", "d.y", "m.y", "fc.y", "ra.y")...)
		for layer, in := range inputs {
			if got := s.seen[fmt.Sprint(layer, ptq.InFloat)]; !slices.Equal(got, floats[in]) {
				t.Errorf("%s is shown another input of the float network", layer)
			}
			if layer == "b" {
				continue
			}
			var read string
			for _, node := range q.Nodes {
				if node.Name == layer {
					read = node.Inputs[0]
				}
			}
			ints := traced(t, q, x, read, "ra.y")
			if got := s.seen[fmt.Sprint(layer, ptq.InQuantized)]; !near(got, ints[read]) {
				t.Errorf("%s is shown another input of the quantized network", layer)
			}
			want := floats[layer+".y"]
			if layer == "c" { // it is added to ra.y
				want = slices.Clone(want)
				for i := range want {
					want[i] += floats["ra.y"][i] - ints["ra.y"][i]
				}
			}
			if got := s.seen[fmt.Sprint(layer, ptq.OfOutput)]; !near(got, want) {
				t.Errorf("%s is shown another output", layer)
			}
		}
	}
}

// near reports whether numbers are the same but for the last bits.
func near(a, b []float32) bool {
	if len(a) != len(b) || len(a) == 0 {
		return false
	}
	for i := range a {
		if math.Abs(float64(a[i]-b[i])) > 1e-5*(1+math.Abs(float64(a[i]))) {
			return false
		}
	}
	return true
}

// Layers that nothing can be learned about are quantized all the same; what is no number is an error that names the layer.
func TestReconstructOddInputs(t *testing.T) {
	n := newNet(t, 12)
	g := n.done(n.gemm("fc", n.op(graph.Relu, "r", nil, n.gemm("a", "x", 12, 16)), 16, 4))
	feed := func(x ...float32) ptq.Examples {
		e, _, _ := examplesFor(t, n, 12, 1)
		e.Batches = func(yield func([][]float32, error) bool) { yield([][]float32{x}, nil) }
		return e
	}
	cfg := ptq.Config{WeightBits: 3, Examples: feed(slices.Repeat([]float32{0.5}, 12)...)}
	ranges := calib.Ranges{"x": {Lo: -1, Hi: 1}, "r.y": {Lo: 0, Hi: 9}, "fc.y": {Lo: -9, Hi: 9}}
	q, report, err := ptq.Quantize(t.Context(), g, ranges, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if !report.Layers[0].Constant || !report.Layers[1].Constant {
		t.Errorf("it is not said that inputs are constant: %+v", report.Layers)
	}
	// One example is computed as well as its bias can say.
	x := slices.Repeat([]float32{0.5}, 12)
	want, got := traced(t, g, x, "fc.y")["fc.y"], traced(t, q, x, q.Outputs[0])[q.Outputs[0]]
	for i := range want {
		if math.Abs(float64(want[i]-got[i])) > 0.1 {
			t.Errorf("output %d is %v, want %v", i, got[i], want[i])
		}
	}
	cfg.Examples = feed()
	if _, _, err := ptq.Quantize(t.Context(), g, ranges, cfg); err == nil || !strings.Contains(err.Error(), "there are no examples") {
		t.Errorf("no examples: %v", err)
	}
	bad := slices.Repeat([]float32{0.5}, 12)
	bad[3] = float32(math.NaN())
	cfg.Examples = feed(bad...)
	if _, _, err := ptq.Quantize(t.Context(), g, ranges, cfg); err == nil || !strings.Contains(err.Error(), `Gemm node "a"`) {
		t.Errorf("NaN: %v", err)
	}
	large := slices.Repeat([]float32{0.5}, 12)
	large[3] = 3e38
	cfg.Examples = feed(large...)
	if _, _, err := ptq.Quantize(t.Context(), g, calib.Ranges{"x": {Lo: -1, Hi: 3e38}, "r.y": {Lo: 0, Hi: 9}, "fc.y": {Lo: -9, Hi: 9}}, cfg); err == nil ||
		!strings.Contains(err.Error(), "is +Inf") || !strings.Contains(err.Error(), `Gemm node "fc"`) {
		t.Errorf("an activation beyond float32: %v", err)
	}
	cfg.Examples = feed(make([]float32, 13)...)
	if _, _, err := ptq.Quantize(t.Context(), g, ranges, cfg); err == nil || !strings.Contains(err.Error(), "13 elements") {
		t.Errorf("half an example: %v", err)
	}
}

// Done quickly, reconstruction still is better than the nearest codes, and other than done thoroughly.
func TestReconstructQuick(t *testing.T) {
	n, g := residual(t)
	examples, _, unseen := examplesFor(t, n, 3*8*8, 240)
	want := traced(t, g, unseen, "fc.y")["fc.y"]
	noise := func(method ptq.WeightMethod) (sum float64) {
		cfg := ptq.Config{WeightBits: 2, WeightMethod: method, Examples: examples}
		q, _, err := ptq.Quantize(t.Context(), g, rangesOf(t, g, cfg), cfg)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range traced(t, q, unseen, q.Outputs[0])[q.Outputs[0]] {
			sum += math.Pow(float64(v-want[i]), 2)
		}
		return sum
	}
	nearest, quick, all := noise(ptq.LeastSquares{}), noise(ptq.Reconstruct{Quick: true}), noise(ptq.Reconstruct{})
	if t.Logf("nearest %v, quick %v, all of it %v", nearest, quick, all); quick >= nearest || quick == all {
		t.Errorf("the noise is %v, with the nearest codes %v, and with all of it %v", quick, nearest, all)
	}
}

// Inputs that cannot be told apart, since they are the same or since there are few samples, make a matrix that is singular: the layer is
// quantized all the same, and with samples enough computes what it should at least as well as with the nearest codes.
func TestReconstructSingular(t *testing.T) {
	n := newNet(t, 24)
	g := n.done(n.gemm("a", "x", 24, 16))
	for _, count := range []int{6, 96} {
		examples, x, unseen := examplesFor(t, n, 24, count)
		for _, of := range [][]float32{x, unseen} {
			for i := range of { // the second third is the first, and the last is always the same but for one element
				if k := i % 24; 8 <= k && k < 16 {
					of[i] = of[i-8]
				} else if k > 16 {
					of[i] = 0.25
				}
			}
		}
		want := traced(t, g, unseen, "a.y")["a.y"]
		noise := func(method ptq.WeightMethod) (sum float64) {
			cfg := ptq.Config{WeightBits: 3, WeightMethod: method, Examples: examples}
			q, report, err := ptq.Quantize(t.Context(), g, rangesOf(t, g, cfg), cfg)
			if err != nil {
				t.Fatal(err)
			}
			if report.Layers[0].Constant {
				t.Error("some inputs vary, and it is said that none does")
			}
			for i, v := range traced(t, q, unseen, q.Outputs[0])[q.Outputs[0]] {
				sum += math.Pow(float64(v-want[i]), 2)
			}
			return sum
		}
		if got, nearest := noise(ptq.Reconstruct{}), noise(ptq.LeastSquares{}); got > nearest && count > 24 {
			t.Errorf("%d examples: the noise is %v, with the nearest codes %v", count, got, nearest)
		}
	}
}

// Of examples that would take more memory than there is, fewer are used, and the report says how many.
func TestReconstructMemory(t *testing.T) {
	n, g := residual(t)
	examples, _, _ := examplesFor(t, n, 3*8*8, 240)
	cfg := ptq.Config{WeightBits: 2, Examples: examples}
	ranges := rangesOf(t, g, cfg)
	cfg.Examples.Memory = 1 << 20
	_, report, err := ptq.Quantize(t.Context(), g, ranges, cfg)
	if err != nil || report.Memory > 1<<20 || report.Examples < 8 || report.Examples >= 240 {
		t.Errorf("%d examples, %d bytes, %v", report.Examples, report.Memory, err)
	}
}

// Alone, what the layers before one are quantized to is nothing to it.
func TestReconstructAlone(t *testing.T) {
	n, g := residual(t)
	examples, _, _ := examplesFor(t, n, 3*8*8, 48)
	codes := func(alone bool, first int) []byte {
		cfg := ptq.Config{WeightBits: 3, Examples: examples, Alone: alone, Overrides: []ptq.Override{{Pattern: "a", WeightBits: first}}}
		q, _, err := ptq.Quantize(t.Context(), g, rangesOf(t, g, cfg), cfg)
		if err != nil {
			t.Fatal(err)
		}
		return q.Value("c.w").Const.Data
	}
	if !slices.Equal(codes(true, 2), codes(true, 8)) {
		t.Error("alone, a layer's codes depend on the bits of a layer before it")
	}
	if slices.Equal(codes(false, 2), codes(false, 8)) {
		t.Error("a layer's codes do not depend on the bits of a layer before it")
	}
}

// One scale for a whole weight is one for all groups of a convolution too, though their codes are chosen one by one.
func TestReconstructGroupsShareAScale(t *testing.T) {
	n := newNet(t, 4, 8, 8)
	w := n.random(4 * 9)
	for i := range w { // the groups have weights of other sizes
		w[i] *= []float32{1, 0.6, 0.3, 0.8}[i/9]
	}
	g := n.done(n.op(graph.Conv, "c", graph.Attrs{"group": 4, "pads": []int{1, 1, 1, 1}}, "x", n.constant("c.w", tensor.Shape{4, 1, 3, 3}, w...), n.constant("c.b", tensor.Shape{4})))
	examples, _, unseen := examplesFor(t, n, 4*64, 48)
	want := traced(t, g, unseen, "c.y")["c.y"]
	noise := func(method ptq.WeightMethod) []float64 { // of each group
		cfg := ptq.Config{WeightBits: 4, PerTensor: true, WeightMethod: method, Examples: examples}
		q, _, err := ptq.Quantize(t.Context(), g, rangesOf(t, g, cfg), cfg)
		if err != nil {
			t.Fatal(err)
		}
		sums := make([]float64, 4)
		for i, v := range traced(t, q, unseen, q.Outputs[0])[q.Outputs[0]] {
			sums[i/64%4] += math.Pow(float64(v-want[i]), 2)
		}
		return sums
	}
	for i, v := range noise(ptq.Reconstruct{}) {
		if least := noise(ptq.LeastSquares{})[i]; v > 1.05*least {
			t.Errorf("group %d has a noise of %v, with the nearest codes %v", i, v, least)
		}
	}
}
