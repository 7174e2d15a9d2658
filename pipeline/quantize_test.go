package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"linquant/calib"
	"linquant/dataset"
	"linquant/engine"
	"linquant/graph"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/quant"
	"linquant/tensor"
	"linquant/vision"
)

// quantized quantizes the built-in network on a few of its images.
func quantized(t *testing.T, cfg pipeline.Config) *pipeline.Result {
	t.Helper()
	if cfg.Network == nil && cfg.Bytes == nil {
		cfg.Model = pipeline.Builtin
	}
	if !cfg.Dynamic || cfg.Quant.WeightMethod != nil { // else they are for nothing, which is an error
		cfg.Calibration.Data = pipeline.Data{Spec: pipeline.Builtin, Limit: 16}
	}
	r, err := pipeline.Quantize(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}

func exported(t *testing.T, n *pipeline.Network) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := n.Export(&b, onnx.ExportConfig{}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// One call and the steps give the same file, from a path, from bytes and from a network that is open, and so do ranges
// that are there already.
func TestQuantizeSteps(t *testing.T) {
	n, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	set, err := dataset.Open(t.Context(), "builtin:train", "")
	if err != nil {
		t.Fatal(err)
	}
	ranges, err := n.Calibrate(t.Context(), dataset.Limit(set, 16), pipeline.Config{})
	if err != nil {
		t.Fatal(err)
	}
	q, report, err := n.Quantize(t.Context(), ranges, ptq.Config{})
	if err != nil {
		t.Fatal(err)
	}
	want := exported(t, q)
	if len(report.Layers) != 9 || !q.Quantized() {
		t.Errorf("%d layers, quantized: %v", len(report.Layers), q.Quantized())
	}
	for name, cfg := range map[string]pipeline.Config{
		"path":   {},
		"open":   {Network: n},
		"ranges": {Calibration: pipeline.Calibration{Ranges: ranges}},
	} {
		r := quantized(t, cfg)
		if !bytes.Equal(exported(t, r.Network), want) || r.Accuracy != nil || len(r.Warnings) > 0 {
			t.Errorf("%s: another network, or %v", name, r.Warnings)
		}
	}
	r := quantized(t, pipeline.Config{Model: "digits", Bytes: digits()})
	if r.Name != "digits" || len(r.Report.Layers) != 9 {
		t.Errorf("from bytes: %q, %d layers", r.Name, len(r.Report.Layers))
	}
	_, err = pipeline.Quantize(t.Context(), pipeline.Config{Model: "again", Bytes: want})
	if !errors.Is(err, pipeline.ErrQuantized) {
		t.Errorf("quantized twice: %v", err)
	}
	for _, again := range []func() error{
		func() error { _, err := q.Calibrate(t.Context(), set, pipeline.Config{}); return err },
		func() error { _, _, err := q.Quantize(t.Context(), ranges, ptq.Config{}); return err },
		func() error { _, _, err := q.Dynamic(t.Context(), ptq.Config{}); return err },
		func() error { _, err := q.Sweep(t.Context(), set, set, nil, pipeline.MeasureConfig{}); return err },
	} {
		if err := again(); !errors.Is(err, pipeline.ErrQuantized) {
			t.Errorf("quantized twice: %v", err)
		}
	}
}

// watching is a method of somebody else that counts the examples which layers are shown.
type watching struct {
	ptq.AbsMax
	seen *[]int
}

type counter struct {
	calib.Observer
	examples int
}

func (c *counter) Observe([]float32) error { c.examples++; return nil }
func (c *counter) EndBatch()               {}

func (watching) Needs(*ptq.LayerWeight) ([]ptq.Watch, error) {
	return []ptq.Watch{{In: ptq.InFloat, Observer: &counter{}}, {In: ptq.InQuantized, Observer: &counter{}}}, nil
}

func (m watching) Quantize(ctx context.Context, w *ptq.LayerWeight, codes []int8) (quant.Params, []float32, error) {
	for _, s := range w.Seen {
		*m.seen = append(*m.seen, s.Observer.(*counter).examples)
	}
	return m.AbsMax.Quantize(context.Background(), w, codes)
}

// A method that watches activations is shown the examples of the calibration, and the codes are those of the method.
func TestWeightMethodWatches(t *testing.T) {
	for _, dynamic := range []bool{false, true} {
		want := exported(t, quantized(t, pipeline.Config{Dynamic: dynamic}).Network)
		var seen []int
		cfg := pipeline.Config{Dynamic: dynamic, Quant: ptq.Config{WeightMethod: watching{seen: &seen}}}
		if got := exported(t, quantized(t, cfg).Network); !bytes.Equal(got, want) {
			t.Errorf("dynamic %v: another network", dynamic)
		}
		if !slices.Equal(seen, slices.Repeat([]int{16}, 2*9)) {
			t.Errorf("dynamic %v: layers are shown %d examples, want 16 in each of two networks", dynamic, seen)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if cfg.Model = pipeline.Builtin; !dynamic { // of dynamic layers ranges are refused
			cfg.Calibration.Ranges = quantized(t, pipeline.Config{}).Ranges
		}
		if _, err := pipeline.Quantize(ctx, cfg); !errors.Is(err, context.Canceled) {
			t.Errorf("dynamic %v, cancelled: %v", dynamic, err)
		}
	}
}

// Progress begins at 0, ends at the total and says what is measured.
func TestQuantizeProgress(t *testing.T) {
	var calls []pipeline.Progress
	r := quantized(t, pipeline.Config{
		Test: pipeline.Data{Spec: pipeline.Builtin, Limit: 8}, Progress: func(p pipeline.Progress) { calls = append(calls, p) },
	})
	calibrating := slices.DeleteFunc(slices.Clone(calls), func(p pipeline.Progress) bool { return p.Stage != pipeline.Calibrating })
	if len(calibrating) != 2 || calibrating[0].Done != 0 || calibrating[1].Done != 16 || calibrating[0].Total != 16 {
		t.Errorf("%+v", calibrating)
	}
	if p := calibrating[0]; p.Values != len(r.Ranges) || p.Memory != calib.MemoryEstimate(p.Values, calib.Config{}) || p.Data != "builtin train" {
		t.Errorf("%+v, %d ranges", p, len(r.Ranges))
	}
	last := calls[len(calls)-1]
	if last.Stage != pipeline.Measuring || last.Done != 8 || last.Total != 8 || last.Of != "builtin" {
		t.Errorf("%+v", last)
	}
	a := r.Accuracy
	if a.N != 8 || a.Network.N != 8 || a.Reference.N != 8 || a.Gained-a.Lost != a.Network.Top1-a.Reference.Top1 {
		t.Errorf("%+v", a)
	}
}

// Ranges are for the values and the codes of a configuration.
func TestRanges(t *testing.T) {
	n, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	mse := pipeline.Config{Network: n, Calibration: pipeline.Calibration{Method: calib.MSE}}
	ranges := quantized(t, mse).Ranges
	if _, err := n.CheckRanges(ranges, ptq.Config{}); err != nil {
		t.Error(err)
	}
	for name, tt := range map[string]struct {
		edit func(calib.Ranges)
		cfg  ptq.Config
	}{
		"missing": {func(r calib.Ranges) { delete(r, "backbone.relu0") }, ptq.Config{}},
		"bits":    {func(calib.Ranges) {}, ptq.Config{ActBits: 4}},
	} {
		edited := calib.Ranges{}
		for k, v := range ranges {
			edited[k] = v
		}
		tt.edit(edited)
		_, err := pipeline.Quantize(t.Context(), pipeline.Config{Network: n, Quant: tt.cfg, Calibration: pipeline.Calibration{Ranges: edited}})
		var of *pipeline.RangeError
		if !errors.As(err, &of) || of.Name != "builtin" || of.Value == "" || (of.Err == nil) != (name == "missing") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for k, v := range ranges {
		ranges[k] = calib.Range{Lo: v.Lo, Hi: v.Hi}
	}
	r := quantized(t, pipeline.Config{Network: n, Calibration: pipeline.Calibration{Ranges: ranges}})
	if len(r.Warnings) != 1 || r.Warnings[0] != (pipeline.UnknownCodes{}) {
		t.Errorf("warnings %v", r.Warnings)
	}
}

func TestCalibrationData(t *testing.T) {
	for name, tt := range map[string]struct {
		data pipeline.Data
		want string
	}{
		"none":  {pipeline.Data{}, "Calibration.Data: it is missing"},
		"limit": {pipeline.Data{Spec: "builtin", Limit: -1}, "Calibration.Data.Limit -1: use 1 or more"},
		"spec":  {pipeline.Data{Spec: "imagenet"}, `Calibration.Data.Spec: "imagenet" is no data set`},
	} {
		_, err := pipeline.Quantize(t.Context(), pipeline.Config{Model: "digits", Bytes: digits(), Calibration: pipeline.Calibration{Data: tt.data}})
		contains(t, err, tt.want)
		var field *pipeline.ConfigError
		if !errors.As(err, &field) {
			t.Errorf("%s: %v is no field", name, err)
		}
	}
	set, warnings, err := pipeline.Calibration{Data: pipeline.Data{Spec: "builtin:test"}}.Open(t.Context(), "digits")
	if err != nil || set.Len() != pipeline.DefaultExamples || len(warnings) != 1 ||
		warnings[0] != (pipeline.CalibratedOnTest{Data: "builtin:test", Use: "builtin:train"}) {
		t.Errorf("%v, %v", warnings, err)
	}
	set, warnings, err = pipeline.Calibration{}.Open(t.Context(), pipeline.Builtin)
	if err != nil || len(warnings) != 0 || set.Name() != "builtin train" {
		t.Errorf("%v, %v, %v", set, warnings, err)
	}
	training, err := dataset.Open(t.Context(), "builtin:train", "")
	if err != nil {
		t.Fatal(err)
	}
	if pipeline.SameExamples(t.Context(), set, training) == false || pipeline.SameExamples(t.Context(), set, dataset.Limit(training, 0)) {
		t.Error("the same examples are not seen")
	}
}

// What is said about the input travels with what the network becomes, and raw pixels give the same integers.
func TestPreprocessTravels(t *testing.T) {
	n, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	pre := vision.Preprocess{Mean: []float32{0.1, 0.2, 0.3}, Std: []float32{1, 2, 1}, Labels: []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}}
	r := quantized(t, pipeline.Config{Network: n, Preprocess: &pre})
	back, err := pipeline.Read(t.Context(), exported(t, r.Network), "back", pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if p := back.Preprocess(); !slices.Equal(p.Mean, pre.Mean) || !slices.Equal(p.Labels, pre.Labels) {
		t.Errorf("%+v", p)
	}
	prepared, err := r.Compile(t.Context(), engine.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := quantized(t, pipeline.Config{Network: n, Pixels: true}).Compile(t.Context(), engine.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	pixels := make([]uint8, 3*32*32)
	for i := range pixels {
		pixels[i] = uint8(i * i)
	}
	a, err := prepared.Classify(t.Context(), pixels, 10)
	if err != nil {
		t.Fatal(err)
	}
	b, err := raw.Classify(t.Context(), pixels, 10)
	if err != nil || !slices.Equal(a, b) || a[0].Label == "" {
		t.Errorf("%v and %v, %v", a, b, err)
	}
	pre.Labels = pre.Labels[1:]
	_, err = pipeline.Quantize(t.Context(), pipeline.Config{Network: n, Preprocess: &pre})
	var labels *pipeline.LabelsError
	if !errors.As(err, &labels) || labels.Labels != 9 || labels.Classes != 10 {
		t.Errorf("9 labels: %v", err)
	}
	_, err = n.WithPixels()
	contains(t, err, "builtin: the network is not quantized")
}

func TestDynamic(t *testing.T) {
	r, err := pipeline.Quantize(t.Context(), pipeline.Config{Model: "digits", Bytes: digits(), Dynamic: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	m, err := r.Compile(t.Context(), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if m.Numbers.String() != "integers, 9 layers dynamic" || r.Ranges != nil {
		t.Errorf("%v, %v", m.Numbers, r.Ranges)
	}
}

// The sum of two images is a network with two inputs, which no data set has.
func TestTwoInputs(t *testing.T) {
	g := graph.New("two")
	g.AddInput("a", tensor.Shape{graph.Batch, 3, 32, 32})
	g.AddInput("b", tensor.Shape{graph.Batch, 3, 32, 32})
	g.Outputs = []string{g.AddNode(graph.Add, "sum", "y", nil, "a", "b")}
	n, err := pipeline.NewNetwork(g)
	if err != nil {
		t.Fatal(err)
	}
	set, err := dataset.Open(t.Context(), "builtin:test", "")
	if err != nil {
		t.Fatal(err)
	}
	m, err := n.Compile(t.Context(), engine.Config{})
	if err != nil {
		t.Fatal(err)
	}
	_, calibrated := n.Calibrate(t.Context(), set, pipeline.Config{})
	_, compared := pipeline.Compare(t.Context(), n, n, set, pipeline.MeasureConfig{})
	_, measured := m.Accuracy(t.Context(), set, pipeline.MeasureConfig{})
	for _, err := range []error{calibrated, compared, measured} {
		var inputs *pipeline.InputsError
		if !errors.As(err, &inputs) || inputs.Inputs != 2 || inputs.Outputs != 1 {
			t.Errorf("%v", err)
		}
	}
	b, err := m.Benchmark(t.Context(), 2, 1, 0)
	if err != nil || b.Runs < 3 || b.PeakBytes < m.Memory().Activations {
		t.Errorf("%+v, %v", b, err)
	}
}

// What a batch takes at its peak are the weights and, for each worker, scratch and the examples that it computes at once,
// of which there are no more than its share.
func TestPeakBytes(t *testing.T) {
	g := graph.New("heavy")
	g.AddInput("x", tensor.Shape{graph.Batch, 512})
	w, err := tensor.Of(tensor.Shape{512, 512}, make([]float32, 512*512))
	if err != nil {
		t.Fatal(err)
	}
	g.AddConst("w", w)
	g.Outputs = []string{g.AddNode(graph.MatMul, "fc", "y", nil, "x", "w")}
	m, err := pipeline.CompileGraph(t.Context(), g, engine.Config{Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	memory := m.Memory()
	if memory.Group < 3 {
		t.Fatalf("%d examples at once are too few for this test", memory.Group)
	}
	for batch, examples := range map[int]int{1: 1, 2: 2, 40: memory.Group} {
		b, err := m.Benchmark(t.Context(), batch, 1, 0)
		if want := memory.Weights + int64(examples)*memory.Activations + memory.Scratch; err != nil || b.PeakBytes != want {
			t.Errorf("a batch of %d: %+v, %v; want %d bytes", batch, b, err, want)
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := pipeline.Quantize(ctx, pipeline.Config{Model: pipeline.Builtin}); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// What is said about the input after the network was folded is what it is compiled and exported with, even where the
// shape alone would say something else.
func TestSetPreprocess(t *testing.T) {
	g := graph.New("ambiguous")
	g.AddInput("x", tensor.Shape{graph.Batch, 3, 2, 3})
	g.Outputs = []string{g.AddNode(graph.Relu, "relu", "y", nil, "x")}
	n, err := pipeline.NewNetwork(g)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Folded(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := n.SetPreprocess(vision.Preprocess{ChannelsLast: true}); err != nil {
		t.Fatal(err)
	}
	m, err := n.Compile(t.Context(), engine.Config{})
	if err != nil || !m.Preprocess.ChannelsLast {
		t.Errorf("compiled: %+v, %v", m.Preprocess, err)
	}
	back, err := pipeline.Read(t.Context(), exported(t, n), "back", pipeline.OpenConfig{})
	if err != nil || !back.Preprocess().ChannelsLast {
		t.Errorf("exported: %+v, %v", back.Preprocess(), err)
	}
	if len(g.Metadata) != 0 {
		t.Errorf("the graph that was given has %v", g.Metadata)
	}
}

// An inspected network of integers says of each layer how many bits its weights have.
func TestInspectBits(t *testing.T) {
	for _, bits := range []int{4, 8} {
		in, err := quantized(t, pipeline.Config{Quant: ptq.Config{WeightBits: bits}}).Inspect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		layers := 0
		for _, l := range in.Layers {
			if l.Operator == "Conv" || l.Operator == "Gemm" {
				if layers++; !strings.HasSuffix(l.Numbers, fmt.Sprintf("8, weights of %d bits", bits)) {
					t.Errorf("%s: %q with weights of %d bits", l.Name, l.Numbers, bits)
				}
			}
		}
		if layers != 9 {
			t.Errorf("%d layers, want 9", layers)
		}
	}
}
