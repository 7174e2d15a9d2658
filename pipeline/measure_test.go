package pipeline_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"linquant/calib"
	"linquant/dataset"
	"linquant/eval"
	"linquant/pipeline"
	"linquant/ptq"
	"linquant/quant"
	"linquant/vision"
)

func images(t *testing.T, spec string, n int) dataset.Set {
	t.Helper()
	set, err := dataset.Open(t.Context(), spec, "")
	if err != nil {
		t.Fatal(err)
	}
	return dataset.Limit(set, n)
}

// A network that prepares pixels itself is as far from the float one as that whose pixels are prepared.
func TestCompare(t *testing.T) {
	pre := vision.Preprocess{Mean: []float32{0.1, 0.2, 0.3}} // without it the pixels are the codes
	r := quantized(t, pipeline.Config{Preprocess: &pre})
	set := images(t, "builtin:test", 3)
	want, err := pipeline.Compare(t.Context(), r.Float, r.Network, set, pipeline.MeasureConfig{})
	if err != nil {
		t.Fatal(err)
	}
	if len(want.Layers) < 9 || want.Layers[0].SQNR < 20 || len(want.Warnings) > 0 {
		t.Errorf("%+v, %v", want.Layers, want.Warnings)
	}
	raw, err := r.WithPixels()
	if err != nil {
		t.Fatal(err)
	}
	got, err := pipeline.Compare(t.Context(), r.Float, raw, set, pipeline.MeasureConfig{})
	if err != nil {
		t.Fatal(err)
	}
	same := func(l eval.Layer) bool { return l.Name != "input" && l.Name != "input_quantized" }
	layers := func(all []eval.Layer) map[string]eval.Layer {
		m := map[string]eval.Layer{}
		for _, l := range all {
			if same(l) {
				m[l.Name] = l
			}
		}
		return m
	}
	if diff := cmp.Diff(layers(want.Layers), layers(got.Layers), cmpopts.EquateNaNs()); diff != "" {
		t.Error(diff)
	}
	for _, n := range []*pipeline.Network{raw, r.Float} {
		if n.TakesPixels() != (n == raw) {
			t.Errorf("takes pixels: %v", n.TakesPixels())
		}
	}
	_, err = pipeline.Compare(t.Context(), raw, r.Float, set, pipeline.MeasureConfig{})
	contains(t, err, "takes raw pixels and the other network does not")
}

// Variants share the ranges that suit them: extremes those for any bits, others only for theirs.
func TestSweep(t *testing.T) {
	n, err := pipeline.Open(t.Context(), pipeline.Builtin, pipeline.OpenConfig{})
	if err != nil {
		t.Fatal(err)
	}
	var variants []pipeline.Variant
	for _, method := range []calib.Method{calib.MinMax, calib.MSE} {
		for _, bits := range []int{8, 4} {
			variants = append(variants, pipeline.Variant{Method: method, Quant: ptq.Config{ActBits: bits}})
		}
	}
	calibrations := 0
	measured, err := n.Sweep(t.Context(), images(t, "builtin:train", 8), images(t, "builtin:test", 8), variants, pipeline.MeasureConfig{
		Progress: func(p pipeline.Progress) {
			if p.Stage == pipeline.Calibrating && p.Done == 0 {
				calibrations++
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(measured) != 5 || calibrations != 3 {
		t.Fatalf("%d measured, %d calibrations", len(measured), calibrations)
	}
	float := measured[0]
	if float.Variant != nil || float.Difference != nil || float.Numbers.Integers || float.WeightBytes != 4*(144216+344+650) {
		t.Errorf("%+v", float)
	}
	for i, m := range measured[1:] {
		// Each is what it is alone.
		v := variants[i]
		r := quantizedOn(t, n, v, 8)
		a, err := pipeline.Measure(t.Context(), r, n, images(t, "builtin:test", 8), pipeline.MeasureConfig{})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(a.Network.Predicted, m.Accuracy.Predicted); diff != "" || m.Variant.Quant.ActBits != v.Quant.ActBits {
			t.Errorf("%v: %s", v, diff)
		}
		if m.Difference.Value() != a.Value() || m.WeightBytes >= float.WeightBytes/3 {
			t.Errorf("%v: %+v, %d bytes", v, m.Difference, m.WeightBytes)
		}
	}
	v := pipeline.Variant{Method: calib.MSE, Quant: ptq.Config{WeightBits: 4, PerTensor: true}}
	if v.String() != "w4a8 per tensor, mse" || v.Granularity() != quant.PerTensor {
		t.Errorf("%v", v)
	}
}

func quantizedOn(t *testing.T, n *pipeline.Network, v pipeline.Variant, examples int) *pipeline.Network {
	t.Helper()
	cfg := pipeline.Config{Quant: v.Quant, Calibration: pipeline.Calibration{Method: v.Method}}
	ranges, err := n.Calibrate(t.Context(), images(t, "builtin:train", examples), cfg)
	if err != nil {
		t.Fatal(err)
	}
	q, _, err := n.Quantize(t.Context(), ranges, v.Quant)
	if err != nil {
		t.Fatal(err)
	}
	return q
}
