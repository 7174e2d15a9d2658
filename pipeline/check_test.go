package pipeline_test

import (
	"bytes"
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"linquant/dataset"
	"linquant/engine"
	"linquant/eval"
	"linquant/onnx"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/tensor"
	"linquant/vision"
)

// withBits returns the built-in network with weights of so many bits, rounded to nearest, which loses much with few.
func withBits(t *testing.T, bits int) *pipeline.Result {
	t.Helper()
	return quantized(t, pipeline.Config{Quant: ptq.Config{WeightBits: bits, WeightMethod: ptq.AbsMax{}}})
}

func check(t *testing.T, n, reference *pipeline.Network, set dataset.Set, cfg pipeline.CheckConfig) *pipeline.Checked {
	t.Helper()
	c, err := pipeline.Check(t.Context(), n, reference, set, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A clear case ends early, whatever the batch and the threads are; one that is not counts what Measure counts.
func TestCheck(t *testing.T) {
	set := images(t, "builtin:test", 1000)
	for _, c := range []struct {
		bits    int
		budget  float64
		verdict eval.Verdict
		most    int
	}{{8, 0.01, eval.Pass, 600}, {2, 0.01, eval.Fail, 30}, {4, 0.005, eval.Undecided, 1000}} {
		r := withBits(t, c.bits)
		first := check(t, r.Network, r.Float, set, pipeline.CheckConfig{MaxLoss: c.budget})
		if first.Verdict != c.verdict || first.N > c.most || first.Of != 1000 || (first.More == 0) != (c.verdict != eval.Undecided) ||
			!(first.Bounds.Low <= first.Loss && first.Loss <= first.Bounds.High) || first.Worse-first.Better != int(math.Round(first.Loss*float64(first.N))) {
			t.Errorf("%d bits: %+v", c.bits, first)
		}
		for _, cfg := range []pipeline.CheckConfig{{Batch: 1, Threads: 1}, {Batch: 7, Threads: 3}, {Batch: 3000}} {
			if c.verdict == eval.Undecided && cfg.Batch != 7 {
				continue
			}
			cfg.MaxLoss = c.budget
			got := check(t, r.Network, r.Float, set, cfg)
			if got.Verdict != first.Verdict || got.N != first.N || got.Loss != first.Loss || got.Bounds != first.Bounds || got.More != first.More {
				t.Errorf("%d bits, %+v: %+v, want %+v", c.bits, cfg, got, first)
			}
		}
		if c.verdict != eval.Undecided {
			continue
		}
		want, err := pipeline.Measure(t.Context(), r.Network, r.Float, set, pipeline.MeasureConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if first.Right != want.Network.Top1 || first.ReferenceRight != want.Reference.Top1 || first.Worse != want.Lost || first.Better != want.Gained {
			t.Errorf("%+v, and Measure %+v", first, want.Difference)
		}
		top5 := check(t, r.Network, r.Float, set, pipeline.CheckConfig{MaxLoss: 0.0001, Metric: eval.Top5})
		if top5.Right != want.Network.Top5 || top5.ReferenceRight != want.Reference.Top5 {
			t.Errorf("%+v, and Measure %d and %d", top5, want.Network.Top5, want.Reference.Top5)
		}
	}
}

// The metrics of answers are those of a naive loop over what the networks answer.
func TestCheckAnswers(t *testing.T) {
	r := withBits(t, 4)
	set := images(t, "builtin:test", 50)
	answers := func(n *pipeline.Network) [][]float32 {
		m, err := n.Compile(t.Context(), engine.Config{Threads: 1})
		if err != nil {
			t.Fatal(err)
		}
		inputs, err := pipeline.Prepare(set, n.Preprocess(), m.Inputs()[0].Shape)
		if err != nil {
			t.Fatal(err)
		}
		var list [][]float32
		for b, err := range dataset.Each(t.Context(), inputs, 1) {
			if err != nil {
				t.Fatal(err)
			}
			y := make([]float32, 10)
			if err := m.Run(t.Context(), [][]float32{y}, [][]float32{b.X}); err != nil {
				t.Fatal(err)
			}
			list = append(list, y)
		}
		return list
	}
	want := map[eval.Metric]float64{}
	a, b := answers(r.Network), answers(r.Float)
	for i := range a {
		var xx, yy, xy, noise float64
		for k := range a[i] {
			x, y := float64(a[i][k]), float64(b[i][k])
			xx, yy, xy, noise = xx+x*x, yy+y*y, xy+x*y, noise+(x-y)*(x-y)
		}
		want[eval.Cosine] += (1 - xy/math.Sqrt(xx*yy)) / 50
		want[eval.MSE] += noise / 10 / 50
		want[eval.SQNR] += noise / yy / 50
	}
	for m, mean := range want {
		got := check(t, r.Network, r.Float, set, pipeline.CheckConfig{Metric: m, MaxLoss: mean})
		if got.Verdict != eval.Undecided || got.N != 50 || math.Abs(got.Loss-mean) > 1e-9*mean || got.Clipped != 0 || got.ReferenceRight != 0 {
			t.Errorf("%s: %+v, want %g", m, got, mean)
		}
		got = check(t, r.Network, r.Float, set, pipeline.CheckConfig{Metric: m, MaxLoss: mean / 1000})
		if got.Verdict != eval.Fail || got.Clipped == 0 {
			t.Errorf("%s: %+v", m, got)
		}
	}
}

// ordered is a Judge that writes down what it is shown.
type ordered struct {
	examples, labels []int
	loss             func(n int) []float64
	all              float64
}

func (o *ordered) Losses(_ context.Context, a pipeline.Answers) ([]float64, error) {
	o.examples, o.labels = append(o.examples, a.Examples...), append(o.labels, a.Labels...)
	n := len(a.Examples)
	for _, list := range [][]tensor.Tensor{a.Network, a.Reference} {
		if len(list) != 1 || !list[0].Shape.Equal(tensor.Shape{n, 10}) || len(a.Labels) != n {
			return nil, errors.New("other answers")
		}
	}
	return o.loss(n), nil
}

func (o *ordered) All(context.Context) (float64, error) { return o.all, nil }

func each(loss float64) func(n int) []float64 {
	return func(n int) []float64 { return slices.Repeat([]float64{loss}, n) }
}

// Examples come in an order that the seed chooses, of all, also where there is a limit: a folder has its classes one after the other.
func TestCheckShuffles(t *testing.T) {
	r := withBits(t, 8)
	set := images(t, "builtin:test", 300)
	order := func(seed uint64, limit int) []int {
		o := &ordered{loss: each(0.5)} // which decides nothing
		c := check(t, r.Network, r.Float, set, pipeline.CheckConfig{Judge: o, MaxLoss: 0.5, Seed: seed, Limit: limit, Batch: 16})
		if c.Verdict != eval.Undecided || c.N != len(o.examples) || c.More != -1 || c.Whole {
			t.Errorf("%+v", c)
		}
		for i, example := range o.examples {
			if label, err := set.Read(t.Context(), example, make([]float32, 3*32*32)); err != nil || label != o.labels[i] {
				t.Fatalf("example %d has the label %d, %v, not %d", example, label, err, o.labels[i])
			}
		}
		return o.examples
	}
	one, again, other, few := order(1, 0), order(1, 0), order(2, 0), order(1, 40)
	if !slices.Equal(one, again) || slices.Equal(one, other) || !slices.Equal(few, one[:40]) || slices.IsSorted(few) {
		t.Errorf("%v, %v, %v", one, other, few)
	}
	sorted := slices.Sorted(slices.Values(one))
	for i, v := range sorted {
		if i != v {
			t.Fatalf("%v are not all examples", sorted)
		}
	}
	if slices.Max(few) < 200 {
		t.Errorf("of a limit the first: %v", few)
	}
}

func TestCheckJudge(t *testing.T) {
	r := withBits(t, 8)
	set := images(t, "builtin:test", 200)
	for name, c := range map[string]struct {
		judge     ordered
		low, high float64
		verdict   eval.Verdict
		whole     bool
		err       string
	}{
		"better":     {judge: ordered{loss: each(-0.5)}, verdict: eval.Pass},
		"worse":      {judge: ordered{loss: each(0.9)}, verdict: eval.Fail},
		"all":        {judge: ordered{loss: func(int) []float64 { return nil }, all: 0.09}, verdict: eval.Pass, whole: true},
		"all, worse": {judge: ordered{loss: func(int) []float64 { return nil }, all: 0.11}, verdict: eval.Fail, whole: true},
		"all, NaN":   {judge: ordered{loss: func(int) []float64 { return nil }, all: math.NaN()}, err: "the loss over all examples is NaN"},
		"too few":    {judge: ordered{loss: func(n int) []float64 { return make([]float64, n-1) }}, err: "63 losses for 64 examples"},
		"too much":   {judge: ordered{loss: each(1.5)}, err: "a loss of 1.5: it is not between -1 and 1"},
		"its range":  {judge: ordered{loss: each(1.5)}, low: 0, high: 2, verdict: eval.Fail},
	} {
		got, err := pipeline.Check(t.Context(), r.Network, r.Float, set, pipeline.CheckConfig{Judge: &c.judge, MaxLoss: 0.1, Low: c.low, High: c.high})
		if c.err != "" {
			contains(t, err, c.err)
			continue
		}
		if err != nil || got.Verdict != c.verdict || got.Whole != c.whole || c.whole && got.N != 200 || !c.whole && got.N > 64 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

// Files of any format, and a network that prepares pixels itself, are held against the float network.
func TestCheckFormats(t *testing.T) {
	r := withBits(t, 8)
	set := images(t, "builtin:test", 100)
	cfg := pipeline.CheckConfig{Metric: eval.MSE, MaxLoss: 1e-4}
	want := check(t, r.Network, r.Float, set, cfg)
	for _, format := range []onnx.Format{onnx.QDQ, onnx.QOperator} {
		var b bytes.Buffer
		if err := r.Export(&b, onnx.ExportConfig{Format: format}); err != nil {
			t.Fatal(err)
		}
		n, err := pipeline.Read(t.Context(), b.Bytes(), "file", pipeline.OpenConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if got := check(t, n, r.Float, set, cfg); got.Loss != want.Loss || got.N != want.N {
			t.Errorf("%v: %+v, want %+v", format, got, want)
		}
	}
	raw, err := r.WithPixels()
	if err != nil {
		t.Fatal(err)
	}
	if got := check(t, raw, r.Float, set, cfg); got.Loss != want.Loss || got.N != want.N {
		t.Errorf("of pixels: %+v, want %+v", got, want)
	}
}

// What the data says against the verdict is warned of.
func TestCheckWarns(t *testing.T) {
	r := withBits(t, 8)
	wrong := withBits(t, 8).Float
	if err := wrong.SetPreprocess(vision.Preprocess{Mean: []float32{50, 50, 50}}); err != nil {
		t.Fatal(err)
	}
	c := check(t, wrong, wrong, images(t, "builtin:test", 200), pipeline.CheckConfig{MaxLoss: 0.005})
	if c.Verdict == eval.Fail || !says(c.Warnings, "is not above chance") {
		t.Errorf("%+v", c)
	}
	x := make([]float32, 2*3*32*32)
	x[7] = float32(math.NaN())
	c = check(t, r.Network, r.Network, saved(t, x), pipeline.CheckConfig{MaxLoss: 0.005})
	if !says(c.Warnings, "has 1 value that is no numbers (NaN)") {
		t.Errorf("%v", c.Warnings)
	}
}

func TestCheckRefuses(t *testing.T) {
	r := withBits(t, 8)
	set := images(t, "builtin:test", 20)
	try := func(set dataset.Set, cfg pipeline.CheckConfig) error {
		_, err := pipeline.Check(t.Context(), r.Network, r.Float, set, cfg)
		return err
	}
	for _, cfg := range []pipeline.CheckConfig{
		{MaxLoss: 1},
		{MaxLoss: -0.1},
		{MaxLoss: math.NaN()},
		{Metric: "bleu"},
		{Metric: eval.MSE},
		{Metric: eval.Cosine, MaxLoss: 2},
		{Confidence: 95},
		{Confidence: 0.5},
		{Limit: -1},
		{Batch: -1},
		{Threads: -1},
		{Judge: &ordered{}, Low: 1},
		{Judge: &ordered{}, MaxLoss: 3},
	} {
		if err := try(set, cfg); !as[*pipeline.ConfigError](err) {
			t.Errorf("%+v: %T %v", cfg, err, err)
		}
	}
	if err := try(nil, pipeline.CheckConfig{}); !as[*pipeline.ConfigError](err) {
		t.Errorf("without a set: %v", err)
	}
	if _, err := pipeline.Check(t.Context(), nil, r.Float, set, pipeline.CheckConfig{}); err == nil {
		t.Error("without a network")
	}
	path := filepath.Join(t.TempDir(), "x.npy")
	if err := os.WriteFile(path, withoutLabels(t), 0o666); err != nil {
		t.Fatal(err)
	}
	unlabelled := images(t, "npz:"+path, 2)
	t.Cleanup(func() { unlabelled.Close() })
	if err := try(unlabelled, pipeline.CheckConfig{}); !errors.Is(err, eval.ErrNoLabel) {
		t.Errorf("%T %v", err, err)
	}
	if err := try(unlabelled, pipeline.CheckConfig{Metric: eval.Cosine, MaxLoss: 0.1}); err != nil {
		t.Errorf("cosine without labels: %v", err)
	}
	other, err := r.WithOutputs("backbone.relu0")
	if err != nil {
		t.Fatal(err)
	}
	_, err = pipeline.Check(t.Context(), other, r.Float, set, pipeline.CheckConfig{Metric: eval.MSE, MaxLoss: 0.1})
	contains(t, err, "only answers of the same form can be compared")
	two, err := r.WithOutputs("classifier", "backbone.relu0")
	if err != nil {
		t.Fatal(err)
	}
	if _, err = pipeline.Check(t.Context(), two, r.Float, set, pipeline.CheckConfig{}); !as[*pipeline.InputsError](err) {
		t.Errorf("two outputs: %v", err)
	}
	float, err := r.Float.WithOutputs("classifier", "backbone.relu0")
	if err != nil {
		t.Fatal(err)
	}
	c := check(t, two, float, set, pipeline.CheckConfig{Metric: eval.SQNR, MaxLoss: 0.01})
	if c.N != 20 || !(c.Loss > 0 && c.Loss < 0.01) {
		t.Errorf("answers of two outputs: %+v", c)
	}
}

// Interrupted, it returns what was seen.
func TestCheckEndsWithContext(t *testing.T) {
	r := withBits(t, 8)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c, err := pipeline.Check(ctx, r.Network, r.Float, images(t, "builtin:test", 200), pipeline.CheckConfig{
		MaxLoss: 0.005, Batch: 16, Progress: func(p pipeline.Progress) {
			if p.Stage != pipeline.Checking || p.Total != 200 {
				t.Errorf("%+v", p)
			}
			if p.Done >= 32 {
				cancel()
			}
		},
	})
	if !errors.Is(err, context.Canceled) || c == nil || c.N < 32 || c.N > 64 || c.Verdict != eval.Undecided || c.More == 0 {
		t.Errorf("%+v, %v", c, err)
	}
}
